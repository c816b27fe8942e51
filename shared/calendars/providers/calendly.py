"""Calendly (API v2): its event types are calendars that offer starts.

A calendar is named by its event type: the whole URI or the id at its end. The times that can be booked are
what Calendly offers, never what is left between busy times: only Calendly knows the owner's rules.
"""

from __future__ import annotations

import re
import threading
from contextlib import suppress
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from shared.calendars.providers.calendly_calls import API, PROVIDER, CalendlyRefused, path_of
from shared.calendars.providers.calendly_types import (
    EventType,
    last_part,
    mark_of,
    moment,
    read_event,
    read_event_type,
    write_invitee,
    written,
)
from shared.calendars.providers.contract import (
    DEFAULT_TIMEOUT_SECONDS,
    BookByLink,
    Capabilities,
    Event,
    EventExists,
    EventMissing,
    FreeBusy,
    SlotTaken,
    Unsupported,
)
from shared.platform.clock import Deadline
from shared.platform.errors import AnswerLost, FrontdeskError, RetryLater

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from shared.calendars.intervals import Interval
    from shared.calendars.providers.calendly_calls import CalendlyCalls
    from shared.calendars.providers.contract import NewEvent
    from shared.platform.clock import Clock

# event_type_available_times since 2026-07-09; and its start may not be past.
_WINDOW = timedelta(days=31)
_AHEAD = timedelta(minutes=1)
_KEPT_SECONDS = 300.0
_PAGE = "100"
# A limit that lasts longer than this is the day's: the customer need not wait for tomorrow.
_LONG_SECONDS = 120.0
_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")


class CalendlyCalendar:
    """One company's Calendly.

    Args:
        calls: makes the company's calls.
        clock: for deadlines, and because the past is not offered.
    """

    name = PROVIDER
    capabilities = Capabilities(
        chooses_ids=False,
        lists_events=False,
        moves=False,
        etags=False,
        guards_times=True,
        offers_starts=True,
    )

    def __init__(self, calls: CalendlyCalls, clock: Clock) -> None:
        self._calls = calls
        self._clock = clock
        self._lock = threading.Lock()
        self._types: dict[str, tuple[float, EventType]] = {}

    def free_busy(
        self,
        calendars: Sequence[str],
        start: datetime,
        end: datetime,
        *,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> FreeBusy:
        """See `CalendarProvider`: what is offered; busy time is not told."""
        deadline = Deadline(self._clock, timeout_seconds)
        offered: dict[str, list[datetime]] = {}
        unreadable: dict[str, str] = {}
        for calendar in calendars:
            try:
                offered[calendar] = self._offered(calendar, start, end, deadline)
            except EventMissing:
                unreadable[calendar] = "not_found"
            except CalendlyRefused as refused:
                unreadable[calendar] = refused.reason
        return FreeBusy(dict.fromkeys(offered, ()), unreadable, offered)

    def _offered(self, calendar: str, start: datetime, end: datetime, deadline: Deadline) -> list[datetime]:
        kind, found = _uri_of(calendar), set()
        for first, last in _windows(max(start, self._clock.now() + _AHEAD), end):
            answer = self._calls.read(
                "/event_type_available_times",
                deadline,
                event_type=kind,
                start_time=written(first.astimezone(UTC)),
                end_time=written(last.astimezone(UTC)),
            )
            found |= {moment(one["start_time"]) for one in _collection(answer) if _is_open(one)}
        return sorted(one for one in found if start <= one < end)

    def events(self, *_: object, **__: object) -> NoReturn:
        """Calendly does not tell what else stands in its owner's calendars."""
        raise Unsupported("Calendly lists no events of other calendars")

    def changes(self, *_: object, **__: object) -> NoReturn:
        """Calendly tells changes by webhook, not by a list."""
        raise Unsupported("Calendly has no list of changes")

    def create(
        self, calendar: str, event: NewEvent, *, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    ) -> Event:
        """See `CalendarProvider`. Calendly takes no id of ours: `find` first where an earlier try was lost.

        Raises:
            BookByLink: the plan, or the event type, lets only the customer book.
        """
        deadline = Deadline(self._clock, timeout_seconds)
        kind = self._event_type(calendar, deadline)
        self._require_bookable(kind, event, deadline)
        try:
            made = self._booked(kind, event, deadline)
        except CalendlyRefused as refused:
            self._explain(refused, calendar, kind, event, deadline)
        except RetryLater as later:
            if (later.after_seconds or 0) > _LONG_SECONDS:
                self._by_link(kind, "the plan's bookings of today are used up", deadline)
            raise
        invitee = made.get("resource") or {}
        given = {
            "uri": invitee.get("event", ""),
            "status": "active",
            "start_time": event.interval.start.isoformat(),
            "end_time": (event.interval.start + kind.lasts).isoformat(),
        }
        if not given["uri"]:
            raise AnswerLost("Calendly answered with no event", reason="calendar_answer_odd")
        return read_event(given, invitee)

    def _booked(self, kind: EventType, event: NewEvent, deadline: Deadline) -> dict[str, Any]:
        assert event.customer is not None  # noqa: S101 - `_require_bookable` has looked
        return self._calls.write("/invitees", deadline, write_invitee(event, event.customer, kind))

    def _require_bookable(self, kind: EventType, event: NewEvent, deadline: Deadline) -> None:
        if kind.lasts != event.interval.end - event.interval.start:
            minutes = int(kind.lasts.total_seconds() // 60)
            raise CalendlyRefused(
                f"this event type lasts {minutes} minutes and the appointment does not",
                reason="duration_differs",
            )
        if kind.page_only:
            self._by_link(kind, kind.page_only, deadline)
        if event.customer is None or not event.customer.email:
            self._by_link(kind, "Calendly books for an e-mail address only", deadline)

    def _explain(
        self,
        refused: CalendlyRefused,
        calendar: str,
        kind: EventType,
        event: NewEvent,
        deadline: Deadline,
    ) -> NoReturn:
        if refused.about_start:
            # Perhaps it is ours, from a call whose answer was lost.
            if self._search(calendar, kind, event, deadline) is not None:
                raise EventExists("this booking is there") from None
            raise SlotTaken("Calendly no longer offers this time") from None
        if refused.by_plan:
            self._by_link(kind, "the plan does not let programs book", deadline)
        raise refused

    def _by_link(self, kind: EventType, why: str, deadline: Deadline) -> NoReturn:
        """The customer books: on a page for one booking, else on the event type's own."""
        wanted = {"max_event_count": 1, "owner": kind.uri, "owner_type": "EventType"}
        url = kind.page
        with suppress(FrontdeskError):
            made = self._calls.write("/scheduling_links", deadline, wanted)
            url = str(made["resource"]["booking_url"])
        raise BookByLink(f"only the customer can book this: {why}", url) from None

    def find(
        self, calendar: str, event: NewEvent, *, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    ) -> Event | None:
        """See `CalendarProvider`: by window, address and the id that the booking carries."""
        deadline = Deadline(self._clock, timeout_seconds)
        try:
            return self._search(calendar, self._event_type(calendar, deadline), event, deadline)
        except EventMissing:
            return None

    def _search(self, calendar: str, kind: EventType, event: NewEvent, deadline: Deadline) -> Event | None:
        if event.customer is None or not event.customer.email:
            return None
        email, found = event.customer.email, None
        for given in self._scheduled(kind, event.interval, email, deadline):
            for invitee in self._invitees(last_part(str(given["uri"])), deadline, email=email):
                if given.get("event_type") == _uri_of(calendar) and mark_of(invitee) == event.id:
                    found = read_event(given, invitee)
            if found is not None and not found.cancelled:
                break
        return found

    def _scheduled(
        self, kind: EventType, interval: Interval, email: str, deadline: Deadline
    ) -> Sequence[Mapping[str, Any]]:
        settings = self._calls.settings()
        user = settings.get("user_uri", "")
        own = not kind.owner_uri or kind.owner_uri == user
        whose = {"user": user} if own else {"organization": settings.get("organization_uri", "")}
        answer = self._calls.read(
            "/scheduled_events",
            deadline,
            **whose,
            invitee_email=email,
            min_start_time=written(interval.start),
            max_start_time=written(interval.start + timedelta(seconds=1)),
            count=_PAGE,
        )
        return _collection(answer)

    def _invitees(self, number: str, deadline: Deadline, **query: str) -> Sequence[Mapping[str, Any]]:
        return _collection(self._calls.read(f"/scheduled_events/{number}/invitees", deadline, **query))

    def get(
        self,
        calendar: str,  # noqa: ARG002 - ids of events are the account's
        event_id: str,
        *,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> Event | None:
        """See `CalendarProvider`."""
        return self._got(event_id, Deadline(self._clock, timeout_seconds))

    def _got(self, event_id: str, deadline: Deadline) -> Event | None:
        if not _ID.fullmatch(event_id):
            return None
        try:
            given = self._calls.read(f"/scheduled_events/{event_id}", deadline).get("resource") or {}
            invitees = self._invitees(event_id, deadline)
        except EventMissing:
            return None
        ours = [one for one in invitees if mark_of(one)]
        return read_event(given, next(iter([*ours, *invitees]), {}))

    def move(self, *_: object, **__: object) -> NoReturn:
        """The customer moves it, at `Event.reschedule_url`."""
        raise Unsupported("Calendly lets only the customer move a booking, on its own page")

    def cancel(
        self,
        calendar: str,  # noqa: ARG002 - ids of events are the account's
        event_id: str,
        *,
        etag: str = "",  # noqa: ARG002 - Calendly has none
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> None:
        """See `CalendarProvider`. Of a group event every invitee is told."""
        if not _ID.fullmatch(event_id):
            return
        deadline = Deadline(self._clock, timeout_seconds)
        try:
            self._calls.write(f"/scheduled_events/{event_id}/cancellation", deadline, {})
        except EventMissing:
            return
        except CalendlyRefused:
            now = self._got(event_id, deadline)
            if now is not None and not now.cancelled:
                raise

    def watch(self, *_: object, **__: object) -> NoReturn:
        """Calendly tells of a whole account, by webhook."""
        raise Unsupported("Calendly watches accounts, not calendars")

    def stop(self, *_: object, **__: object) -> NoReturn:
        """See `watch`."""
        raise Unsupported("Calendly watches accounts, not calendars")

    def _event_type(self, calendar: str, deadline: Deadline) -> EventType:
        uri = _uri_of(calendar)
        with self._lock:
            kept = self._types.get(uri)
        if kept is not None and kept[0] > self._clock.monotonic():
            return kept[1]
        answer = self._calls.read(path_of(uri), deadline)
        kind = read_event_type(answer.get("resource") or {})
        with self._lock:
            self._types[uri] = (self._clock.monotonic() + _KEPT_SECONDS, kind)
        return kind


def _uri_of(calendar: str) -> str:
    """The event type that a company's document names.

    Raises:
        CalendlyRefused: it names none.
    """
    if _ID.fullmatch(calendar) and calendar != "primary":
        return f"{API}/event_types/{calendar}"
    if not calendar.startswith(f"{API}/event_types/"):
        raise CalendlyRefused("the calendar must name an event type of Calendly", reason="no_event_type")
    return f"{API}{path_of(calendar)}"


def _windows(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    while start < end:
        until = min(start + _WINDOW, end)
        yield start, until
        start = until


def _collection(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A list, which an answer without one is not an empty one of.

    Raises:
        AnswerLost: there is none.
    """
    found = answer.get("collection")
    if not isinstance(found, list):
        raise AnswerLost("Calendly answered with no list", reason="calendar_answer_odd")
    return found


def _is_open(one: Mapping[str, Any]) -> bool:
    return one.get("status") == "available" and one.get("invitees_remaining", 1) > 0
