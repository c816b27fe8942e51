"""How a turn remembers what it has done, so that doing it again does nothing twice.

The steps of a turn are named ``route``, ``answer-0``, ``answer-1`` …: one per model call. A model's answer is
recorded whole before any of its tools runs, and a tool's result before the model hears of it. A turn that is
run again after a crash reads them back and goes on after the last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shared.agent.values import JsonDict


class Journal(Protocol):
    """Where one turn's model answers and tool results are kept. Everything recorded is JSON."""

    @property
    def identity(self) -> str:
        """The turn's identity, the same in every attempt; tools make their effects' keys from it."""
        ...

    def answer(self, step: str) -> JsonDict | None:
        """The model's answer recorded for this step, if any."""
        ...

    def record_answer(self, step: str, answer: JsonDict) -> None:
        """Keep the model's answer; may raise to stop a turn that another worker has taken over."""
        ...

    def tool_result(self, step: str, index: int) -> JsonDict | None:
        """The recorded result of the tool call at this place of the step's answer, if any."""
        ...

    def record_tool_result(self, step: str, index: int, result: JsonDict) -> None:
        """Keep a tool's result; may raise like `record_answer`."""
        ...

    def before_step(self, step: str) -> None:
        """Called right before each outside effect (model call, tool call): renews the lease, or raises."""
        ...


class MemoryJournal:
    """A journal that lives as long as its object: for sandbox turns, which have no effects to protect."""

    identity = "memory"

    def __init__(self) -> None:
        self.answers: dict[str, JsonDict] = {}
        self.results: dict[tuple[str, int], JsonDict] = {}

    def answer(self, step: str) -> JsonDict | None:
        """See `Journal`."""
        return self.answers.get(step)

    def record_answer(self, step: str, answer: JsonDict) -> None:
        """See `Journal`."""
        self.answers[step] = answer

    def tool_result(self, step: str, index: int) -> JsonDict | None:
        """See `Journal`."""
        return self.results.get((step, index))

    def record_tool_result(self, step: str, index: int, result: JsonDict) -> None:
        """See `Journal`."""
        self.results[step, index] = result

    def before_step(self, step: str) -> None:
        """See `Journal`; nothing to renew."""
