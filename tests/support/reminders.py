"""A desk with appointments and their reminders: the round, the errands and the conversations' turns."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from shared.calendars.appointments import Customer
from shared.calendars.making import make_calendars
from shared.calendars.requests import Request
from shared.companies.model import Company
from shared.conversations.reminders import Handing
from shared.platform.clock import Deadline
from shared.platform.queue_records import QueueRecord
from shared.platform.tables import Key
from shared.reminders.desk import ReminderDesk
from shared.reminders.rounds import ReminderRounds
from shared.reminders.rows import ReminderRows
from tests.fakes.calendar import FakeCalendars
from tests.fakes.table import MemoryTable
from tests.support import webhooks
from tests.support.bookings import DOCUMENT
from tests.support.desk import SOL, World

if TYPE_CHECKING:
    from datetime import datetime

    from shared.calendars.appointments import Appointment
    from shared.reminders.errands import ReminderErrand
    from shared.reminders.rows import RowName

WITH_EMAIL: dict[str, Any] = {
    "providers": [{"id": "grid", "vendor": "sendgrid"}],
    "from_address": "desk@clinic.example",
}
CONTACT = webhooks.CONTACT
CUSTOMER = Customer(
    f"{webhooks.ACCOUNT}:{CONTACT}",
    "María",
    "maria@clinic.example",
    f"sol:{webhooks.ACCOUNT}:{webhooks.CONVERSATION}",
)


@dataclass
class KeptErrands:
    """A standard queue in memory."""

    sent: list[ReminderErrand] = field(default_factory=list)

    def send(self, errand: ReminderErrand) -> None:
        """Keep it."""
        self.sent.append(errand)


@dataclass
class KeptEmails:
    """An outbox in memory, idempotent by key."""

    sent: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: int = 0

    def enqueue(self, company_id: str, email: Any, *, key: str, **more: Any) -> str:  # noqa: ANN401 - as given
        """See `Outbox.enqueue`."""
        self.calls += 1
        self.sent.setdefault(key, {"company_id": company_id, "email": email, **more})
        return key


class ReminderWorld(World):
    """See the module.

    Args:
        document: changes to the company's document.
        table: the conversations table.
        calendars_table: the calendars table.
    """

    def __init__(
        self,
        document: dict[str, Any] | None = None,
        table: Any = None,  # noqa: ANN401 - a table
        calendars_table: Any = None,  # noqa: ANN401 - a table
    ) -> None:
        super().__init__(table or MemoryTable(), {**DOCUMENT, **SOL, "email": WITH_EMAIL, **(document or {})})
        self.calendars_table: Any = calendars_table or MemoryTable()
        self.calendars = make_calendars(self.calendars_table, FakeCalendars(), self.clock)
        self.reminders = ReminderDesk(self.calendars_table, self.clock)
        self.desk = replace(self.desk, reminders=self.reminders)
        self.worker = self.new_worker()
        self.errands, self.emails = KeptErrands(), KeptEmails()
        self.rows = ReminderRows(self.calendars_table, self.clock)

    @property
    def company(self) -> Company:
        """The company's document."""
        return self.companies.documents["sol"]

    def change_company(self, **changes: Any) -> None:  # noqa: ANN401 - of the document
        """Another document."""
        known = {**DOCUMENT, **SOL, "email": WITH_EMAIL}
        self.companies.documents["sol"] = Company.parse({**known, **changes})

    def customer_is_known(
        self, conversation_id: int = webhooks.CONVERSATION, message_id: int = 70011
    ) -> None:
        """The customer has written once and was answered."""
        self.customer_writes("Quiero una cita", message_id, conversation_id)
        self.work_until_done()
        self.chatwoot.posted.clear()

    def book(
        self, start: datetime, key: str = "k", service: str = "cut", customer: Customer = CUSTOMER
    ) -> str:
        """Book an appointment; returns its id."""
        request = Request(service, start, customer)
        deadline = Deadline(self.clock, 30)
        outcome = self.calendars.booking.book("sol", self.company, request, key=key, deadline=deadline)
        assert outcome.appointment is not None, outcome
        return outcome.appointment.id

    def move(self, appointment_id: str, start: datetime, key: str = "m") -> None:
        """Move it."""
        self.calendars.booking.move(
            "sol",
            self.company,
            appointment_id,
            start,
            contact_id=CUSTOMER.contact_id,
            key=key,
            deadline=Deadline(self.clock, 30),
        )

    def cancel(self, appointment_id: str) -> None:
        """Cancel it."""
        self.calendars.booking.cancel(
            "sol",
            self.company,
            appointment_id,
            contact_id=CUSTOMER.contact_id,
            key="x",
            deadline=Deadline(self.clock, 30),
        )

    def appointment(self, appointment_id: str) -> Appointment:
        """As it is now."""
        found = self.calendars.appointments.find("sol", appointment_id)
        assert found is not None
        return found

    def rounds(self) -> ReminderRounds:
        """A process of ``appointment_reminders``."""
        handing = Handing(self.table, self.companies, self.queue, self.clock)
        return ReminderRounds(
            self.rows,
            self.calendars.appointments,
            self.companies,
            self.errands,
            handing,
            self.emails,
            self.clock,
        )

    def round(self) -> int:
        """One round with its errands; returns how many reminders were due."""
        due = self.rounds().send_out()
        self.run_errands()
        return due

    def run_errands(self) -> None:
        """All errands that wait, each read by a process of its own."""
        while self.errands.sent:
            errand = self.errands.sent.pop(0)
            record = QueueRecord("sqs-1", "sqs-1", errand.to_json(), 1)
            assert self.rounds().take_all([record], 60.0) == []

    def minute(self) -> None:
        """A minute passes: a round, and all turns."""
        self.clock.advance(60)
        self.round()
        self.work_until_done()

    def until(self, moment: datetime) -> None:
        """The clock stands at a moment."""
        self.clock.advance((moment - self.clock.now()).total_seconds())

    def states(self, appointment_id: str) -> dict[str, str]:
        """What became of an appointment's reminders, with the reason where there is one."""
        pk = f"company#sol#appointment#{appointment_id}"
        rows = self.calendars_table.query(pk, prefix="reminder#")
        return {
            row["sk"].removeprefix("reminder#"): " ".join(filter(None, (row["status"], row.get("reason"))))
            for row in rows
        }

    def row(self, name: RowName) -> dict[str, Any]:
        """A row as it stands."""
        return self.calendars_table.get(Key(name.key.pk, name.key.sk)) or {}

    def reminded_of(self) -> list[str]:
        """What was said to customers, in any conversation."""
        return [one.text for one in self.chatwoot.posted if not one.private]


def before(start: datetime, minutes: int) -> datetime:
    """So many minutes earlier."""
    return start - timedelta(minutes=minutes)
