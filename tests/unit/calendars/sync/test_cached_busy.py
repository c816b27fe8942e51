"""What is told when free times are looked for: kept while fresh, asked for else, and never made up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.calendars.intervals import Interval
from shared.calendars.providers.contract import Capabilities, FreeBusy
from shared.calendars.sync import packing
from shared.calendars.sync.packing import (
    TooManyEvents,
    pack,
    pack_moments,
    unpack,
    unpack_moments,
    whole_seconds,
)
from shared.calendars.terms import terms_of
from shared.platform.errors import RetryLater
from tests.fakes.telling_calendar import TellingCalendars
from tests.support.bookings import COMPANY, TUESDAY, Desk, at
from tests.support.calendar_sync import SyncWorld, around

if TYPE_CHECKING:
    from shared.calendars.looking import BusyTimes

DAY = around(TUESDAY, days=1)
NINE = around(at(9), hours=1)


@pytest.fixture
def world() -> SyncWorld:
    """A company whose calendars were read just now."""
    world = SyncWorld()
    world.vendor.staff_adds("ana@g", NINE)
    world.sync()
    world.vendor.calls.clear()
    return world


def test_what_is_fresh_is_told_without_asking(world: SyncWorld) -> None:
    """With its age."""
    read_at = world.clock.now()
    world.later(minutes=20)
    found = world.busy(DAY, "ana")
    assert list(found.calendars["ana"].intervals) == [NINE]
    assert found.calendars["ana"].read_at == read_at
    assert world.vendor.calls == []


def test_what_is_older_than_the_companys_bound_is_asked_for(world: SyncWorld) -> None:
    """Twenty minutes by default."""
    world.later(minutes=20, seconds=1)
    found = world.busy(DAY, "ana")
    assert found.calendars["ana"].read_at == world.clock.now()
    assert world.vendor.calls == ["free_busy"]


def test_a_company_may_ask_for_less_or_more(world: SyncWorld) -> None:
    """``booking.fresh_minutes``."""
    short = SyncWorld(changes={"booking": {"fresh_minutes": 5}}).company
    world.later(minutes=6)
    world.source.busy(COMPANY, short, short.calendars[:1], DAY)
    assert world.vendor.calls == ["free_busy"]


@pytest.mark.parametrize("shift", [timedelta(days=-2), timedelta(days=31)])
def test_a_window_that_is_not_wholly_known_is_asked_for_as_a_whole(
    world: SyncWorld, shift: timedelta
) -> None:
    """Before yesterday, or beyond what is kept."""
    now = world.clock.now()
    window = Interval(min(now, now + shift), max(now, now + shift) + timedelta(hours=1))
    found = world.busy(window, "ana")
    assert world.vendor.calls == ["free_busy"]
    assert list(found.calendars["ana"].intervals) == ([NINE] if NINE.overlaps(window) else [])


def test_only_those_that_are_not_fresh_are_asked_for(world: SyncWorld) -> None:
    """In one call."""
    world.vendor.refuses["changes ana@g"] = RetryLater("down")
    world.later(minutes=15)
    world.sync()
    world.later(minutes=10)
    world.vendor.calls.clear()
    found = world.busy(DAY)
    assert set(found.calendars) == {"ana", "bea", "cabin", "hall"}
    assert world.vendor.calls == ["free_busy"]
    assert found.calendars["ana"].read_at == world.clock.now()
    assert found.calendars["bea"].read_at == world.clock.now() - timedelta(minutes=10)


def test_where_neither_works_a_calendar_is_unreadable_and_never_free(world: SyncWorld) -> None:
    """What is too old is not told, however well it is known."""
    world.later(minutes=21)
    world.vendor.refuses["free_busy"] = RetryLater("down", reason="calendar_unavailable")
    found = world.busy(DAY)
    assert found.calendars == {}
    assert dict(found.unreadable) == dict.fromkeys(("ana", "bea", "cabin", "hall"), "calendar_unavailable")


def test_a_booking_is_seen_before_the_next_look(world: SyncWorld) -> None:
    """The day sheets tell it."""
    desk = Desk(world.table, world.vendor, world.clock, source=world.source)
    assert desk.book(at(11)).appointment is not None
    free = desk.calendars.looking.free(COMPANY, desk.company, terms_of(desk.company, "cut"), DAY)
    starts = {slot.start for slot in free.slots}
    assert at(11) not in starts
    assert at(12) in starts
    assert free.as_of == world.look().synced_at


def test_a_booking_is_checked_with_the_vendor_whatever_is_kept(world: SyncWorld) -> None:
    """Staff took the time a minute ago: it is offered, and lost when it is booked."""
    desk = Desk(world.table, world.vendor, world.clock, source=world.source)
    world.vendor.staff_adds("ana@g", around(at(11), hours=1), "meanwhile")
    free = desk.calendars.looking.free(COMPANY, desk.company, terms_of(desk.company, "cut"), DAY)
    assert at(11) in {slot.start for slot in free.slots}
    lost = desk.book(at(11))
    assert lost.kind == "taken"
    # What is offered instead was asked for as well.
    assert at(12) in {slot.start for slot in lost.alternatives}
    assert not [slot for slot in lost.alternatives if at(10, 30) < slot.start < at(12)]
    assert [one.id for one in world.vendor.standing("ana@g")] == ["staffs", "meanwhile"]


class Nobody:
    """Must not be asked."""

    def busy(self, *_: object) -> BusyTimes:
        """See `BusySource`."""
        raise AssertionError


def test_who_books_does_not_even_look_at_what_is_kept() -> None:
    """Nor who holds, moves, or is offered other times."""
    desk = Desk(source=Nobody())
    made = desk.book(at(11)).appointment
    assert made is not None
    assert desk.book(at(11), key="k2").kind == "taken"
    assert desk.hold(at(14), key="k3").kind == "held"
    assert desk.move(made.id, at(16)).kind == "moved"


class Offering(TellingCalendars):
    """Tells starts."""

    def free_busy(self, calendars, start, end, **more):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN003, ANN201 - see `TellingCalendars`
        """See `CalendarProvider`."""
        found = super().free_busy(calendars, start, end, **more)
        return FreeBusy(found.busy, found.unreadable, {one: [at(9), at(10), at(30)] for one in calendars})


def test_starts_that_a_vendor_offers_are_kept_as_well() -> None:
    """Cut to the window; none offered is not the same as any start."""
    world = SyncWorld(Offering(capabilities=Capabilities(lists_events=False, offers_starts=True)))
    world.sync()
    found = world.busy(DAY, "ana").calendars["ana"]
    assert list(found.offered or ()) == [at(9), at(10)]
    none = world.busy(around(at(12), hours=1), "ana").calendars["ana"]
    assert none.offered == []
    usual = SyncWorld()
    usual.sync()
    assert usual.busy(DAY, "ana").calendars["ana"].offered is None


# Packing

KEYS = st.binary(min_size=12, max_size=12)
SECONDS = st.integers(0, 2**32 - 1)


@given(st.dictionaries(KEYS, st.tuples(SECONDS, SECONDS)))
def test_what_is_packed_is_unpacked(taken: packing.Taken) -> None:
    """All of it."""
    assert unpack(pack(taken)) == taken


@given(st.lists(SECONDS))
def test_moments_too(moments: list[int]) -> None:
    """In order."""
    assert unpack_moments(pack_moments(moments)) == sorted(moments)


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds the zone
    st.timedeltas(timedelta(microseconds=1), timedelta(days=40)),
)
def test_rounding_never_shortens(start: datetime, length: timedelta) -> None:
    """To whole seconds, outwards, by less than one."""
    kept_start, kept_end = whole_seconds(Interval(start, start + length))
    assert 0 <= start.timestamp() - kept_start < 1
    assert 0 <= kept_end - (start + length).timestamp() < 1


def test_events_of_other_times_than_numbers_hold_do_not_break_anything() -> None:
    """An event since the Middle Ages, another until the year 9000."""
    ancient = Interval(datetime(1100, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC))
    assert whole_seconds(ancient) == (0, 2**32 - 1)


def test_fifteen_thousand_events_fit_and_many_more_are_refused() -> None:
    """Five hundred a day."""
    packed = pack(
        {packing.event_key(str(one)): (10**9 + one * 180, 10**9 + one * 180 + 90) for one in range(15_000)}
    )
    assert len(packed) < 300_000
    with pytest.raises(TooManyEvents):
        pack({packing.event_key(str(one)): (one * 180, one * 180 + 90) for one in range(30_000)})
