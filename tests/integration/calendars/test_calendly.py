"""Calendly through the contract, against the simulator on loopback."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask, request

from local.serving import Server
from shared.calendars.calendly_webhooks import read, verify
from shared.calendars.intervals import Interval
from shared.calendars.providers.calendly import CalendlyCalendar
from shared.calendars.providers.calendly_calls import CalendlyCalls, CalendlyRefused
from shared.calendars.providers.contract import Attendee, BookByLink, EventExists, NewEvent, SlotTaken
from shared.calendars.providers.registry import Surroundings, VendorProviders
from shared.credentials.tokens import AccessToken
from shared.platform.addresses import AddressGuard
from shared.platform.clock import SystemClock
from shared.platform.errors import AnswerLost, RetryLater
from shared.platform.http import HttpClient
from shared.platform.secret import Secret
from tests.support.simulators import bearer, calendly

if TYPE_CHECKING:
    from shared.credentials.tokens import AccessToken as Token
    from tests.support.simulators import RunningVendor

__all__ = ["calendly"]

MADRID = ZoneInfo("Europe/Madrid")
SCOPES = (
    "users:read",
    "event_types:read",
    "availability:read",
    "scheduled_events:read",
    "scheduled_events:write",
    "scheduling_links:write",
)
MARTA = Attendee("marta@example.org", "Marta")
EVENT_ID = "0123456789abcdefghijkv"


class Tokens:
    """One living token, with what was noted when the company connected."""

    def __init__(self, vendor: RunningVendor, account: str, scopes: tuple[str, ...] = SCOPES) -> None:
        made = vendor.control("POST", "personal-access-tokens", {"account": account, "scopes": scopes})
        self.token = made["token"]
        me = vendor.send("GET", "/users/me", headers=bearer(self.token)).json()["resource"]
        self.settings = {"user_uri": me["uri"], "organization_uri": me["current_organization"]}

    def access_token(self, company_id: str, provider: str) -> AccessToken:
        """See `TokenSource`."""
        assert (company_id, provider) == ("clinica-sol", "calendly")
        return AccessToken(Secret(self.token), frozenset(), None, 1, self.settings)

    def rejected(self, company_id: str, provider: str, token: Token) -> AccessToken:
        """See `TokenSource`."""
        assert token.secret.reveal() == self.token
        return self.access_token(company_id, provider)


class Secrets:
    """None: Calendly needs no other."""

    def get(self, company_id: str, provider: str, field: str) -> Secret | None:
        """See `SecretSource`."""
        raise AssertionError((company_id, provider, field))


class Desk:
    """A company's connected Calendly, and its first event type of 30 minutes."""

    def __init__(
        self,
        vendor: RunningVendor,
        account: str = "owner@clinic.example",
        scopes: tuple[str, ...] = SCOPES,
    ) -> None:
        self.vendor, self.account = vendor, account
        self.tokens = Tokens(vendor, account, scopes)
        calls = CalendlyCalls(
            "clinica-sol",
            self.tokens,
            lambda: HttpClient(AddressGuard(loopback_allowed=True)),
            vendor.base_url,
        )
        self.calendar = CalendlyCalendar(calls, SystemClock())
        types = self.asked(f"/event_types?user={self.tokens.settings['user_uri']}")["collection"]
        self.type, self.page = types[0]["uri"], types[0]["scheduling_url"]

    def asked(self, path: str) -> Any:  # noqa: ANN401 - any JSON value
        """What the API itself says."""
        return self.vendor.send("GET", path, headers=bearer(self.tokens.token)).json()

    def booking(self, start: datetime, **fields: Any) -> NewEvent:  # noqa: ANN401 - the event's fields
        """An appointment of half an hour."""
        given: dict[str, Any] = {"customer": MARTA, "private": {"frontdesk_appointment": "a1"}, **fields}
        interval = Interval(start, start + timedelta(minutes=30))
        return NewEvent(EVENT_ID, "Consulta", interval, "Europe/Madrid", **given)

    def fault(self, method: str, path: str, **fault: Any) -> None:  # noqa: ANN401 - a fault's fields
        """Switch one on until the next."""
        self.vendor.switch({"method": method, "path": path, **fault})


@pytest.fixture
def desk(calendly: RunningVendor) -> Desk:
    """A company on a paid plan."""
    return Desk(calendly)


def monday(hour: int = 9, minute: int = 0) -> datetime:
    """Next week's Monday but one, on Madrid's clocks."""
    today = datetime.now(MADRID)
    day = today + timedelta(days=14 - today.weekday())
    return day.replace(hour=hour, minute=minute, second=0, microsecond=0)


# Times that are offered


def test_times_are_those_that_calendly_offers_and_busy_time_is_never_asked_for(desk: Desk) -> None:
    """Only Calendly knows its owner's rules."""
    busy = [[monday(9).isoformat(), monday(10).isoformat()]]
    desk.vendor.control("PUT", "busy", {"account": desk.account, "times": busy})
    found = desk.calendar.free_busy([desk.type], monday(8), monday(12))
    assert list(found.busy[desk.type]) == []
    assert list(found.offered[desk.type]) == [monday(10), monday(10, 30), monday(11), monday(11, 30)]
    assert not [one for one in desk.vendor.control("GET", "calls") if "busy" in one["path"]]


def test_long_windows_are_cut_into_what_calendly_takes_and_the_past_is_left_out(desk: Desk) -> None:
    """31 days each; nothing is offered twice and nothing between two windows is lost."""
    start = datetime.now(UTC) - timedelta(days=3)
    found = list(desk.calendar.free_busy([desk.type], start, start + timedelta(days=70)).offered[desk.type])
    asked = [c for c in desk.vendor.control("GET", "calls") if c["path"].endswith("available_times")]
    assert (len(asked), {one["status"] for one in asked}) == (3, {200})
    assert found == sorted(set(found))
    days = {one.astimezone(MADRID).date() for one in found}
    first = datetime.now(MADRID).date() + timedelta(days=1)
    every = {first + timedelta(days=n) for n in range(60)}
    assert {one for one in every if one.weekday() < 5} <= days


def test_a_window_that_is_over_offers_nothing_without_a_call(desk: Desk) -> None:
    """Calendly would refuse it."""
    yesterday = datetime.now(UTC) - timedelta(days=1)
    assert list(desk.calendar.free_busy([desk.type], yesterday, yesterday).offered[desk.type]) == []


def test_event_types_that_cannot_be_read_are_named(desk: Desk) -> None:
    """The others are told all the same; a name that is no event type is not asked for."""
    names = [desk.type, "NOSUCHTYPE", "primary", "https://evil.example/event_types/x"]
    found = desk.calendar.free_busy(names, monday(8), monday(12))
    assert set(found.busy) == {desk.type}
    assert dict(found.unreadable) == {
        "NOSUCHTYPE": "not_found",
        "primary": "no_event_type",
        "https://evil.example/event_types/x": "no_event_type",
    }


# Booking


def test_a_booking_carries_what_ties_it_to_its_appointment(desk: Desk) -> None:
    """And comes back with the page on which the customer can move it."""
    made = desk.calendar.create(desk.type, desk.booking(monday(9)))
    found = desk.calendar.get(desk.type, made.id)
    assert found is not None
    assert found.interval == made.interval == Interval(monday(9), monday(9, 30))
    assert (found.private["frontdesk_appointment"], found.private["frontdesk_event"]) == ("a1", EVENT_ID)
    assert found.reschedule_url.startswith("https://calendly.com/")


def test_a_taken_time_is_slot_taken_and_our_own_is_told_apart(desk: Desk) -> None:
    """Calendly says the same of both."""
    desk.calendar.create(desk.type, desk.booking(monday(9)))
    with pytest.raises(EventExists):
        desk.calendar.create(desk.type, desk.booking(monday(9)))
    with pytest.raises(SlotTaken):
        desk.calendar.create(desk.type, replace(desk.booking(monday(9)), id="abcde"))
    with pytest.raises(SlotTaken):
        desk.calendar.create(desk.type, desk.booking(monday(9, 10)))


def test_a_lost_answer_is_found_by_window_customer_and_mark(desk: Desk) -> None:
    """Not another booking of the same customer, nor somebody else's with the same mark."""
    wanted = desk.booking(monday(9))
    desk.fault("POST", "/invitees", drop_after=True)
    with pytest.raises(AnswerLost):
        desk.calendar.create(desk.type, wanted)
    desk.vendor.switch()
    found = desk.calendar.find(desk.type, wanted)
    assert found is not None
    assert (found.interval, found.cancelled) == (wanted.interval, False)
    assert desk.calendar.find(desk.type, replace(wanted, id="abcde")) is None
    other = replace(wanted, customer=Attendee("other@example.org"))
    assert desk.calendar.find(desk.type, other) is None


@pytest.mark.parametrize("status", [500, 503])
def test_of_a_booking_that_met_an_outage_nobody_knows(desk: Desk, status: int) -> None:
    """A second try might book twice."""
    desk.fault("POST", "/invitees", status=status)
    with pytest.raises(AnswerLost):
        desk.calendar.create(desk.type, desk.booking(monday(9)))


def test_plans_without_booking_give_a_link(calendly: RunningVendor) -> None:
    """For one booking; where none can be made, the event type's own page."""
    free = Desk(calendly, "free@clinic.example")
    with pytest.raises(BookByLink) as caught:
        free.calendar.create(free.type, free.booking(monday(9)))
    assert caught.value.url.startswith("https://calendly.com/d/")
    free.fault("POST", "/scheduling_links", status=503)
    with pytest.raises(BookByLink) as caught:
        free.calendar.create(free.type, free.booking(monday(9)))
    assert caught.value.url == free.page


def test_without_an_address_only_the_customer_can_book(desk: Desk) -> None:
    """Calendly books for an address; nothing is sent."""
    with pytest.raises(BookByLink):
        desk.calendar.create(desk.type, desk.booking(monday(9), customer=None))
    assert not [one for one in desk.vendor.control("GET", "calls") if one["path"] == "/invitees"]


def test_an_appointment_of_another_length_is_refused(desk: Desk) -> None:
    """Calendly would book its own length, and the desk would promise another."""
    wanted = replace(desk.booking(monday(9)), interval=Interval(monday(9), monday(10)))
    with pytest.raises(CalendlyRefused) as caught:
        desk.calendar.create(desk.type, wanted)
    assert caught.value.reason == "duration_differs"


def test_the_plans_limit_is_told_as_later(desk: Desk) -> None:
    """Ten bookings a minute; the eleventh certainly had no effect."""
    for number in range(10):
        start = monday(9) + timedelta(minutes=30 * number)
        desk.calendar.create(desk.type, replace(desk.booking(start), id=f"abcde{number}"))
    with pytest.raises(RetryLater) as caught:
        desk.calendar.create(desk.type, desk.booking(monday(14)))
    assert (caught.value.reason, isinstance(caught.value, AnswerLost)) == ("calendar_throttled", False)


def test_missing_scopes_are_said_and_no_link_is_offered(calendly: RunningVendor) -> None:
    """The company must connect again."""
    reader = Desk(calendly, scopes=tuple(one for one in SCOPES if one != "scheduled_events:write"))
    with pytest.raises(CalendlyRefused) as caught:
        reader.calendar.create(reader.type, reader.booking(monday(9)))
    assert caught.value.reason == "insufficient_scopes"


# Cancelling


def test_a_cancelled_booking_is_seen_and_cancelled_once(desk: Desk) -> None:
    """Calendly refuses the second time; here it is fine."""
    wanted = desk.booking(monday(9))
    made = desk.calendar.create(desk.type, wanted)
    desk.calendar.cancel(desk.type, made.id)
    desk.calendar.cancel(desk.type, made.id)
    found = desk.calendar.find(desk.type, wanted)
    assert found is not None
    assert (found.id, found.cancelled, found.busy) == (made.id, True, False)
    assert monday(9) in desk.calendar.free_busy([desk.type], monday(8), monday(12)).offered[desk.type]


def test_a_booking_that_is_not_there_is_cancelled_already(desk: Desk) -> None:
    """And an id that is none never reaches a path."""
    desk.calendar.cancel(desk.type, "neverwas")
    desk.calendar.cancel(desk.type, "../users/me")
    assert desk.calendar.get(desk.type, "neverwas") is None
    assert desk.calendar.get(desk.type, "../users/me") is None
    assert not [one for one in desk.vendor.control("GET", "calls") if ".." in one["path"]]


def test_a_booking_that_the_customer_moved_is_cancelled_here_and_another_elsewhere(desk: Desk) -> None:
    """On Calendly's own page; the mark travels along."""
    made = desk.calendar.create(desk.type, desk.booking(monday(9)))
    moved = desk.vendor.control(
        "POST", f"events/{made.id}/reschedule", {"start_time": monday(11).isoformat()}
    )
    old = desk.calendar.get(desk.type, made.id)
    new = desk.calendar.get(desk.type, moved["event"]["uri"].rpartition("/")[2])
    assert old is not None
    assert new is not None
    assert (old.cancelled, new.cancelled) == (True, False)
    assert new.private["frontdesk_event"] == EVENT_ID


# Being told


def test_a_subscription_is_made_in_place_of_an_earlier_one(calendly: RunningVendor) -> None:
    """Under the new key: what Calendly signs afterwards is verified with it."""
    told: list[tuple[str, bytes]] = []
    app = Flask(__name__)

    @app.post("/hook")
    def hook() -> str:
        told.append((request.headers["Calendly-Webhook-Signature"], request.get_data()))
        return ""

    with Server(app) as server:
        desk = Desk(calendly, scopes=(*SCOPES, "webhooks:write"))
        around = Surroundings(
            desk.tokens,
            Secrets(),
            AddressGuard(loopback_allowed=True),
            SystemClock(),
            calendly_url=calendly.base_url,
        )
        for key in (Secret("first"), Secret("second")):
            VendorProviders(around).subscribe_to_calendly("clinica-sol", f"{server.base_url}/hook", key)
        assert len(calendly.control("GET", "webhooks")["subscriptions"]) == 1
        made = desk.calendar.create(desk.type, desk.booking(monday(9)))
        until = time.monotonic() + 10
        while not told and time.monotonic() < until:
            time.sleep(0.02)
    header, body = told[0]
    verify(header, body, [Secret("second")], now_seconds=time.time())
    change = read(body)
    assert change is not None
    assert (change.event_id, change.appointment, change.state) == (made.id, "a1", "active")


def test_a_plan_without_webhooks_says_so(calendly: RunningVendor) -> None:
    """Changes are then found by asking."""
    free = Desk(calendly, "free@clinic.example", (*SCOPES, "webhooks:write"))
    around = Surroundings(
        free.tokens,
        Secrets(),
        AddressGuard(loopback_allowed=True),
        SystemClock(),
        calendly_url=calendly.base_url,
    )
    with pytest.raises(CalendlyRefused) as caught:
        VendorProviders(around).subscribe_to_calendly("clinica-sol", "http://127.0.0.1:9/hook", Secret("k"))
    assert caught.value.by_plan
