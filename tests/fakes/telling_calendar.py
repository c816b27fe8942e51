"""Calendars in memory that tell what changed since a token, and of changes through channels."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shared.calendars.providers.contract import (
    DEFAULT_TIMEOUT_SECONDS,
    Capabilities,
    Changes,
    Channel,
    Event,
    FreeBusy,
)
from tests.fakes.calendar import FakeCalendars
from tests.fakes.clock import A_MONDAY_MORNING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.platform.errors import FrontdeskError


@dataclass
class TellingCalendars(FakeCalendars):
    """See the module.

    Args:
        refuses: what a call of this name raises instead, for every calendar.
        open: channels that were asked for and not stopped, with their tokens.
        forgotten: tokens older than this change are no longer known.
    """

    capabilities: Capabilities = field(default_factory=lambda: Capabilities(watches=True))
    refuses: dict[str, FrontdeskError] = field(default_factory=dict)
    open: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    stopped: list[str] = field(default_factory=list)
    life: timedelta = timedelta(days=7)
    opened_at: datetime = A_MONDAY_MORNING
    forgotten: int = 0

    def free_busy(
        self,
        calendars: Sequence[str],
        start: datetime,
        end: datetime,
        *,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> FreeBusy:
        """See `CalendarProvider`."""
        self._refuse("free_busy")
        return super().free_busy(calendars, start, end, timeout_seconds=timeout_seconds)

    def changes(
        self,
        calendar: str,
        sync_token: str | None,
        start: datetime,
        end: datetime,
        *,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> Changes:
        """See `CalendarProvider`; of what was cancelled no more than the id."""
        del timeout_seconds
        self.calls.append("changes" if sync_token else "changes in full")
        self._refuse(f"changes {calendar}")
        self._refuse("changes")
        number = f"{self._revision}"
        if sync_token is None or int(sync_token) < self.forgotten:
            answer = Changes(self._during(calendar, start, end), number, full=True)
        else:
            answer = Changes(self._since(calendar, int(sync_token)), number, full=False)
        self.around("changes", "after")
        return answer

    def get(
        self, calendar: str, event_id: str, *, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    ) -> Event | None:
        """See `CalendarProvider`."""
        self._refuse("get")
        return super().get(calendar, event_id, timeout_seconds=timeout_seconds)

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
        self._refuse("watch before")
        self.open[channel_id] = (calendar, token, address)
        self._refuse("watch after")
        return Channel(channel_id, f"resource-of-{calendar}", self.opened_at + self.life)

    def stop(self, channel: Channel, *, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS) -> None:
        """See `CalendarProvider`."""
        del timeout_seconds
        self._refuse("stop")
        self.open.pop(channel.id, None)
        self.stopped.append(channel.id)

    def staff_declines(self, calendar: str, event_id: str) -> None:
        """The event stays and takes no time any more."""
        self._store(calendar, replace(self.events_of[calendar][event_id], busy=False))

    def _since(self, calendar: str, number: int) -> list[Event]:
        changed = [one for one in self.events_of.get(calendar, {}).values() if _number(one) > number]
        return [Event(one.id, None, cancelled=True, busy=False) if one.cancelled else one for one in changed]

    def _refuse(self, call: str) -> None:
        if call in self.refuses:
            raise self.refuses[call]


def _number(event: Event) -> int:
    return int(event.etag.removeprefix("etag-"))
