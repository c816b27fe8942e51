"""Small stand-ins for the unit tests of the mind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import Field

from shared.agent.journal import MemoryJournal
from shared.agent.model_client import ModelAnswer, ToolCall
from shared.agent.orchestrator import Orchestrator
from shared.agent.tools.registry import ToolRegistry
from shared.agent.tools.tool import Tool, ToolArguments, ToolContext, ToolResult
from shared.agent.values import TurnContext
from shared.companies.model import Company
from shared.platform.clock import Deadline
from tests.fakes.clock import A_MONDAY_MORNING, FakeClock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.agent.journal import Journal
    from shared.agent.model_client import ModelRequest
    from shared.agent.tools.tool import Effect
    from shared.agent.values import AgentResponse, HistoryMessage, JsonDict

BICYCLES = {
    "name": "Pedal & Co",
    "zone": "Europe/Lisbon",
    "language": "en",
    "services": [
        {"id": "service", "name": "Full service", "price": {"amount_minor": 8950, "currency": "EUR"}},
    ],
}


def bicycles(**changes: object) -> Company:
    """A small company."""
    return Company.parse({**BICYCLES, **changes})


def says(text: str, outcome: str = "finished") -> ModelAnswer:
    """An answer in words."""
    return ModelAnswer(api="responses", outcome=outcome, text=text)  # type: ignore[arg-type]


def calls(*wanted: tuple[str, str]) -> ModelAnswer:
    """An answer that calls tools: name and arguments of each."""
    made = tuple(ToolCall(f"call-{n}", name, arguments) for n, (name, arguments) in enumerate(wanted))
    items = tuple({"type": "function_call", "call_id": one.call_id} for one in made)
    return ModelAnswer(api="responses", outcome="finished", text="", tool_calls=made, items=items)


class ScriptedModel:
    """Gives prepared answers, or raises prepared errors, and keeps what it was asked."""

    def __init__(self, *script: ModelAnswer | Exception) -> None:
        self.script = list(script)
        self.asked: list[ModelRequest] = []
        self.timeouts: list[float] = []

    def answer(self, request: ModelRequest, *, timeout_seconds: float) -> ModelAnswer:
        """See `ModelClient`."""
        self.asked.append(request)
        self.timeouts.append(timeout_seconds)
        following = self.script.pop(0)
        if isinstance(following, Exception):
            raise following
        return following


class ReserveArguments(ToolArguments):
    """The arguments of the tool for tests."""

    what: str
    note: str | None = Field(default=None, max_length=10)


@dataclass
class Desk:
    """A tool for tests that counts what it does."""

    effect: Effect = "write"
    content: JsonDict = field(default_factory=lambda: {"status": "reserved"})
    error: Exception | None = None
    takes_seconds: float = 0
    clock: FakeClock = field(default_factory=FakeClock)
    done: list[str] = field(default_factory=list)

    def run(self, arguments: ReserveArguments, _: ToolContext) -> ToolResult:
        """Do it."""
        self.done.append(arguments.what)
        self.clock.advance(self.takes_seconds)
        if self.error is not None:
            raise self.error
        return ToolResult(self.content)

    def tool(self, *, everywhere: bool = True) -> Tool[ReserveArguments]:
        """The tool."""
        return Tool("reserve", "Reserves.", ReserveArguments, self.effect, self.run, everywhere=everywhere)


def turn_context(**changes: object) -> TurnContext:
    """What is true of a turn in the tests."""
    facts: dict[str, object] = {
        "channel_name": "Channel::Whatsapp",
        "part_limit": 4096,
        "contact_name": "Ana",
        "now": A_MONDAY_MORNING,
        "first_contact": False,
    }
    return TurnContext(**(facts | changes))  # type: ignore[arg-type]


def respond(
    model: ScriptedModel,
    *tools: Tool,  # type: ignore[type-arg]
    company: Company | None = None,
    journal: Journal | None = None,
    question: str = "How much is a full service?",
    history: Sequence[HistoryMessage] = (),
    clock: FakeClock | None = None,
    seconds: float = 90,
) -> AgentResponse:
    """One turn."""
    clock = clock or FakeClock()
    return Orchestrator(model, ToolRegistry(tools), clock).get_response(
        question,
        "contact-1",
        history,
        company_id="pedal",
        company=company or bicycles(),
        context=turn_context(),
        journal=journal or MemoryJournal(),
        deadline=Deadline(clock, seconds),
    )
