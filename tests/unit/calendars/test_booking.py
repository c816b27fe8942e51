"""Holding, booking, moving and cancelling appointments."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from shared.calendars.appointments import Customer, Status
from shared.calendars.intervals import Interval
from shared.calendars.providers.contract import BookByLink, Capabilities
from shared.calendars.requests import CalendarsUnreadable
from shared.companies.model import Company
from shared.platform.errors import AnswerLost, Conflict, GiveUp, InvalidInput, NotFound, RetryLater
from tests.fakes.calendar import FakeCalendars
from tests.fakes.clock import FakeClock
from tests.support.bookings import COMPANY, DOCUMENT, MARIA, TUESDAY, Desk, at

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.calendars.requests import Outcome

HALF = timedelta(minutes=30)


def times(outcome: Any) -> list[str]:  # noqa: ANN401 - an Outcome
    """The alternatives, for reading."""
    return [f"{slot.start:%d %H:%M}" for slot in outcome.alternatives]


def idless() -> FakeCalendars:
    """A vendor such as Calendly: ids of its own, no lists, no moves, and it guards its times."""
    return FakeCalendars(
        capabilities=Capabilities(
            chooses_ids=False, lists_events=False, moves=False, etags=False, guards_times=True
        )
    )


def test_a_booking_stands_in_the_calendar_and_in_the_record() -> None:
    """Under the same mark, with the event's own reminders, and with reminders for the customer."""
    desk = Desk(changes={"booking": {"event_reminders": [{"minutes": 10}], "conference": True}})
    outcome = desk.book(at(9))
    assert outcome.kind == "confirmed"
    assert outcome.appointment is not None
    [event] = desk.vendor.standing("ana@g")
    assert event.interval == Interval(at(9), at(9) + HALF)
    assert event.private["frontdesk_appointment"] == outcome.appointment.id
    assert re.fullmatch("[a-v0-9]{5,1024}", event.id)
    [new] = desk.vendor.created
    assert (new.title, new.zone) == ("Corte \N{EN DASH} María", "Europe/Madrid")
    assert [(one.minutes, one.method) for one in new.reminders or ()] == [(10, "popup")]
    assert outcome.appointment.conference_url.startswith("https://meet.example/")
    assert desk.reminders(outcome.appointment.id) == {"00120#chat": "24 07:00"}
    desk.check()


def test_the_same_key_is_the_same_appointment() -> None:
    """A tool call that is run again, or a request that is sent again."""
    desk = Desk()
    first, second = desk.book(at(9)), desk.book(at(9))
    assert first.appointment is not None
    assert second.appointment is not None
    assert first.appointment.id == second.appointment.id
    assert second.kind == "confirmed"
    assert desk.vendor.calls.count("create ana@g") == 1


def test_a_key_is_not_for_two_requests() -> None:
    """Neither another time nor another person."""
    desk = Desk()
    desk.book(at(9))
    with pytest.raises(Conflict, match="another request"):
        desk.book(at(10))
    with pytest.raises(Conflict, match="another request"):
        desk.book(at(9), customer=Customer("contact-2"))


def test_whoever_comes_second_gets_the_nearest_other_times() -> None:
    """Buffers count: the first keeps a quarter of an hour after it."""
    desk = Desk()
    desk.book(at(10))
    second = desk.book(at(10), key="k2", customer=Customer("contact-2"))
    assert second.kind == "taken"
    assert second.appointment is None
    assert times(second) == ["24 08:45", "24 09:00", "24 09:15", "24 10:45", "24 11:00"]
    desk.check()


def test_the_next_of_several_people_is_taken_where_the_first_is_busy() -> None:
    """In the order of the document, unless the customer wants somebody."""
    desk = Desk()
    places = [
        desk.book(at(9), "talk", "a"),
        desk.book(at(9), "talk", "b"),
        desk.book(at(9), "talk", "c"),
        desk.book(at(11), "talk", "d", calendars=("bea",)),
    ]
    calendars = [one.appointment.place.calendars if one.appointment else None for one in places]
    assert calendars == [("ana",), ("bea",), None, ("bea",)]
    with pytest.raises(InvalidInput, match="does not take this calendar"):
        desk.book(at(12), "talk", "e", calendars=("cabin",))
    desk.check()


def test_staff_and_room_are_taken_together() -> None:
    """One event in each calendar; a taken room is enough to refuse."""
    desk = Desk()
    booked = desk.book(at(9), "laser")
    assert booked.appointment is not None
    assert booked.appointment.place.calendars == ("ana", "cabin")
    desk.vendor.staff_adds("cabin@g", Interval(at(11), at(12)))
    assert desk.book(at(11), "laser", "k2").kind == "taken"
    desk.check()


def test_a_calendar_with_places_takes_three_at_once() -> None:
    """The fourth is refused; an event of others refuses everybody."""
    desk = Desk()
    kinds = [desk.book(at(9), "course", f"k{one}", Customer(f"c{one}")).kind for one in range(4)]
    assert kinds == ["confirmed"] * 3 + ["taken"]
    desk.vendor.staff_adds("hall@g", Interval(at(12), at(13)))
    assert desk.book(at(12), "course", "k9").kind == "taken"
    desk.check()


@pytest.mark.parametrize(
    ("start", "why"),
    [
        (at(18), "after closing"),
        (at(9, 5), "off the grid"),
        (at(10, day=TUESDAY - timedelta(days=1)), "notice of two hours"),
        (at(9, day=TUESDAY + timedelta(days=90)), "beyond the horizon"),
        (at(9, day=TUESDAY + timedelta(days=4)), "a Saturday"),
    ],
)
def test_times_that_availability_would_not_tell_cannot_be_booked(start: Any, why: str) -> None:  # noqa: ANN401 - a datetime
    """Whatever the model asks for."""
    assert Desk().book(start).kind == "taken", why


def test_services_that_are_not_there_or_not_bookable_are_refused() -> None:
    """In words that say which of the two."""
    with pytest.raises(NotFound, match="no such service"):
        Desk().book(at(9), "haircut")
    with pytest.raises(InvalidInput, match="cannot be booked"):
        Desk().book(at(9), "walk")


def test_an_unreadable_calendar_is_never_free() -> None:
    """It is named, and nothing is booked; where another will do, that one is taken."""
    desk = Desk(vendor=FakeCalendars(unreadable={"ana@g": "not_found"}))
    with pytest.raises(CalendarsUnreadable) as refused:
        desk.book(at(9))
    assert refused.value.calendars == ("ana",)
    outcome = desk.book(at(9), "talk", "k2")
    assert outcome.appointment is not None
    assert outcome.appointment.place.calendars == ("bea",)


def test_a_hold_keeps_the_time_until_it_ends() -> None:
    """The moment counts, not the day on which the table forgets it."""
    desk = Desk()
    assert desk.hold(at(9)).kind == "held"
    assert desk.book(at(9), key="k2", customer=Customer("c2")).kind == "taken"
    assert isinstance(desk.clock, FakeClock)
    desk.clock.advance(599.9)
    assert desk.book(at(9), key="k3", customer=Customer("c2")).kind == "taken"
    desk.clock.advance(0.1)
    assert desk.book(at(9), key="k4", customer=Customer("c2")).kind == "confirmed"
    assert desk.vendor.calls.count("create ana@g") == 1
    desk.sweep()
    desk.check()


def test_a_hold_becomes_an_appointment() -> None:
    """Once, however often it is confirmed."""
    desk = Desk()
    held = desk.hold(at(9)).appointment
    assert held is not None
    assert desk.vendor.standing("ana@g") == []
    assert desk.confirm(held.id).kind == desk.confirm(held.id).kind == "confirmed"
    assert desk.confirm(held.id, key="again").kind == "confirmed"
    assert desk.vendor.calls.count("create ana@g") == 1
    assert desk.hold(at(9)).kind == "confirmed"
    desk.check()


def test_a_hold_that_ended_can_be_confirmed_while_its_time_is_free() -> None:
    """People think longer than ten minutes; whoever was quicker keeps the time."""
    desk = Desk()
    assert isinstance(desk.clock, FakeClock)
    early, late = desk.hold(at(9)).appointment, desk.hold(at(11), key="k2").appointment
    assert early is not None
    assert late is not None
    desk.clock.advance(3600)
    desk.sweep()
    assert desk.found(early.id).status == Status.EXPIRED
    assert desk.book(at(11), key="k3", customer=Customer("c2")).kind == "confirmed"
    assert desk.confirm(early.id).kind == "confirmed"
    assert desk.confirm(late.id).kind == "taken"
    desk.check()


def test_a_hold_whose_time_has_come_is_not_booked_any_more() -> None:
    """A yes after the start; nothing is written into the past."""
    desk = Desk()
    assert isinstance(desk.clock, FakeClock)
    held = desk.hold(at(9)).appointment
    assert held is not None
    desk.clock.set(at(9))
    late = desk.confirm(held.id)
    assert late.kind == "taken"
    assert times(late)[0] == "24 11:00"
    assert desk.vendor.standing("ana@g") == []
    desk.sweep()
    desk.check()


def test_a_hold_can_be_given_up() -> None:
    """Its time is free at once."""
    desk = Desk()
    held = desk.hold(at(9)).appointment
    assert held is not None
    assert desk.cancel(held.id).kind == "cancelled"
    assert desk.book(at(9), key="k2", customer=Customer("c2")).kind == "confirmed"
    desk.check()


def test_an_event_that_staff_adds_at_the_last_moment_wins() -> None:
    """Between our insert and our look at the calendar: the event is taken back, and others are offered."""
    vendor = FakeCalendars()

    def around(effect: str, when: str) -> None:
        if (effect, when) == ("create ana@g", "after"):
            vendor.staff_adds("ana@g", Interval(at(9, 15), at(10)))

    vendor.around = around
    desk = Desk(vendor=vendor)
    outcome = desk.book(at(9))
    assert outcome.kind == "taken"
    assert "24 09:00" not in times(outcome)
    assert [event.id for event in vendor.standing("ana@g")] == ["staffs"]
    desk.check()


@pytest.mark.parametrize("lost", ["before", "after"])
def test_a_lost_answer_makes_one_event(lost: str) -> None:
    """Whether the vendor had stored it or not."""
    vendor = FakeCalendars()
    tries: list[str] = []

    def around(effect: str, when: str) -> None:
        if effect.startswith("create") and when == lost and not tries:
            tries.append(effect)
            raise AnswerLost("the line went dead")

    vendor.around = around
    desk = Desk(vendor=vendor)
    assert desk.book(at(9)).kind == "confirmed"
    desk.check()


@pytest.mark.parametrize("lost", ["before", "after"])
def test_a_vendor_that_chooses_ids_is_not_asked_twice_while_nobody_knows(lost: str) -> None:
    """The first call may still be under way: nobody acts until the lease is over; then one looks."""
    vendor = idless()
    tries: list[str] = []

    def around(effect: str, when: str) -> None:
        if effect.startswith("create") and when == lost and not tries:
            tries.append(effect)
            raise AnswerLost("the line went dead")

    vendor.around = around
    desk = Desk(vendor=vendor)
    assert isinstance(desk.clock, FakeClock)
    if lost == "before":
        with pytest.raises(AnswerLost):
            desk.book(at(9))
        with pytest.raises(RetryLater, match="somebody works"):
            desk.book(at(9))
        desk.clock.advance(46)
    assert desk.book(at(9)).kind == "confirmed"
    assert len(vendor.created) == 1
    desk.check()


def test_a_vendor_that_refuses_leaves_nothing_behind() -> None:
    """A broken connection, a plan that does not allow it: with the reason."""
    vendor = FakeCalendars()

    def around(effect: str, when: str) -> None:
        if (effect, when) == ("create cabin@g", "before"):
            raise GiveUp("no", reason="calendar_denied")

    vendor.around = around
    desk = Desk(vendor=vendor)
    outcome = desk.book(at(9), "laser")
    assert outcome.kind == "refused"
    assert outcome.appointment is not None
    assert outcome.appointment.reason == "calendar_denied"
    assert desk.vendor.standing("ana@g") == []
    assert desk.book(at(9), "laser").kind == "refused"
    desk.check()


def test_where_only_the_customer_can_book_there_is_a_link() -> None:
    """Calendly without a plan for its scheduling API."""
    vendor = idless()

    def around(effect: str, when: str) -> None:
        if (effect, when) == ("create ana@g", "before"):
            raise BookByLink("only by its page", url="https://calendly.example/x")

    vendor.around = around
    desk = Desk(vendor=vendor)
    outcome = desk.book(at(9))
    assert (outcome.kind, outcome.link) == ("by_link", "https://calendly.example/x")
    assert desk.book(at(9)).link == "https://calendly.example/x"
    desk.check()


def test_a_move_takes_event_reminders_and_sheets_along() -> None:
    """Also to a time that overlaps its own."""
    desk = Desk()
    one = desk.book(at(9, day=TUESDAY + timedelta(days=2))).appointment
    assert one is not None
    assert desk.reminders(one.id) == {"00120#chat": "26 07:00", "01440#chat": "25 09:00"}
    moved = desk.move(one.id, at(9, 15, day=TUESDAY + timedelta(days=2)))
    assert moved.kind == "moved"
    assert desk.reminders(one.id) == {"00120#chat": "26 07:15", "01440#chat": "25 09:15"}
    again = desk.move(one.id, at(9, 15), key="m2").appointment
    assert again is not None
    assert (again.sequence, desk.reminders(one.id)) == (
        2,
        {"00120#chat": "24 07:15", "01440#chat": "23 09:15"},
    )
    assert len(desk.vendor.created) == 1
    desk.check()


def test_the_same_move_is_made_once() -> None:
    """Also when another came after it."""
    desk = Desk()
    one = desk.book(at(9)).appointment
    assert one is not None
    assert desk.move(one.id, at(11)).kind == "moved"
    assert desk.move(one.id, at(12), key="m2").kind == "moved"
    repeated = desk.move(one.id, at(11))
    assert repeated.kind == "moved"
    assert desk.found(one.id).start == at(12)
    assert desk.vendor.calls.count("move ana@g") == 2


def test_a_move_to_another_person_makes_a_new_event_and_ends_the_old() -> None:
    """And back again, although the vendor remembers the ids of cancelled events."""
    desk = Desk()
    one = desk.book(at(9), "talk").appointment
    assert one is not None
    for number, (name, start) in enumerate([("bea", at(10)), ("ana", at(10)), ("bea", at(10))]):
        outcome = desk.move(one.id, start, key=f"m{number}", calendars=(name,))
        assert outcome.kind == "moved"
        assert outcome.appointment is not None
        assert outcome.appointment.place.calendars == (name,)
        desk.check()


def test_a_move_keeps_the_person_where_it_can() -> None:
    """Ana comes first in the document, but the customer knows Bea."""
    desk = Desk()
    one = desk.book(at(9), "talk", calendars=("bea",)).appointment
    assert one is not None
    moved = desk.move(one.id, at(11)).appointment
    assert moved is not None
    assert moved.place.calendars == ("bea",)
    desk.vendor.staff_adds("bea@g", Interval(at(12), at(13)))
    elsewhere = desk.move(one.id, at(12), key="m2").appointment
    assert elsewhere is not None
    assert elsewhere.place.calendars == ("ana",)
    desk.check()


def test_a_vendor_that_cannot_move_gets_a_new_event() -> None:
    """And the old one is cancelled, after the new one stands."""
    desk = Desk(vendor=idless())
    one = desk.book(at(9)).appointment
    assert one is not None
    assert desk.move(one.id, at(11)).kind == "moved"
    assert desk.vendor.calls[-2:] == ["create ana@g", "cancel ana@g"]
    desk.check()


def test_a_move_to_a_taken_time_leaves_everything_as_it_was() -> None:
    """With other times around the wanted one."""
    desk = Desk()
    one = desk.book(at(9)).appointment
    assert one is not None
    desk.vendor.staff_adds("ana@g", Interval(at(11), at(12)))
    outcome = desk.move(one.id, at(11))
    assert outcome.kind == "taken"
    assert times(outcome) == ["24 09:45", "24 10:00", "24 10:15", "24 12:00", "24 12:15"]
    assert desk.found(one.id).start == at(9)
    desk.check()


def test_a_move_that_is_lost_at_the_last_moment_goes_back() -> None:
    """Staff adds an event in the very moment: the appointment stays where it was."""
    vendor = FakeCalendars()
    desk = Desk(vendor=vendor)
    one = desk.book(at(9), "laser").appointment
    assert one is not None
    before = desk.reminders(one.id)

    def around(effect: str, when: str) -> None:
        if (effect, when) == ("move cabin@g", "after") and not any(
            event.id == "staffs" for event in vendor.standing("ana@g")
        ):
            vendor.staff_adds("ana@g", Interval(at(12), at(13)))

    vendor.around = around
    outcome = desk.move(one.id, at(12))
    assert outcome.kind == "taken"
    assert desk.found(one.id).start == at(9)
    assert desk.reminders(one.id) == before
    assert desk.move(one.id, at(12)).kind == "taken"
    desk.check()


def test_what_staff_did_to_the_event_wins_over_a_move() -> None:
    """They dragged it to the afternoon: there it stays, and the customer is told."""
    desk = Desk()
    one = desk.book(at(9), "laser").appointment
    assert one is not None
    desk.vendor.staff_moves("ana@g", one.events[0].event_id, Interval(at(14), at(15)))
    outcome = desk.move(one.id, at(11))
    assert outcome.kind == "changed_by_staff"
    assert desk.found(one.id).start == at(14)
    assert desk.move(one.id, at(11)).kind == "changed_by_staff"
    desk.check()


def test_a_note_that_staff_wrote_does_not_hinder_a_move() -> None:
    """The etag is another, the time is not."""
    desk = Desk()
    one = desk.book(at(9)).appointment
    assert one is not None
    desk.vendor.staff_edits("ana@g", one.events[0].event_id)
    assert desk.move(one.id, at(11)).kind == "moved"
    assert desk.vendor.standing("ana@g")[0].title == "with a note"
    desk.check()


def test_an_event_that_staff_deleted_cannot_be_moved() -> None:
    """The appointment is over, with everything that belonged to it."""
    desk = Desk()
    one = desk.book(at(9), "laser").appointment
    assert one is not None
    desk.vendor.staff_cancels("ana@g", one.events[0].event_id)
    assert desk.move(one.id, at(11)).kind == "cancelled"
    assert (desk.found(one.id).status, desk.found(one.id).ended_by) == (Status.CANCELLED, "staff")
    assert desk.reminders(one.id) == {}
    desk.check()


def test_a_cancellation_frees_the_time_and_ends_the_reminders() -> None:
    """Once; also where staff wrote a note into the event."""
    desk = Desk()
    one = desk.book(at(9), "laser").appointment
    assert one is not None
    desk.vendor.staff_edits("cabin@g", one.events[1].event_id)
    assert desk.cancel(one.id).kind == desk.cancel(one.id).kind == "cancelled"
    assert desk.reminders(one.id) == {}
    assert desk.book(at(9), "laser", "k2").kind == "confirmed"
    with pytest.raises(Conflict, match="no longer stands"):
        desk.cancel(one.id, key="x2")
    desk.check()


@pytest.mark.parametrize("who", ["contact-2", ""])
def test_foreign_and_missing_appointments_answer_alike(who: str) -> None:
    """Nobody learns which ids exist."""
    desk = Desk()
    one = desk.book(at(9)).appointment
    assert one is not None
    answers = []
    for appointment in (one.id, "0" * 32):
        acts: list[Callable[[], Outcome]] = [
            partial(desk.move, appointment, at(11), contact=who),
            partial(desk.cancel, appointment, contact=who),
            partial(desk.confirm, appointment, contact=who),
        ]
        for act in acts:
            with pytest.raises(NotFound) as refused:
                act()
            answers.append((str(refused.value), refused.value.reason))
    assert len(set(answers)) == 1
    assert desk.move(one.id, at(11), contact=None).kind == "moved"


def test_appointments_of_another_company_are_missing() -> None:
    """Although they stand in the same table."""
    desk = Desk()
    one = desk.book(at(9)).appointment
    assert one is not None
    assert desk.calendars.appointments.find("other", one.id) is None


def test_it_may_be_too_late_to_change_an_appointment() -> None:
    """For the customer; the company itself may until it begins, and nobody after."""
    desk = Desk(changes={"booking": {"change_notice_minutes": 24 * 60}})
    assert isinstance(desk.clock, FakeClock)
    one = desk.book(at(9)).appointment
    assert one is not None
    desk.clock.advance(3600)
    with pytest.raises(Conflict, match="too late"):
        desk.move(one.id, at(15))
    with pytest.raises(Conflict, match="too late"):
        desk.cancel(one.id)
    assert desk.move(one.id, at(15), contact=None).kind == "moved"
    desk.clock.set(at(15))
    with pytest.raises(Conflict, match="has begun"):
        desk.cancel(one.id, contact=None)


def test_appointments_of_a_service_that_is_no_longer_offered_can_be_cancelled() -> None:
    """Moving needs the service's rules; cancelling needs nothing."""
    desk = Desk()
    one, lost = desk.book(at(9)).appointment, desk.book(at(9), key="k2")
    assert one is not None
    assert lost.kind == "taken"
    desk.company = Company.parse({**DOCUMENT, "services": []})
    with pytest.raises(NotFound, match="no such service"):
        desk.move(one.id, at(11))
    assert desk.cancel(one.id).kind == "cancelled"
    desk.check()


def test_a_contacts_appointments_are_found_in_order() -> None:
    """Those that stand and are still to come."""
    desk = Desk()
    assert isinstance(desk.clock, FakeClock)
    later, sooner = desk.book(at(12)).appointment, desk.book(at(10), key="k2").appointment
    gone = desk.book(at(14), key="k3").appointment
    desk.book(at(15), key="k4", customer=Customer("c2"))
    desk.hold(at(16), key="k5")
    assert later is not None
    assert sooner is not None
    assert gone is not None
    desk.cancel(gone.id)
    found = desk.calendars.appointments.of_contact(COMPANY, MARIA.contact_id, desk.clock.now())
    assert [one.id for one in found] == [sooner.id, later.id]
    assert [one.id for one in desk.calendars.appointments.of_contact(COMPANY, "contact-1", at(11))] == [
        later.id
    ]
    between = desk.calendars.appointments.between(COMPANY, at(0), at(24))
    assert [f"{one.start:%H} {one.status}" for one in between] == [
        "10 confirmed",
        "12 confirmed",
        "14 cancelled",
        "15 confirmed",
    ]


def test_a_window_that_ends_early_in_a_month_holds_that_months_first_hours() -> None:
    """The last afternoon of a month in Honolulu is the first morning of the next one in UTC."""
    eve, first = timedelta(days=6), timedelta(days=7)
    desk = Desk(changes={"zone": "Pacific/Honolulu"})
    one = desk.book(at(20) + eve).appointment
    other = desk.book(at(1) + first, key="k2").appointment
    found = desk.calendars.appointments.between(COMPANY, at(19) + eve, at(5) + first)
    assert [one, other] == found


def test_appointments_stand_on_every_day_that_they_touch() -> None:
    """A night shift with buffers of half a day: four sheets, each knows it."""
    night = {day: [{"from": "20:00", "to": "06:00"}] for day in DOCUMENT["opening_hours"]}
    watch = {
        "id": "watch",
        "name": "Noche",
        "duration_minutes": 480,
        "staff": ["ana"],
        "buffer_before_minutes": 1200,
        "buffer_after_minutes": 1440,
    }
    desk = Desk(changes={"opening_hours": night, "services": [*DOCUMENT["services"], watch]})
    wednesday = TUESDAY + timedelta(days=1)
    assert desk.book(at(20, day=wednesday), "watch").kind == "confirmed"
    desk.check()
    sheets = sorted(item["sk"] for item in desk.table.scan() if item["sk"].startswith("day#"))
    assert sheets == ["day#2026-11-25", "day#2026-11-26", "day#2026-11-27"]
    assert desk.book(at(3, 45, day=wednesday + timedelta(days=1)), "cut", "k2").kind == "taken"
    assert desk.book(at(4, 30, day=wednesday + timedelta(days=2)), "cut", "k3").kind == "confirmed"


def test_reminders_keep_the_wall_clock_across_a_clock_change() -> None:
    """A day before is the same time on the wall, 25 hours earlier."""
    desk = Desk(
        changes={"booking": {"reminders": [{"minutes_before": 1440, "by": "email"}], "horizon_days": 400}}
    )
    sunday_before = {**DOCUMENT["opening_hours"], "sunday": [{"from": "09:00", "to": "18:00"}]}
    desk = Desk(
        changes={
            "opening_hours": sunday_before,
            "booking": {"reminders": [{"minutes_before": 1440, "by": "email"}], "horizon_days": 400},
        }
    )
    spring = TUESDAY.replace(year=2027, month=3, day=28)
    one = desk.book(at(8, day=spring)).appointment  # 10:00 in Madrid, summer time
    assert one is not None
    assert desk.reminders(one.id) == {"01440#email": "27 09:00"}  # 10:00 in Madrid, winter time
