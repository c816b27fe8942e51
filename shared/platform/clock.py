"""Time as something that is passed in."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import tzinfo


class Clock(Protocol):
    """What the rest of the program may ask of time."""

    def now(self) -> datetime:
        """The current moment, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start that never go backwards."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """See `Clock`."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """See `Clock`."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """See `Clock`."""
        time.sleep(seconds)


class Deadline:
    """A moment by which something must be over, measured on the monotonic clock.

    Args:
        clock: where time comes from.
        seconds: how long from now.
    """

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._at = clock.monotonic() + seconds

    def remaining_seconds(self) -> float:
        """Seconds left; zero once it has passed, never negative."""
        return max(0.0, self._at - self._clock.monotonic())

    def passed(self) -> bool:
        """Whether nothing is left."""
        return self.remaining_seconds() <= 0.0

    def within(self, seconds: float) -> float:
        """The smaller of ``seconds`` and what is left: the time-out for the next call."""
        return min(seconds, self.remaining_seconds())


def in_utc(moment: datetime, zone: tzinfo = UTC) -> datetime:
    """Somebody else's moment in UTC; one without an offset is read in ``zone``.

    Raises:
        ValueError: it lies in no year of the calendar once it is in UTC.
    """
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:
        raise ValueError("lies outside of the calendar") from None


def epoch_milliseconds(moment: datetime) -> int:
    """A moment as whole milliseconds since 1970-01-01 UTC, how tables and queues hold it."""
    return int(moment.timestamp() * 1000)


def from_epoch_milliseconds(value: float) -> datetime:
    """The moment that `epoch_milliseconds` wrote, in UTC."""
    return datetime.fromtimestamp(value / 1000, UTC)
