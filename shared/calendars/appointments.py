"""Appointments as values and as records, and what of them stands in the indexes.

    hold ──→ expired
      └────→ booking ──→ confirmed ──→ cancelling ──→ cancelled
                │          │    ↑
                ↓          ↓    │
             losing      moving ┴─ returning
                ↓
              lost

`hold`, `confirmed` and the states without an arrow behind them are rest; in every other state somebody works
on the appointment, or died doing so, and `shared.calendars.settling` takes it to rest from wherever it is.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from shared.calendars.keys import appointment_key
from shared.calendars.sheets import Entry

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from shared.calendars.intervals import Interval
    from shared.platform.tables import Key

MOST_KEYS = 20


class Status(StrEnum):
    """Where an appointment stands; see the module."""

    HOLD = "hold"
    EXPIRED = "expired"
    BOOKING = "booking"
    LOSING = "losing"
    LOST = "lost"
    CONFIRMED = "confirmed"
    MOVING = "moving"
    RETURNING = "returning"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


UNSETTLED = frozenset({Status.BOOKING, Status.LOSING, Status.MOVING, Status.RETURNING, Status.CANCELLING})
# What a customer would call an appointment.
STANDING = frozenset({Status.CONFIRMED, Status.MOVING, Status.RETURNING})
LISTED = STANDING | {Status.CANCELLING, Status.CANCELLED}
# Who did it: ``staff`` in the calendar itself, ``company`` through the API.
By = Literal["customer", "company", "staff", "system"]


@dataclass(frozen=True)
class Place:
    """When and where: a time on some calendars.

    Args:
        interval: without buffers.
        before: kept free ahead of it.
        after: kept free behind it.
        calendars: our ids, one for each need.
        number: which claim of the appointment this is.
    """

    interval: Interval
    before: timedelta
    after: timedelta
    calendars: tuple[str, ...]
    number: int = 1

    @property
    def buffered(self) -> Interval:
        """With the buffers."""
        return self.interval.widened(self.before, self.after)

    @property
    def wanted(self) -> list[tuple[str, Interval]]:
        """What of the day sheets it touches."""
        return [(calendar, self.buffered) for calendar in self.calendars]

    def entry(self, appointment_id: str, until: datetime | None = None) -> Entry:
        """Its claim."""
        return Entry(appointment_id, self.number, self.interval, self.buffered, until)


@dataclass(frozen=True)
class EventRef:
    """An event of an appointment, planned or made. It is written down before it is made.

    Args:
        calendar: our id of the calendar.
        provider: the calendar's vendor, as it was then.
        vendor_calendar: the vendor's name of the calendar, as it was then.
        number: of the claim it is made for.
        interval: for which it is made; where it moved later, the appointment tells.
        event_id: ours; the vendor's once it is made, where the vendor chooses ids.
        made: whether we know that it was made.
        etag: of the event as we know it.
    """

    calendar: str
    provider: Literal["google", "calendly", "generic"]
    vendor_calendar: str
    number: int
    interval: Interval
    event_id: str
    made: bool = False
    etag: str = ""


@dataclass(frozen=True)
class Customer:
    """For whom it is.

    Args:
        contact_id: the contact, as conversations know it (``ToolContext.user_id``).
        name: for the event's title.
        email: where known.
        conversation: where reminders go.
    """

    contact_id: str
    name: str = ""
    email: str = ""
    conversation: str = ""


@dataclass(frozen=True)
class News:
    """What became of an appointment, for the customer.

    Args:
        kind: what.
        at: when.
        was: where it stood before it moved.
    """

    kind: Literal["confirmed", "moved", "cancelled"]
    at: datetime
    was: Interval | None = None


@dataclass(frozen=True)
class Appointment:
    """One appointment, in any state.

    Args:
        id: made from the company and the key under which it was asked for.
        company_id: whose.
        customer: for whom.
        service_id: what for.
        service_name: the same in words, as it was when it was booked.
        status: where it stands.
        place: when and where; while it moves, where it comes from.
        zone: the company's zone, as it was when it was booked.
        created_at: when it was asked for first.
        target: where it moves to.
        forced: a move without return: ``staff`` did it in the calendar, or its new events stand and the old
            ones are to go (``decided``).
        left_at: times at which our own work may have left events of it, beside ``place`` and ``target``.
        events: of ``place``; while it moves also those that are made for ``target``, by its number.
        strays: events that perhaps exist and shall not: looked for once more.
        reminders: sort keys of its reminders' rows.
        number: of its newest claim.
        sequence: how often it moved.
        held_until: when a hold ends.
        conference_url: of the video call.
        ended_by: who cancelled it, or moved it last.
        reason: why it was lost.
        link: where the customer can book, when only that is possible.
        keys: of what was asked of it, each with what came of it; the newest last.
        asked: the key of what is being worked on.
        fingerprint: of the request that it was made for.
        wanted_at: the start that was asked for last.
        assured_at: when the customer said, asked by a reminder, that they will come.
        news: what the customer is still to be told of it.
        organizer: the address that its first invitation by e-mail came from; empty: there was none yet.
        begun_at: since when that is worked on.
        version: grows with each write.
        working_until: until when a worker has it for itself.
        due_at: when it wants attention; ``None``: never.
    """

    id: str
    company_id: str
    customer: Customer
    service_id: str
    service_name: str
    status: Status
    place: Place
    zone: str
    created_at: datetime
    target: Place | None = None
    forced: Literal["", "staff", "decided"] = ""
    left_at: tuple[Interval, ...] = ()
    events: tuple[EventRef, ...] = ()
    strays: tuple[EventRef, ...] = ()
    reminders: tuple[str, ...] = ()
    number: int = 1
    sequence: int = 0
    held_until: datetime | None = None
    conference_url: str = ""
    ended_by: str = ""
    reason: str = ""
    link: str = ""
    keys: tuple[tuple[str, str], ...] = ()
    asked: str = ""
    fingerprint: str = ""
    version: int = 0
    working_until: datetime | None = None
    due_at: datetime | None = None
    begun_at: datetime | None = None
    wanted_at: datetime | None = None
    assured_at: datetime | None = None
    news: News | None = None
    organizer: str = ""

    @property
    def start(self) -> datetime:
        """When it begins, in UTC."""
        return self.place.interval.start

    @property
    def key(self) -> Key:
        """Where its record stands."""
        return appointment_key(self.company_id, self.id)

    def outcome_of(self, key: str) -> str | None:
        """What came of an earlier request under a key."""
        return dict(self.keys).get(hashed(key))

    def remembering(self, outcome: str) -> Appointment:
        """With what came of the request that is being worked on."""
        if not self.asked:
            return self
        others = tuple(one for one in self.keys if one[0] != self.asked)
        return replace(self, keys=(*others, (self.asked, outcome))[-MOST_KEYS:], asked="")


def appointment_id(company_id: str, key: str) -> str:
    """The appointment that a request is for: the same key, the same appointment."""
    return hashed(f"appointment\n{company_id}\n{key}")[:32]


def event_id(appointment: str, calendar_id: str, number: int) -> str:
    """The id of an appointment's event: only 0-9 and a-f, which Google allows (a-v and 0-9, 5 to 1,024).

    Each claim has its own, because the id of a cancelled event stays taken.
    """
    return hashed(f"event\n{appointment}\n{calendar_id}\n{number}")


def hashed(text: str) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()
