"""Invitations to appointments (iCalendar, RFC 5545), sent by e-mail (iMIP, RFC 6047).

Times are written in UTC, so that no time zone needs to be described. One appointment keeps its UID for life;
each message about it carries a higher SEQUENCE, without which calendars ignore a move or a cancellation
(RFC 5546 section 2.1.4).
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads it
from typing import Annotated, Literal

from icalendar import Calendar, Event, vCalAddress, vText
from pydantic import AfterValidator, AwareDatetime, Field, model_validator

from shared.companies.base import Part
from shared.email.addresses import Address, Mailbox, wire
from shared.email.words import body, one_line, plain_line
from shared.platform.clock import in_utc

PRODUCT = "-//Frontdesk//Appointments//EN"
FILE_NAME = "invite.ics"
LONGEST_SUMMARY, LONGEST_LOCATION = 200, 2_000
# What would begin something else in a mailto address (RFC 6068 section 2).
_IN_MAILTO = str.maketrans({one: f"%{ord(one):02X}" for one in "%?#&"})


def _utc(moment: datetime) -> datetime:
    return in_utc(moment).replace(microsecond=0)


Moment = Annotated[AwareDatetime, AfterValidator(_utc)]


class Invitation(Part):
    """What a calendar is told about an appointment; goes with an e-mail."""

    uid: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,100}@[a-z0-9.-]{1,253}$")]
    method: Literal["REQUEST", "CANCEL"] = "REQUEST"
    sequence: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    start: Moment
    end: Moment
    # When this state of the appointment came to be: two messages with the same sequence are told apart by it.
    changed_at: Moment
    summary: Annotated[str, Field(min_length=1, max_length=LONGEST_SUMMARY), AfterValidator(one_line)]
    description: Annotated[str, Field(max_length=5_000), AfterValidator(body)] = ""
    location: Annotated[str, Field(max_length=LONGEST_LOCATION), AfterValidator(plain_line)] = ""
    # The same in every message about it: calendars take no change from another one (RFC 5546 section 3.2.5).
    organizer: Mailbox
    # Who sends in the organizer's place, where the company's address changed since (RFC 5545 section 3.2.18).
    sent_by: Address | None = None
    attendees: Annotated[list[Mailbox], Field(min_length=1, max_length=50)]

    @model_validator(mode="after")
    def _takes_time(self) -> Invitation:
        if self.end <= self.start:
            raise ValueError("must end after it starts")
        return self

    def moved(self, start: datetime, end: datetime, changed_at: datetime) -> Invitation:
        """The same appointment at another time."""
        return self._changed(start=start, end=end, changed_at=changed_at)

    def cancelled(self, changed_at: datetime) -> Invitation:
        """The same appointment, which does not take place."""
        return self._changed(method="CANCEL", changed_at=changed_at)

    def _changed(self, **news: object) -> Invitation:
        kept = {name: getattr(self, name) for name in type(self).model_fields}
        return Invitation(**{**kept, "sequence": self.sequence + 1, **news})


def uid(appointment_id: str, domain: str) -> str:
    """An appointment's UID: the same in every message about it."""
    return f"{appointment_id}@{domain}"


def ics(invitation: Invitation) -> bytes:
    """The invitation as an iCalendar file with CRLF line ends."""
    calendar = Calendar()
    for name, value in {"prodid": PRODUCT, "version": "2.0", "calscale": "GREGORIAN"}.items():
        calendar.add(name, value)
    calendar.add("method", invitation.method)
    calendar.add_component(_event(invitation))
    written: bytes = calendar.to_ical()
    return written


def _event(invitation: Invitation) -> Event:
    event = Event()
    event.add("uid", invitation.uid)
    event.add("sequence", invitation.sequence)
    event.add("dtstamp", invitation.changed_at)
    event.add("last-modified", invitation.changed_at)
    event.add("dtstart", invitation.start)
    event.add("dtend", invitation.end)
    event.add("summary", invitation.summary)
    event.add("status", "CANCELLED" if invitation.method == "CANCEL" else "CONFIRMED")
    event.add("transp", "OPAQUE")
    # Some programs take every line break of Unicode for the end of a line.
    texts = {"description": "\n".join(invitation.description.splitlines()), "location": invitation.location}
    for name, text in texts.items():
        if text:
            event.add(name, text)
    event.add("organizer", _organizer(invitation))
    for attendee in invitation.attendees:
        event.add("attendee", _attendee(attendee), encode=False)
    return event


def _person(mailbox: Mailbox) -> vCalAddress:
    person = vCalAddress(f"mailto:{wire(mailbox.address).translate(_IN_MAILTO)}")
    # A parameter cannot hold a double quote (RFC 5545 section 3.2).
    person.params["cn"] = vText((mailbox.name or mailbox.address).replace('"', "'"))
    return person


def _organizer(invitation: Invitation) -> vCalAddress:
    organizer = _person(invitation.organizer)
    if invitation.sent_by:
        organizer.params["sent-by"] = f"mailto:{wire(invitation.sent_by)}"
    return organizer


def _attendee(mailbox: Mailbox) -> vCalAddress:
    attendee = _person(mailbox)
    attendee.params["cutype"] = vText("INDIVIDUAL")
    attendee.params["role"] = vText("REQ-PARTICIPANT")
    attendee.params["partstat"] = vText("NEEDS-ACTION")
    attendee.params["rsvp"] = vText("TRUE")
    return attendee
