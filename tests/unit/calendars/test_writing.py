"""One worker at a time, one version after the other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.calendars.appointment_store import as_item, from_item
from shared.calendars.appointments import Place, Status
from shared.calendars.intervals import Interval
from shared.calendars.sheets import Sheets
from shared.calendars.writing import Writing
from shared.platform.errors import RetryLater
from tests.fakes.clock import FakeClock
from tests.support.bookings import TUESDAY, Desk, at


def writing(desk: Desk) -> Writing:
    """A writer on the desk's table."""
    return Writing(desk.table, Sheets(desk.table, desk.clock), desk.clock)


def test_of_two_workers_one_gets_an_appointment() -> None:
    """Both have read it at rest; the other is told to come later, and when."""
    desk = Desk()
    one = desk.book(at(9)).appointment
    assert one is not None
    writer = writing(desk)
    taken = writer.take(desk.found(one.id))
    with pytest.raises(RetryLater, match="works on this appointment"):
        writer.take(replace(one, version=taken.version - 1))
    with pytest.raises(RetryLater) as later:
        writer.take(desk.found(one.id))
    assert later.value.after_seconds == 45
    assert isinstance(desk.clock, FakeClock)
    desk.clock.advance(45)
    assert writer.take(desk.found(one.id)).version == taken.version + 1


def test_a_worker_whose_lease_is_over_writes_nothing() -> None:
    """Somebody else has gone on meanwhile: what it knows is no longer true."""
    desk = Desk()
    one = desk.book(at(9)).appointment
    assert one is not None
    writer = writing(desk)
    slow = writer.take(desk.found(one.id))
    assert isinstance(desk.clock, FakeClock)
    desk.clock.advance(60)
    desk.sweep()
    assert desk.cancel(one.id).kind == "cancelled"
    with pytest.raises(RetryLater):
        writer.save(replace(slow, status=Status.CONFIRMED))
    with pytest.raises(RetryLater):
        writer.save(replace(slow, status=Status.CONFIRMED), change=lambda sheets: sheets.release("other"))
    assert desk.found(one.id).status == Status.CANCELLED


def test_a_record_comes_back_as_it_was_written() -> None:
    """Every field, also those that only half-done appointments have."""
    desk = Desk()
    one = desk.book(at(9), "laser").appointment
    assert one is not None
    other = Interval(at(11), at(12))
    full = replace(
        one,
        target=Place(other, one.place.before, one.place.after, ("bea", "cabin"), 2),
        forced="staff",
        left_at=(other,),
        strays=one.events,
        held_until=TUESDAY,
        working_until=TUESDAY,
        due_at=TUESDAY,
        begun_at=TUESDAY,
        wanted_at=None,
        keys=(("a", "moved"),),
    )
    assert from_item(as_item(full)) == full
