"""Google Calendar (API version 3), with a company's consent or a service account."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from shared.calendars.intervals import Interval
from shared.calendars.providers.contract import (
    DEFAULT_TIMEOUT_SECONDS,
    Capabilities,
    Changes,
    Channel,
    Event,
    EventChanged,
    EventMissing,
    FreeBusy,
    NewEvent,
)
from shared.calendars.providers.google_calls import PROVIDER, GoogleCalls, TokenTooOld, service
from shared.calendars.providers.google_events import FIELDS, is_all_day, read_event, write_event, write_times
from shared.platform.clock import Deadline, from_epoch_milliseconds
from shared.platform.errors import RetryLater

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.platform.clock import Clock

# The longest window that freeBusy takes is not documented; about three months are refused.
_WINDOW = timedelta(days=60)
_MOST_CALENDARS = 50  # calendarExpansionMax
_PAGE = 2500
_MOST_PAGES = 100
_CHANNEL_SECONDS = 7 * 24 * 3600


class GoogleCalendar:
    """One company's Google Calendar.

    Args:
        calls: makes the company's calls.
        clock: for deadlines.
        base_url: of another host than Google's own, for the local world; empty: Google's.
        quota_user: whom Google counts the calls for: the company, also where a service account makes them.
    """

    name = PROVIDER
    capabilities = Capabilities(watches=True)

    def __init__(self, calls: GoogleCalls, clock: Clock, base_url: str, quota_user: str) -> None:
        self._calls = calls
        self._clock = clock
        self._base_url = base_url
        self._quota_user = quota_user
        self._lock = threading.Lock()
        self._zones: dict[str, str] = {}

    def free_busy(
        self,
        calendars: Sequence[str],
        start: datetime,
        end: datetime,
        *,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> FreeBusy:
        """See `CalendarProvider`. A calendar with an error inside the 200 is unreadable, never free."""
        deadline = Deadline(self._clock, timeout_seconds)
        busy: dict[str, list[Interval]] = {name: [] for name in calendars}
        unreadable: dict[str, str] = {}
        for first in range(0, len(calendars), _MOST_CALENDARS):
            names = calendars[first : first + _MOST_CALENDARS]
            for window in _windows(start, end):
                found = self._asked(names, window, deadline)
                for name in names:
                    _note(name, found.get(name), busy, unreadable)
        return FreeBusy({name: busy[name] for name in calendars if name not in unreadable}, unreadable)

    def _asked(self, names: Sequence[str], window: Interval, deadline: Deadline) -> dict[str, Any]:
        body = {
            "timeMin": window.start.isoformat(),
            "timeMax": window.end.isoformat(),
            "items": [{"id": name} for name in names],
        }
        found = self._calls.read(self._of("freebusy").query(body=body, **self._common()), deadline)
        calendars = found.get("calendars")
        return calendars if isinstance(calendars, dict) else {}

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
        window = {"timeMin": start.isoformat(), "timeMax": end.isoformat()}
        found, _token = self._listed(calendar, deadline, showDeleted=False, **window)
        return found

    def changes(
        self,
        calendar: str,
        sync_token: str | None,
        start: datetime,
        end: datetime,
        *,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> Changes:
        """See `CalendarProvider`. Of a full read the window stays with the token it gave."""
        deadline = Deadline(self._clock, timeout_seconds)
        if sync_token is not None:
            try:
                found, token = self._listed(calendar, deadline, syncToken=sync_token)
            except TokenTooOld:
                pass  # read everything again, below
            else:
                return Changes(found, token, full=False)
        window = {"timeMin": start.isoformat(), "timeMax": end.isoformat()}
        found, token = self._listed(calendar, deadline, **window)
        return Changes(found, token, full=True)

    def _listed(self, calendar: str, deadline: Deadline, **asked: object) -> tuple[list[Event], str]:
        """All pages of a list: a page may be short or empty while there is another."""
        found: list[Event] = []
        page: str | None = None
        for _ in range(_MOST_PAGES):
            request = self._of("events").list(
                calendarId=calendar,
                singleEvents=True,
                maxResults=_PAGE,
                pageToken=page,
                fields=f"nextPageToken,nextSyncToken,timeZone,items({FIELDS})",
                **asked,
                **self._common(),
            )
            answer = self._calls.read(request, deadline)
            zone = self._remembered(calendar, answer)
            found += [read_event(item, zone) for item in answer.get("items", [])]
            page = answer.get("nextPageToken")
            if page is None:
                return found, str(answer.get("nextSyncToken", ""))
        raise RetryLater("Google's list does not end", reason="calendar_list_endless")

    def create(
        self, calendar: str, event: NewEvent, *, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    ) -> Event:
        """See `CalendarProvider`."""
        body = write_event(event)
        request = self._of("events").insert(
            calendarId=calendar,
            body=body,
            conferenceDataVersion=1,
            sendUpdates="all" if "attendees" in body else "none",
            **self._common(),
        )
        made = self._calls.write(request, Deadline(self._clock, timeout_seconds))
        return read_event(made, event.zone)

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
        request = self._of("events").get(
            calendarId=calendar, eventId=event_id, fields=FIELDS, **self._common()
        )
        try:
            found = self._calls.read(request, deadline)
        except EventMissing:
            return None
        return read_event(found, self._zone(calendar, deadline) if is_all_day(found) else "UTC")

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
        request = self._of("events").patch(
            calendarId=calendar,
            eventId=event_id,
            body=write_times(interval),
            conferenceDataVersion=1,
            sendUpdates="all",
            **self._common(),
        )
        moved = read_event(self._calls.write(_if(request, etag), self._deadline(timeout_seconds)), "UTC")
        if moved.cancelled:
            raise EventMissing("the event was cancelled")
        return moved

    def cancel(
        self,
        calendar: str,
        event_id: str,
        *,
        etag: str = "",
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> None:
        """See `CalendarProvider`."""
        deadline = self._deadline(timeout_seconds)
        request = self._of("events").delete(
            calendarId=calendar, eventId=event_id, sendUpdates="all", **self._common()
        )
        try:
            self._calls.write(_if(request, etag), deadline)
        except EventMissing:
            return
        except EventChanged:
            now = self.get(calendar, event_id, timeout_seconds=deadline.remaining_seconds())
            if now is not None and not now.cancelled:
                raise

    def watch(
        self,
        calendar: str,
        *,
        channel_id: str,
        token: str,
        address: str,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> Channel:
        """See `CalendarProvider`. Google lets a channel live for a week."""
        body = {
            "id": channel_id,
            "type": "web_hook",
            "address": address,
            "token": token,
            "params": {"ttl": str(_CHANNEL_SECONDS)},
        }
        request = self._of("events").watch(calendarId=calendar, body=body, **self._common())
        made = self._calls.write(request, self._deadline(timeout_seconds))
        expires_at = from_epoch_milliseconds(int(made["expiration"]))
        return Channel(channel_id, str(made["resourceId"]), expires_at)

    def stop(self, channel: Channel, *, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS) -> None:
        """See `CalendarProvider`."""
        body = {"id": channel.id, "resourceId": channel.resource_id}
        try:
            request = self._of("channels").stop(body=body, **self._common())
            self._calls.write(request, self._deadline(timeout_seconds))
        except EventMissing:
            return

    def _of(self, collection: str) -> Any:  # noqa: ANN401 - the library makes its classes at run time
        return getattr(service(self._base_url), collection)()

    def _common(self) -> dict[str, Any]:
        return {"quotaUser": self._quota_user}

    def _deadline(self, timeout_seconds: float) -> Deadline:
        return Deadline(self._clock, timeout_seconds)

    def _zone(self, calendar: str, deadline: Deadline) -> str:
        """A calendar's own zone; listing one event tells it under the scopes that we ask for anyway."""
        with self._lock:
            known = self._zones.get(calendar)
        if known:
            return known
        request = self._of("events").list(
            calendarId=calendar, maxResults=1, fields="timeZone", **self._common()
        )
        return self._remembered(calendar, self._calls.read(request, deadline))

    def _remembered(self, calendar: str, answer: dict[str, Any]) -> str:
        zone = str(answer.get("timeZone") or "UTC")
        with self._lock:
            self._zones[calendar] = zone
        return zone


def _windows(start: datetime, end: datetime) -> Iterator[Interval]:
    """A long window as shorter ones."""
    while start < end:
        until = min(start + _WINDOW, end)
        yield Interval(start, until)
        start = until


def _note(name: str, found: object, busy: dict[str, list[Interval]], unreadable: dict[str, str]) -> None:
    """Take one calendar's part of an answer; what has errors or no list of busy time was not read."""
    given = found if isinstance(found, dict) else {}
    errors = given.get("errors")
    if errors or not isinstance(given.get("busy"), list):
        first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
        unreadable[name] = str(first.get("reason") or "not_answered")
        return
    busy[name] += [_busy(one) for one in given["busy"]]


def _busy(given: dict[str, str]) -> Interval:
    return Interval(datetime.fromisoformat(given["start"]), datetime.fromisoformat(given["end"]))


def _if(request: Any, etag: str) -> Any:  # noqa: ANN401 - made by the library
    """The request, good only for what was read (RFC 9110 section 13.1.1)."""
    if etag:
        request.headers["If-Match"] = etag
    return request
