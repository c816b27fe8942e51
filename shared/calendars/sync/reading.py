"""One look at a calendar: what its vendor says, put together with what was known.

A sync token stays with the window of the full read that gave it: of a series, Google tells changes inside of
that window only. So the window is never stretched by reading just the days that have come into sight; once a
day everything is read with a new window, whose end is always at least thirty days ahead. That is also what
bounds for how long anything that a vendor forgot to tell can stay wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.calendars.intervals import Interval
from shared.calendars.sync.cache import Look
from shared.calendars.sync.packing import Taken, by_number, event_key, whole_seconds
from shared.platform.errors import GiveUp, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shared.calendars.providers.contract import CalendarProvider, Changes, Event
    from shared.companies.calendars import CalendarSettings
    from shared.platform.clock import Clock, Deadline

AHEAD = timedelta(days=30)
FULL_EVERY = timedelta(days=1)
# Appointments that run over midnight, and buffers before the first possible one, reach into yesterday.
BEHIND = timedelta(days=1)
CALL_SECONDS = 10.0
# Google's ids of single events of a series: the series' id and when it would have begun.
_OF_SERIES = re.compile(r".+_R?\d{8}(T\d{6}Z?)?")


class Unreadable(GiveUp):
    """The vendor answers, but not for this calendar."""

    default_reason = "calendar_unreadable"


@dataclass(frozen=True)
class Seen:
    """What a look saw.

    Args:
        look: what is known now.
        events: what the vendor said has changed; empty where it was not asked for changes only.
        full: everything was read.
        calls: how often the vendor was asked.
    """

    look: Look
    events: Sequence[Event]
    full: bool
    calls: int


@dataclass(frozen=True)
class Reader:
    """Looks at calendars.

    Args:
        clock: time.
    """

    clock: Clock

    def look(
        self, provider: CalendarProvider, calendar: CalendarSettings, known: Look | None, deadline: Deadline
    ) -> Seen:
        """Look at a calendar.

        Args:
            provider: its vendor.
            calendar: which one.
            known: the last look at the same calendar.
            deadline: by when.

        Raises:
            RetryLater: the vendor cannot be reached now.
            GiveUp: it refuses, or cannot read this calendar.
        """
        now = self.clock.now()
        if not provider.capabilities.lists_events or _only_free_busy(known, now):
            return self._by_times(provider, calendar, known, now, deadline, calls=0)
        try:
            return self._by_events(provider, calendar, known, now, deadline)
        except (GiveUp, InvalidInput):
            # Perhaps only the events are not for our eyes. Else this is refused as well.
            return self._by_times(provider, calendar, known, now, deadline, calls=1)

    def _by_events(
        self,
        provider: CalendarProvider,
        calendar: CalendarSettings,
        known: Look | None,
        now: datetime,
        deadline: Deadline,
    ) -> Seen:
        window = Interval(now - BEHIND, now + AHEAD + FULL_EVERY)
        going_on = known if known and known.sync_token and known.way == "events" else None
        if going_on and now - going_on.full_at >= FULL_EVERY:
            going_on = None
        token = going_on.sync_token if going_on else None

        def ask(token: str | None) -> Changes:
            return provider.changes(
                calendar.calendar,
                token,
                window.start,
                window.end,
                timeout_seconds=deadline.within(CALL_SECONDS),
            )

        found, calls = ask(token), 1
        # Of deleted events this is the only word; whoever reads everything compares everything.
        told = () if found.full else found.events
        if going_on and not found.full and not _tells_all(found.events, going_on.taken):
            found, calls = ask(None), 2
        if found.full or going_on is None:
            taken, full_at = _applied({}, found.events, window), now
        else:
            window, full_at = going_on.window, going_on.full_at
            taken = _applied(going_on.taken, found.events, window)
        look = Look(
            provider=calendar.provider,
            calendar=calendar.calendar,
            way="events",
            window=window,
            taken=taken,
            synced_at=now,
            full_at=full_at,
            sync_token=found.sync_token,
            compared_at=known.compared_at if known else None,
        )
        return Seen(look, told, found.full, calls)

    def _by_times(
        self,
        provider: CalendarProvider,
        calendar: CalendarSettings,
        known: Look | None,
        now: datetime,
        deadline: Deadline,
        *,
        calls: int,
    ) -> Seen:
        """For vendors without lists of events, and where the company did not allow us to read them."""
        window, name = Interval(now - BEHIND, now + AHEAD + FULL_EVERY), calendar.calendar
        found = provider.free_busy(
            [name], window.start, window.end, timeout_seconds=deadline.within(CALL_SECONDS)
        )
        if name not in found.busy:
            reason = found.unreadable.get(name, "not_told")
            raise Unreadable("the vendor cannot read this calendar", reason=reason)
        offered = [int(one.timestamp()) for one in found.offered.get(name, ())]
        tried = known.full_at if _only_free_busy(known, now) and known else now
        look = Look(
            provider=calendar.provider,
            calendar=name,
            way="free_busy",
            window=window,
            taken=by_number(sorted(found.busy[name])),
            synced_at=now,
            full_at=tried,
            offered=offered if provider.capabilities.offers_starts else None,
            compared_at=known.compared_at if known else None,
        )
        return Seen(look, (), full=False, calls=calls + 1)


def _only_free_busy(known: Look | None, now: datetime) -> bool:
    """Events were refused lately: they are asked for again once a day."""
    return known is not None and known.way == "free_busy" and now - known.full_at < FULL_EVERY


def _tells_all(events: Sequence[Event], taken: Taken) -> bool:
    """Whether changes can be applied to what is known.

    Not where a series is among them: its events are told as they are now, and those that are gone perhaps by
    the id of the series alone, or not at all.
    """
    return not any(
        _OF_SERIES.fullmatch(event.id) or (event.cancelled and event_key(event.id) not in taken)
        for event in events
    )


def _applied(taken: Taken, events: Sequence[Event], window: Interval) -> Taken:
    known = dict(taken)
    for event in events:
        if event.busy and not event.cancelled and event.interval and event.interval.overlaps(window):
            known[event_key(event.id)] = whole_seconds(event.interval)
        else:
            known.pop(event_key(event.id), None)
    return known
