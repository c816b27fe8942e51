"""When an appointment is possible: a pure function of opening times, taken time and the service's rules.

An appointment fits where

- it begins and ends within opening time (its buffers may reach beyond), and begins on the grid, which is
  counted from each moment of opening, or at a start that a calendar itself offers;
- it begins neither before the notice is over nor after the horizon;
- for each of its needs at least one calendar has a place from ``before`` ahead of it until ``after``
  behind it.

All sums are on UTC; walls' clocks matter only for the opening times, which
`shared.companies.opening.open_times` has resolved. The work grows with ``n log n`` of the taken intervals.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from shared.calendars.intervals import Interval, crowded, merged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from zoneinfo import ZoneInfo

    from shared.calendars.intervals import Span

NOTHING = timedelta(0)
# What opens and what closes.
Stretch = tuple[datetime, datetime]


@dataclass(frozen=True)
class CalendarTime:
    """What is known of one calendar's time.

    Args:
        id: our id of it.
        blocked: events of others: each takes the whole calendar, whatever its capacity, because a vendor's
            free/busy does not tell how many there are.
        taken: appointments with their buffers: each takes one place.
        capacity: how many places there are at any moment.
        offered: where the calendar tells starts instead of taken time: the only ones possible.
    """

    id: str
    blocked: Sequence[Interval] = ()
    taken: Sequence[Interval] = ()
    capacity: int = 1
    offered: Sequence[datetime] | None = None


@dataclass(frozen=True)
class Rules:
    """What a service asks of its times.

    Args:
        duration: how long it takes; elapsed time, also where clocks change meanwhile.
        before: kept free ahead of it.
        after: kept free behind it.
        grid: steps between possible starts; ``None``: only starts that calendars offer.
        notice: the least time between now and its start.
        horizon: the most.
    """

    duration: timedelta
    before: timedelta = NOTHING
    after: timedelta = NOTHING
    grid: timedelta | None = timedelta(minutes=15)
    notice: timedelta = NOTHING
    horizon: timedelta = timedelta(days=60)


@dataclass(frozen=True)
class Slot:
    """A possible appointment.

    Args:
        interval: when, in UTC, without buffers.
        choices: for each need, in order, the calendars that are free then, the preferred first.
    """

    interval: Interval
    choices: tuple[tuple[str, ...], ...] = field(default=())

    @property
    def start(self) -> datetime:
        """When it begins, in UTC."""
        return self.interval.start

    def local_start(self, zone: ZoneInfo) -> datetime:
        """When it begins on a zone's clock, the company's or the customer's."""
        return self.interval.start.astimezone(zone)


def free_slots(
    open_times: Iterable[Stretch],
    rules: Rules,
    needs: Sequence[Sequence[CalendarTime]],
    window: Interval,
    now: datetime,
) -> Iterator[Slot]:
    """Every possible appointment that begins within a window, in order.

    Args:
        open_times: when the company is open, in order of opening; stretches may touch or overlap.
        rules: of the service.
        needs: for each need the calendars of which it takes one, the preferred first. No calendar stands in
            two needs.
        window: where starts are looked for, its end not included.
        now: the current moment.
    """
    stretches = [(opens.timestamp(), closes.timestamp()) for opens, closes in open_times]
    seconds = rules.duration.total_seconds()
    ahead, behind = rules.before.total_seconds(), seconds + rules.after.total_seconds()
    groups = [[_Places(one) for one in need] for need in needs]
    offered = {moment for group in groups for one in group for moment in one.offered or ()}
    for start in _within(
        merged(stretches), sorted({*_on_grid(stretches, rules.grid, window), *offered}), seconds
    ):
        moment = datetime.fromtimestamp(start, UTC)
        if not (window.start <= moment < window.end and now + rules.notice <= moment <= now + rules.horizon):
            continue
        # Every calendar is asked, because each remembers how far it has got.
        choices = [
            [one for one in group if one.free(start, start - ahead, start + behind)] for group in groups
        ]
        if all(choices):
            interval = Interval(moment, moment + rules.duration)
            yield Slot(interval, tuple(tuple(one.id for one in group) for group in choices))


def is_free(calendar: CalendarTime, rules: Rules, start: datetime) -> bool:
    """Whether one calendar has a place for an appointment: the rule of `free_slots` for a single start."""
    moment = start.timestamp()
    end = moment + (rules.duration + rules.after).total_seconds()
    return _Places(calendar).free(moment, moment - rules.before.total_seconds(), end)


def _on_grid(stretches: Sequence[Span], grid: timedelta | None, window: Interval) -> Iterator[float]:
    if grid is None:
        return
    step = grid.total_seconds()
    first, last = window.span
    for opens, closes in stretches:
        start = opens + max(0.0, -((opens - first) // step)) * step if opens < first else opens
        while start < closes and start < last:
            yield start
            start += step


def _within(blocks: Sequence[Span], starts: Sequence[float], seconds: float) -> Iterator[float]:
    position = 0
    for start in starts:
        while position < len(blocks) and blocks[position][1] < start + seconds:
            position += 1
        if position < len(blocks) and blocks[position][0] <= start:
            yield start


class _Places:
    """A calendar's time while it is gone through once, from early to late."""

    def __init__(self, calendar: CalendarTime) -> None:
        self.id = calendar.id
        self.offered = (
            None if calendar.offered is None else {moment.timestamp() for moment in calendar.offered}
        )
        blocked = [one.span for one in calendar.blocked]
        taken = [one.span for one in calendar.taken]
        # With one place there is no difference, and one sort is enough.
        self._full = (
            merged([*blocked, *taken])
            if calendar.capacity == 1
            else merged([*blocked, *crowded(taken, calendar.capacity)])
        )
        self._position = 0

    def free(self, start: float, first: float, end: float) -> bool:
        """Whether there is a place from ``first`` to ``end``; to be asked in order of ``first``."""
        while self._position < len(self._full) and self._full[self._position][1] <= first:
            self._position += 1
        if self.offered is not None and start not in self.offered:
            return False
        return self._position == len(self._full) or end <= self._full[self._position][0]
