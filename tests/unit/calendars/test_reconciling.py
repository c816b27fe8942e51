"""Calendars and records agree again, whichever of them is behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from shared.calendars.appointment_store import write
from shared.calendars.appointments import Customer, Status, event_id
from shared.calendars.intervals import Interval
from shared.calendars.providers.contract import PRIVATE_EVENT, Capabilities
from shared.platform.errors import GiveUp, RetryLater
from tests.fakes.calendar import FakeCalendars
from tests.fakes.clock import FakeClock
from tests.support.bookings import COMPANY, Desk, at

if TYPE_CHECKING:
    from shared.calendars.appointments import Appointment
    from shared.calendars.providers.contract import Event


def booked(desk: Desk, hour: int = 9, service: str = "laser", key: str = "k1") -> Appointment:
    """An appointment."""
    one = desk.book(at(hour), service, key).appointment
    assert one is not None
    return one


def seen(desk: Desk, calendar: str, event: Event) -> str:
    """Tell of one event, as the synchronisation does."""
    return desk.calendars.reconciling.seen(COMPANY, desk.company, calendar, event, desk.deadline)


def test_an_event_that_staff_drags_takes_its_appointment_along() -> None:
    """With the room, the reminders and the sheets; also onto the time of another."""
    desk = Desk()
    one, other = booked(desk), booked(desk, 13, key="k2")
    desk.vendor.staff_moves("ana@g", one.events[0].event_id, Interval(at(13), at(14)))
    assert desk.compare() == {"moved": 1, "nothing": 3}
    found = desk.found(one.id)
    assert (found.start, found.ended_by, found.sequence) == (at(13), "staff", 1)
    assert desk.reminders(one.id) == {"00120#chat": "24 11:00", "01440#chat": "23 13:00"}
    for ref, calendar in zip(found.events, ("ana@g", "cabin@g"), strict=True):
        event = desk.vendor.get(calendar, ref.event_id)
        assert event is not None
        assert event.interval == Interval(at(13), at(14))
    assert desk.found(other.id).start == at(13)
    assert desk.book(at(9), "laser", "k3").kind == "confirmed"
    assert desk.compare() == {"nothing": 6}


def test_an_event_that_staff_makes_longer_makes_its_appointment_longer() -> None:
    """Nobody is booked into the added half hour."""
    desk = Desk()
    one = booked(desk, service="cut")
    desk.vendor.staff_moves("ana@g", one.events[0].event_id, Interval(at(9), at(10, 30)))
    assert desk.compare()["moved"] == 1
    assert desk.book(at(10), "talk", "k2", calendars=("ana",)).kind == "taken"
    desk.check()


def test_an_event_of_half_a_year_is_not_followed_and_harms_no_other() -> None:
    """Somebody chose a wrong year; the appointment stays, the event takes its time, the rest is looked at."""
    desk = Desk()
    one, other = booked(desk, service="cut"), booked(desk, 13, "cut", key="k2")
    desk.vendor.staff_moves("ana@g", one.events[0].event_id, Interval(at(9), at(9) + timedelta(days=180)))
    desk.vendor.staff_moves("ana@g", other.events[0].event_id, Interval(at(14), at(14, 30)))
    assert desk.compare() == {"nothing": 1, "moved": 1}
    assert (desk.found(one.id).start, desk.found(other.id).start) == (at(9), at(14))
    assert desk.book(at(11), key="k3").kind == "taken"
    assert desk.move(one.id, at(16)).kind == "taken"
    assert desk.cancel(one.id).kind == "cancelled"


def test_an_event_that_staff_stretches_during_a_move_ends_the_move() -> None:
    """Not in a write that no table takes."""
    desk = Desk()
    one = booked(desk, service="cut")

    def around(effect: str, when: str) -> None:
        if (effect, when) == ("move ana@g", "before"):
            desk.vendor.staff_moves(
                "ana@g", one.events[0].event_id, Interval(at(9), at(9) + timedelta(days=180))
            )

    desk.vendor.around = around
    with pytest.raises(GiveUp, match="longer than any appointment"):
        desk.move(one.id, at(16))


def test_what_cannot_be_done_to_one_event_keeps_no_other_waiting() -> None:
    """A leftover that may not be removed comes first; what staff moved is followed all the same."""
    desk = Desk()
    one, other = booked(desk, service="cut"), booked(desk, 13, "cut", key="k2")
    lost = replace(desk.found(one.id), status=Status.LOST, events=())
    desk.table.transact([write(lost)])
    desk.vendor.staff_moves("ana@g", other.events[0].event_id, Interval(at(14), at(14, 30)))

    def around(effect: str, _when: str) -> None:
        if effect == "cancel ana@g":
            raise GiveUp("read only", reason="forbidden")

    desk.vendor.around = around
    with pytest.raises(GiveUp, match="read only"):
        desk.compare()
    assert desk.found(other.id).start == at(14)


def test_an_event_that_staff_deletes_ends_its_appointment() -> None:
    """And the room's event with it."""
    desk = Desk()
    one = booked(desk)
    desk.vendor.staff_cancels("ana@g", one.events[0].event_id)
    [event] = [each for each in desk.vendor.events_of["ana@g"].values() if each.cancelled]
    assert seen(desk, "ana", event) == "cancelled"
    assert seen(desk, "ana", event) == "nothing"
    assert (desk.found(one.id).status, desk.found(one.id).ended_by) == (Status.CANCELLED, "staff")
    assert desk.reminders(one.id) == {}
    desk.check()


def test_an_appointment_whose_event_is_gone_without_a_trace_ends() -> None:
    """The comparison finds what no change tells."""
    desk = Desk()
    one = booked(desk)
    desk.vendor.events_of["cabin@g"].clear()
    assert desk.compare()["cancelled"] == 1
    assert desk.found(one.id).status == Status.CANCELLED
    desk.check()


def test_old_news_of_an_event_changes_nothing() -> None:
    """A listing that is older than the customer's own move."""
    desk = Desk()
    one = booked(desk)
    [event] = desk.vendor.standing("ana@g")
    desk.move(one.id, at(13))
    assert seen(desk, "ana", event) == "nothing"
    assert desk.found(one.id).start == at(13)
    desk.check()


def test_news_during_a_move_is_left_to_whoever_moves() -> None:
    """Two workers on one appointment would undo each other's work."""
    desk = Desk()
    one = booked(desk)
    [event] = desk.vendor.standing("ana@g")

    class Died(BaseException):
        """The process is gone."""

    def around(effect: str, when: str) -> None:
        if (effect, when) == ("move cabin@g", "before"):
            raise Died

    desk.vendor.around = around
    with pytest.raises(Died):
        desk.move(one.id, at(13))
    assert seen(desk, "ana", event) == "nothing"
    assert desk.found(one.id).status == Status.MOVING


def test_an_event_whose_record_is_lost_becomes_an_appointment_again() -> None:
    """The customer still comes; staff still sees the event."""
    desk = Desk()
    one = booked(desk, service="cut")
    for item in list(desk.table.scan()):
        if one.id in item["pk"] or item["sk"].startswith("day#"):
            del desk.table._items[item["pk"], item["sk"]]  # type: ignore[attr-defined]
    assert desk.compare()["adopted"] == 1
    again = desk.found(one.id)
    assert (again.status, again.start, again.customer) == (Status.CONFIRMED, at(9), Customer("contact-1"))
    assert desk.book(at(9, 30), "cut", "k2").kind == "taken"
    assert desk.cancel(one.id).kind == "cancelled"
    desk.check()


def test_a_lost_record_comes_back_with_all_its_calendars() -> None:
    """The room stays taken, and the whole is moved and cancelled together again."""
    desk = Desk()
    one = booked(desk)
    for item in list(desk.table.scan()):
        if one.id in item["pk"] or item["sk"].startswith("day#"):
            del desk.table._items[item["pk"], item["sk"]]  # type: ignore[attr-defined]
    assert desk.compare()["adopted"] == 2
    again = desk.found(one.id)
    assert set(again.place.calendars) == {"ana", "cabin"}
    assert {ref.event_id for ref in again.events} == {ref.event_id for ref in one.events}
    desk.check()
    assert desk.move(one.id, at(13)).kind == "moved"
    assert [event.interval for event in desk.vendor.standing("cabin@g")] == [Interval(at(13), at(14))]
    assert desk.compare()["nothing"] == 2
    desk.check()


def test_an_event_of_a_booking_that_came_to_nothing_is_removed() -> None:
    """A vendor that was slow to make it, long after somebody else got the time."""
    vendor = FakeCalendars()
    desk = Desk(vendor=vendor)
    one = booked(desk, service="cut")
    [event] = vendor.standing("ana@g")
    lost = replace(one, status=Status.LOST, events=(), version=desk.found(one.id).version)
    desk.table.transact([write(lost)])
    assert desk.compare() == {"removed": 1}
    assert vendor.standing("ana@g") == []
    assert seen(desk, "ana", replace(event, cancelled=True)) == "nothing"


def test_an_event_that_a_move_left_behind_is_removed() -> None:
    """To another person, at the same time; it came to be after everybody had looked."""
    desk = Desk()
    one = booked(desk, service="talk")
    [event] = desk.vendor.standing("ana@g")
    late = event_id(one.id, "bea", 2)
    desk.vendor.events_of["bea@g"] = {
        late: replace(event, id=late, private={**event.private, PRIVATE_EVENT: late})
    }
    assert desk.compare() == {"removed": 1, "nothing": 1}
    assert desk.found(one.id).place.calendars == ("ana",)
    desk.check()


def test_an_event_that_a_person_restores_is_left_alone() -> None:
    """Its appointment was cancelled; whoever takes it out of the bin has a reason."""
    desk = Desk()
    one = booked(desk, service="cut")
    desk.cancel(one.id)
    name = one.events[0].event_id
    desk.vendor.events_of["ana@g"][name] = replace(desk.vendor.events_of["ana@g"][name], cancelled=False)
    assert desk.compare() == {"nothing": 1}
    assert len(desk.vendor.standing("ana@g")) == 1
    assert desk.book(at(9), "cut", "k2").kind == "taken"


def test_events_of_others_and_of_other_companies_are_left_alone() -> None:
    """Two companies, or two deployments, may share a calendar."""
    desk = Desk()
    booked(desk)
    [event] = desk.vendor.standing("ana@g")
    desk.vendor.staff_adds("ana@g", Interval(at(15), at(16)))
    foreign = replace(event, private={**event.private, "frontdesk_company": "other"}, cancelled=True)
    assert seen(desk, "ana", foreign) == "nothing"
    assert seen(desk, "ana", desk.vendor.standing("ana@g")[1]) == "nothing"
    desk.check()


@pytest.mark.parametrize("name", ["a-copy", "{}_20261201T090000Z"])
def test_copies_and_series_that_staff_made_of_our_event_are_theirs(name: str) -> None:
    """Google copies our marks along; the copy is neither removed nor made an appointment."""
    desk = Desk()
    one = booked(desk, service="cut")
    [event] = desk.vendor.standing("ana@g")
    copy = replace(event, id=name.format(event.id), interval=Interval(at(15), at(16)))
    desk.vendor.events_of["ana@g"][copy.id] = copy
    assert desk.compare() == {"nothing": 2}
    assert len(desk.vendor.standing("ana@g")) == 2
    assert desk.found(one.id).start == at(9)
    assert desk.book(at(15), "cut", "k2", customer=Customer("c2")).kind == "taken"
    del desk.table._items[one.key.pk, one.key.sk]  # type: ignore[attr-defined]
    assert seen(desk, "ana", copy) == "nothing"


def test_a_copy_is_left_alone_also_where_the_vendor_chooses_ids() -> None:
    """An event for a claim that stands is no leftover; one for a claim that is over is removed."""
    vendor = FakeCalendars(capabilities=Capabilities(chooses_ids=False))
    desk = Desk(vendor=vendor)
    one = booked(desk, service="cut")
    [event] = vendor.standing("ana@g")
    assert seen(desk, "ana", replace(event, id="a-copy")) == "nothing"
    over = {**event.private, PRIVATE_EVENT: event_id(one.id, "ana", 7)}
    vendor.events_of["ana@g"]["leftover"] = replace(event, id="leftover", private=over)
    assert seen(desk, "ana", vendor.events_of["ana@g"]["leftover"]) == "removed"
    assert [standing.id for standing in vendor.standing("ana@g")] == [event.id]


def test_an_appointment_made_again_is_not_named_by_what_staff_wrote() -> None:
    """Its service is gone from the document, and customers read the name."""
    desk = Desk()
    one = booked(desk, service="cut")
    desk.vendor.staff_edits("ana@g", one.events[0].event_id)
    del desk.table._items[one.key.pk, one.key.sk]  # type: ignore[attr-defined]
    desk.company = desk.company.model_copy(update={"services": []})
    assert desk.compare() == {"adopted": 1}
    assert desk.found(one.id).service_name == "cut"


def test_past_events_are_not_made_appointments_again() -> None:
    """Records are forgotten after some time, events are not."""
    desk = Desk()
    assert isinstance(desk.clock, FakeClock)
    one = booked(desk, service="cut")
    del desk.table._items[one.key.pk, one.key.sk]  # type: ignore[attr-defined]
    desk.clock.set(at(12))
    assert desk.compare() == {"nothing": 1}


def test_a_sweep_settles_the_others_when_one_cannot_be_settled() -> None:
    """A calendar that does not answer keeps nobody else's waiting."""
    vendor = FakeCalendars()
    desk = Desk(vendor=vendor)
    assert isinstance(desk.clock, FakeClock)
    desk.hold(at(12), key="held")

    def around(effect: str, when: str) -> None:
        if when == "before" and effect == "create ana@g":
            raise RetryLater("not now", reason="calendar_down")

    vendor.around = around
    for key, service, hour in (("a", "cut", 9), ("b", "laser", 14)):
        with pytest.raises(RetryLater):
            desk.book(at(hour), service, key)
    desk.clock.advance(700)
    swept = desk.sweep()
    assert (swept.settled, swept.expired, swept.left) == (2, 1, {})
    assert {one.status for one in desk.all()} == {Status.LOST, Status.EXPIRED}
    desk.clock.advance(130)
    assert desk.sweep().settled == 2
    assert desk.sweep().settled == 0
    desk.check()


def test_a_sweep_that_meets_a_calendar_that_is_down_says_so_and_tries_again() -> None:
    """Nothing is decided before the calendar answers."""
    vendor = FakeCalendars()
    desk = Desk(vendor=vendor)
    assert isinstance(desk.clock, FakeClock)
    one = booked(desk)

    def around(effect: str, when: str) -> None:
        if when == "before" and effect == "cancel cabin@g":
            raise RetryLater("not now", reason="calendar_down")

    vendor.around = around
    with pytest.raises(RetryLater):
        desk.cancel(one.id)
    desk.clock.advance(timedelta(minutes=30).total_seconds())
    assert desk.sweep().left == {"calendar_down": 1}
    vendor.around = lambda _effect, _when: None
    desk.clock.advance(61)
    assert desk.sweep().settled == 1
    assert desk.found(one.id).status == Status.CANCELLED
    desk.check()
