"""A company's own calendar behind a small HTTP contract (docs/reference/generic-calendar.md).

A calendar is named by its URL. Each may stand on another server: one that fails hides no other.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any, NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.calendars.intervals import Interval
from shared.calendars.providers.contract import (
    DEFAULT_TIMEOUT_SECONDS,
    Capabilities,
    Changes,
    Event,
    EventChanged,
    EventMissing,
    FreeBusy,
    Unsupported,
    video_link,
)
from shared.platform.clock import Deadline, in_utc
from shared.platform.errors import AnswerLost, GiveUp, RetryLater

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.calendars.providers.contract import NewEvent
    from shared.calendars.providers.generic_calls import GenericCalls
    from shared.platform.clock import Clock

_MOST_PAGES = 100


class GenericCalendar:
    """One company's own calendars.

    Args:
        calls: makes the company's calls.
        clock: for deadlines.
    """

    name = "generic"
    capabilities = Capabilities()

    def __init__(self, calls: GenericCalls, clock: Clock) -> None:
        self._calls = calls
        self._clock = clock

    def free_busy(
        self,
        calendars: Sequence[str],
        start: datetime,
        end: datetime,
        *,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> FreeBusy:
        """See `CalendarProvider`. Each calendar has its share of the time.

        Raises:
            RetryLater: none could be read, and that may pass.
        """
        whole = Deadline(self._clock, timeout_seconds)
        busy: dict[str, list[Interval]] = {}
        unreadable: dict[str, str] = {}
        passing: RetryLater | None = None
        for position, calendar in enumerate(calendars):
            share = Deadline(self._clock, whole.remaining_seconds() / (len(calendars) - position))
            try:
                busy[calendar] = self._busy(calendar, start, end, share)
            except RetryLater as problem:
                passing, unreadable[calendar] = problem, problem.reason
            except EventMissing:
                unreadable[calendar] = "not_found"
            except GiveUp as problem:
                unreadable[calendar] = problem.reason
        if passing is not None and not busy:
            raise passing
        return FreeBusy(busy, unreadable)

    def _busy(self, calendar: str, start: datetime, end: datetime, deadline: Deadline) -> list[Interval]:
        answer = self._calls.read(calendar, deadline, "busy", **_window(start, end))
        found = [_interval(one, answer.get("zone")) for one in _list(answer, "busy")]
        return [one for one in found if one is not None]

    def events(
        self,
        calendar: str,
        start: datetime,
        end: datetime,
        *,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> Sequence[Event]:
        """See `CalendarProvider`."""
        deadline = Deadline(self._clock, timeout_seconds)
        found, _ = self._paged(calendar, "events", deadline, _window(start, end))
        return [one for one in found if not one.cancelled]

    def changes(
        self,
        calendar: str,
        sync_token: str | None,
        start: datetime,
        end: datetime,
        *,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> Changes:
        """See `CalendarProvider`. Where the other side keeps no list of changes, everything each time."""
        deadline = Deadline(self._clock, timeout_seconds)
        try:
            if sync_token:
                try:
                    found, token = self._paged(calendar, "changes", deadline, {"since": sync_token})
                    return Changes(found, token, full=False)
                except EventMissing as missing:
                    if missing.reason != "gone":
                        raise
            found, token = self._paged(calendar, "changes", deadline, _window(start, end))
        except Unsupported:
            found, token = self._paged(calendar, "events", deadline, _window(start, end))
            token = ""
        return Changes(found, token, full=True)

    def _paged(
        self, calendar: str, what: str, deadline: Deadline, query: Mapping[str, str]
    ) -> tuple[list[Event], str]:
        found: list[Event] = []
        page: dict[str, str] = {}
        for _ in range(_MOST_PAGES):
            answer = self._calls.read(calendar, deadline, what, **query, **page)
            found += [_event(one, answer.get("zone")) for one in _list(answer, "events")]
            if not answer.get("next_page"):
                return found, str(answer.get("since") or "")
            page = {"page": str(answer["next_page"])}
        raise RetryLater("the company's calendar's list does not end", reason="calendar_list_endless")

    def create(
        self, calendar: str, event: NewEvent, *, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    ) -> Event:
        """See `CalendarProvider`."""
        deadline = Deadline(self._clock, timeout_seconds)
        made = self._calls.write("PUT", calendar, event.id, deadline, _body(event), If_None_Match="*")
        return _event(made, event.zone)

    def find(
        self, calendar: str, event: NewEvent, *, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    ) -> Event | None:
        """See `CalendarProvider`: by the id, which is ours."""
        return self.get(calendar, event.id, timeout_seconds=timeout_seconds)

    def get(
        self, calendar: str, event_id: str, *, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    ) -> Event | None:
        """See `CalendarProvider`."""
        deadline = Deadline(self._clock, timeout_seconds)
        try:
            found = self._calls.read(calendar, deadline, "events", event_id)
        except EventMissing:
            return None
        return _event(found, found.get("zone"))

    def move(
        self,
        calendar: str,
        event_id: str,
        interval: Interval,
        *,
        etag: str = "",
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> Event:
        """See `CalendarProvider`."""
        deadline = Deadline(self._clock, timeout_seconds)
        body = _window(interval.start, interval.end)
        moved = self._calls.write("PATCH", calendar, event_id, deadline, body, If_Match=etag)
        found = _event(moved, moved.get("zone"))
        if found.cancelled:
            raise EventMissing("the event was cancelled")
        return found

    def cancel(
        self,
        calendar: str,
        event_id: str,
        *,
        etag: str = "",
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> None:
        """See `CalendarProvider`."""
        deadline = Deadline(self._clock, timeout_seconds)
        try:
            self._calls.write("DELETE", calendar, event_id, deadline, If_Match=etag)
        except EventMissing:
            return
        except EventChanged:
            now = self.get(calendar, event_id, timeout_seconds=deadline.remaining_seconds())
            if now is not None and not now.cancelled:
                raise

    def watch(self, *_: object, **__: object) -> NoReturn:
        """The contract has no such call: changes are asked for."""
        raise Unsupported("a company's own calendar is asked for changes")

    def stop(self, *_: object, **__: object) -> NoReturn:
        """See `watch`."""
        raise Unsupported("a company's own calendar is asked for changes")


def _window(start: datetime, end: datetime) -> dict[str, str]:
    return {"start": start.astimezone(UTC).isoformat(), "end": end.astimezone(UTC).isoformat()}


def _body(event: NewEvent) -> dict[str, Any]:
    guests = [*event.attendees]
    if event.invite_customer and event.customer is not None:
        guests.append(event.customer)
    return {
        "title": event.title,
        "description": event.description,
        **_window(event.interval.start, event.interval.end),
        "zone": event.zone,
        "customer": _person(event.customer) if event.customer else None,
        "invite": [_person(one) for one in guests],
        "reminders": None
        if event.reminders is None
        else [{"minutes": one.minutes, "method": one.method} for one in event.reminders],
        "conference": event.conference,
        "private": dict(event.private),
    }


def _person(one: Any) -> dict[str, str]:  # noqa: ANN401 - an Attendee
    return {"email": one.email, "name": one.name}


def _list(answer: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """A list, which an answer without one is not an empty one of.

    Raises:
        AnswerLost: there is none.
    """
    found = answer.get(name)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise _odd(f"no list {name}")
    return found


def _event(given: Mapping[str, Any], zone: object) -> Event:
    """An event as the contract has it.

    Raises:
        AnswerLost: it is none.
    """
    if not isinstance(given.get("id"), str):
        raise _odd("no event")
    cancelled, private = given.get("status") == "cancelled", given.get("private")
    updated = given.get("updated_at")
    return Event(
        id=given["id"],
        interval=_interval(given, zone) if given.get("start") else None,
        cancelled=cancelled,
        busy=not cancelled and given.get("busy") is not False,
        etag=str(given.get("etag") or ""),
        title=str(given.get("title") or ""),
        private={str(k): str(v) for k, v in private.items()} if isinstance(private, dict) else {},
        conference_url=video_link(given.get("conference_url")),
        updated_at=_moment(updated, zone) if updated else None,
    )


def _interval(given: Mapping[str, Any], zone: object) -> Interval | None:
    """When; ``None`` for what has no length, which takes no time."""
    start, end = _moment(given.get("start"), zone), _moment(given.get("end"), zone)
    return Interval(start, end) if start < end else None


def _moment(given: object, zone: object) -> datetime:
    """A moment with its offset, or a day, which begins at midnight of the named zone.

    Raises:
        AnswerLost: it is neither.
    """
    try:
        if isinstance(given, str) and len(given) == len("2030-01-01"):
            return datetime.combine(date.fromisoformat(given), time(), ZoneInfo(str(zone)))
        moment = datetime.fromisoformat(str(given))
        if moment.tzinfo is not None:
            return in_utc(moment)
    except (ValueError, ZoneInfoNotFoundError, OSError):
        raise _odd("no moment") from None
    raise _odd("a moment without its offset")


def _odd(what: str) -> AnswerLost:
    return AnswerLost(f"the company's calendar answered with {what}", reason="calendar_answer_odd")
