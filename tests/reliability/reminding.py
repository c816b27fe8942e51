"""The reminders of a scene: ``appointment_reminders`` by the clock, with every effect of it recorded."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from shared.calendars.appointment_store import Appointments
from shared.calendars.appointments import Customer
from shared.calendars.making import make_calendars
from shared.calendars.requests import Request
from shared.companies.model import Company
from shared.conversations.reminders import Handing
from shared.platform.clock import Deadline
from shared.platform.queue_records import QueueRecord
from shared.reminders.desk import ReminderDesk
from shared.reminders.rounds import ReminderRounds
from shared.reminders.rows import ReminderRows
from tests.fakes.calendar import FakeCalendars
from tests.fakes.table import MemoryTable
from tests.reliability.effects import Death, Recorded
from tests.support import webhooks
from tests.support.bookings import DOCUMENT
from tests.support.desk import SOL
from tests.support.reminders import KeptEmails, KeptErrands

if TYPE_CHECKING:
    from tests.reliability.effects import Recorder
    from tests.support.desk import World

TABLE = {name: name.replace("_", " ") for name in ("put", "update", "transact")}
DAY_MINUTES = 24 * 60
CUSTOMER = Customer(
    f"{webhooks.ACCOUNT}:{webhooks.CONTACT}",
    "Ana",
    "ana@clinic.example",
    f"sol:{webhooks.ACCOUNT}:{webhooks.CONVERSATION}",
)


class Reminding:
    """See the module.

    Args:
        world: the scene's.
        recorder: numbers the effects.
    """

    def __init__(self, world: World, recorder: Recorder) -> None:
        self._world = world
        self._table = MemoryTable()
        recorded: Any = Recorded(self._table, "dynamodb", TABLE, recorder)
        self.desk = ReminderDesk(recorded, world.clock)
        self.emails = KeptEmails()
        self._errands = KeptErrands()
        errands: Any = Recorded(self._errands, "sqs", {"send": "send errand"}, recorder)
        queue: Any = Recorded(world.queue, "sqs", {"send_reminder": "send reminder"}, recorder)
        emails: Any = Recorded(self.emails, "outbox", {"enqueue": "enqueue"}, recorder)
        self._rounds = ReminderRounds(
            ReminderRows(recorded, world.clock),
            Appointments(recorded),
            world.companies,
            errands,
            Handing(world.table, world.companies, queue, world.clock),
            emails,
            world.clock,
        )

    def book(self) -> None:
        """An appointment on Wednesday at ten, to be reminded of a day before."""
        rules = {"reminders": [{"minutes_before": DAY_MINUTES}]}
        company = Company.parse({**DOCUMENT, **SOL, "booking": rules})
        self._world.companies.documents["sol"] = company
        calendars = make_calendars(self._table, FakeCalendars(), self._world.clock)
        start = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
        deadline = Deadline(self._world.clock, 30)
        calendars.booking.book("sol", company, Request("cut", start, CUSTOMER), key="k", deadline=deadline)
        self._world.clock.advance(
            (start - timedelta(days=1, minutes=1) - self._world.clock.now()).total_seconds()
        )

    def next_in(self) -> float | None:
        """In how many seconds a round finds something; ``None`` for never."""
        places = [item["due_sk"] for item in self._table.scan() if "due_sk" in item]
        if not places:
            return None
        due = datetime.fromisoformat(min(places).split("#")[0])
        # The clock calls at whole minutes, never twice in one.
        return max(60.0, (due - self._world.clock.now()).total_seconds())

    def round(self, _batch: list[QueueRecord]) -> list[str]:
        """A round and its errands; where the process dies, later rounds find what is left."""
        with suppress(Death, Exception):
            self._rounds.send_out()
        while self._errands.sent:
            record = QueueRecord("sqs-1", "sqs-1", self._errands.sent.pop().to_json(), 1)
            with suppress(Death):
                self._rounds.take_all([record], 60.0)
        return []

    def check(self) -> None:
        """One reminder was said, nothing else, and nothing waits."""
        said = self._world.said()
        assert len(said) == 2, f"said {len(said)} parts"
        assert said[1].startswith("Te recordamos tu cita de Corte"), "another text was said"
        states = [item["status"] for item in self._table.scan() if item["sk"].startswith("reminder#")]
        assert states == ["sent"], f"the reminder is {states}"
        assert self.emails.sent == {}, "an e-mail too many"
        assert self._world.chatwoot.notes(webhooks.CONVERSATION) == [], "a note too many"
        assert self._world.dead_letter_items() == [], "given up"
        assert self._world.head()["reminders"] == [], "a reminder still waits"
