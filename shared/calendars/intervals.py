"""Stretches of time, and arithmetic on many of them at once. Half open: the end is no longer part of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

# The same as plain numbers (seconds since 1970), where many are compared. Exact: a float tells moments apart
# that are a microsecond apart until the year 2248.
Span = tuple[float, float]


@dataclass(frozen=True, order=True)
class Interval:
    """From a moment up to, and without, another.

    Args:
        start: aware; kept in UTC.
        end: aware; later than ``start``.

    Raises:
        ValueError: a moment has no zone, or the interval has no length.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("an interval's moments must know their offset from UTC")
        if self.start >= self.end:
            raise ValueError("an interval must end after it begins")
        object.__setattr__(self, "start", self.start.astimezone(UTC))
        object.__setattr__(self, "end", self.end.astimezone(UTC))

    def overlaps(self, other: Interval) -> bool:
        """Whether they share a moment; those that only touch do not."""
        return self.start < other.end and other.start < self.end

    def widened(self, before: timedelta, after: timedelta) -> Interval:
        """With time added on both sides."""
        return Interval(self.start - before, self.end + after)

    @property
    def span(self) -> Span:
        """The interval as numbers."""
        return self.start.timestamp(), self.end.timestamp()


def of_span(span: Span) -> Interval:
    """The interval that a `Span` stands for."""
    return Interval(datetime.fromtimestamp(span[0], UTC), datetime.fromtimestamp(span[1], UTC))


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same moments as few spans, in order: what overlaps or touches becomes one."""
    joined: list[Span] = []
    start = end = None
    for one_start, one_end in sorted(spans):
        if start is None or end is None:
            start, end = one_start, one_end
        elif one_start <= end:
            end = max(end, one_end)
        else:
            joined.append((start, end))
            start, end = one_start, one_end
    if start is not None and end is not None:
        joined.append((start, end))
    return joined


def crowded(spans: Iterable[Span], capacity: int) -> list[Span]:
    """Where at least ``capacity`` spans run at the same time, in order and apart from each other."""
    if capacity == 1:
        return merged(spans)
    # At one moment ends come before starts: a place that becomes free can be taken at once.
    changes = sorted(change for start, end in spans for change in ((start, 1), (end, -1)))
    found: list[Span] = []
    running, since = 0, 0.0
    for moment, change in changes:
        before, running = running, running + change
        if before < capacity <= running:
            since = moment
        elif running < capacity <= before and since < moment:
            found.append((since, moment))
    return merged(found)


def without(spans: Iterable[Span], removed: Iterable[Span]) -> list[Span]:
    """The moments of ``spans`` that lie in none of ``removed``, in order and apart from each other."""
    holes = merged(removed)
    left: list[Span] = []
    position = 0
    for start, end in merged(spans):
        while position < len(holes) and holes[position][1] <= start:
            position += 1
        rest, at = start, position
        while at < len(holes) and holes[at][0] < end:
            if rest < holes[at][0]:
                left.append((rest, holes[at][0]))
            rest = max(rest, holes[at][1])
            at += 1
        if rest < end:
            left.append((rest, end))
    return left
