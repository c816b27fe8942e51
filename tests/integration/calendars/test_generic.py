"""A company's own calendar: signatures, addresses, and what its server may answer."""

from __future__ import annotations

import hashlib
import hmac
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, request

from local.generic_calendar_simulator.signing import NotSigned, verify
from local.serving import Server
from shared.calendars.calendar_secrets import secret_field
from shared.calendars.providers.contract import EventMissing, SlotTaken
from shared.calendars.providers.generic_calls import CalendarRefused
from shared.calendars.providers.generic_signing import signed
from shared.calendars.providers.registry import Surroundings, VendorProviders
from shared.companies.calendars import CalendarSettings
from shared.platform.addresses import AddressGuard
from shared.platform.clock import SystemClock
from shared.platform.errors import AnswerLost, GiveUp
from shared.platform.secret import Secret
from tests.support.calendars import COMPANY, EVENT_ID, GenericVendor, Opened, Tokens, half_hour, monday

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS = CalendarSettings(id="ana", provider="generic")
SECRET = "a-secret-of-at-least-thirty-two-characters"


@pytest.fixture
def vendor() -> Iterator[GenericVendor]:
    """The simulator, with a connected company."""
    with Opened("generic") as opened:
        assert isinstance(opened, GenericVendor)
        yield opened


# Signatures


def proof(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any part of a request
    """A signed request, parts of it changed on the way."""
    headers = signed(Secret(SECRET), "PUT", "/c/ana/events/1?x=%20", b'{"a": 1}', 1_900_000_000)
    whole = {
        "secret": SECRET,
        "method": "PUT",
        "target": "/c/ana/events/1?x=%20",
        "body": b'{"a": 1}',
        "timestamp": headers["Frontdesk-Timestamp"],
        "signature": headers["Frontdesk-Signature"],
        "now": 1_900_000_000.0,
    }
    return whole | changes


def test_the_reference_takes_what_is_signed() -> None:
    """Within five minutes to both sides."""
    for now in (1_899_999_700.0, 1_900_000_300.0):
        verify(**proof(now=now))


@pytest.mark.parametrize(
    "changes",
    [
        {"secret": SECRET + "x"},
        {"method": "DELETE"},
        {"target": "/c/ana/events/1?x= "},
        {"body": b'{"a":1}'},
        {"timestamp": "1900000001"},
        {"timestamp": "\u0661" * 10},
        {"timestamp": ""},
        {"signature": ""},
        {"signature": "v1=\u00e9"},
        {"now": 1_900_000_301.0},
        {"now": 1_899_999_699.0},
    ],
)
def test_whatever_is_changed_on_the_way_is_noticed(changes: dict[str, Any]) -> None:
    """Every part of the request counts."""
    with pytest.raises(NotSigned):
        verify(**proof(**changes))


def test_the_signature_is_the_documented_one() -> None:
    """Written down here by hand, as a builder of another server reads it."""
    lines = f"v1\n1900000000\nGET\n/c/ana/busy\n{hashlib.sha256(b'').hexdigest()}"
    expected = hmac.new(SECRET.encode(), lines.encode(), "sha256").hexdigest()
    given = signed(Secret(SECRET), "GET", "/c/ana/busy", b"", 1_900_000_000)
    assert given == {"Frontdesk-Timestamp": "1900000000", "Frontdesk-Signature": f"v1={expected}"}


def test_a_new_secret_is_taken_up_at_the_first_refusal(vendor: GenericVendor) -> None:
    """Nobody waits until the old one is forgotten; and it is not read for each call."""
    assert vendor.free(monday(9))
    assert vendor.free(monday(9))
    assert vendor.tokens.read == 1
    vendor.desk.control("PUT", "secret", {"secret": SECRET})
    vendor.tokens.secrets[secret_field(vendor.desk.base_url)] = SECRET
    assert vendor.free(monday(9))
    assert (vendor.tokens.read, vendor.calls("GET", 401)) == (2, 1)


def test_another_server_never_sees_what_is_signed_with_this_ones_secret(vendor: GenericVendor) -> None:
    """Changing the document's URL is not enough to get a signature."""
    with Opened("generic") as other:
        with pytest.raises(GiveUp) as caught:
            vendor.provider.get(f"{other.desk.base_url}/calendars/ana", EVENT_ID)
        assert caught.value.reason == "not_connected"
        assert other.desk.control("GET", "calls") == []


# Addresses


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/calendars/ana",
        "https://127.0.0.1/calendars/ana",
        "http://calendar.example/ana",
        "https://user:secret@calendar.example/ana",
        "file:///etc/passwd",
        "https://calendar.example/../ana",
        "https://calendar.example/ana?x=1",
        "https://calendar.example/an a",
        "primary",
    ],
)
def test_only_public_addresses_are_called(url: str) -> None:
    """The URL is the company's own text."""
    tokens = Tokens()
    if "//" in url:
        tokens.secrets[secret_field(url)] = SECRET
    around = Surroundings(tokens, tokens, AddressGuard(), SystemClock())
    provider = VendorProviders(around).of(COMPANY, SETTINGS)
    found = provider.free_busy([url], monday(9), monday(10))
    assert found.unreadable[url] in {"no_url", "address_refused"}
    with pytest.raises(CalendarRefused):
        provider.get(url, EVENT_ID)


@pytest.mark.parametrize("name", ["..", ".", ""])
def test_no_event_leaves_its_place_in_the_path(vendor: GenericVendor, name: str) -> None:
    """Such an id is nobody's; nothing is sent."""
    assert vendor.provider.get(vendor.calendar, name) is None
    with pytest.raises(EventMissing):
        vendor.provider.move(vendor.calendar, name, half_hour(monday(9)))
    assert vendor.desk.control("GET", "calls") == []


# Several servers


def test_one_server_that_fails_hides_no_other(vendor: GenericVendor) -> None:
    """Nor does one that drips take the time of the others."""
    slow = f"{vendor.desk.base_url}/calendars/room"
    vendor.fault("GET", "/calendars/room/busy", drip_bytes_per_second=1)
    names = [slow, vendor.calendar]
    found = vendor.provider.free_busy(names, monday(9), monday(10), timeout_seconds=2)
    assert (set(found.busy), dict(found.unreadable)) == ({vendor.calendar}, {slow: "timeout"})


# What a server may leave out or do


def test_a_server_that_guards_its_times_is_believed(vendor: GenericVendor) -> None:
    """It knows more than the desk."""
    vendor.desk.control("PATCH", "calendars/ana", {"guards": True})
    vendor.staff_takes(monday(9), monday(10))
    with pytest.raises(SlotTaken):
        vendor.provider.create(vendor.calendar, vendor.booking(monday(9)))


def test_a_server_without_changes_is_read_whole_each_time(vendor: GenericVendor) -> None:
    """501 is an answer."""
    vendor.desk.control("PATCH", "calendars/ana", {"keeps_changes": False})
    vendor.provider.create(vendor.calendar, vendor.booking(monday(9)))
    window = (monday(0), monday(0) + timedelta(days=7))
    for token in (None, "7"):
        found = vendor.provider.changes(vendor.calendar, token, *window)
        assert (found.full, found.sync_token, len(found.events)) == (True, "", 1)


def test_a_token_that_is_too_old_brings_everything(vendor: GenericVendor) -> None:
    """410."""
    vendor.provider.create(vendor.calendar, vendor.booking(monday(9)))
    vendor.desk.control("PATCH", "calendars/ana", {"first_known": 1})
    found = vendor.provider.changes(vendor.calendar, "0", monday(0), monday(0) + timedelta(days=7))
    assert (found.full, len(found.events)) == (True, 1)


def test_long_lists_come_page_by_page(vendor: GenericVendor) -> None:
    """Every event once."""
    vendor.desk.control("PUT", "secret", {"page_size": 2})
    for number in range(5):
        start = monday(9) + timedelta(minutes=30 * number)
        vendor.provider.create(vendor.calendar, vendor.booking(start, id=f"abcde{number}"))
    found = vendor.provider.events(vendor.calendar, monday(0), monday(23))
    assert [one.id for one in found] == [f"abcde{number}" for number in range(5)]


@contextmanager
def answering(answer: object, status: int = 200) -> Iterator[tuple[Any, str, list[str]]]:
    """A server that answers everything with the same; gives a provider, a calendar and the calls' targets."""
    app, seen = Flask(__name__), []

    @app.route("/<path:_>", methods=["GET", "PUT"])
    def same(_: str) -> tuple[Any, int]:
        seen.append(request.environ["REQUEST_URI"])
        return answer, status

    tokens = Tokens()
    around = Surroundings(tokens, tokens, AddressGuard(loopback_allowed=True), SystemClock())
    with Server(app) as server:
        tokens.secrets[secret_field(server.base_url)] = SECRET
        yield VendorProviders(around).of(COMPANY, SETTINGS), f"{server.base_url}/c/ana", seen


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"busy": None},
        {"busy": ["x"]},
        {"busy": [{}]},
        {"busy": [{"start": "2030-01-10", "end": "2030-01-11"}]},
        {"busy": [{"start": "2030-01-10", "end": "2030-01-11"}], "zone": "Nowhere/At_All"},
        {"busy": [{"start": "2030-01-10T09:00", "end": "2030-01-10T10:00"}]},
        ["busy"],
        "<html>welcome</html>",
    ],
)
def test_an_answer_that_says_nothing_of_busy_time_is_no_free_calendar(answer: object) -> None:
    """A wrong URL often answers 200."""
    with answering(answer) as (provider, calendar, _), pytest.raises(AnswerLost):
        provider.free_busy([calendar], monday(9), monday(10))


def test_redirects_are_not_followed() -> None:
    """They would lead around the guard, and the signature is for the address that was asked."""
    with answering("", 302) as (provider, calendar, seen):
        found = provider.free_busy([calendar], monday(9), monday(10))
        assert found.unreadable == {calendar: "calendar_refused"}
        assert len(seen) == 1
