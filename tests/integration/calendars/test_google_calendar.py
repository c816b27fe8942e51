"""Google Calendar through the contract, against the simulator on loopback."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from shared.calendars.intervals import Interval
from shared.calendars.providers.contract import (
    Attendee,
    EventChanged,
    EventExists,
    EventMissing,
    EventReminder,
    NewEvent,
)
from shared.calendars.providers.google import GoogleCalendar
from shared.calendars.providers.google_calls import CalendarRefused, GoogleCalls
from shared.credentials.tokens import AccessToken
from shared.platform.addresses import AddressGuard
from shared.platform.clock import SystemClock
from shared.platform.errors import AnswerLost, RequestNotSent, RetryLater
from shared.platform.http import HttpClient
from shared.platform.secret import Secret
from tests.support.simulators import google

if TYPE_CHECKING:
    from tests.support.simulators import RunningVendor

__all__ = ["google"]

MADRID = ZoneInfo("Europe/Madrid")
SCOPES = (
    "openid",
    *(f"https://www.googleapis.com/auth/{one}" for one in ("calendar.freebusy", "calendar.events.owned")),
)
OWNER, ROOM = "primary", "room2@group.calendar.example"
EVENT_ID = "0123456789abcdefghijkv"


@dataclass
class Tokens:
    """Gives the tokens that a test has, one after the other when they are refused."""

    given: list[str]
    refused: list[str] = field(default_factory=list)

    def access_token(self, company_id: str, provider: str) -> AccessToken:
        """See `TokenSource`."""
        assert (company_id, provider) == ("clinica-sol", "google")
        return AccessToken(Secret(self.given[0]), frozenset(), None, 1)

    def rejected(self, company_id: str, provider: str, token: AccessToken) -> AccessToken:
        """See `TokenSource`."""
        self.refused.append(token.secret.reveal())
        if len(self.given) > 1:
            self.given.pop(0)
        return self.access_token(company_id, provider)


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    """A moment of January 2030 on Madrid's clocks."""
    return datetime(2030, 1, day, hour, minute, tzinfo=MADRID)


def between(day: int, start: int, end: int) -> Interval:
    """Hours of a day."""
    return Interval(at(day, start), at(day, end))


def booking(interval: Interval | None = None, **fields: Any) -> NewEvent:  # noqa: ANN401 - the event's fields
    """An appointment's event."""
    given = {"id": EVENT_ID, "title": "Botox · Marta", "zone": "Europe/Madrid", **fields}
    return NewEvent(interval=interval or between(8, 9, 10), **given)


def provider(google: RunningVendor, tokens: Tokens | None = None) -> GoogleCalendar:
    """The company's calendar, connected by its owner."""
    tokens = tokens or Tokens([google.connected(SCOPES)["access_token"]])
    http = partial(HttpClient, AddressGuard(loopback_allowed=True))
    calls = GoogleCalls("clinica-sol", tokens, http)
    return GoogleCalendar(calls, SystemClock(), google.base_url, "clinica-sol")


@pytest.fixture
def calendar(google: RunningVendor) -> GoogleCalendar:
    """A connected calendar."""
    return provider(google)


def by_hand(google: RunningVendor, calendar: str = "owner@clinic.example", **event: Any) -> str:  # noqa: ANN401 - an event's fields
    """What the owner writes into the calendar; returns its id."""
    made: dict[str, str] = google.control("POST", f"calendars/{calendar}/events", event)
    return made["id"]


def timed(day: int, start: int, end: int) -> dict[str, Any]:
    """An event's times as Google writes them."""
    return {
        "start": {"dateTime": at(day, start).isoformat(), "timeZone": "Europe/Madrid"},
        "end": {"dateTime": at(day, end).isoformat(), "timeZone": "Europe/Madrid"},
    }


# Busy time


def test_busy_time_is_what_takes_time(google: RunningVendor, calendar: GoogleCalendar) -> None:
    """All-day events take the days of the calendar's own zone; transparent ones none."""
    by_hand(google, **timed(8, 9, 10))
    by_hand(google, **timed(8, 12, 13), transparency="transparent")
    by_hand(google, start={"date": "2030-01-10"}, end={"date": "2030-01-11"})
    found = calendar.free_busy([OWNER], at(7), at(14))
    assert list(found.busy[OWNER]) == [between(8, 9, 10), Interval(at(10), at(11))]


def test_a_calendar_that_cannot_be_read_is_named_and_never_free(
    google: RunningVendor, calendar: GoogleCalendar
) -> None:
    """Its error stands inside a 200."""
    google.control("PATCH", f"calendars/{ROOM}", {"broken": "internalError"})
    found = calendar.free_busy([OWNER, ROOM, "nobody@example.org"], at(7), at(14))
    assert set(found.busy) == {OWNER}
    assert dict(found.unreadable) == {ROOM: "internalError", "nobody@example.org": "notFound"}


def test_long_windows_are_cut_into_what_google_takes(google: RunningVendor, calendar: GoogleCalendar) -> None:
    """Half a year; an event across a cut counts once it is merged."""
    by_hand(google, **timed(8, 9, 10))
    found = calendar.free_busy([OWNER], at(1), at(1) + timedelta(days=180))
    assert list(found.busy[OWNER]) == [between(8, 9, 10)]
    asked = [call for call in google.control("GET", "calls") if call["path"].endswith("/freeBusy")]
    assert len(asked) == 3


def test_series_come_as_single_events(google: RunningVendor, calendar: GoogleCalendar) -> None:
    """In wall-clock time."""
    by_hand(google, **timed(8, 9, 10), recurrence=["RRULE:FREQ=DAILY;COUNT=3"])
    found = calendar.events(OWNER, at(7), at(14))
    assert [event.interval for event in found] == [between(day, 9, 10) for day in (8, 9, 10)]


@pytest.mark.parametrize(
    "fields",
    [
        {"transparency": "transparent"},
        {"eventType": "workingLocation"},
        {"attendees": [{"email": "owner@clinic.example", "self": True, "responseStatus": "declined"}]},
    ],
)
def test_what_takes_no_time_is_seen_in_events(
    google: RunningVendor, calendar: GoogleCalendar, fields: dict[str, Any]
) -> None:
    """Free and busy leaves these out by itself; a list does not."""
    by_hand(google, **timed(8, 9, 10), **fields)
    assert [event.busy for event in calendar.events(OWNER, at(7), at(14))] == [False]


# Changes


def test_changes_come_since_a_token_and_the_cancelled_are_among_them(
    google: RunningVendor, calendar: GoogleCalendar
) -> None:
    """First everything, then what changed, page by page."""
    google.control("PATCH", "calendar", {"page_limit": 1})
    first = by_hand(google, **timed(8, 9, 10))
    by_hand(google, **timed(8, 11, 12))
    full = calendar.changes(OWNER, None, at(7), at(14))
    assert (full.full, len(full.events)) == (True, 2)
    google.control("DELETE", f"calendars/owner@clinic.example/events/{first}")
    by_hand(google, **timed(9, 9, 10))
    since = calendar.changes(OWNER, full.sync_token, at(7), at(14))
    assert (since.full, sorted(event.cancelled for event in since.events)) == (False, [False, True])
    assert calendar.changes(OWNER, since.sync_token, at(7), at(14)).events == []


def test_a_token_that_is_too_old_brings_everything(google: RunningVendor, calendar: GoogleCalendar) -> None:
    """Google says 410; nobody has to know."""
    by_hand(google, **timed(8, 9, 10))
    token = calendar.changes(OWNER, None, at(7), at(14)).sync_token
    google.control("PATCH", "calendars/owner@clinic.example", {"full_sync": True})
    again = calendar.changes(OWNER, token, at(7), at(14))
    assert (again.full, len(again.events)) == (True, 1)


# Writing


def test_an_event_is_made_once_under_its_id(google: RunningVendor, calendar: GoogleCalendar) -> None:
    """A second time it is there, and carries what ties it to its appointment."""
    wanted = booking(private={"frontdesk_appointment": "a1"}, reminders=(EventReminder(30),), conference=True)
    made = calendar.create(OWNER, wanted)
    assert (made.id, made.interval) == (EVENT_ID, between(8, 9, 10))
    with pytest.raises(EventExists):
        calendar.create(OWNER, wanted)
    found = calendar.find(OWNER, wanted)
    assert found is not None
    assert (found.private["frontdesk_appointment"], found.busy) == ("a1", True)
    assert found.conference_url.startswith("https://")
    kept = google.control("GET", "calendars")[0]["events"]
    assert [one["reminders"]["overrides"] for one in kept] == [[{"method": "popup", "minutes": 30}]]


def test_an_id_stays_taken_after_a_cancellation(calendar: GoogleCalendar) -> None:
    """Google never gives an id twice."""
    calendar.create(OWNER, booking())
    calendar.cancel(OWNER, EVENT_ID)
    with pytest.raises(EventExists):
        calendar.create(OWNER, booking())
    found = calendar.get(OWNER, EVENT_ID)
    assert found is not None
    assert (found.cancelled, found.busy) == (True, False)


def test_customers_are_invited_only_where_it_is_wanted(
    google: RunningVendor, calendar: GoogleCalendar
) -> None:
    """An invitation is a mail in the company's name."""
    customer = Attendee("marta@example.org", "Marta")
    calendar.create(OWNER, booking(customer=customer))
    calendar.create(OWNER, booking(id="abcde", customer=customer, invite_customer=True))
    events = google.control("GET", "calendars")[0]["events"]
    assert sorted(len(one.get("attendees", [])) for one in events) == [0, 1]


def test_a_move_is_made_only_of_what_was_read(calendar: GoogleCalendar) -> None:
    """Staff may have moved it in the meantime."""
    made = calendar.create(OWNER, booking())
    moved = calendar.move(OWNER, EVENT_ID, between(9, 11, 12), etag=made.etag)
    assert moved.interval == between(9, 11, 12)
    with pytest.raises(EventChanged):
        calendar.move(OWNER, EVENT_ID, between(9, 13, 14), etag=made.etag)
    with pytest.raises(EventChanged):
        calendar.cancel(OWNER, EVENT_ID, etag=made.etag)
    calendar.cancel(OWNER, EVENT_ID, etag=moved.etag)
    calendar.cancel(OWNER, EVENT_ID, etag=moved.etag)
    with pytest.raises(EventMissing):
        calendar.move(OWNER, EVENT_ID, between(9, 11, 12))
    assert calendar.get(OWNER, "neverwas") is None
    calendar.cancel(OWNER, "neverwas")


def test_an_event_that_became_a_whole_day_has_the_days_of_its_calendar(
    google: RunningVendor, calendar: GoogleCalendar
) -> None:
    """Reading one event does not tell the calendar's zone."""
    made = by_hand(google, start={"date": "2030-01-10"}, end={"date": "2030-01-12"})
    found = calendar.get(OWNER, made)
    assert found is not None
    assert found.interval == Interval(at(10), at(12))


# Watching


def test_a_channel_is_opened_for_a_week_and_stopped_once(
    google: RunningVendor, calendar: GoogleCalendar
) -> None:
    """Stopping it again is fine."""
    opened = calendar.watch(OWNER, channel_id="c-1", token="t", address="http://127.0.0.1:9/hook")
    assert timedelta(days=6) < opened.expires_at - datetime.now(UTC) <= timedelta(days=7, seconds=5)
    assert len(google.control("GET", "channels")["channels"]) == 1
    calendar.stop(opened)
    calendar.stop(opened)
    assert google.control("GET", "channels")["channels"] == []


# Failures


def _fault(google: RunningVendor, method: str, path: str, **fault: Any) -> None:  # noqa: ANN401 - a fault's fields
    google.switch({"method": method, "path": f"/calendar/v3{path}", **fault})


def test_an_outage_is_told_apart_by_what_it_leaves_behind(
    google: RunningVendor, calendar: GoogleCalendar
) -> None:
    """A read is tried again; of a change nobody knows."""
    _fault(google, "GET", "/calendars/*/events", status=503)
    with pytest.raises(RetryLater) as read:
        calendar.events(OWNER, at(7), at(14))
    assert not isinstance(read.value, AnswerLost)
    _fault(google, "POST", "/calendars/*/events", status=503)
    with pytest.raises(AnswerLost):
        calendar.create(OWNER, booking())
    _fault(google, "POST", "/calendars/*/events", drop_after=True)
    with pytest.raises(AnswerLost):
        calendar.create(OWNER, booking())
    google.switch()
    assert calendar.find(OWNER, booking()) is not None


@pytest.mark.parametrize("reason", ["rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded"])
def test_throttled_is_certainly_not_done(
    google: RunningVendor, calendar: GoogleCalendar, reason: str
) -> None:
    """Google says it with a 403."""
    _fault(google, "POST", "/calendars/*/events", status=403, body=reason)
    with pytest.raises(RetryLater) as caught:
        calendar.create(OWNER, booking())
    assert (caught.value.reason, isinstance(caught.value, AnswerLost)) == ("calendar_throttled", False)


def test_nobody_listening_is_certainly_not_done() -> None:
    """A refused connection had no effect."""
    http = partial(HttpClient, AddressGuard(loopback_allowed=True))
    calls = GoogleCalls("clinica-sol", Tokens(["t"]), http)
    with pytest.raises(RequestNotSent):
        GoogleCalendar(calls, SystemClock(), "http://127.0.0.1:9", "c").create(OWNER, booking())


def test_scopes_that_were_not_granted_are_said_to_be_missing(google: RunningVendor) -> None:
    """Not a 403 with a stack trace."""
    tokens = Tokens([google.connected([SCOPES[0], SCOPES[1]])["access_token"]])
    with pytest.raises(CalendarRefused) as caught:
        provider(google, tokens).create(OWNER, booking())
    assert caught.value.reason == "insufficient_scopes"


def test_a_refused_token_is_renewed_once(google: RunningVendor) -> None:
    """Then the refusal stands."""
    good = google.connected(SCOPES)["access_token"]
    tokens = Tokens(["stale", good])
    assert list(provider(google, tokens).events(OWNER, at(7), at(14))) == []
    assert tokens.refused == ["stale"]
    with pytest.raises(CalendarRefused):
        provider(google, Tokens(["stale", "staler"])).events(OWNER, at(7), at(14))


def test_a_call_ends_when_its_time_is_over(google: RunningVendor, calendar: GoogleCalendar) -> None:
    """However slowly the bytes drip."""
    _fault(google, "GET", "/calendars/*/events", drip_bytes_per_second=1)
    started = datetime.now(UTC)
    with pytest.raises(AnswerLost):
        calendar.events(OWNER, at(7), at(14), timeout_seconds=0.5)
    assert datetime.now(UTC) - started < timedelta(seconds=10)
