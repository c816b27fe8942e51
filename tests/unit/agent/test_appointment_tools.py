"""The tools for appointments: free times, and nothing written without a yes of the customer's own."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.calendars.appointments import Status
from shared.calendars.intervals import Interval
from shared.calendars.providers.contract import Capabilities
from shared.calendars.when.reading import read
from shared.calendars.when.saying import moment_in_words
from shared.companies.model import Company
from shared.reminders.desk import ReminderDesk
from tests.fakes.calendar import FakeCalendars
from tests.support.appointments import Customer
from tests.support.bookings import COMPANY, DOCUMENT, Desk, at

# It is Monday the 23rd of November 2026, ten in the morning in Madrid.
TUESDAY_TEN = "martes 24 de noviembre de 2026 a las 10:00"


@pytest.fixture
def customer() -> Customer:
    """A customer of a clinic."""
    return Customer()


def times(result: dict[str, Any]) -> list[str]:
    """The free times of a result."""
    return [one["time"] for one in result["free_times"]]


# -- free times -------------------------------------------------------------------------------------------


def test_a_few_times_of_the_day_are_offered_all_over_the_day(customer: Customer) -> None:
    """With weekday and date in the company's language, and how fresh they are."""
    result = customer.turn("check_availability", service="corte", when="mañana")
    assert result["status"] == "free_times"
    assert result["free_times"][0]["when"] == "martes 24 de noviembre de 2026 a las 09:00"
    assert len(result["free_times"]) == 6
    assert (times(result)[0], times(result)[-1]) == ("09:00", "17:30")
    assert (result["as_of"], result["read_minutes_ago"]) == ("10:00", 0)


def test_what_others_have_in_the_calendar_takes_time_and_is_never_named(customer: Customer) -> None:
    """Titles of others are nobody's business."""
    customer.desk.vendor.staff_adds("ana@g", Interval(at(8), at(12)))
    result = customer.turn("check_availability", service="corte", when="mañana por la mañana")
    assert times(result) == ["13:00"]
    assert "Secret" not in json.dumps(result)


def test_a_named_time_comes_with_its_neighbours(customer: Customer) -> None:
    """Nine is in the morning, because the company is closed in the evening."""
    result = customer.turn("check_availability", service="corte", when="mañana a las 10")
    assert result["as_wished"] is True
    assert "10:00" in times(result)
    assert all(abs(int(one[:2]) - 10) <= 1 for one in times(result))


def test_where_the_wish_is_not_free_the_next_times_are_offered(customer: Customer) -> None:
    """On a Sunday the clinic is closed."""
    result = customer.turn("check_availability", service="corte", when="el domingo")
    assert result["as_wished"] is False
    assert result["free_times"][0]["day"] == "lunes 30 de noviembre de 2026"


def test_without_a_day_the_next_days_are_offered(customer: Customer) -> None:
    """Two hours of notice, three days, three times each."""
    result = customer.turn("check_availability", service="corte", when=None)
    assert result["free_times"][0]["time"] == "12:15"
    assert len({one["day"] for one in result["free_times"]}) == 3


@pytest.mark.parametrize(
    ("when", "status"),
    [
        ("el 31 de febrero", "no_such_date"),
        ("31/12/9999 a las 23:59", "no_such_date"),
        ("2026-11-20", "in_the_past"),
        ("el 3/1/2020", "in_the_past"),
        ("0001-01-01", "in_the_past"),
    ],
)
def test_impossible_and_past_dates_are_said(customer: Customer, when: str, status: str) -> None:
    """Not guessed."""
    for tool in ("check_availability", "book_appointment"):
        assert customer.turn(tool, service="corte", when=when)["status"] == status


def test_words_with_two_meanings_are_asked_about(customer: Customer) -> None:
    """Half past one at night, tomorrow may be the day that has begun."""
    customer.desk.clock.set(datetime(2026, 11, 24, 0, 30, tzinfo=UTC))  # type: ignore[attr-defined]
    result = customer.turn("check_availability", service="corte", when="mañana a las 10")
    assert result["status"] == "unclear_day"
    assert result["possible_days"] == [
        "miércoles 25 de noviembre de 2026",
        "martes 24 de noviembre de 2026",
    ]


def test_a_calendar_that_cannot_be_read_is_no_free_calendar(customer: Customer) -> None:
    """Honest words instead of times; nothing is held."""
    customer.desk.vendor.unreadable["ana@g"] = "not_found"
    for tool in ("check_availability", "book_appointment"):
        result = customer.turn(tool, service="corte", when="mañana a las 10")
        assert result["status"] == "calendar_unreadable"
    assert customer.desk.all() == []


def test_the_customers_zone_counts_when_they_say_one(customer: Customer) -> None:
    """Ten in the Canaries is eleven in Madrid."""
    result = customer.turn(
        "book_appointment", service="corte", when="mañana a las 10", zone="Atlantic/Canary"
    )
    assert result["proposal"]["zone"] == "Atlantic/Canary"
    (held,) = customer.desk.all()
    assert held.start == at(10)
    assert "error" in customer.turn("check_availability", service="corte", when="mañana", zone="Madrid")


def test_the_service_is_found_by_name_id_or_words_and_else_asked_for(customer: Customer) -> None:
    """Only of the company's own list, and only those that can be booked."""
    for words in ("cut", "CORTE", "un corte de pelo"):
        assert customer.turn("check_availability", service=words, when="mañana")["service"] == "Corte"
    for unknown in ("paseo", "massage", None):
        result = customer.turn("book_appointment", service=unknown, when="mañana a las 10")
        assert result["services"] == ["Corte", "Consulta", "Láser", "Curso"]


def test_only_companies_with_services_in_calendars_have_the_tools(customer: Customer) -> None:
    """Everybody else's model hears nothing of them."""
    without: list[dict[str, Any]] = [
        {"calendars": [], "services": [{"id": "walk", "name": "Paseo"}]},
        {"services": []},
    ]
    for changes in without:
        company = Company.parse({**DOCUMENT, **changes})
        assert customer.registry.offered(company, company.agents[0]) == ()
    assert len(customer.registry.offered(customer.desk.company, customer.desk.company.agents[0])) == 6


# -- booking ----------------------------------------------------------------------------------------------


def test_a_time_is_held_then_booked_by_a_yes(customer: Customer) -> None:
    """Held ten minutes for others, in the calendar after the yes."""
    asked = customer.turn("book_appointment", service="corte", when="mañana a las 10")
    assert (asked["status"], asked["held_for_minutes"]) == ("waiting_for_yes", 10)
    assert asked["proposal"]["when"] == TUESDAY_TEN
    assert customer.desk.vendor.created == []
    other = Customer(customer.desk, contact="3:56", conversation="clinic#3#8")
    assert other.turn("book_appointment", service="corte", when="mañana a las 10")["status"] == "not_free"
    booked = customer.turn("book_appointment", service="corte", when=None, confirmed=True)
    assert booked["status"] == "booked"
    assert booked["appointment"]["when"] == TUESDAY_TEN
    (event,) = customer.desk.vendor.standing("ana@g")
    assert event.interval == Interval(at(9), at(9, 30))
    customer.desk.check()


def test_confirmed_in_the_turn_that_proposes_is_not_confirmed(customer: Customer) -> None:
    """The customer has not even read it."""
    customer.writes()
    assert customer.call("book_appointment", service="corte", when=TUESDAY_TEN, confirmed=True)["status"] == (
        "waiting_for_yes"
    )
    assert customer.call("book_appointment", service="corte", when=TUESDAY_TEN, confirmed=True)["status"] == (
        "waiting_for_yes"
    )
    assert [one.status for one in customer.desk.all()] == [Status.HOLD]


def test_a_proposal_that_was_never_sent_cannot_be_agreed_to(customer: Customer) -> None:
    """The customer went on writing: that turn was discarded, and the next one answers everything."""
    customer.is_told()
    customer.writes()
    customer.call("book_appointment", service="corte", when=TUESDAY_TEN)
    customer.writes()
    assert customer.call("book_appointment", service="corte", when=TUESDAY_TEN, confirmed=True)["status"] == (
        "waiting_for_yes"
    )
    customer.is_told()
    assert customer.turn("book_appointment", confirmed=True)["status"] == "booked"


def test_a_yes_to_another_time_is_a_new_proposal(customer: Customer) -> None:
    """What was proposed is what is booked; the old hold ends."""
    customer.turn("book_appointment", service="corte", when="mañana a las 10")
    result = customer.turn("book_appointment", service="corte", when="mañana a las 11", confirmed=True)
    assert result["status"] == "waiting_for_yes"
    assert customer.turn("book_appointment", confirmed=True)["appointment"]["time"] == "11:00"
    assert sorted(one.status for one in customer.desk.all()) == [Status.CONFIRMED, Status.EXPIRED]


def test_a_second_yes_books_nothing_more(customer: Customer) -> None:
    """It is the same request."""
    customer.books("mañana a las 10")
    assert customer.turn("book_appointment", confirmed=True)["status"] == "booked"
    assert len(customer.own) == 1
    assert len(customer.desk.vendor.created) == 1


def test_a_yes_in_another_conversation_is_none(customer: Customer) -> None:
    """There the customer was asked nothing; the hold moves over with the new proposal."""
    customer.turn("book_appointment", service="corte", when="mañana a las 10")
    elsewhere = Customer(customer.desk, conversation="clinic#3#9")
    elsewhere.is_told()
    result = elsewhere.turn("book_appointment", service="corte", when="mañana a las 10", confirmed=True)
    assert result["status"] == "waiting_for_yes"
    assert elsewhere.turn("book_appointment", confirmed=True)["status"] == "booked"
    assert customer.turn("book_appointment", confirmed=True)["status"] == "which_service"
    customer.desk.check()


def test_a_yes_of_the_next_day_is_asked_again(customer: Customer) -> None:
    """By then it may mean something else."""
    customer.turn("book_appointment", service="corte", when="miércoles a las 10")
    customer.let_pass(13 * 3600)
    assert customer.turn("book_appointment", service="corte", when="miércoles a las 10", confirmed=True)[
        "status"
    ] == ("waiting_for_yes")


def test_a_late_yes_books_while_the_time_is_free_and_else_offers_others(customer: Customer) -> None:
    """The hold ended after ten minutes."""
    customer.turn("book_appointment", service="corte", when="mañana a las 10")
    customer.let_pass(1200)
    assert customer.turn("book_appointment", confirmed=True)["status"] == "booked"
    customer.turn("book_appointment", service="corte", when="mañana a las 12")
    customer.let_pass(1200)
    other = Customer(customer.desk, contact="3:56", conversation="clinic#3#8")
    other.books("mañana a las 12")
    late = customer.turn("book_appointment", confirmed=True)
    assert late["status"] == "not_free"
    assert late["free_times"]


def test_a_turn_that_runs_again_books_once(customer: Customer) -> None:
    """The same call key is the same effect, at the proposal and at the yes."""
    customer.writes()
    for _ in range(2):
        customer.calls = 0
        assert customer.call("book_appointment", service="corte", when=TUESDAY_TEN)["status"] == (
            "waiting_for_yes"
        )
    customer.is_told()
    customer.writes()
    for _ in range(2):
        customer.calls = 0
        assert customer.call("book_appointment", confirmed=True)["status"] == "booked"
    assert len(customer.desk.vendor.created) == len(customer.own) == 1
    customer.desk.check()


def test_a_yes_never_cancels_what_was_booked(customer: Customer) -> None:
    """A worker died between the booking and its note; the next proposal leaves the appointment alone."""
    customer.turn("book_appointment", service="corte", when="mañana a las 10")
    (held,) = customer.desk.all()
    customer.desk.confirm(held.id, contact=customer.contact)
    customer.turn("book_appointment", service="corte", when="mañana a las 12")
    assert [one.start for one in customer.own] == [at(9)]


def test_calendly_needs_an_address_and_may_answer_with_a_link() -> None:
    """The address is asked for before anything else."""
    vendor = FakeCalendars(capabilities=Capabilities(chooses_ids=False))
    calendars = [{"id": "ana", "provider": "calendly", "calendar": "https://api.calendly.com/event_types/1"}]
    services = [{"id": "cut", "name": "Corte", "duration_minutes": 30}]
    desk = Desk(vendor=vendor, changes={"calendars": calendars, "services": services})
    unknown = Customer(desk, card=Customer().card.__class__("Ana"))
    assert unknown.turn("book_appointment", when="mañana a las 10")["status"] == "which_email"
    assert unknown.turn("book_appointment", when="mañana a las 10", email="no address")["status"] == (
        "which_email"
    )
    asked = unknown.turn("book_appointment", when="mañana a las 10", email="ana@example.org")
    assert asked["status"] == "waiting_for_yes"
    (held,) = desk.all()
    assert (held.customer.name, held.customer.email) == ("Ana", "ana@example.org")


def test_in_a_rehearsal_nothing_is_held_or_booked(customer: Customer) -> None:
    """The sandbox and shadow mode look, and change nothing."""
    customer.rehearsal = True
    result = customer.turn("book_appointment", service="corte", when="mañana a las 10")
    assert result["status"] == "waiting_for_yes"
    assert "rehearsal" in result
    assert customer.turn("book_appointment", service="corte", when="mañana a las 10", confirmed=True)[
        "status"
    ] == ("waiting_for_yes")
    assert list(customer.desk.table.scan()) == []


# -- moving, cancelling, listing --------------------------------------------------------------------------


def test_an_appointment_is_moved_and_cancelled_by_yeses(customer: Customer) -> None:
    """The only one needs no name, a new time on the same day no day."""
    customer.books("mañana a las 10")
    asked = customer.turn("move_appointment", when="a las 12")
    assert asked["proposal"]["from"]["when"] == TUESDAY_TEN
    assert asked["proposal"]["to"]["time"] == "12:00"
    assert [one.start for one in customer.own] == [at(9)]
    moved = customer.turn("move_appointment", confirmed=True)
    assert (moved["status"], moved["appointment"]["time"]) == ("moved", "12:00")
    assert customer.turn("move_appointment", confirmed=True)["status"] == "moved"
    assert customer.turn("cancel_appointment")["status"] == "waiting_for_yes"
    assert [one.start for one in customer.own] == [at(11)]
    assert customer.turn("cancel_appointment", confirmed=True)["status"] == "cancelled"
    assert customer.own == []
    assert customer.desk.vendor.standing("ana@g") == []
    customer.desk.check()


def test_a_taken_time_is_not_moved_to(customer: Customer) -> None:
    """Others are offered; the appointment stays."""
    customer.books("mañana a las 10")
    customer.desk.vendor.staff_adds("ana@g", Interval(at(11), at(12)))
    result = customer.turn("move_appointment", when="mañana a las 12:15")
    assert result["status"] == "not_free"
    assert "12:15" not in times(result)
    assert customer.turn("move_appointment", confirmed=True)["status"] == "which_day"
    # Its own time is free for it: a quarter of an hour later.
    assert customer.turn("move_appointment", when="mañana a las 10:15")["status"] == "waiting_for_yes"


def test_of_several_appointments_the_words_choose_and_else_it_is_asked(customer: Customer) -> None:
    """By service, by day, by time; never by a number."""
    customer.books("mañana a las 10")
    customer.books("mañana a las 12", "Consulta")
    customer.books("el miércoles a las 12", "Consulta")
    listed = customer.turn("my_appointments")["appointments"]
    assert [(one["service"], one["time"]) for one in listed] == [
        ("Corte", "10:00"), ("Consulta", "12:00"), ("Consulta", "12:00"),
    ]  # fmt: skip
    assert all("id" not in one for one in listed)
    assert customer.turn("cancel_appointment", which="la consulta")["status"] == "which_appointment"
    assert customer.turn("cancel_appointment", which=None)["status"] == "which_appointment"
    for which, time, day in (("el corte", "10:00", "martes"), ("la del miércoles", "12:00", "miércoles"),
                             ("la consulta de mañana", "12:00", "martes")):  # fmt: skip
        found = customer.turn("cancel_appointment", which=which)["proposal"]
        assert (found["time"], found["day"].split()[0]) == (time, day)


def test_of_two_questions_a_yes_reaches_the_one_that_it_names(customer: Customer) -> None:
    """Both asked in one reply; a yes to the haircut never cancels the other, and a bare one asks which."""
    customer.books("mañana a las 10")
    customer.books("mañana a las 12", "Consulta")
    customer.writes()
    customer.call("cancel_appointment", which="el corte")
    customer.call("cancel_appointment", which="la consulta")
    customer.is_told()
    assert customer.turn("cancel_appointment", confirmed=True)["status"] == "which_appointment"
    yes = customer.turn("cancel_appointment", which="el corte", confirmed=True)
    assert (yes["status"], yes["appointment"]["service"]) == ("cancelled", "Corte")
    assert [one.service_name for one in customer.own] == ["Consulta"]
    assert customer.turn("cancel_appointment", confirmed=True)["status"] == "cancelled"
    assert customer.own == []


def test_of_two_moves_a_yes_reaches_the_one_that_it_names(customer: Customer) -> None:
    """Also where no new time is repeated."""
    customer.books("mañana a las 10")
    customer.books("mañana a las 12", "Consulta")
    customer.writes()
    customer.call("move_appointment", which="el corte", when="mañana a las 16")
    customer.call("move_appointment", which="la consulta", when="mañana a las 17")
    customer.is_told()
    assert "which" in customer.turn("move_appointment", confirmed=True)["status"]
    assert customer.turn("move_appointment", which="el corte", confirmed=True)["status"] == "moved"
    assert [(one.service_name, one.start) for one in customer.own] == [
        ("Consulta", at(11)),
        ("Corte", at(15)),
    ]


def test_of_an_appointment_to_which_the_customer_says_they_come_the_list_says_so(customer: Customer) -> None:
    """The answer to a reminder; of others it says nothing."""
    customer.books("mañana a las 10")
    customer.books("mañana a las 12", "Consulta")
    first = customer.own[0]
    reminders = ReminderDesk(customer.desk.table, customer.desk.clock)
    assert reminders.assure(first.company_id, first.id, first.customer.contact_id, first.sequence)
    listed = customer.turn("my_appointments")["appointments"]
    assert [one.get("customer_said_they_will_come") for one in listed] == [True, None]


def test_the_model_learns_where_an_appointment_takes_place() -> None:
    """Where the document says so."""
    customer = Customer(Desk(changes={"address": "Calle Mayor 1"}))
    customer.books("mañana a las 10")
    [listed] = customer.turn("my_appointments")["appointments"]
    assert listed["address"] == "Calle Mayor 1"


def test_nobody_elses_appointments_can_be_seen_moved_or_cancelled(customer: Customer) -> None:
    """Whatever the words are."""
    customer.books("mañana a las 10")
    other = Customer(customer.desk, contact="3:56", conversation="clinic#3#8")
    assert other.turn("my_appointments")["appointments"] == []
    for which in (TUESDAY_TEN, "3:55", customer.own[0].id):
        assert other.turn("cancel_appointment", which=which, confirmed=True)["status"] == "no_appointments"
        moving = other.turn("move_appointment", which=which, when="mañana a las 12", confirmed=True)
        assert moving["status"] == "no_appointments"
    assert [one.start for one in customer.own] == [at(9)]


def test_it_is_too_late_to_cancel_what_begins_soon() -> None:
    """The company's rule, said to the model as a wrong call."""
    desk = Desk(changes={"booking": {"change_notice_minutes": 24 * 60}})
    customer = Customer(desk)
    customer.books("mañana a las 9")
    customer.turn("cancel_appointment")
    assert "too late" in customer.turn("cancel_appointment", confirmed=True)["error"]
    assert len(customer.own) == 1


# -- whatever the model sends -----------------------------------------------------------------------------

WORDS = st.sampled_from(
    [None, "", "corte", "consulta", "mañana a las 10", "mañana", "a las 12", "el martes", "sí", TUESDAY_TEN,
     "hoy", "2026-11-24", "el 31 de febrero", "' OR 1=1", "company#clinic", "UTC"]
)  # fmt: skip
CALLS = st.tuples(
    st.sampled_from(["book_appointment", "move_appointment", "cancel_appointment"]),
    st.fixed_dictionaries({"a": WORDS, "b": WORDS, "confirmed": st.booleans()}),
)
TURNS = st.lists(st.tuples(st.lists(CALLS, max_size=4), st.booleans()), max_size=5)


def _send(customer: Customer, name: str, given: dict[str, Any]) -> str:
    first, second = ("service", "when") if name == "book_appointment" else ("which", "when")
    arguments = {first: given["a"], "confirmed": given["confirmed"]}
    if name != "cancel_appointment":
        arguments[second] = given["b"]
    return str(customer.call(name, **arguments).get("status"))


@settings(max_examples=100)
@given(TURNS)
def test_whatever_the_model_sends_nothing_changes_without_an_earlier_question(
    turns: list[tuple[list[tuple[str, dict[str, Any]]], bool]],
) -> None:
    """Each thing done was proposed in an earlier turn whose reply was sent."""
    customer = Customer()
    customer.books("jueves a las 10")
    asked_before: set[str] = set()
    for calls, sent in turns:
        customer.writes()
        asked: set[str] = set()
        for name, given_ in calls:
            before = [(one.id, one.start) for one in customer.own]
            status = _send(customer, name, given_)
            after = [(one.id, one.start) for one in customer.own]
            if after != before:
                assert given_["confirmed"]
                assert name in asked_before
                assert status in {"booked", "moved", "cancelled"}
            if status == "waiting_for_yes":
                asked.add(name)
        if sent:
            asked_before |= asked
            customer.is_told()
    customer.desk.check()


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 31)),  # noqa: DTZ001 - a wall clock
    st.sampled_from(["es", "en", "pt"]),
    st.integers(0, 400),
)
def test_a_moment_in_words_is_read_back(moment: datetime, language: str, days_before: int) -> None:
    """What the tools say, the tools understand: the model may hand it on."""
    moment = moment.replace(second=0, microsecond=0, tzinfo=UTC)
    found = read(moment_in_words(moment, language), moment - timedelta(days=days_before), language)
    assert [(span.first, span.last) for span in found.spans] == [(moment.date(), moment.date())]
    assert found.times[0] == moment.time()


def test_the_company_is_the_contexts(customer: Customer) -> None:
    """All that is written stands below the one company."""
    customer.books("mañana a las 10")
    assert all(item["pk"].startswith(f"company#{COMPANY}#") for item in customer.desk.table.scan())
