"""Availability the slow way: every minute is looked at, and nothing is clever.

It shares no code with `shared.calendars.availability` and `shared.companies.opening.open_times`: opening
times are found by walking through the minutes and looking at the clock on the wall.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from shared.calendars.availability import CalendarTime, Rules
    from shared.companies.opening import OpeningException, OpeningHours

MINUTE = timedelta(minutes=1)


def minute_of(moment: datetime) -> int:
    """Whole minutes since 1970 UTC; the tests' moments have no seconds."""
    return int(moment.timestamp()) // 60


@dataclass
class Shift:
    """One interval of the document on one day, and when the clock reached its two ends."""

    opens: datetime
    closes: datetime
    opened: int | None = None
    closed: int | None = None


class Walk:
    """Every minute from ``start`` to ``end``, on a company's clock.

    Args:
        hours: its week.
        exceptions: its other days.
        zone: its zone.
        start: UTC.
        end: UTC.
    """

    def __init__(
        self,
        hours: OpeningHours,
        exceptions: Sequence[OpeningException],
        zone: ZoneInfo,
        start: datetime,
        end: datetime,
    ) -> None:
        self.first, self.last = minute_of(start), minute_of(end)
        shifts = list(_shifts(hours, exceptions, start, end))
        opening = sorted(shifts, key=lambda one: one.opens)
        closing = sorted(shifts, key=lambda one: one.closes)
        self.is_open = bytearray(self.last - self.first)
        running = 0
        latest = datetime.min  # noqa: DTZ901 - what a wall's clock shows has no zone
        for minute in range(self.first, self.last):
            wall = datetime.fromtimestamp(minute * 60, zone).replace(tzinfo=None)
            latest = max(latest, wall)  # a clock that is put back does not undo what it has shown
            while opening and opening[0].opens <= latest:
                opening.pop(0).opened = minute
                running += 1
            while closing and closing[0].closes <= latest:
                closing.pop(0).closed = minute
                running -= 1
            self.is_open[minute - self.first] = running > 0
        self.starts = [one for one in shifts if one.opened is not None]

    def slots(self, rules: Rules, needs: Sequence[Sequence[CalendarTime]], now: datetime) -> set[datetime]:
        """Every possible start, minute by minute."""
        size = self.last - self.first
        closed = [0, *accumulate(1 - one for one in self.is_open)]
        full = {one.id: self._full(one, size) for need in needs for one in need}
        found = set()
        for start in sorted(self._candidates(rules, needs)):
            moment = datetime.fromtimestamp(start * 60, UTC)
            end = start + minutes(rules.duration)
            inside = self.first <= start and end <= self.last
            if not inside or closed[end - self.first] - closed[start - self.first]:
                continue
            if not now + rules.notice <= moment <= now + rules.horizon:
                continue
            low = max(0, start - minutes(rules.before) - self.first)
            high = min(size, end + minutes(rules.after) - self.first)
            if all(
                any(
                    full[one.id][high] == full[one.id][low] and (one.offered is None or moment in one.offered)
                    for one in need
                )
                for need in needs
            ):
                found.add(moment)
        return found

    def _candidates(self, rules: Rules, needs: Sequence[Sequence[CalendarTime]]) -> set[int]:
        found = {minute_of(one) for need in needs for calendar in need for one in calendar.offered or ()}
        for shift in self.starts:
            if rules.grid is not None and shift.opened is not None:
                closed = self.last if shift.closed is None else shift.closed
                found |= set(range(shift.opened, closed, minutes(rules.grid)))
        return found

    def _full(self, calendar: CalendarTime, size: int) -> list[int]:
        places = [0] * size
        for intervals, weight in ((calendar.blocked, calendar.capacity), (calendar.taken, 1)):
            for one in intervals:
                low = max(0, minute_of(one.start) - self.first)
                for minute in range(low, min(size, minute_of(one.end) - self.first)):
                    places[minute] += weight
        return [0, *accumulate(int(count >= calendar.capacity) for count in places)]


def minutes(length: timedelta) -> int:
    """A length in whole minutes."""
    return length // MINUTE


def _shifts(
    hours: OpeningHours, exceptions: Sequence[OpeningException], start: datetime, end: datetime
) -> list[Shift]:
    shifts = []
    day = start.date() - timedelta(days=2)
    while day <= end.date() + timedelta(days=2):
        different = [one for one in exceptions if one.covers(day)]
        for one in different[0].hours if different else hours.on(day.weekday()):
            midnight = datetime.combine(day, time())
            opens = midnight + one.start_minute * MINUTE
            shifts.append(Shift(opens, midnight + one.end_minute * MINUTE))
        day += timedelta(days=1)
    return shifts
