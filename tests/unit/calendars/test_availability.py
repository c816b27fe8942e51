"""Free times against a minute grid, across clock changes, and as the docs tell them."""

from __future__ import annotations

import random
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.calendars.availability import CalendarTime, Rules, Slot, free_slots, is_free
from shared.calendars.intervals import Interval
from shared.companies.opening import (
    OpeningException,
    OpeningHours,
    day_of,
    is_open,
    moment_of,
    open_times,
)
from tests.support.minute_grid import Walk

# Two hemispheres, half-hour and 45-minute offsets, a half-hour clock change, changes at midnight, none.
ZONES = (
    "Europe/Madrid",
    "America/New_York",
    "America/Santiago",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Africa/Cairo",
)
WEEK = OpeningHours.parse(
    {
        "monday": [{"from": "09:10", "to": "14:00"}, {"from": "16:00", "to": "20:00"}],
        "tuesday": [{"from": "00:00", "to": "24:00"}],
        "thursday": [{"from": "22:00", "to": "02:30"}],
        "saturday": [{"from": "00:30", "to": "02:30"}, {"from": "23:00", "to": "24:00"}],
        "sunday": [{"from": "00:00", "to": "01:15"}, {"from": "02:15", "to": "07:00"}],
    }
)
EXCEPTIONS = [
    OpeningException.parse({"first_day": "2026-12-24", "last_day": "2027-01-01"}),
    OpeningException.parse({"first_day": "2026-10-25", "hours": [{"from": "02:30", "to": "06:00"}]}),
    OpeningException.parse({"first_day": "2027-03-28", "hours": [{"from": "01:00", "to": "02:30"}]}),
]
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def hours_every_day(opens: str, closes: str) -> OpeningHours:
    """The same hours on every day."""
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    return OpeningHours.parse({day: [{"from": opens, "to": closes}] for day in days})


def slots(
    rules: Rules,
    needs: list[list[CalendarTime]],
    window: Interval,
    *,
    hours: OpeningHours = WEEK,
    zone: str = "UTC",
    now: datetime = MONDAY - timedelta(days=3),
) -> list[Slot]:
    """Free times of a company."""
    times = open_times(hours, EXCEPTIONS, ZoneInfo(zone), window.start, window.end + rules.duration)
    return list(free_slots(times, rules, needs, window, now))


def starts(found: list[Slot]) -> list[str]:
    """When they begin, for reading."""
    return [f"{one.start:%H:%M}" for one in found]


def at(hour: int, minute: int = 0, length: int = 60) -> Interval:
    """A time on the Monday."""
    start = MONDAY + timedelta(hours=hour, minutes=minute)
    return Interval(start, start + length * MINUTE)


DAY = Interval(MONDAY, MONDAY + timedelta(days=1))


def test_a_free_day_is_offered_from_opening_to_closing_without_its_break() -> None:
    """The grid is counted from each opening, and the last appointment ends at closing."""
    found = slots(Rules(HOUR, grid=HOUR), [[CalendarTime("ana")]], DAY)
    assert starts(found) == ["09:10", "10:10", "11:10", "12:10", "16:00", "17:00", "18:00", "19:00"]


def test_buffers_keep_clear_of_the_events_of_others() -> None:
    """Ten minutes ahead and twenty behind; touching is fine."""
    rules = Rules(30 * MINUTE, before=10 * MINUTE, after=20 * MINUTE, grid=10 * MINUTE)
    found = slots(rules, [[CalendarTime("ana", blocked=[at(17, 30, length=30)])]], at(16, length=150))
    assert starts(found) == ["16:00", "16:10", "16:20", "16:30", "16:40", "18:10", "18:20"]


def test_buffers_may_reach_beyond_the_opening_hours() -> None:
    """Cleaning up after closing time needs no customer."""
    rules = Rules(HOUR, before=HOUR, after=HOUR, grid=HOUR)
    assert starts(slots(rules, [[CalendarTime("ana")]], DAY))[-1] == "19:00"


def test_one_of_several_is_enough_and_each_need_is_met() -> None:
    """Either of two people, and the room."""
    needs = [
        [CalendarTime("ana", blocked=[at(16)]), CalendarTime("bea", blocked=[at(17)])],
        [CalendarTime("cabin", blocked=[at(18)])],
    ]
    found = slots(Rules(HOUR, grid=HOUR), needs, at(16, length=240))
    assert [(f"{one.start:%H}", one.choices) for one in found] == [
        ("16", (("bea",), ("cabin",))),
        ("17", (("ana",), ("cabin",))),
        ("19", (("ana", "bea"), ("cabin",))),
    ]


def test_a_calendar_with_places_takes_so_many_appointments_at_once() -> None:
    """But an event of others takes all places: nobody knows how many they meant."""
    course = CalendarTime("hall", capacity=2, taken=[at(16), at(16, 30), at(18)], blocked=[at(19)])
    found = slots(Rules(30 * MINUTE, grid=30 * MINUTE), [[course]], at(16, length=240))
    assert starts(found) == ["16:00", "17:00", "17:30", "18:00", "18:30"]


def test_a_calendar_that_offers_starts_is_asked_for_nothing_else() -> None:
    """Its starts count, on the grid or not, within the opening hours."""
    offered = [at(16, 5).start, at(17).start, at(21).start]
    calendar = CalendarTime("calendly", offered=offered)
    assert starts(slots(Rules(HOUR), [[calendar]], DAY)) == ["16:05", "17:00"]
    assert starts(slots(Rules(HOUR, grid=None), [[CalendarTime("ana")]], DAY)) == []


def test_notice_and_horizon_both_count_from_now() -> None:
    """Both ends included."""
    rules = Rules(HOUR, grid=HOUR, notice=2 * HOUR, horizon=4 * HOUR)
    now = at(14).start
    assert starts(slots(rules, [[CalendarTime("ana")]], DAY, now=now)) == ["16:00", "17:00", "18:00"]
    late = now + timedelta(seconds=1)
    assert starts(slots(rules, [[CalendarTime("ana")]], DAY, now=late)) == ["17:00", "18:00"]


def test_days_that_touch_at_midnight_are_one() -> None:
    """An appointment may run over midnight where nobody closes."""
    found = slots(
        Rules(HOUR, grid=30 * MINUTE), [[CalendarTime("ana")]], DAY, hours=hours_every_day("00:00", "24:00")
    )
    assert starts(found)[-1] == "23:30"
    assert len(found) == 48


def test_a_start_knows_what_the_customers_clock_shows() -> None:
    """Also where that is another day."""
    [slot] = slots(Rules(HOUR, grid=HOUR), [[CalendarTime("ana")]], at(19, length=1))
    assert slot.local_start(ZoneInfo("Pacific/Chatham")).isoformat() == "2026-11-24T08:45:00+13:45"


def test_microseconds_count() -> None:
    """An event that ends a microsecond late is in the way."""
    late = Interval(at(15).start, at(16).start + timedelta(microseconds=1))
    found = slots(Rules(HOUR, grid=HOUR), [[CalendarTime("ana", blocked=[late])]], at(16, length=120))
    assert starts(found) == ["17:00"]


@st.composite
def busy(draw: st.DrawFn) -> list[Interval]:
    """Some taken time in the first days after the Monday."""
    found = []
    for start in draw(st.lists(st.integers(-600, 4 * 1440), max_size=8)):
        begin = MONDAY + start * MINUTE
        found.append(Interval(begin, begin + draw(st.integers(1, 900)) * MINUTE))
    return found


@st.composite
def calendars(draw: st.DrawFn, name: str) -> CalendarTime:
    """A calendar of any kind."""
    offered = draw(st.none() | st.lists(st.integers(0, 4 * 1440), max_size=6))
    return CalendarTime(
        name,
        blocked=draw(busy()),
        taken=draw(busy()),
        capacity=draw(st.integers(1, 3)),
        offered=None if offered is None else [MONDAY + one * MINUTE for one in offered],
    )


@st.composite
def shifts(draw: st.DrawFn) -> list[dict[str, str]]:
    """The intervals of a day: some within it, perhaps one into the next."""
    ends = sorted(draw(st.sets(st.integers(0, 1439), min_size=2, max_size=6)))
    texts = [f"{one // 60:02}:{one % 60:02}" for one in ends]
    return [{"from": a, "to": b} for a, b in zip(texts[::2], texts[1::2], strict=False)]


lengths = st.integers(0, 200).map(lambda one: one * MINUTE)
CASES = 300


@settings(max_examples=CASES)
@given(data=st.data())
def test_it_finds_what_a_minute_grid_finds(data: st.DataObject) -> None:
    """Any hours, any zone, clock changes within the window, any calendars: the same starts."""
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    hours = OpeningHours.parse({day: data.draw(shifts()) for day in days if data.draw(st.booleans())})
    zone = ZoneInfo(data.draw(st.sampled_from(ZONES)))
    # Days on which one of the zones changes its clock, and an ordinary one.
    day = data.draw(st.sampled_from(["2026-11-23", "2026-10-24", "2027-03-27", "2026-04-04", "2026-10-03"]))
    shift = datetime.fromisoformat(f"{day}T00:00:00+00:00") - MONDAY
    rules = Rules(
        duration=data.draw(st.integers(1, 300)) * MINUTE,
        before=data.draw(lengths),
        after=data.draw(lengths),
        grid=data.draw(st.none() | st.integers(1, 90).map(lambda one: one * MINUTE)),
        notice=data.draw(lengths),
        horizon=data.draw(st.integers(200, 4 * 1440)) * MINUTE,
    )
    needs = [
        [_moved(data.draw(calendars(f"{need}-{one}")), shift) for one in range(data.draw(st.integers(1, 2)))]
        for need in range(data.draw(st.integers(1, 2)))
    ]
    now = MONDAY + shift - HOUR
    window = Interval(MONDAY + shift, MONDAY + shift + timedelta(days=2))
    times = open_times(hours, [], zone, window.start, window.end + rules.duration)
    found = [one.start for one in free_slots(times, rules, needs, window, now)]
    walk = Walk(hours, [], zone, window.start - timedelta(days=3), window.end + timedelta(days=1))
    expected = {one for one in walk.slots(rules, needs, now) if window.start <= one < window.end}
    assert set(found) == expected
    assert found == sorted(found)


def _moved(calendar: CalendarTime, by: timedelta) -> CalendarTime:
    return CalendarTime(
        calendar.id,
        [Interval(one.start + by, one.end + by) for one in calendar.blocked],
        [Interval(one.start + by, one.end + by) for one in calendar.taken],
        calendar.capacity,
        None if calendar.offered is None else [one + by for one in calendar.offered],
    )


@settings(max_examples=300)
@given(calendars("ana"), st.integers(0, 4 * 1440), lengths, lengths)
def test_a_single_start_follows_the_same_rule(
    calendar: CalendarTime, start: int, before: timedelta, after: timedelta
) -> None:
    """What booking asks is what availability told."""
    rules = Rules(45 * MINUTE, before=before, after=after, grid=MINUTE)
    moment = MONDAY + start * MINUTE
    window = Interval(moment, moment + MINUTE)
    always = [(MONDAY - HOUR, MONDAY + timedelta(days=9))]
    told = [one.start for one in free_slots(always, rules, [[calendar]], window, MONDAY - HOUR)]
    assert is_free(calendar, rules, moment) == (moment in told)


@pytest.mark.parametrize("name", ZONES)
def test_two_years_in_a_zone_agree_with_every_minute_of_them(name: str) -> None:
    """730 days of a full week with nights, holidays and three calendars, asked month by month."""
    zone, chance = ZoneInfo(name), random.Random(name)  # noqa: S311 - the tests' data
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    end = begin + timedelta(days=730)

    def events(count: int) -> list[Interval]:
        chosen = [begin + chance.randrange(730 * 1440) * MINUTE for _ in range(count)]
        return [Interval(one, one + chance.randrange(5, 600) * MINUTE) for one in chosen]

    needs = [
        [CalendarTime("ana", blocked=events(1500)), CalendarTime("bea", blocked=events(1500))],
        [CalendarTime("hall", taken=events(2500), blocked=events(200), capacity=2)],
    ]
    rules = Rules(
        50 * MINUTE, before=5 * MINUTE, after=10 * MINUTE, grid=20 * MINUTE, horizon=timedelta(days=800)
    )
    found: list[datetime] = []
    start = begin
    while start < end:
        window = Interval(start, min(start + timedelta(days=30), end))
        times = open_times(WEEK, EXCEPTIONS, zone, window.start, window.end + rules.duration)
        found += [one.start for one in free_slots(times, rules, needs, window, begin)]
        start = window.end
    walk = Walk(WEEK, EXCEPTIONS, zone, begin - timedelta(days=2), end + timedelta(days=2))
    expected = sorted(one for one in walk.slots(rules, needs, begin) if begin <= one < end)
    assert len(found) > 5_000
    assert found == expected


@pytest.mark.parametrize("name", ZONES)
def test_whether_a_company_is_open_is_told_by_the_same_rule(name: str) -> None:
    """Every quarter of an hour around the clock changes of a year."""
    zone = ZoneInfo(name)
    begin = datetime(2026, 10, 1, tzinfo=UTC)
    end = begin + timedelta(days=40)
    walk = Walk(WEEK, EXCEPTIONS, zone, begin - timedelta(days=2), end)
    for minute in range(0, 40 * 1440, 15):
        moment = begin + minute * MINUTE
        told = is_open(WEEK, EXCEPTIONS, zone, moment)
        assert told == bool(walk.is_open[minute + 2 * 1440]), moment


PAGE = Path(__file__).parents[3] / "docs" / "reference" / "booking.md"


def dst_table() -> list[dict[str, str]]:
    """The page's table, row by row."""
    section = PAGE.read_text("utf-8").partition("## Clock changes")[2].partition("\n## ")[0]
    lines = [line.strip("| \n").split(" | ") for line in section.splitlines() if line.startswith("|")]
    names, _, *rows = lines
    return [dict(zip(names, row, strict=True)) for row in rows]


@pytest.mark.parametrize("row", dst_table(), ids=lambda row: f"{row['zone']} {row['day']} {row['hours']}")
def test_the_table_of_clock_changes_is_true(row: dict[str, str]) -> None:
    """Row by row: when it opens, when it closes, how long that is, how many hours can be booked."""
    opens, closes = row["hours"].split(" to ")
    day = date.fromisoformat(row["day"])
    hours, zone = hours_every_day(opens, closes), ZoneInfo(row["zone"])
    begin, end = day_of(day, zone)
    stretches = [
        one for one in open_times(hours, [], zone, begin, end) if one[0].astimezone(zone).date() == day
    ]
    if row["opens (UTC)"] == "never":
        assert stretches == []
        return
    [(opened, closed)] = stretches
    assert (f"{opened:%d %H:%M}", f"{closed:%d %H:%M}") == (row["opens (UTC)"], row["closes (UTC)"])
    elapsed = re.fullmatch(r"(\d+) h(?: (\d+) min)?", row["open for"])
    assert elapsed is not None
    assert closed - opened == timedelta(hours=int(elapsed[1]), minutes=int(elapsed[2] or 0))
    window = Interval(opened, closed)
    rules = Rules(HOUR, grid=30 * MINUTE)
    found = list(free_slots([(opened, closed)], rules, [[CalendarTime("ana")]], window, opened))
    assert row["an hour can begin at"] == ", ".join(f"{one.local_start(zone):%H:%M}" for one in found)


def test_a_jump_of_a_whole_day_leaves_that_day_out() -> None:
    """Samoa had no 30 December 2011: nobody opened."""
    zone = ZoneInfo("Pacific/Apia")
    skipped = day_of(date(2011, 12, 30), zone)
    assert skipped[0] == skipped[1] == datetime(2011, 12, 30, 10, tzinfo=UTC)
    window = (skipped[0] - timedelta(days=1), skipped[0] + timedelta(days=1))
    days = [
        one[0].astimezone(zone).date()
        for one in open_times(hours_every_day("09:00", "17:00"), [], zone, *window)
    ]
    assert date(2011, 12, 29) in days
    assert date(2011, 12, 30) not in days
    assert date(2011, 12, 31) in days


@settings(max_examples=500)
@given(
    st.sampled_from(ZONES),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001 - a wall's clock has no zone
)
def test_a_time_on_the_wall_is_the_first_moment_that_shows_it(name: str, wall: datetime) -> None:
    """Or a later time, where the clock jumps over it: a second before, the clock shows less."""
    zone, shown = ZoneInfo(name), wall.replace(microsecond=0)
    moment = moment_of(shown, zone)

    def clock(at_moment: datetime) -> Any:  # noqa: ANN401 - a naive datetime
        return at_moment.astimezone(zone).replace(tzinfo=None)

    assert clock(moment) >= shown
    assert clock(moment - timedelta(seconds=1)) < shown
