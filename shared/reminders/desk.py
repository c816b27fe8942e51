"""Reminders as turns see them: whether one is right, what became of it, and what the customer answered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.calendars.appointment_store import Appointments, write
from shared.calendars.appointments import Status
from shared.platform.errors import RetryLater
from shared.platform.observability import count, log
from shared.platform.tables import ConditionFailed
from shared.reminders.checking import why_not
from shared.reminders.rows import NOT_SENT, SENT, SKIPPED, ReminderRows

if TYPE_CHECKING:
    from shared.calendars.appointments import Appointment
    from shared.companies.model import Company
    from shared.platform.clock import Clock
    from shared.platform.tables import Table
    from shared.reminders.rows import Reminder

_TRIES = 3


@dataclass(frozen=True)
class Look:
    """A reminder looked at: why it is not sent now (empty: it is right), and its appointment."""

    reason: str
    appointment: Appointment | None


class ReminderDesk:
    """See the module.

    Args:
        table: the calendars table.
        clock: time.
    """

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._rows = ReminderRows(table, clock)
        self._appointments = Appointments(table)
        self._clock = clock

    def look(self, reminder: Reminder, company: Company | None) -> Look:
        """Whether a reminder is right now; see `shared.reminders.checking.why_not`."""
        appointment = self.find(reminder)
        return Look(why_not(reminder, appointment, company, self._clock.now()), appointment)

    def find(self, reminder: Reminder) -> Appointment | None:
        """What it reminds of."""
        return self._appointments.find(reminder.name.company_id, reminder.name.appointment_id)

    def sent(self, reminder: Reminder) -> None:
        """Note that the customer has it, or that it waits at the channel."""
        self._rows.note(reminder, SENT)

    def skipped(self, reminder: Reminder, reason: str) -> None:
        """Note that it was not right any more."""
        self._rows.note(reminder, SKIPPED, reason)

    def not_sent(self, reminder: Reminder, reason: str, by_email_to: Appointment | None = None) -> None:
        """Note that it could not be said in the conversation.

        Args:
            reminder: which.
            reason: a slug.
            by_email_to: its appointment, where an e-mail shall go out instead.
        """
        if by_email_to is not None:
            self._rows.arm_email(reminder, by_email_to)
        self._rows.note(reminder, NOT_SENT, reason)

    def assure(
        self, company_id: str, appointment_id: str, contact_id: str, sequence: int
    ) -> Appointment | None:
        """The customer says that they will come: noted once.

        Args:
            company_id: whose desk it is.
            appointment_id: which was asked about.
            contact_id: who answers.
            sequence: how often it had moved when it was asked about.

        Returns:
            The appointment, or ``None`` where it is not what was asked about any more.

        Raises:
            RetryLater: others keep writing it.
        """
        for _ in range(_TRIES):
            found = self._appointments.find(company_id, appointment_id)
            if found is None or not self._is_open(found, contact_id, sequence):
                return None
            if found.assured_at is not None:
                return found
            try:
                self._table.transact([write(replace(found, assured_at=self._clock.now()))])
            except ConditionFailed:
                continue
            count("AppointmentsAssured")
            log.info("a customer says that they will come")
            return found
        raise RetryLater("the appointment is being written all the time", reason="booking_busy")

    def _is_open(self, found: Appointment, contact_id: str, sequence: int) -> bool:
        return (
            found.status == Status.CONFIRMED
            and found.customer.contact_id == contact_id
            and found.sequence == sequence
            and found.start > self._clock.now()
        )
