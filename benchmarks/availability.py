"""How fast free times are found, beside the naive way, as events grow by 10 and by 100.

Run from the root of the project: ``python -m benchmarks.availability``. Ten calendars, thirty days around
the clock, a grid of 15 minutes; each calendar's events fall into two thirds of its hours, so that as much
time stays free however many there are. The naive way asks every event of a calendar for every start, on the
same numbers; it is measured on a part of the starts and reckoned up. The ratio should hold as events grow.
"""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from shared.calendars.availability import CalendarTime, Rules, free_slots
from shared.calendars.intervals import Interval

if TYPE_CHECKING:
    from collections.abc import Callable

BEGIN = datetime(2026, 11, 23, tzinfo=UTC)
DAYS, CALENDARS = 30, 10
SIZES = (10_000, 100_000, 1_000_000)
RULES = Rules(timedelta(minutes=30), timedelta(minutes=5), timedelta(minutes=10))
WINDOW = Interval(BEGIN, BEGIN + timedelta(days=DAYS))
OPEN = [(BEGIN + timedelta(days=day), BEGIN + timedelta(days=day + 1)) for day in range(DAYS)]
RUNS = 5
BLOCK = 3 * 3600
SHARE = 120  # of the starts, for the naive way


def calendars(events: int) -> list[CalendarTime]:
    """Calendars with so many events in all, each of 1 to 30 minutes, in blocks of three hours."""
    chance = random.Random(events)  # noqa: S311 - a benchmark's data

    def event(blocks: list[int]) -> Interval:
        start = BEGIN + timedelta(seconds=chance.choice(blocks) * BLOCK + chance.randrange(BLOCK - 1800))
        return Interval(start, start + timedelta(minutes=chance.randrange(1, 31)))

    def calendar(number: int) -> CalendarTime:
        blocks = [block for block in range(DAYS * 86_400 // BLOCK) if chance.random() < 2 / 3]
        return CalendarTime(f"{number}", [event(blocks) for _ in range(events // CALENDARS)])

    return [calendar(number) for number in range(CALENDARS)]


def naive(asked: list[CalendarTime], starts: list[datetime]) -> list[datetime]:
    """Every start against every event, one after the other."""
    spans = [[one.span for one in calendar.blocked] for calendar in asked]
    found = []
    for start in starts:
        low = (start - RULES.before).timestamp()
        high = (start + RULES.duration + RULES.after).timestamp()
        if any(all(end <= low or high <= begin for begin, end in calendar) for calendar in spans):
            found.append(start)
    return found


def best(work: Callable[[], object], runs: int) -> float:
    """The shortest of some runs, in milliseconds."""
    times = []
    for _ in range(runs):
        begin = time.perf_counter()
        work()
        times.append((time.perf_counter() - begin) * 1000)
    return min(times)


def main() -> None:
    """Print a table."""
    grid = timedelta(minutes=15)
    steps = (WINDOW.end - WINDOW.start) // grid
    # The last starts do not end within the window's opening time.
    starts = [
        BEGIN + step * grid for step in range(steps) if BEGIN + step * grid + RULES.duration <= WINDOW.end
    ]
    print(f"{'events':>9}{'free starts':>13}{'ours, ms':>11}{'naive, ms':>12}{'ratio':>9}")
    for size in SIZES:
        asked = calendars(size)
        found = [one.start for one in free_slots(OPEN, RULES, [asked], WINDOW, BEGIN)]
        part = list(islice(starts, 0, None, SHARE))
        chosen = set(part)
        if naive(asked, part) != [one for one in found if one in chosen]:
            raise AssertionError("the two ways disagree")
        ours = best(lambda asked=asked: list(free_slots(OPEN, RULES, [asked], WINDOW, BEGIN)), RUNS)  # type: ignore[misc]
        slow = best(lambda asked=asked, part=part: naive(asked, part), 1) * len(starts) / len(part)  # type: ignore[misc]
        print(f"{size:9,}{len(found):13,}{ours:11.1f}{slow:12,.0f}{slow / ours:9.0f}")


if __name__ == "__main__":
    main()
