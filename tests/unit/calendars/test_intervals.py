"""Arithmetic on stretches of time, held against sets of minutes."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.calendars.intervals import Interval, Span, crowded, merged, of_span, without

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@st.composite
def spans(draw: st.DrawFn) -> list[Span]:
    """Some stretches of whole numbers."""
    starts = draw(st.lists(st.integers(0, 60), max_size=12))
    return [(float(start), float(start + draw(st.integers(1, 15)))) for start in starts]


def moments(stretches: list[Span]) -> Counter[int]:
    """How many of the stretches run at each whole number."""
    return Counter(moment for start, end in stretches for moment in range(int(start), int(end)))


def apart(stretches: list[Span]) -> bool:
    """Whether they are in order and none touches the next."""
    return all(one[1] < other[0] for one, other in pairwise(stretches))


def test_an_interval_ends_before_the_next_begins() -> None:
    """Half open: an appointment may begin in the very moment in which another ends."""
    morning, noon = Interval(NOON - HOUR, NOON), Interval(NOON, NOON + HOUR)
    assert not morning.overlaps(noon)
    assert not noon.overlaps(morning)
    assert morning.overlaps(noon.widened(timedelta(microseconds=1), timedelta(0)))


def test_an_interval_is_kept_in_utc() -> None:
    """So that two of the same moments are equal."""
    india = timezone(timedelta(hours=5, minutes=30))
    assert Interval(NOON.astimezone(india), NOON + HOUR) == Interval(NOON, NOON + HOUR)


@pytest.mark.parametrize(
    ("start", "end"),
    [(NOON, NOON), (NOON + HOUR, NOON), (NOON.replace(tzinfo=None), NOON.replace(tzinfo=None) + HOUR)],
)
def test_what_is_no_interval_is_refused(start: datetime, end: datetime) -> None:
    """Without a length, backwards, or on nobody's clock."""
    with pytest.raises(ValueError, match="must"):
        Interval(start, end)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1)))  # noqa: DTZ001 - Hypothesis adds the zone
def test_numbers_tell_microseconds_apart(naive: datetime) -> None:
    """A float of seconds is exact enough, and comes back as the same moment."""
    moment = naive.replace(tzinfo=UTC)
    interval = Interval(moment, moment + timedelta(microseconds=1))
    assert interval.span[0] < interval.span[1]
    assert of_span(interval.span) == interval


@given(spans())
def test_merging_keeps_every_moment_once(stretches: list[Span]) -> None:
    """And leaves nothing that touches."""
    joined = merged(stretches)
    assert moments(joined) == Counter(set(moments(stretches)))
    assert apart(joined)


@given(spans(), st.integers(1, 4))
def test_it_is_crowded_where_so_many_run_at_once(stretches: list[Span], capacity: int) -> None:
    """Counted moment by moment."""
    found = crowded(stretches, capacity)
    assert set(moments(found)) == {m for m, count in moments(stretches).items() if count >= capacity}
    assert apart(found)


@given(spans(), spans())
def test_what_is_taken_away_is_gone_and_nothing_else(stretches: list[Span], holes: list[Span]) -> None:
    """The difference of two sets of moments."""
    left = without(stretches, holes)
    assert moments(left) == Counter(set(moments(stretches)) - set(moments(holes)))
    assert all(start < end for start, end in left)
