"""A round, every minute: errands for what is due; then each reminder is claimed, looked at and handed on.

Nothing here is tried again by itself: what was not handed on stands in the index, and a later round finds it.
Handing on may happen twice after a crash; whoever takes a reminder knows it by its identity.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from shared.platform.clock import Deadline
from shared.platform.errors import Conflict, InvalidInput, NotFound
from shared.platform.observability import bound, count, log
from shared.reminders.appointment_emails import contact_of, series_of
from shared.reminders.checking import UNSETTLED_REASON, useful_until, why_not
from shared.reminders.errands import ReminderErrand
from shared.reminders.rows import HANDED, NOT_SENT, SKIPPED, ReminderRows, unclaimed
from shared.reminders.words import by_email

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.calendars.appointment_store import Appointments
    from shared.calendars.appointments import Appointment
    from shared.companies.model import Company
    from shared.platform.clock import Clock
    from shared.platform.queue_records import QueueRecord
    from shared.reminders.appointment_emails import Emails
    from shared.reminders.rows import Reminder, RowName

ROWS_PER_ERRAND = 10
LEAST_SECONDS = 10.0
# Whoever works on the appointment is done by then, or died and is followed.
LOOK_AGAIN_AFTER = timedelta(minutes=1)


class Companies(Protocol):
    """Finds companies; see `shared.companies.store.CompanyStore`."""

    def get(self, company_id: str) -> Company:
        """The company's document.

        Raises:
            NotFound: there is no such company.
        """
        ...


class Errands(Protocol):
    """See `shared.companies.errands.ErrandQueue`."""

    def send(self, errand: ReminderErrand) -> None:
        """Enqueue it."""
        ...


class Conversations(Protocol):
    """Where reminders by chat go; see `shared.conversations.reminders.Handing`."""

    def hand(self, reminder: Reminder, appointment: Appointment) -> bool:
        """Put a reminder into its customer's conversation, once; false where there is none."""
        ...


class ReminderRounds:
    """The work of ``appointment_reminders``.

    Args:
        rows: the reminders.
        appointments: reads appointments.
        companies: finds companies.
        errands: takes the errands of a round.
        conversations: takes reminders by chat.
        emails: takes reminders by e-mail.
        clock: time.
    """

    def __init__(
        self,
        rows: ReminderRows,
        appointments: Appointments,
        companies: Companies,
        errands: Errands,
        conversations: Conversations,
        emails: Emails,
        clock: Clock,
    ) -> None:
        self._rows = rows
        self._appointments = appointments
        self._companies = companies
        self._errands = errands
        self._conversations = conversations
        self._emails = emails
        self._clock = clock

    def send_out(self) -> int:
        """Begin a round; returns how many reminders are due."""
        due: dict[str, list[RowName]] = defaultdict(list)
        for name in self._rows.due():
            due[name.company_id].append(name)
        for company_id, names in due.items():
            for first in range(0, len(names), ROWS_PER_ERRAND):
                rows = tuple(names[first : first + ROWS_PER_ERRAND])
                self._errands.send(ReminderErrand(company_id, rows))
        found = sum(len(names) for names in due.values())
        log.info("reminders are due", reminders=found, companies=len(due))
        if found:
            count("RemindersDue", found)
        return found

    def take_all(self, records: Sequence[QueueRecord], remaining_seconds: float) -> list[str]:
        """Run the errands of a batch, one after another.

        Args:
            records: the batch.
            remaining_seconds: how long the invocation may still take.

        Returns:
            The SQS ids of the records that stay in the queue: those that nobody can read.
        """
        time_left, staying = Deadline(self._clock, remaining_seconds), []
        for record in records:
            try:
                errand = ReminderErrand.from_json(record.body)
            except ValueError:
                count("UnreadableRecords")
                log.error("a record cannot be read", sqs_id=record.sqs_id)
                staying.append(record.sqs_id)
            else:
                self._take(errand, time_left)
        return staying

    def _take(self, errand: ReminderErrand, time_left: Deadline) -> None:
        with bound(company_id=errand.company_id):
            company = self._company(errand.company_id)
            for name in errand.rows:
                if time_left.remaining_seconds() < LEAST_SECONDS:
                    return  # a later round finds what is still due
                try:
                    outcome = self._run(name, company)
                except Exception as broken:  # noqa: BLE001 - one reminder must not harm the others
                    log.error("a reminder broke", error=type(broken).__name__)
                    count("RemindersBroken")
                else:
                    count("Reminders", outcome=outcome)

    def _company(self, company_id: str) -> Company | None:
        try:
            return self._companies.get(company_id)
        except NotFound:
            return None

    def _run(self, name: RowName, company: Company | None) -> str:
        """Claim one reminder and hand it on; returns what became of it."""
        reminder = self._rows.claim(name)
        if reminder is None:
            return "not_due"
        now = self._clock.now()
        appointment = self._appointments.find(name.company_id, name.appointment_id)
        reason = why_not(reminder, appointment, company, now)
        if reason == UNSETTLED_REASON:
            self._rows.wait(reminder, now + LOOK_AGAIN_AFTER)
            return reason
        if reason or appointment is None or company is None:
            log.info("a reminder is not sent", reason=reason)
            self._rows.finish(reminder, SKIPPED, reason)
            return reason
        return self._handed_on(reminder, appointment, company)

    def _handed_on(self, reminder: Reminder, appointment: Appointment, company: Company) -> str:
        if reminder.by == "email":
            reason = self._by_email(reminder, appointment, company)
        elif self._conversations.hand(unclaimed(reminder), appointment):
            reason = ""
        else:
            reason = "no_conversation"
            if appointment.customer.email:
                self._rows.arm_email(reminder, appointment)
        self._rows.finish(reminder, NOT_SENT if reason else HANDED, reason)
        if reason:
            log.warning("a reminder cannot be sent", reason=reason)
        return reason or f"by_{reminder.by}"

    def _by_email(self, reminder: Reminder, appointment: Appointment, company: Company) -> str:
        """Enqueue it; returns why not, or an empty text."""
        if not appointment.customer.email:
            return "no_address"
        if not company.email.providers:
            return "no_email_provider"
        if company.mode != "live":
            return "shadow"
        try:
            self._emails.enqueue(
                reminder.name.company_id,
                by_email(company, appointment),
                key=f"reminder#{reminder.identity}",
                kind="reminder",
                ends_at=min(
                    appointment.start, max(useful_until(reminder), self._clock.now() + LOOK_AGAIN_AFTER)
                ),
                contact=contact_of(appointment),
                series=series_of(appointment, appointment.sequence),
            )
        except InvalidInput:
            return "bad_address"
        except Conflict:
            # Enqueued before the company's name, or the like, changed: it is that e-mail all the same.
            return ""
        return ""
