"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

A_MONDAY_MORNING = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class FakeClock:
    """Time moves only by `advance` and by `sleep`.

    Args:
        now: where it starts.
    """

    def __init__(self, now: datetime = A_MONDAY_MORNING) -> None:
        self._now = now
        self._monotonic = 1000.0
        self.slept_seconds: list[float] = []

    def now(self) -> datetime:
        """See `shared.platform.clock.Clock`."""
        return self._now

    def monotonic(self) -> float:
        """See `shared.platform.clock.Clock`."""
        return self._monotonic

    def sleep(self, seconds: float) -> None:
        """Let the time pass without waiting for it."""
        self.slept_seconds.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Let the time pass."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds

    def set(self, now: datetime) -> None:
        """Let it be another moment, earlier or later; measured time stands still."""
        self._now = now
