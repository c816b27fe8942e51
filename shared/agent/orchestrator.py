"""One turn of the mind: choose an agent, then ask and run tools until there is an answer.

Nothing here writes to Chatwoot: what the mind wants comes back as values. A turn that is run again on the
same journal does nothing twice (`shared.agent.journal`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from shared.agent import prompt
from shared.agent.asking import Asking
from shared.agent.model_client import ContextTooLong, ModelAnswer, ModelRequest, ToolOutput
from shared.agent.routing import choose_agent
from shared.agent.tool_calls import ToolCalls
from shared.agent.tools.tool import ToolContext
from shared.agent.values import AgentResponse, HandOver
from shared.platform.errors import GiveUp
from shared.platform.observability import count, log

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.agent.journal import Journal
    from shared.agent.model_client import ModelClient
    from shared.agent.tools.registry import ToolRegistry
    from shared.agent.values import HistoryMessage, Speaker, TurnContext
    from shared.companies.model import Agent, Company
    from shared.platform.clock import Clock, Deadline

MAX_ROUNDS = 6
# Whoever has it has all tools for appointments.
BOOKING_TOOL = "book_appointment"
# What is left of the history when the model says that the request is too long.
SHORT_HISTORY_MESSAGES = 4


class Orchestrator:
    """Answers customers.

    Args:
        model: who is asked.
        tools: what the model may call.
        clock: time.
    """

    def __init__(self, model: ModelClient, tools: ToolRegistry, clock: Clock) -> None:
        self._model = model
        self._tools = tools
        self._clock = clock

    def get_response(
        self,
        question: str,
        user_id: str,
        chat_history: Sequence[HistoryMessage],
        *,
        company_id: str,
        company: Company,
        context: TurnContext,
        journal: Journal,
        deadline: Deadline,
    ) -> AgentResponse:
        """What the desk says to a customer, and what else it wants.

        Args:
            question: everything the customer wrote since the last reply.
            user_id: the contact; goes to the provider only as a hash.
            chat_history: what was said before, oldest first, already within the company's retention.
            company_id: whose desk it is.
            company: its document.
            context: what is true of this turn alone.
            journal: what an earlier attempt of this turn has done, and where this one writes it down.
            deadline: when the turn must be over; every call ends within it.

        Raises:
            RetryLater: the model or a tool cannot be reached now, or the time is used up.
            GiveUp: no retry helps.
        """
        asking = Asking(self._model, journal, deadline, self._clock)
        user = hashed_user(company_id, user_id)
        agent = choose_agent(asking, company, question, chat_history, user)
        whom = ToolContext(
            company_id,
            company,
            user_id,
            context.conversation,
            self._clock,
            deadline,
            contact=context.contact,
            rehearsal=context.rehearsal,
            told_turns=context.told_turns,
            customer_words=(*_said("customer", chat_history), question),
            desk_words=_said("desk", chat_history),
        )
        calls = ToolCalls(self._tools, self._tools.offered(company, agent), whom, journal)
        turn = _Turn(asking, calls, agent, context, question, chat_history, user)
        reply = turn.reply()
        # One hand-over is enough: the first says why.
        return AgentResponse(reply, agent.name, tuple(calls.actions[:1]))


def hashed_user(company_id: str, user_id: str) -> str:
    """The contact for the provider's abuse checks: always the same for one contact, and telling nothing."""
    return hashlib.sha256(f"{company_id}\n{user_id}".encode()).hexdigest()


def _said(role: Speaker, history: Sequence[HistoryMessage]) -> tuple[str, ...]:
    return tuple(one.text for one in history if one.role == role and not one.earlier_conversation)


@dataclass
class _Turn:
    """The rounds of asking and running tools."""

    asking: Asking
    calls: ToolCalls
    agent: Agent
    context: TurnContext
    question: str
    history: Sequence[HistoryMessage]
    user: str
    rounds: list[ModelAnswer | ToolOutput] = field(default_factory=list)
    step: int = 0
    asked_again: bool = False
    shows_pictures: bool = True

    def reply(self) -> str:
        """The text for the customer; empty when the turn ends in a hand-over without words."""
        for number in range(MAX_ROUNDS):
            is_last = number == MAX_ROUNDS - 1
            name, answer = self._answer(tools_allowed=not is_last)
            if answer.outcome == "refused":
                return self._hand_over("model_refused")
            if not answer.is_usable:
                # After the model has handed over, silence is no failure: the hand-over has its own words.
                return "" if self.calls.actions else self._hand_over("model_empty")
            if not answer.tool_calls:
                return answer.text.strip()
            if not is_last:
                self.rounds += [answer, *self.calls.run(name, answer)]
        return self._hand_over("model_rounds")

    def _hand_over(self, reason: str) -> str:
        self.calls.actions.append(HandOver(reason))
        return ""

    def _answer(self, *, tools_allowed: bool) -> tuple[str, ModelAnswer]:
        """The next answer and its step; an empty or cut-off one is asked for again, once in a turn."""
        name, answer = self._next_answer(tools_allowed=tools_allowed)
        failed = answer.outcome != "refused" and not answer.is_usable and not self.calls.actions
        if failed and not self.asked_again:
            self.asked_again = True
            return self._next_answer(tools_allowed=tools_allowed)
        return name, answer

    def _next_answer(self, *, tools_allowed: bool) -> tuple[str, ModelAnswer]:
        name = f"answer-{self.step}"
        self.step += 1
        while True:
            try:
                return name, self.asking.ask(name, lambda: self._request(tools_allowed=tools_allowed))
            except GiveUp as refused:
                if not self._asks_less(refused):
                    raise

    def _asks_less(self, refused: GiveUp) -> bool:
        """After a refusal: shorten the history, then leave out the pictures; false when neither helps."""
        too_long = isinstance(refused, ContextTooLong)
        if too_long and len(self.history) > SHORT_HISTORY_MESSAGES:
            self.history = self.history[-SHORT_HISTORY_MESSAGES:]
            return True
        if not (too_long or refused.reason == "model_request_refused"):
            return False
        # Perhaps the model cannot see, or not this file: words are better than nothing.
        could_show, self.shows_pictures = self.shows_pictures and bool(self.context.pictures), False
        if could_show:
            log.warning("the model does not take the pictures", reason=refused.reason)
            count("PicturesRefused")
        return could_show

    def _request(self, *, tools_allowed: bool) -> ModelRequest:
        company, context = self.calls.context.company, self.context
        today = context.now.astimezone(ZoneInfo(company.zone)).date().isoformat()
        said = (prompt.history(self.history, company.zone),) if self.history else ()
        found = [part.picture() for part in context.pictures] if self.shows_pictures else []
        pictures = tuple(picture for picture in found if picture is not None)
        return ModelRequest(
            purpose="answer",
            instructions=prompt.instructions(
                company, self.agent, today, books=self.calls.offers(BOOKING_TOOL)
            ),
            situation=prompt.situation(company, context, shown=len(pictures)),
            data=(*said, prompt.question(self.question, context.contact_name)),
            pictures=pictures,
            rounds=tuple(self.rounds),
            tools=self.calls.offered,
            tools_allowed=tools_allowed,
            model=self.agent.model,
            cache_key=f"{self.calls.context.company_id}/{self.agent.name}"[:64],
            safety_identifier=self.user,
        )
