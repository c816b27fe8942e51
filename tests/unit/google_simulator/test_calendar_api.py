from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from tests.support.simulators import OWNER, bearer
from tests.unit.google_simulator.test_service_accounts import ask

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

    from tests.support.simulators import RunningVendor

AUTH = "https://www.googleapis.com/auth/"
FREE_BUSY, OWN_EVENTS, EVERYTHING = (
    f"{AUTH}calendar.freebusy",
    f"{AUTH}calendar.events.owned",
    f"{AUTH}calendar",
)
LIST = f"{AUTH}calendar.calendarlist.readonly"
ROOM = "room2@group.calendar.example"
RECEPTION = "reception@clinic.example"
BOOKING = "abcdef0123456789"


@dataclass
class Api:
    """The Calendar API, called with a token."""

    google: RunningVendor
    token: str
    calendar: str = "primary"

    def call(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        **more: Any,  # noqa: ANN401
    ) -> requests.Response:
        """Any call below the API's base."""
        sent = bearer(self.token) | (headers or {})
        return self.google.send(method, f"/calendar/v3{path}", headers=sent, **more)

    def events(self, method: str, tail: str = "", **more: Any) -> requests.Response:  # noqa: ANN401
        """A call of the calendar's events."""
        return self.call(method, f"/calendars/{quote(self.calendar)}/events{tail}", **more)

    def insert(self, **event: object) -> dict[str, Any]:
        """A new event, Tuesday 2030-01-08 from nine to ten in Madrid unless told otherwise."""
        answer = self.events("POST", json=timed() | event)
        assert answer.ok, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def listed(self, **parameters: object) -> dict[str, Any]:
        """A page of events."""
        answer = self.events("GET", params=parameters)
        assert answer.ok, answer.text
        page: dict[str, Any] = answer.json()
        return page

    def ids(self, **parameters: object) -> list[str]:
        """The events' ids on a page."""
        return [one["id"] for one in self.listed(**parameters)["items"]]

    def busy(self, *calendars: str, start: str = "2030-01-07", end: str = "2030-01-14") -> dict[str, Any]:
        """Free and busy for a week."""
        body = {"timeMin": f"{start}T00:00:00Z", "timeMax": f"{end}T00:00:00Z"}
        answer = self.call("POST", "/freeBusy", json=body | {"items": [{"id": one} for one in calendars]})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["calendars"]
        return found


def timed(start: str = "09:00", end: str = "10:00", day: str = "2030-01-08") -> dict[str, Any]:
    """The times of an event in Madrid."""
    return {
        "start": {"dateTime": f"{day}T{start}:00", "timeZone": "Europe/Madrid"},
        "end": {"dateTime": f"{day}T{end}:00", "timeZone": "Europe/Madrid"},
    }


def whole_days(first: str, after: str) -> dict[str, Any]:
    """An all-day event; its end is exclusive."""
    return {"start": {"date": first}, "end": {"date": after}}


def reason(answer: requests.Response) -> tuple[int, str]:
    """The status and the reason of a refusal."""
    error = answer.json()["error"]
    assert error["code"] == answer.status_code
    return answer.status_code, error["errors"][0]["reason"]


@pytest.fixture
def api(google: RunningVendor) -> Api:
    """For an owner who allowed everything."""
    return Api(google, google.connected([EVERYTHING])["access_token"])


# -- scopes and tokens --------------------------------------------------------------------------------


def test_without_a_living_token_nothing_is_told(api: Api) -> None:
    """No token, a wrong one, an expired one."""
    api.google.advance(3600)

    assert reason(api.events("GET")) == (401, "authError")
    assert reason(Api(api.google, "wrong").events("GET")) == (401, "authError")


def test_scopes_for_events_do_not_cover_free_busy(google: RunningVendor) -> None:
    """And the reverse: each call has scopes of its own."""
    events = Api(google, google.connected([OWN_EVENTS])["access_token"])
    times = Api(google, google.connected([FREE_BUSY])["access_token"])
    body = {"timeMin": "2030-01-01T00:00:00Z", "timeMax": "2030-01-02T00:00:00Z", "items": []}

    assert reason(events.call("POST", "/freeBusy", json=body)) == (403, "insufficientPermissions")
    assert times.call("POST", "/freeBusy", json=body).status_code == 200
    assert reason(times.events("GET")) == (403, "insufficientPermissions")
    assert events.events("GET").status_code == 200
    assert reason(events.call("GET", "/users/me/calendarList")) == (403, "insufficientPermissions")


def test_scopes_for_owned_calendars_do_not_reach_shared_ones(google: RunningVendor) -> None:
    """`calendar.events` does."""
    google.control("PATCH", f"calendars/{RECEPTION}", {"shared": {OWNER: "writer"}})
    owned = Api(google, google.connected([OWN_EVENTS])["access_token"], RECEPTION)
    wide = Api(google, google.connected([f"{AUTH}calendar.events"])["access_token"], RECEPTION)

    assert reason(owned.events("POST", json=timed())) == (403, "insufficientPermissions")
    assert wide.events("POST", json=timed()).status_code == 200


def test_a_reader_cannot_write_and_a_stranger_sees_nothing(api: Api) -> None:
    """Calendars of others are missing rather than forbidden."""
    api.calendar = RECEPTION
    assert reason(api.events("GET")) == (404, "notFound")

    api.google.control("PATCH", f"calendars/{RECEPTION}", {"shared": {OWNER: "reader"}})
    assert api.events("GET").status_code == 200
    assert reason(api.events("POST", json=timed())) == (403, "requiredAccessLevel")


# -- calendars ----------------------------------------------------------------------------------------


def test_the_list_names_own_and_shared_calendars(google: RunningVendor) -> None:
    """With role and zone; `primary` is the caller's own."""
    google.control("PATCH", f"calendars/{RECEPTION}", {"shared": {OWNER: "reader"}})
    api = Api(google, google.connected([LIST])["access_token"])

    items = api.call("GET", "/users/me/calendarList").json()["items"]

    roles = {one["id"]: (one["accessRole"], one["timeZone"], one.get("primary")) for one in items}
    assert roles == {
        OWNER: ("owner", "Europe/Madrid", True),
        RECEPTION: ("reader", "Europe/Madrid", None),
        ROOM: ("owner", "Europe/Madrid", None),
    }


def test_a_calendar_tells_its_zone(api: Api) -> None:
    """By its id or as `primary`."""
    assert api.call("GET", "/calendars/primary").json()["id"] == OWNER
    assert api.call("GET", f"/calendars/{quote(ROOM)}").json()["timeZone"] == "Europe/Madrid"


# -- free and busy ------------------------------------------------------------------------------------


def test_busy_time_is_merged_and_cut_to_the_window(api: Api) -> None:
    """Only what takes time: no transparent, declined, cancelled or working-location events."""
    api.insert(**timed("09:00", "10:00"))
    api.insert(**timed("09:30", "11:00"))
    api.insert(**timed("23:00", "23:30", "2030-01-13"))
    api.insert(**timed("12:00", "13:00"), transparency="transparent")
    api.insert(**timed("13:00", "14:00"), eventType="workingLocation")
    declined = [{"email": OWNER, "self": True, "responseStatus": "declined"}]
    api.insert(**timed("15:00", "16:00"), attendees=declined)
    gone = api.insert(**timed("17:00", "18:00"))
    api.events("DELETE", f"/{gone['id']}")

    assert api.busy(OWNER, end="2030-01-09")[OWNER] == {
        "busy": [{"start": "2030-01-08T08:00:00Z", "end": "2030-01-08T10:00:00Z"}]
    }
    assert api.busy("primary", start="2030-01-08", end="2030-01-14")["primary"]["busy"][-1] == {
        "start": "2030-01-13T22:00:00Z",
        "end": "2030-01-13T22:30:00Z",
    }


def test_all_day_events_take_the_days_of_the_calendars_own_zone(api: Api) -> None:
    """Their end is exclusive."""
    api.insert(**whole_days("2030-01-08", "2030-01-10"))

    assert api.busy(OWNER)[OWNER]["busy"] == [
        {"start": "2030-01-07T23:00:00Z", "end": "2030-01-09T23:00:00Z"}
    ]


def test_a_calendar_that_cannot_be_read_says_so_inside_of_a_200(api: Api) -> None:
    """Its `busy` is empty, which does not mean free."""
    api.google.control("PATCH", f"calendars/{ROOM}", {"broken": "internalError"})

    found = api.busy(OWNER, ROOM, "nobody@elsewhere.example")

    assert "errors" not in found[OWNER]
    assert found[ROOM] == {"errors": [{"domain": "global", "reason": "internalError"}], "busy": []}
    assert found["nobody@elsewhere.example"]["errors"][0]["reason"] == "notFound"


def test_more_than_fifty_calendars_are_too_many(api: Api) -> None:
    """Those beyond say so."""
    found = api.busy(*[OWNER if n == 50 else f"c{n}" for n in range(51)])

    assert found["c49"]["errors"][0]["reason"] == "notFound"
    assert found[OWNER]["errors"][0]["reason"] == "tooManyCalendarsRequested"


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2030-01-02T00:00:00Z", "2030-01-02T00:00:00Z", "timeRangeEmpty"),
        ("2030-01-02T00:00:00Z", "2030-06-02T00:00:00Z", "timeRangeTooLong"),
        ("2030-01-02T00:00:00", "2030-01-03T00:00:00Z", "badRequest"),
    ],
)
def test_a_wrong_window_is_refused(start: str, end: str, expected: str, api: Api) -> None:
    """Empty, over three months, without offset."""
    body = {"timeMin": start, "timeMax": end, "items": [{"id": OWNER}]}

    assert reason(api.call("POST", "/freeBusy", json=body)) == (400, expected)


# -- writing ------------------------------------------------------------------------------------------


def test_an_event_is_made_under_the_callers_id_once(api: Api) -> None:
    """Also after it was deleted; patching its status brings it back."""
    made = api.insert(id=BOOKING, summary="Botox")
    assert (made["id"], made["status"]) == (BOOKING, "confirmed")
    assert reason(api.events("POST", json=timed() | {"id": BOOKING})) == (409, "duplicate")

    api.events("DELETE", f"/{BOOKING}")
    assert reason(api.events("POST", json=timed() | {"id": BOOKING})) == (409, "duplicate")
    assert api.events("GET", f"/{BOOKING}").json()["status"] == "cancelled"

    api.events("PATCH", f"/{BOOKING}", json={"status": "confirmed"})
    assert api.ids() == [BOOKING]


@pytest.mark.parametrize("wrong", ["abcd", "ABCDEF", "with-dash", "xyzwxyz", "a" * 1025])
def test_an_id_outside_of_the_alphabet_or_length_is_refused(wrong: str, api: Api) -> None:
    """From a to v and digits, 5 to 1,024 of them."""
    assert reason(api.events("POST", json=timed() | {"id": wrong})) == (400, "invalid")


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"start": {"dateTime": "2030-01-08T09:00:00Z"}}, "required"),
        (timed("10:00", "09:00"), "timeRangeEmpty"),
        ({name: {"dateTime": "2030-01-08T09:00:00"} for name in ("start", "end")}, "required"),
        ({name: {"dateTime": "nine"} for name in ("start", "end")}, "invalid"),
        (
            {name: {"dateTime": "2030-01-08T09:00:00Z"} for name in ("start", "end")}
            | {"recurrence": ["RRULE:FREQ=DAILY"]},
            "required",
        ),
    ],
)
def test_an_event_needs_whole_times(event: dict[str, Any], expected: str, api: Api) -> None:
    """Both, in order, with an offset or a zone; a series needs the zone."""
    assert reason(api.events("POST", json=event)) == (400, expected)


def test_five_reminders_are_the_most(api: Api) -> None:
    """And not together with the default ones, nor over four weeks."""

    def reminders(count: int, minutes: int = 10, *, default: bool = False) -> dict[str, Any]:
        overrides = [{"method": "popup", "minutes": minutes}] * count
        return timed() | {"reminders": {"useDefault": default, "overrides": overrides}}

    assert api.events("POST", json=reminders(5, 40_320)).status_code == 200
    assert reason(api.events("POST", json=reminders(6))) == (400, "invalid")
    assert reason(api.events("POST", json=reminders(1, 40_321))) == (400, "invalid")
    both = api.events("POST", json=reminders(1, default=True))
    assert reason(both) == (400, "cannotUseDefaultRemindersAndSpecifyOverride")


def test_a_video_call_is_made_once_for_its_request(api: Api) -> None:
    """Only with conferenceDataVersion=1; perhaps later."""
    asked = timed() | {"conferenceData": {"createRequest": {"requestId": "one"}}}
    without = api.events("POST", json=asked).json()
    made = api.events("POST", "?conferenceDataVersion=1", json=asked).json()
    again = api.events(
        "PATCH", f"/{made['id']}?conferenceDataVersion=1", json={"conferenceData": asked["conferenceData"]}
    ).json()
    api.google.control("PATCH", "calendar", {"conference": "pending"})
    later = api.events("POST", "?conferenceDataVersion=1", json=asked).json()

    assert "conferenceData" not in without
    assert made["conferenceData"]["createRequest"]["status"]["statusCode"] == "success"
    assert made["conferenceData"]["entryPoints"][0]["uri"] == made["hangoutLink"] == again["hangoutLink"]
    assert later["conferenceData"]["createRequest"]["status"]["statusCode"] == "pending"
    assert "hangoutLink" not in later
    assert "hangoutLink" in api.events("GET", f"/{later['id']}").json()


def test_a_patch_changes_what_it_names_and_an_update_replaces(api: Api) -> None:
    """Objects are merged, lists replaced, null deletes; each change has a new etag."""
    private = {"extendedProperties": {"private": {"a": "1", "b": "2"}}}
    made = api.insert(summary="Botox", location="Room", **private)

    patch = {"extendedProperties": {"private": {"b": "3"}}, "location": None} | timed("11:00", "12:00")
    patched = api.events("PATCH", f"/{made['id']}", json=patch).json()
    updated = api.events("PUT", f"/{made['id']}", json=timed() | {"location": "Sala"}).json()

    assert patched["extendedProperties"]["private"] == {"a": "1", "b": "3"}
    assert (patched["summary"], "location" in patched) == ("Botox", False)
    assert (made["sequence"], patched["sequence"]) == (0, 1)
    assert ("summary" in updated, updated["location"], updated["created"]) == (False, "Sala", made["created"])
    assert len({made["etag"], patched["etag"], updated["etag"]}) == 3


def test_who_has_read_an_older_event_changes_nothing(api: Api) -> None:
    """`If-Match` with the etag of before: 412, for patch, update and delete."""
    made = api.insert()
    old = {"If-Match": made["etag"]}
    newer = api.events("PATCH", f"/{made['id']}", json={"summary": "by hand"}, headers=old).json()

    for method in ("PATCH", "PUT", "DELETE"):
        refused = api.events(method, f"/{made['id']}", json=timed(), headers=old)
        assert reason(refused) == (412, "conditionNotMet")
    assert api.events("GET", f"/{made['id']}").json()["etag"] == newer["etag"]
    assert api.events("DELETE", f"/{made['id']}", headers={"If-Match": newer["etag"]}).status_code == 204


def test_deleting_twice_is_410_and_what_never_was_404(api: Api) -> None:
    """`deleted` means that it is gone, as wanted."""
    made = api.insert()

    assert api.events("DELETE", f"/{made['id']}").status_code == 204
    assert reason(api.events("DELETE", f"/{made['id']}")) == (410, "deleted")
    assert reason(api.events("DELETE", "/abcde")) == (404, "notFound")
    assert reason(api.events("GET", "/abcde")) == (404, "notFound")


def test_a_service_account_without_delegation_invites_nobody(google: RunningVendor) -> None:
    """The event is not made."""
    key = google.control("POST", "service-accounts", {"name": "desk"})
    google.control("PATCH", f"calendars/{ROOM}", {"shared": {key["client_email"]: "writer"}})
    credentials = google_credentials(google, key)
    api = Api(google, credentials, ROOM)

    invited = api.events("POST", json=timed() | {"attendees": [{"email": "customer@else.example"}]})

    assert reason(invited) == (403, "forbiddenForServiceAccounts")
    assert api.events("POST", json=timed()).status_code == 200


def google_credentials(google: RunningVendor, key: dict[str, Any]) -> str:
    """An access token of a service account, for everything."""
    token: str = ask(google, key, scope=EVERYTHING).json()["access_token"]
    return token


# -- lists --------------------------------------------------------------------------------------------


def test_a_window_filters_ends_and_starts_exclusively(api: Api) -> None:
    """First `timeMin` against the end, timeMax against the start; both need an offset."""
    one = api.insert(**timed("09:00", "10:00"))["id"]

    assert api.ids(timeMin="2030-01-08T08:59:59Z", timeMax="2030-01-08T10:00:00Z") == [one]
    assert api.ids(timeMin="2030-01-08T09:00:00Z") == []
    assert api.ids(timeMax="2030-01-08T08:00:00Z") == []
    assert reason(api.events("GET", params={"timeMin": "2030-01-08T08:00:00"})) == (400, "badRequest")


def test_pages_may_be_shorter_than_asked_and_only_the_last_has_a_sync_token(api: Api) -> None:
    """Whoever stops at a short page misses events."""
    made = {api.insert()["id"] for _ in range(5)}
    api.google.control("PATCH", "calendar", {"page_limit": 2})

    seen: list[str] = []
    page = api.listed(maxResults=100)
    while "nextPageToken" in page:
        assert "nextSyncToken" not in page
        seen += [one["id"] for one in page["items"]]
        page = api.listed(maxResults=100, pageToken=page["nextPageToken"])
    seen += [one["id"] for one in page["items"]]

    assert "nextSyncToken" in page
    assert set(seen) == made
    assert len(seen) == 5


def test_events_in_order_need_single_events_and_bring_no_sync_token(api: Api) -> None:
    """As the API does it."""
    late, early = api.insert(**timed("15:00", "16:00"))["id"], api.insert(**timed("08:00", "09:00"))["id"]

    page = api.listed(singleEvents="true", orderBy="startTime")

    assert [one["id"] for one in page["items"]] == [early, late]
    assert "nextSyncToken" not in page
    assert reason(api.events("GET", params={"orderBy": "startTime"})) == (400, "badRequest")


def test_events_are_found_by_their_private_properties(api: Api) -> None:
    """name=value."""
    one = api.insert(extendedProperties={"private": {"booking": "7"}})["id"]
    api.insert(extendedProperties={"private": {"booking": "8"}})

    assert api.ids(privateExtendedProperty="booking=7") == [one]


def test_a_sync_token_brings_what_changed_since(api: Api) -> None:
    """Of what was deleted only the id and the status are told."""
    kept, changed, gone = (api.insert()["id"] for _ in range(3))
    token = api.listed()["nextSyncToken"]
    api.events("PATCH", f"/{changed}", json={"summary": "moved by hand"})
    api.events("DELETE", f"/{gone}")

    page = api.listed(syncToken=token)

    found = {one["id"]: one for one in page["items"]}
    assert kept not in found
    assert found[changed]["summary"] == "moved by hand"
    assert found[gone].keys() <= {"kind", "etag", "id", "status"}
    assert found[gone]["status"] == "cancelled"
    assert api.listed(syncToken=page["nextSyncToken"])["items"] == []
    assert gone not in api.ids()
    assert gone in api.ids(showDeleted="true")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timeMin", "2030-01-01T00:00:00Z"),
        ("timeMax", "2030-01-01T00:00:00Z"),
        ("orderBy", "updated"),
        ("privateExtendedProperty", "a=b"),
        ("q", "x"),
        ("iCalUID", "x"),
        ("updatedMin", "2030-01-01T00:00:00Z"),
        ("sharedExtendedProperty", "a=b"),
        ("showDeleted", "false"),
        ("singleEvents", "true"),
    ],
)
def test_a_sync_token_does_not_go_with_other_parameters(name: str, value: str, api: Api) -> None:
    """Nor with others than those of the first time."""
    token = api.listed()["nextSyncToken"]

    refused = api.events("GET", params={"syncToken": token, name: value})

    assert reason(refused) == (400, "badRequest")


def test_a_sync_token_of_a_window_goes_on_with_what_else_was_asked(api: Api) -> None:
    """The window is remembered, the rest is given again."""
    first = api.listed(singleEvents="true", timeMin="2030-01-01T00:00:00Z", timeMax="2030-02-01T00:00:00Z")
    new = api.insert()["id"]

    assert api.ids(singleEvents="true", syncToken=first["nextSyncToken"]) == [new]


def test_a_sync_token_that_is_too_old_asks_for_everything_again(api: Api) -> None:
    """410, and the next full list brings a good one."""
    token = api.listed()["nextSyncToken"]
    api.google.control("PATCH", f"calendars/{OWNER}", {"full_sync": True})

    assert reason(api.events("GET", params={"syncToken": token})) == (410, "fullSyncRequired")
    assert reason(api.events("GET", params={"syncToken": "x"})) == (400, "invalid")
    assert api.listed(syncToken=api.listed()["nextSyncToken"])["items"] == []


# -- series -------------------------------------------------------------------------------------------


def starts(page: dict[str, Any]) -> list[str]:
    """When the events of a page begin."""
    return [one["start"].get("dateTime", one["start"].get("date")) for one in page["items"]]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("FREQ=DAILY;COUNT=3", ["08", "09", "10"]),
        ("FREQ=DAILY;INTERVAL=2;COUNT=3", ["08", "10", "12"]),
        ("FREQ=DAILY;BYDAY=MO,FR;COUNT=2", ["11", "14"]),
        ("FREQ=WEEKLY;COUNT=3", ["08", "15", "22"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,TH;COUNT=4", ["08", "10", "22", "24"]),
        ("FREQ=WEEKLY;BYDAY=MO,TU;UNTIL=20300115T080000Z", ["08", "14", "15"]),
        ("FREQ=WEEKLY;UNTIL=20300121", ["08", "15"]),
    ],
)
def test_a_series_becomes_single_events(rule: str, expected: list[str], api: Api) -> None:
    """From its first day on, which is Tuesday the 8th."""
    api.insert(recurrence=[f"RRULE:{rule}"])

    page = api.listed(singleEvents="true", timeMax="2030-02-01T00:00:00Z")

    assert [one[8:10] for one in starts(page)] == expected
    assert len(api.ids()) == 1


def test_a_series_keeps_its_wall_clock_when_clocks_change(api: Api) -> None:
    """Madrid changes on 2030-03-31."""
    api.insert(**timed(day="2030-03-30"), recurrence=["RRULE:FREQ=DAILY;COUNT=2"])

    assert starts(api.listed(singleEvents="true")) == [
        "2030-03-30T09:00:00+01:00",
        "2030-03-31T09:00:00+02:00",
    ]


def test_all_day_series_and_windows(api: Api) -> None:
    """A series without an end is cut by the window."""
    api.insert(**whole_days("2030-01-08", "2030-01-09"), recurrence=["RRULE:FREQ=WEEKLY"])

    page = api.listed(singleEvents="true", timeMin="2030-01-20T00:00:00Z", timeMax="2030-02-01T00:00:00Z")

    assert starts(page) == ["2030-01-22", "2030-01-29"]
    assert len(api.busy(OWNER, start="2030-01-01", end="2030-02-01")[OWNER]["busy"]) == 4


def test_one_occurrence_can_be_moved_or_cancelled(api: Api) -> None:
    """It keeps its id and says which occurrence it was; sync tells it."""
    series = api.insert(recurrence=["RRULE:FREQ=DAILY;COUNT=3"])["id"]
    first, second, third = api.listed(singleEvents="true")["items"]
    assert second["id"] == f"{series}_20300109T080000Z"
    assert second["recurringEventId"] == series
    token = api.listed(singleEvents="true")["nextSyncToken"]

    api.events("PATCH", f"/{second['id']}", json=timed("12:00", "13:00", "2030-01-09"))
    api.events("DELETE", f"/{third['id']}")

    now = api.listed(singleEvents="true")["items"]
    assert [one["id"] for one in now] == [first["id"], second["id"]]
    assert now[1]["start"]["dateTime"] == "2030-01-09T12:00:00"
    assert [one["start"] for one in api.busy(OWNER)[OWNER]["busy"]] == [
        "2030-01-08T08:00:00Z",
        "2030-01-09T11:00:00Z",
    ]
    changed = {one["id"]: one for one in api.listed(singleEvents="true", syncToken=token)["items"]}
    assert changed.keys() == {second["id"], third["id"]}
    assert changed[third["id"]]["status"] == "cancelled"
    assert changed[third["id"]]["originalStartTime"]["dateTime"] == "2030-01-10T09:00:00+01:00"


def test_deleting_a_series_cancels_each_of_its_occurrences(api: Api) -> None:
    """Whoever asked for single events knows no other ids."""
    series = api.insert(recurrence=["RRULE:FREQ=DAILY;COUNT=2"])["id"]
    page = api.listed(singleEvents="true")
    api.events("DELETE", f"/{series}")

    changed = api.listed(singleEvents="true", syncToken=page["nextSyncToken"])["items"]

    assert {one["id"] for one in changed} == {one["id"] for one in page["items"]}
    assert {one["status"] for one in changed} == {"cancelled"}
    assert api.busy(OWNER)[OWNER]["busy"] == []


def test_a_rule_that_is_not_understood_is_said(api: Api) -> None:
    """Rather than a wrong calendar."""
    refused = api.events("POST", json=timed() | {"recurrence": ["RRULE:FREQ=MONTHLY;BYDAY=1MO"]})

    assert reason(refused) == (501, "notSimulated")


# -- notifications ------------------------------------------------------------------------------------


@dataclass
class Listener:
    """Somebody who is told."""

    address: str = ""
    answers: list[int] = field(default_factory=list)
    heard: list[dict[str, str]] = field(default_factory=list)
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def wait(self, count: int = 1) -> list[dict[str, str]]:
        """What was heard, once so many notifications more have come."""
        for _ in range(count):
            assert self.arrived.acquire(timeout=10)
        return self.heard

    def states(self) -> list[tuple[str, str]]:
        """State and number of each notification."""
        return [(one["X-Goog-Resource-State"], one["X-Goog-Message-Number"]) for one in self.heard]


@pytest.fixture
def listener() -> Iterator[Listener]:
    """A server on a loopback port that remembers headers."""
    listening = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert not self.rfile.read(int(self.headers.get("Content-Length") or 0))
            listening.heard.append(dict(self.headers))
            self.send_response(listening.answers.pop(0) if listening.answers else 204)
            self.end_headers()
            listening.arrived.release()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        listening.address = f"http://127.0.0.1:{server.server_port}/push"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield listening
        server.shutdown()
        thread.join()


def channel(listener: Listener, **changes: object) -> dict[str, Any]:
    """What opens a channel."""
    return {"id": "channel-1", "type": "web_hook", "address": listener.address, "token": "t=1", **changes}


def test_a_channel_begins_with_sync_and_tells_of_changes(api: Api, listener: Listener) -> None:
    """An empty body and headers; the numbers rise."""
    opened = api.events("POST", "/watch", json=channel(listener)).json()
    listener.wait()
    api.insert()
    heard = listener.wait()[1]

    assert listener.states() == [("sync", "1"), ("exists", "2")]
    assert heard["X-Goog-Channel-ID"] == "channel-1"
    assert heard["X-Goog-Channel-Token"] == "t=1"
    assert heard["X-Goog-Resource-ID"] == opened["resourceId"]
    assert heard["X-Goog-Resource-URI"] == opened["resourceUri"]
    assert int(opened["expiration"]) / 1000 > 604_000


def test_other_calendars_changes_are_not_told(api: Api, listener: Listener) -> None:
    """Nor anything after the channel was stopped."""
    opened = api.events("POST", "/watch", json=channel(listener)).json()
    listener.wait()
    api.google.control("POST", f"calendars/{ROOM}/events", timed())
    ends = {"id": opened["id"], "resourceId": opened["resourceId"]}

    assert reason(api.call("POST", "/channels/stop", json=ends | {"resourceId": "x"})) == (404, "notFound")
    assert api.call("POST", "/channels/stop", json=ends).status_code == 204
    api.insert()

    assert api.google.control("GET", "channels")["channels"] == []
    assert listener.states() == [("sync", "1")]


def test_a_channel_ends_by_itself(api: Api, listener: Listener) -> None:
    """After at most seven days, or the seconds that were asked for."""
    api.events("POST", "/watch", json=channel(listener, params={"ttl": "60"}))
    listener.wait()
    api.google.advance(61)
    api.google.control("POST", f"calendars/{OWNER}/events", timed())

    assert api.google.control("GET", "channels")["channels"] == []


def test_a_notification_that_fails_for_now_is_sent_again(api: Api, listener: Listener) -> None:
    """On 500 and 502 to 504."""
    listener.answers += [503, 200]
    api.events("POST", "/watch", json=channel(listener))

    listener.wait(2)

    assert listener.states() == [("sync", "1"), ("sync", "1")]


def test_notifications_can_be_lost(api: Api, listener: Listener) -> None:
    """They are documented as unreliable."""
    api.events("POST", "/watch", json=channel(listener))
    listener.wait()
    api.google.control("PATCH", "calendar", {"silent": True})
    api.insert()
    api.google.control("PATCH", "calendar", {"silent": False})
    api.insert()
    listener.wait()

    assert listener.states() == [("sync", "1"), ("exists", "2")]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"id": ""}, "invalid"),
        ({"id": "x" * 65}, "invalid"),
        ({"type": "email"}, "invalid"),
        ({"token": "x" * 257}, "invalid"),
        ({"address": "https://hooks.example.com/push"}, "webhookUrlNotHttps"),
    ],
)
def test_a_wrong_channel_is_refused(
    changes: dict[str, str], expected: str, api: Api, listener: Listener
) -> None:
    """Only addresses on this machine are ever called."""
    assert reason(api.events("POST", "/watch", json=channel(listener, **changes))) == (400, expected)


def test_a_channels_id_is_used_once(api: Api, listener: Listener) -> None:
    """While it is open."""
    api.events("POST", "/watch", json=channel(listener))

    assert reason(api.events("POST", "/watch", json=channel(listener))) == (400, "channelIdNotUnique")
    listener.wait()


# -- around -------------------------------------------------------------------------------------------


def test_googles_own_client_library_can_talk_to_it(google: RunningVendor) -> None:
    """With another endpoint and nothing else changed."""
    tokens = google.connected([EVERYTHING])
    with build(
        "calendar",
        "v3",
        credentials=Credentials(tokens["access_token"]),  # type: ignore[no-untyped-call]
        client_options={"api_endpoint": f"{google.base_url}/calendar/v3/"},
    ) as service:
        made = service.events().insert(calendarId=OWNER, body=timed() | {"id": BOOKING}).execute()
        listed = service.events().list(calendarId=OWNER, singleEvents=True).execute()
        with pytest.raises(HttpError) as refused:
            service.events().insert(calendarId=OWNER, body=timed() | {"id": BOOKING}).execute()
        service.events().delete(calendarId=OWNER, eventId=BOOKING).execute()

    assert [one["id"] for one in listed["items"]] == [made["id"]]
    assert refused.value.status_code == 409
    assert refused.value.error_details[0]["reason"] == "duplicate"


def test_faults_speak_as_the_api_does(api: Api) -> None:
    """The fault's body is the reason."""
    api.google.switch({"path": "/calendar/**", "status": 403, "body": "rateLimitExceeded"})

    refused = api.events("GET")

    assert reason(refused) == (403, "rateLimitExceeded")
    assert refused.json()["error"]["errors"][0]["domain"] == "usageLimits"


def test_staff_edit_by_hand(api: Api) -> None:
    """Without a token, and whoever reads sees it."""
    made = api.google.control("POST", f"calendars/{OWNER}/events", timed() | {"summary": "by hand"})
    api.google.control("PATCH", f"calendars/{OWNER}/events/{made['id']}", {"summary": "changed"})
    assert api.events("GET", f"/{made['id']}").json()["summary"] == "changed"

    api.google.control("DELETE", f"calendars/{OWNER}/events/{made['id']}")
    assert api.ids() == []


def test_the_page_shows_a_week_of_every_calendar(api: Api) -> None:
    """In the wall-clock time of the first calendar; titles are text, not markup."""
    api.insert(summary="Botox <b>Ana</b>")
    api.google.control(
        "POST", f"calendars/{ROOM}/events", whole_days("2030-01-09", "2030-01-11") | {"summary": "Painters"}
    )

    page = api.google.send("GET", "/calendar?week=2030-01-10").text

    assert "Botox &lt;b&gt;Ana" in page
    assert "09:00\N{EN DASH}10:00" in page
    assert page.count("Painters") == 2
    assert "Painters" not in api.google.send("GET", "/calendar?week=2030-01-14").text
    assert json.dumps(api.google.control("GET", "calls")).count('"/calendar"') == 0
