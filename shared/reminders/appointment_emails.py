"""E-mails to customers when their appointments are confirmed, moved or cancelled, each with its invitation.

One e-mail for each change, however often it is asked for: its key is the appointment, what became of it, and
how often it had changed. Calendars know the appointment by the same UID for life.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from shared.email.composing import sender_of
from shared.email.invitations import LONGEST_SUMMARY, uid
from shared.email.message import Templated
from shared.email.records import Contact, Series
from shared.email.sending import worth_until
from shared.email.words import flattened
from shared.platform.errors import Conflict, GiveUp, InvalidInput, RetryLater
from shared.platform.observability import count, log
from shared.reminders.words import email_values, mailbox_of, moment_parts, place_of

if TYPE_CHECKING:
    from datetime import datetime

    from shared.calendars.appointments import Appointment, News
    from shared.companies.email import Kind
    from shared.companies.model import Company
    from shared.email.message import NewEmail
    from shared.platform.clock import Clock

KIND: Kind = "transactional"
# Not the domain that a company sends from, which may change: a UID may not (RFC 5545 section 3.8.4.7).
UID_DOMAIN = "frontdesk"


class Emails(Protocol):
    """See `shared.email.outbox.Outbox`."""

    def enqueue(
        self,
        company_id: str,
        email: NewEmail | Templated,
        *,
        key: str,
        kind: Kind = "transactional",
        ends_at: datetime | None = None,
        contact: Contact | None = None,
        series: Series | None = None,
    ) -> str:
        """Have an e-mail sent, once for each key."""
        ...


class SeriesOfEmails(Emails, Protocol):
    """The same; and older ones can be stopped."""

    def overtake(self, company_id: str, series: Series) -> None:
        """Have older e-mails of a series not sent any more."""
        ...


class AppointmentEmails:
    """See the module, and `shared.calendars.telling.Teller`.

    Args:
        emails: takes e-mails in.
        clock: for times.
    """

    def __init__(self, emails: SeriesOfEmails, clock: Clock) -> None:
        self._emails = emails
        self._clock = clock

    def wants(self, company: Company, appointment: Appointment) -> bool:
        """Whether the customer is told by e-mail, or has reminders coming that may be pointless now."""
        reminded = company.booking.reminders and company.email.providers_for("reminder")
        return _writes(company, appointment) or bool(
            appointment.customer.email and company.mode == "live" and reminded
        )

    def invites_as(self, company: Company, appointment: Appointment) -> str:
        """See `shared.calendars.telling.Teller`."""
        if _invited_elsewhere(company, appointment) or not _writes(company, appointment):
            return ""
        try:
            return sender_of(company, KIND).mailbox.address
        except (GiveUp, InvalidInput):
            return ""  # `tell` meets the same, and says so

    def tell(self, company: Company, appointment: Appointment, news: News) -> None:
        """Enqueue the e-mail, or only see to it that no older one goes out.

        What can never be written is counted, and does not come again.

        Raises:
            RetryLater: not now.
        """
        # A confirmation or a reminder that waited must not come after the news that it was moved.
        sequence = sequence_of(appointment, news)
        series = series_of(appointment, sequence)
        try:
            if not _writes(company, appointment):
                self._emails.overtake(appointment.company_id, series)
                return
            self._emails.enqueue(
                appointment.company_id,
                as_email(company, appointment, news),
                key=f"appointment#{appointment.id}#{news.kind}#{sequence}",
                kind=KIND,
                ends_at=min(worth_until(company, KIND, self._clock.now()), appointment.start),
                contact=contact_of(appointment),
                series=series,
            )
        except Conflict:
            # Enqueued before the company's name, or the like, changed: it is that e-mail all the same.
            # A conflict is a mistake in the input as well, so this stands before all mistakes.
            log.info("the customer was told before", news=news.kind)
        except (GiveUp, InvalidInput) as error:
            log.error("an e-mail about an appointment cannot be written", news=news.kind, reason=error.reason)
            count("AppointmentEmailsUnwritten", news=news.kind)
        except (ClientError, BotoCoreError) as failed:
            # The appointment stands all the same; whoever booked it need not wait for our mail.
            raise RetryLater("the e-mail cannot be enqueued now", reason="outbox_unavailable") from failed


def _writes(company: Company, appointment: Appointment) -> bool:
    """Whether the customer's address is known, and the company writes such e-mails."""
    return bool(
        appointment.customer.email
        and company.booking.emails
        and company.mode == "live"
        and company.email.providers_for(KIND)
    )


def series_of(appointment: Appointment, sequence: int) -> Series:
    """The e-mails about one appointment: what is said of an earlier state of it is not worth sending.

    Args:
        appointment: which.
        sequence: the state's number: the appointment's own, or `sequence_of` some news.
    """
    return Series(f"appointment#{appointment.id}", sequence)


def as_email(company: Company, appointment: Appointment, news: News) -> Templated:
    """The e-mail, the same for the same news.

    Raises:
        InvalidInput: the customer's address is none.
        GiveUp: the company's document names no sender.
    """
    values: dict[str, dict[str, Any]] = {**email_values(company, appointment)}
    if news.was is not None:
        day, time = moment_parts(news.was.start, appointment.zone, company.language)
        values["previous"] = {"date": day, "time": time}
    written: dict[str, Any] = {
        "to": [mailbox_of(appointment)],
        "template": f"appointment_{news.kind}",
        "language": company.language,
        "values": values,
    }
    if not _invited_elsewhere(company, appointment):
        written["invitation"] = _invitation(company, appointment, news)
    return Templated.parse(written)


def sequence_of(appointment: Appointment, news: News) -> int:
    """The invitation's SEQUENCE: a cancellation is one more change than the moves before it."""
    return appointment.sequence + (news.kind == "cancelled")


def contact_of(appointment: Appointment) -> Contact | None:
    """The customer as Chatwoot knows them; ``None`` where the appointment was made elsewhere."""
    account_id, _, contact_id = appointment.customer.contact_id.partition(":")
    if not (account_id.isdigit() and contact_id.isdigit()):
        return None
    return Contact(int(account_id), int(contact_id))


def _invitation(company: Company, appointment: Appointment, news: News) -> dict[str, Any]:
    sender = sender_of(company, KIND).mailbox
    organizer = appointment.organizer or sender.address
    return {
        "uid": uid(appointment.id, UID_DOMAIN),
        "method": "CANCEL" if news.kind == "cancelled" else "REQUEST",
        "sequence": sequence_of(appointment, news),
        "start": appointment.start.isoformat(),
        "end": appointment.place.interval.end.isoformat(),
        "changed_at": news.at.isoformat(),
        # Put together from names that were not written for it.
        "summary": flattened(f"{appointment.service_name}, {company.name}", LONGEST_SUMMARY),
        "location": place_of(company, appointment),
        "organizer": {"address": organizer, "name": sender.name},
        **({"sent_by": sender.address} if organizer != sender.address else {}),
        "attendees": [mailbox_of(appointment)],
    }


def _invited_elsewhere(company: Company, appointment: Appointment) -> bool:
    """Whether the calendar itself invites the customer: two invitations would be two entries for one time."""
    own = next((one.invite_customer for one in company.services if one.id == appointment.service_id), None)
    invited = company.booking.invite_customer if own is None else own
    return invited or any(ref.provider == "calendly" for ref in appointment.events)
