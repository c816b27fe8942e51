"""A vendor's calendars in memory, which keep the contract's promises and break on demand."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from shared.calendars.intervals import Interval
from shared.calendars.providers.contract import (
    DEFAULT_TIMEOUT_SECONDS,
    PRIVATE_EVENT,
    Capabilities,
    Changes,
    Channel,
    Event,
    EventChanged,
    EventExists,
    EventMissing,
    FreeBusy,
    NewEvent,
    SlotTaken,
    Unsupported,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from shared.companies.calendars import CalendarSettings

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def nothing(_effect: str, _when: str) -> None:
    """No fault."""


@dataclass
class FakeCalendars:
    """One vendor. Every effect tells `around` before and after it happens; what that raises, the caller sees.

    Args:
        capabilities: what it can do.
        unreadable: calendars that cannot be read, with the reason.
    """

    name: str = "google"
    capabilities: Capabilities = field(default_factory=Capabilities)
    unreadable: dict[str, str] = field(default_factory=dict)
    around: Callable[[str, str], None] = nothing
    events_of: dict[str, dict[str, Event]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    created: list[NewEvent] = field(default_factory=list)
    _revision: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def of(self, company_id: str, calendar: CalendarSettings) -> FakeCalendars:
        """See `CalendarProviders`."""
        del company_id, calendar
        return self

    # What the tests do and see.

    def standing(self, calendar: str) -> list[Event]:
        """The calendar's events that take place, in order."""
        found = [one for one in self.events_of.get(calendar, {}).values() if not one.cancelled]
        return sorted(found, key=lambda one: one.interval.start if one.interval else LONG_AGO)

    def staff_adds(self, calendar: str, interval: Interval, event_id: str = "staffs") -> None:
        """An event that we know nothing of."""
        with self._lock:
            self._store(calendar, Event(event_id, interval, title="Secret meeting"))

    def staff_moves(self, calendar: str, event_id: str, interval: Interval) -> None:
        """Somebody drags an event elsewhere."""
        with self._lock:
            self._store(calendar, replace(self.events_of[calendar][event_id], interval=interval))

    def staff_edits(self, calendar: str, event_id: str) -> None:
        """Somebody writes a note into an event."""
        with self._lock:
            self._store(calendar, replace(self.events_of[calendar][event_id], title="with a note"))

    def staff_cancels(self, calendar: str, event_id: str) -> None:
        """Somebody deletes an event."""
        with self._lock:
            self._store(calendar, replace(self.events_of[calendar][event_id], cancelled=True))

    # The contract.

    def free_busy(
        self,
        calendars: Sequence[str],
        start: datetime,
        end: datetime,
        *,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> FreeBusy:
        """See `CalendarProvider`."""
        del timeout_seconds
        self.calls.append("free_busy")
        readable = [one for one in calendars if one not in self.unreadable]
        busy = {one: [e.interval for e in self._during(one, start, end) if e.interval] for one in readable}
        return FreeBusy(busy, {one: self.unreadable[one] for one in calendars if one in self.unreadable})

    def events(
        self,
        calendar: str,
        start: datetime,
        end: datetime,
        *,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> Sequence[Event]:
        """See `CalendarProvider`."""
        del timeout_seconds
        if not self.capabilities.lists_events:
            raise Unsupported("lists nothing")
        return self._during(calendar, start, end)

    def changes(
        self,
        calendar: str,
        sync_token: str | None,
        start: datetime,
        end: datetime,
        *,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> Changes:
        """See `CalendarProvider`; always everything."""
        del timeout_seconds, sync_token
        return Changes(self._during(calendar, start, end), f"{self._revision}", full=True)

    def create(
        self, calendar: str, event: NewEvent, *, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    ) -> Event:
        """See `CalendarProvider`."""
        del timeout_seconds
        with self._effect(f"create {calendar}"), self._lock:
            if self.capabilities.guards_times:
                taken = self._during(calendar, event.interval.start, event.interval.end)
                if taken:
                    raise SlotTaken("already filled")
            name = event.id if self.capabilities.chooses_ids else f"vendor-{self._revision}"
            if name in self.events_of.get(calendar, {}):
                raise EventExists("the requested identifier already exists")
            self.created.append(event)
            link = f"https://meet.example/{event.id[:8]}" if event.conference else ""
            return self._store(
                calendar,
                Event(name, event.interval, private=event.private, title=event.title, conference_url=link),
            )

    def find(
        self, calendar: str, event: NewEvent, *, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    ) -> Event | None:
        """See `CalendarProvider`."""
        del timeout_seconds
        with self._lock:
            if self.capabilities.chooses_ids:
                return self.events_of.get(calendar, {}).get(event.id)
            found = [
                one
                for one in self.events_of.get(calendar, {}).values()
                if one.private.get(PRIVATE_EVENT) == event.id and one.interval == event.interval
            ]
            return found[0] if found else None

    def get(
        self, calendar: str, event_id: str, *, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    ) -> Event | None:
        """See `CalendarProvider`."""
        del timeout_seconds
        with self._lock:
            return self.events_of.get(calendar, {}).get(event_id)

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
        del timeout_seconds
        with self._effect(f"move {calendar}"), self._lock:
            current = self.events_of.get(calendar, {}).get(event_id)
            if current is None or current.cancelled:
                raise EventMissing("gone")
            self._compare(current, etag)
            return self._store(calendar, replace(current, interval=interval))

    def cancel(
        self,
        calendar: str,
        event_id: str,
        *,
        etag: str = "",
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> None:
        """See `CalendarProvider`."""
        del timeout_seconds
        with self._effect(f"cancel {calendar}"), self._lock:
            current = self.events_of.get(calendar, {}).get(event_id)
            if current is not None and not current.cancelled:
                self._compare(current, etag)
                self._store(calendar, replace(current, cancelled=True))

    def watch(
        self,
        calendar: str,
        *,
        channel_id: str,
        token: str,
        address: str,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> Channel:
        """See `CalendarProvider`."""
        del timeout_seconds
        raise Unsupported(f"{calendar} cannot tell {address} through {channel_id} with {token}")

    def stop(self, channel: Channel, *, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS) -> None:
        """See `CalendarProvider`."""
        del timeout_seconds
        raise Unsupported(f"there is no channel {channel.id}")

    def _compare(self, current: Event, etag: str) -> None:
        if self.capabilities.etags and etag and etag != current.etag:
            raise EventChanged("the etag does not match")

    def _store(self, calendar: str, event: Event) -> Event:
        self._revision += 1
        stored = replace(event, etag=f"etag-{self._revision}")
        self.events_of.setdefault(calendar, {})[event.id] = stored
        return stored

    def _during(self, calendar: str, start: datetime, end: datetime) -> list[Event]:
        window = Interval(start, end)
        with self._lock:
            return [one for one in self.standing(calendar) if one.interval and one.interval.overlaps(window)]

    @contextmanager
    def _effect(self, name: str) -> Iterator[None]:
        self.calls.append(name)
        self.around(name, "before")
        yield
        self.around(name, "after")
