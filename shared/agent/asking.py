"""Asks the model, at most once per step of a turn, and remembers the answer before anyone acts on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.agent.model_client import ContentRefused, ModelAnswer
from shared.platform.errors import FrontdeskError, RetryLater
from shared.platform.observability import count, log, milliseconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.agent.journal import Journal
    from shared.agent.model_client import ModelClient, ModelRequest
    from shared.platform.clock import Clock, Deadline

# With less than this no model answers; the call would only cost.
SHORTEST_CALL_SECONDS = 1.0


@dataclass(frozen=True)
class Asking:
    """The model, seen from one turn.

    Args:
        model: who is asked.
        journal: what the turn remembers.
        deadline: when the turn must be over.
        clock: measures how long calls take.
    """

    model: ModelClient
    journal: Journal
    deadline: Deadline
    clock: Clock

    def ask(self, step: str, make_request: Callable[[], ModelRequest]) -> ModelAnswer:
        """The recorded answer of a step, or a new one, recorded.

        Args:
            step: the step's name.
            make_request: called only when the model is really asked.

        Raises:
            RetryLater: the turn's time is used up, or see `ModelClient.answer`.
            GiveUp: see `ModelClient.answer`.
        """
        recorded = self.journal.answer(step)
        if recorded is not None:
            return ModelAnswer.from_json(recorded)
        self.journal.before_step(step)
        if self.deadline.remaining_seconds() < SHORTEST_CALL_SECONDS:
            raise RetryLater("the turn's time is used up", reason="turn_time")
        answer = self._call(step, make_request())
        self.journal.record_answer(step, answer.as_json())
        return answer

    def _call(self, step: str, request: ModelRequest) -> ModelAnswer:
        start = self.clock.monotonic()
        try:
            answer = self.model.answer(request, timeout_seconds=self.deadline.remaining_seconds())
        except ContentRefused:
            answer = ModelAnswer(api="", outcome="refused", text="")
        except FrontdeskError as error:
            count("ModelCallsFailed", reason=error.reason)
            raise
        took = (self.clock.monotonic() - start) * 1000
        milliseconds("ModelCallTime", took, purpose=request.purpose)
        log.info(
            "the model answered",
            step=step,
            purpose=request.purpose,
            outcome=answer.outcome,
            model=answer.model,
            tools=[call.name for call in answer.tool_calls],
            usage=answer.usage,
            took_milliseconds=round(took),
        )
        return answer
