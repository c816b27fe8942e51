"""A desk with calendars in memory, and a customer whose turns call its tools."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from shared.agent.appointments.desk import make_appointment_desk
from shared.agent.tools.registry import ToolRegistry, calendar_tools
from shared.agent.tools.tool import ToolContext
from shared.agent.values import ContactCard
from shared.platform.clock import Deadline
from tests.fakes.clock import FakeClock
from tests.support.bookings import COMPANY, Desk

if TYPE_CHECKING:
    from shared.agent.values import JsonDict
    from shared.calendars.appointments import Appointment

CONTACT, CONVERSATION = "3:55", "clinic#3#7"
CARD = ContactCard("María", "maria@example.org", "+34600000001")


@dataclass
class Customer:
    """Writes in one conversation; each turn of it may call tools.

    Args:
        desk: the company's.
        contact: who.
        conversation: where.
        card: what Chatwoot knows.
    """

    desk: Desk = field(default_factory=Desk)
    contact: str = CONTACT
    conversation: str = CONVERSATION
    card: ContactCard = CARD
    rehearsal: bool = False
    told_turns: frozenset[str] = frozenset()
    turns: int = 0
    calls: int = 0

    def __post_init__(self) -> None:
        self.tools = make_appointment_desk(self.desk.calendars, self.desk.table, self.desk.clock)
        self.registry = ToolRegistry(calendar_tools(self.tools))

    def let_pass(self, seconds: float) -> None:
        """Time goes by."""
        assert isinstance(self.desk.clock, FakeClock)
        self.desk.clock.advance(seconds)

    def writes(self) -> None:
        """A new turn begins."""
        self.let_pass(30)
        self.turns += 1
        self.calls = 0

    def is_told(self) -> None:
        """The turn's reply is sent."""
        self.let_pass(5)
        self.told_turns |= {f"{self.conversation}#{self.turns}"}

    def turn(self, name: str, **arguments: Any) -> JsonDict:  # noqa: ANN401 - any JSON
        """A whole turn with one call."""
        self.writes()
        result = self.call(name, **arguments)
        self.is_told()
        return result

    def call(self, name: str, **arguments: Any) -> JsonDict:  # noqa: ANN401 - any JSON
        """One call of the current turn; what is not given is null or false."""
        self.calls += 1
        return self.call_as(self.call_key, name, **arguments)

    @property
    def call_key(self) -> str:
        """The newest call's."""
        return f"{self.conversation}#{self.turns}:answer-{self.calls}:0"

    def call_as(self, call_key: str, name: str, **arguments: Any) -> JsonDict:  # noqa: ANN401 - any JSON
        """A call under a key, such as one that is made again after a crash."""
        context = ToolContext(
            COMPANY,
            self.desk.company,
            self.contact,
            self.conversation,
            self.desk.clock,
            Deadline(self.desk.clock, 60),
            call_key=call_key,
            contact=self.card,
            rehearsal=self.rehearsal,
            told_turns=self.told_turns,
        )
        offered = self.registry.offered(self.desk.company, self.desk.company.agents[0])
        known = next(spec.parameters["properties"] for spec in offered if spec.name == name)
        nothing: JsonDict = {one: False if one == "confirmed" else None for one in known}
        return self.registry.run(name, json.dumps(nothing | arguments), context, offered).content

    def books(self, when: str, service: str = "Corte") -> JsonDict:
        """Asks, and says yes."""
        self.turn("book_appointment", service=service, when=when)
        return self.turn("book_appointment", service=service, when=when, confirmed=True)

    @property
    def own(self) -> list[Appointment]:
        """The contact's coming appointments."""
        since = self.desk.clock.now() - timedelta(days=1)
        return self.desk.calendars.appointments.of_contact(COMPANY, self.contact, since)
