"""What Frontdesk wants of a calendar, whoever keeps it.

Moments are aware. ``calendar`` is the vendor's own name of a calendar (``calendars[].calendar`` of the
company document), never our id of it. Every call has a total deadline, ``timeout_seconds``.

What each call may raise, beside the errors of its own line:

- `Unsupported`: this vendor cannot do it at all; nothing was sent.
- `RequestNotSent`: certainly no effect. `AnswerLost`: perhaps it had its effect; see `CalendarProvider.find`.
- `RetryLater`: throttled, or the vendor answered 5xx to a read.
- `GiveUp`: refused for good (connection gone, scopes missing, the vendor's plan).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from shared.platform.errors import Conflict, GiveUp, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from shared.calendars.intervals import Interval
    from shared.companies.calendars import CalendarSettings

DEFAULT_TIMEOUT_SECONDS = 10.0
LONGEST_LINK = 2_000  # characters; of a video call
# Keys of `NewEvent.private`: they tie an event to its appointment.
PRIVATE_COMPANY = "frontdesk_company"
PRIVATE_APPOINTMENT = "frontdesk_appointment"
PRIVATE_CONTACT = "frontdesk_contact"
PRIVATE_SERVICE = "frontdesk_service"
# `NewEvent.id` once more, for vendors that choose ids: the mark by which `CalendarProvider.find` finds.
PRIVATE_EVENT = "frontdesk_event"


class Unsupported(GiveUp):
    """The vendor has no such thing. Asked for by mistake or without need: `Capabilities` tells before."""

    default_reason = "calendar_unsupported"


class BookByLink(Unsupported):
    """The vendor lets us book only through a page that the customer opens.

    Args:
        message: see `GiveUp`.
        url: the page.
    """

    default_reason = "calendar_book_by_link"

    def __init__(self, message: str, url: str) -> None:
        super().__init__(message)
        self.url = url


class SlotTaken(Conflict):
    """The vendor itself refused the time because it is taken. Certainly no effect."""

    default_reason = "slot_taken"


class EventExists(Conflict):
    """An event with this id is there, perhaps a cancelled one: `CalendarProvider.get` it and compare."""

    default_reason = "event_exists"


class EventChanged(Conflict):
    """The event is not the one that was read: the etag did not match. Certainly no effect."""

    default_reason = "event_changed"


class EventMissing(NotFound):
    """There is no such event, or it was cancelled."""

    default_reason = "event_missing"


@dataclass(frozen=True)
class Capabilities:
    """What a vendor can do.

    Args:
        chooses_ids: an event is made under the id that we give it, once: a second create raises
            `EventExists`, also after the event was cancelled.
        lists_events: `CalendarProvider.events` and `CalendarProvider.changes` work.
        moves: `CalendarProvider.move` works.
        etags: a move and a cancellation may be made conditional on what was read.
        guards_times: creating an event at a taken time raises `SlotTaken`.
        offers_starts: `FreeBusy.offered` tells the only starts at which an appointment can be made.
        watches: `CalendarProvider.watch` works.
    """

    chooses_ids: bool = True
    lists_events: bool = True
    moves: bool = True
    etags: bool = True
    guards_times: bool = False
    offers_starts: bool = False
    watches: bool = False


@dataclass(frozen=True)
class FreeBusy:
    """When calendars are taken.

    Args:
        busy: per calendar that could be read, when it is taken; in any order, may overlap.
        unreadable: per calendar that could not be read, why (a slug such as ``not_found``). Such a calendar
            is never free. Every calendar asked for stands in one of the two.
        offered: for vendors that tell starts instead of taken time: per calendar the starts that they offer.
    """

    busy: Mapping[str, Sequence[Interval]]
    unreadable: Mapping[str, str] = field(default_factory=dict)
    offered: Mapping[str, Sequence[datetime]] = field(default_factory=dict)


@dataclass(frozen=True)
class Attendee:
    """Somebody who is invited."""

    email: str
    name: str = ""


@dataclass(frozen=True)
class EventReminder:
    """The calendar's own reminder to its owner: at most five, 0 to 40,320 minutes (Google's Events page)."""

    minutes: int
    method: Literal["email", "popup"] = "popup"


@dataclass(frozen=True)
class NewEvent:
    """An event to be made.

    Args:
        id: ours, 5 to 1,024 characters of a-v and 0-9; the same for every try.
        title: what the calendar shows.
        interval: when.
        zone: the company's IANA zone, in which the calendar shows it.
        description: more text.
        customer: who comes; vendors that book for somebody need the address.
        invite_customer: whether the customer is invited as an attendee and told by the vendor.
        attendees: others who are invited.
        reminders: the event's own reminders; ``None`` leaves the calendar's default.
        conference: whether a link for a video call is wanted; asked for under this event's id, so once.
        private: what the event carries for programs only; see ``PRIVATE_…``.
    """

    id: str
    title: str
    interval: Interval
    zone: str
    description: str = ""
    customer: Attendee | None = None
    invite_customer: bool = False
    attendees: tuple[Attendee, ...] = ()
    reminders: tuple[EventReminder, ...] | None = None
    conference: bool = False
    private: Mapping[str, str] = field(default_factory=dict)


def video_link(given: object) -> str:
    """The link of a video call as a vendor gives it; nothing where it is none that a message could carry."""
    text = str(given or "").strip()
    return text if len(text) <= LONGEST_LINK and text.isprintable() and " " not in text else ""


@dataclass(frozen=True)
class Event:
    """An event as the vendor has it.

    Args:
        id: the vendor's; ours where `Capabilities.chooses_ids`.
        interval: when; ``None`` where the vendor tells nothing but the id of a cancelled event.
        cancelled: it no longer takes place.
        busy: it takes time: opaque, not declined by the calendar's owner, no working location.
        etag: for `CalendarProvider.move` and `CalendarProvider.cancel`; "" where there are none.
        title: untrusted text, never shown to customers.
        private: see `NewEvent.private`.
        conference_url: the video call's link, once the vendor has made it; see `video_link`.
        updated_at: when it was last changed, where told.
        reschedule_url: a page where the customer can move it, for vendors that cannot move it for us.
    """

    id: str
    interval: Interval | None
    cancelled: bool = False
    busy: bool = True
    etag: str = ""
    title: str = ""
    private: Mapping[str, str] = field(default_factory=dict)
    conference_url: str = ""
    updated_at: datetime | None = None
    reschedule_url: str = ""


@dataclass(frozen=True)
class Changes:
    """What changed in a calendar since a sync token, or everything where the token was none or too old.

    Args:
        events: changed events, recurring ones as single events; the cancelled ones are among them.
        sync_token: for the next time.
        full: ``events`` is everything in the window: forget what was known before.
    """

    events: Sequence[Event]
    sync_token: str
    full: bool


@dataclass(frozen=True)
class Channel:
    """A standing wish to be told of changes.

    Args:
        id: ours, made new for each channel.
        resource_id: the vendor's.
        expires_at: when the vendor stops telling.
    """

    id: str
    resource_id: str
    expires_at: datetime


class CalendarProvider(Protocol):
    """One vendor, bound to one company's connection. Safe to use from several threads."""

    name: str
    capabilities: Capabilities

    def free_busy(
        self,
        calendars: Sequence[str],
        start: datetime,
        end: datetime,
        *,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> FreeBusy:
        """When calendars are taken between two moments; cuts long windows into what the vendor allows."""
        ...

    def events(
        self,
        calendar: str,
        start: datetime,
        end: datetime,
        *,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> Sequence[Event]:
        """Every event that overlaps the window and was not cancelled, recurring ones as single events."""
        ...

    def changes(
        self,
        calendar: str,
        sync_token: str | None,
        start: datetime,
        end: datetime,
        *,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> Changes:
        """What changed since a token; with ``None``, or a token that is too old, everything in the window."""
        ...

    def create(
        self, calendar: str, event: NewEvent, *, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    ) -> Event:
        """Make an event.

        Raises:
            EventExists: one with this id is there.
            SlotTaken: the vendor says that the time is taken.
            BookByLink: only the customer can book, on the vendor's page.
        """
        ...

    def find(
        self, calendar: str, event: NewEvent, *, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    ) -> Event | None:
        """The event that an earlier `create` of the same `NewEvent` made, cancelled or not; else ``None``.

        By its id, or where the vendor chooses ids by window, customer and the mark `PRIVATE_EVENT`; never by
        the appointment alone, which has another event for each time that it was moved to.
        """
        ...

    def get(
        self, calendar: str, event_id: str, *, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    ) -> Event | None:
        """An event as it is now, cancelled or not; ``None`` where there never was one or no trace is left."""
        ...

    def move(
        self,
        calendar: str,
        event_id: str,
        interval: Interval,
        *,
        etag: str = "",
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> Event:
        """Give an event another time.

        Raises:
            EventChanged: it is not the one that ``etag`` names.
            EventMissing: it is gone.
            SlotTaken: the vendor says that the time is taken.
        """
        ...

    def cancel(
        self,
        calendar: str,
        event_id: str,
        *,
        etag: str = "",
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> None:
        """Cancel an event; one that was cancelled before, or that is gone, is fine.

        Raises:
            EventChanged: it is not the one that ``etag`` names.
        """
        ...

    def watch(
        self,
        calendar: str,
        *,
        channel_id: str,
        token: str,
        address: str,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> Channel:
        """Ask to be told of changes at an HTTPS address; the token comes back with each word of them."""
        ...

    def stop(self, channel: Channel, *, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS) -> None:
        """End a channel; one that ended before is fine."""
        ...


class CalendarProviders(Protocol):
    """Finds the provider of a calendar."""

    def of(self, company_id: str, calendar: CalendarSettings) -> CalendarProvider:
        """The vendor that keeps this calendar of a company, with the company's connection.

        Raises:
            GiveUp: the company has no such connection, or it must be made again.
        """
        ...
