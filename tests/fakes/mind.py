"""A mind that says what a test wants."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shared.agent.values import AgentResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from shared.agent.journal import Journal
    from shared.agent.media.pictures import Picture
    from shared.agent.values import HistoryMessage, TurnContext


@dataclass(frozen=True)
class Asked:
    """One question as the mind got it."""

    question: str
    history: tuple[HistoryMessage, ...]
    context: TurnContext
    pictures: tuple[Picture | None, ...] = ()


@dataclass
class FakeMind:
    """Stands in for `shared.agent.orchestrator.Orchestrator`, with one step in the journal.

    ``answer`` makes the response from the question, or raises. ``asked`` holds what really reached the model;
    a step that the journal knows is not asked again.
    """

    answer: Callable[[str], AgentResponse] = lambda question: AgentResponse(
        f"Re: {question}", "frontdesk", ()
    )
    asked: list[Asked] = field(default_factory=list)
    while_thinking: Callable[[], None] = lambda: None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def lend(self) -> Iterator[Any]:
        """See `shared.conversations.desk.Lending`."""
        yield self

    def get_response(
        self,
        question: str,
        user_id: str,
        chat_history: Sequence[HistoryMessage],
        *,
        context: TurnContext,
        journal: Journal,
        **_: object,
    ) -> AgentResponse:
        """See `Orchestrator`."""
        assert user_id
        journal.before_step("answer-0")
        known = journal.answer("answer-0")
        if known is None:
            seen = tuple(part.picture() for part in context.pictures)
            with self._lock:
                self.asked.append(Asked(question, tuple(chat_history), context, seen))
            response = self.answer(question)
            self.while_thinking()
            journal.record_answer("answer-0", {"reply": response.reply})
            return response
        return self.answer(question)._replace(reply=known["reply"])
