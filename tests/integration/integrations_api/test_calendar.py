"""Free times and appointments over the API: the company itself books, moves and cancels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shared.calendars.intervals import Interval
from shared.platform.tables import Key
from shared.reminders.desk import ReminderDesk
from tests.support.bookings import DOCUMENT, at

if TYPE_CHECKING:
    from tests.support.api import Api

APPOINTMENTS = "/api/calendar/appointments"
TEN = "2026-11-24T10:00:00+01:00"
DAY = "from=2026-11-23T23:00:00Z&to=2026-11-24T23:00:00Z"


@pytest.fixture
def key(api: Api) -> str:
    """A clinic's key."""
    return api.company("sol", **DOCUMENT)


def booked(api: Api, key: str, start: str = TEN, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """A new appointment."""
    answer = api("POST", APPOINTMENTS, {"service": "cut", "start": start, **more}, key=key)
    assert answer.status == 201, answer.text
    made: dict[str, Any] = answer.json
    return made


def test_free_times_of_a_day(api: Api, key: str) -> None:
    """In the zone that was asked for; taken time is left out, and a calendar that cannot be read is named."""
    api.vendor.staff_adds("ana@g", Interval(at(8), at(15)))
    found = api("GET", f"/api/calendar/availability?service=cut&{DAY}&zone=Atlantic/Canary", key=key).json
    assert found["slots"][0] == {
        "start": "2026-11-24T15:00:00+00:00",
        "end": "2026-11-24T15:30:00+00:00",
        "calendars": [["ana"]],
    }
    assert (found["zone"], found["unreadable"]) == ("Atlantic/Canary", {})
    api.vendor.unreadable["ana@g"] = "not_found"
    partly = api("GET", f"/api/calendar/availability?service=talk&{DAY}", key=key).json
    assert partly["unreadable"] == {"ana": "not_found"}
    assert {tuple(one["calendars"][0]) for one in partly["slots"]} == {("bea",)}
    assert api("GET", f"/api/calendar/availability?service=cut&{DAY}", key=key).status == 503


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("service=massage", 404),
        ("service=walk", 422),
        ("service=cut&zone=Moon", 400),
        ("service=cut&from=now", 400),
        ("service=cut&from=2026-11-24&to=2026-11-23", 400),
        ("service=cut&from=9999-12-31", 400),
        ("service=cut&from=0001-01-01T00:00:00%2B14:00", 400),
        ("service=cut&from=2026-11-24&to=2027-11-23", 400),
    ],
)
def test_wrong_questions_are_refused(api: Api, key: str, query: str, status: int) -> None:
    """With the field's name."""
    assert api("GET", f"/api/calendar/availability?{query}", key=key).status == status


@pytest.mark.parametrize(
    "start", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "2026-11-24T10:00:00"]
)
def test_starts_that_nobody_can_reckon_with_are_refused(api: Api, key: str, start: str) -> None:
    """Beyond what dates can hold, or without a zone."""
    answer = api("POST", APPOINTMENTS, {"service": "cut", "start": start}, key=key)
    assert (answer.status, [one["field"] for one in answer.json["fields"]]) == (422, ["start"])


def test_an_appointment_is_booked_shown_moved_and_cancelled(api: Api, key: str) -> None:
    """In the calendar as well; each step only on the version that was read."""
    made = booked(api, key, contact="3-481", name="María", email="maria@example.org")
    assert (made["status"], made["contact"], made["start"]) == ("confirmed", "3-481", TEN)
    one = f"{APPOINTMENTS}/{made['appointment_id']}"
    shown = api("GET", one, key=key)
    tag = shown.headers["etag"]
    assert shown.json["name"] == "María"
    moved = api("PATCH", one, {"start": "2026-11-24T12:00:00+01:00"}, key=key, if_match=tag)
    assert moved.status == 200, moved.text
    assert [event.interval for event in api.vendor.standing("ana@g")] == [Interval(at(11), at(11, 30))]
    assert api("DELETE", one, key=key, if_match=tag).status == 412
    assert api("DELETE", one, key=key, if_match=moved.headers["etag"]).json["status"] == "cancelled"
    assert api.vendor.standing("ana@g") == []
    assert api("DELETE", one, key=key).status == 409


def test_a_taken_time_answers_with_others(api: Api, key: str) -> None:
    """A problem, as every refusal."""
    booked(api, key)
    answer = api("POST", APPOINTMENTS, {"service": "cut", "start": TEN}, key=key)
    assert (answer.status, answer.headers["content-type"]) == (409, "application/problem+json")
    assert answer.json["type"].endswith(":taken")
    assert "2026-11-24T10:45:00+01:00" in answer.json["alternatives"]
    body = {"service": "cut", "start": TEN}
    first, again = (api("POST", APPOINTMENTS, body, key=key, idempotency_key="order-8") for _ in range(2))
    assert (again.status, again.json, again.headers["content-type"]) == (
        409,
        first.json,
        first.headers["content-type"],
    )


def test_the_same_idempotency_key_books_once(api: Api, key: str) -> None:
    """Also where the first answer was lost before it was kept."""
    body = {"service": "cut", "start": TEN}
    first, again = (api("POST", APPOINTMENTS, body, key=key, idempotency_key="order-7") for _ in range(2))
    assert first.json == again.json
    for item in api.table.scan():
        if item["sk"].startswith("repeat#"):
            api.table.delete(Key(item["pk"], item["sk"]))
    third = api("POST", APPOINTMENTS, body, key=key, idempotency_key="order-7")
    assert third.json["appointment_id"] == first.json["appointment_id"]
    assert len(api.vendor.created) == 1


def test_appointments_are_listed_page_by_page_and_by_contact(api: Api, key: str) -> None:
    """By their start; names only for keys that may read texts."""
    booked(api, key, "2026-11-24T12:00:00+01:00", contact="3-481", name="María")
    booked(api, key, TEN, name="Walk In")
    first = api("GET", f"{APPOINTMENTS}?{DAY}&limit=1", key=key).json
    assert [one["start"] for one in first["appointments"]] == [TEN]
    assert first["appointments"][0]["contact"] is None
    second = api("GET", f"{APPOINTMENTS}?{DAY}&limit=1&cursor={first['next_cursor']}", key=key).json
    assert [one["contact"] for one in second["appointments"]] == ["3-481"]
    assert second["next_cursor"] is None
    own = api("GET", f"{APPOINTMENTS}?{DAY}&contact=3-481", key=api.key("sol", "read")).json["appointments"]
    assert [one["start"] for one in own] == ["2026-11-24T12:00:00+01:00"]
    assert "name" not in own[0]


def test_it_is_shown_when_a_reminded_customer_said_that_they_come(api: Api, key: str) -> None:
    """And not before."""
    made = booked(api, key, contact="3-481")
    assert made["assured_at"] is None
    desk = ReminderDesk(api.calendars_table, api.clock)
    assert desk.assure("sol", made["appointment_id"], "3:481", 0)
    shown = api("GET", f"{APPOINTMENTS}/{made['appointment_id']}", key=key).json
    assert shown["assured_at"] == api.clock.now().isoformat()


def test_another_companys_appointment_answers_like_a_missing_one(api: Api, key: str) -> None:
    """The ids say nothing."""
    made = booked(api, key)
    other = api.company("luna", **DOCUMENT)
    for method, body in (("GET", None), ("PATCH", {"start": TEN}), ("DELETE", None)):
        there = api(method, f"{APPOINTMENTS}/{made['appointment_id']}", body, key=other)
        nowhere = api(method, f"{APPOINTMENTS}/{'0' * 32}", body, key=other)
        assert (there.status, there.text) == (nowhere.status, nowhere.text)
        assert there.status == 404


def test_a_customers_appointments_are_handed_out_and_forgotten(api: Api, key: str) -> None:
    """Cancelled ones too; what takes time stays without a name."""
    kept = booked(api, key, contact="3-481", name="María", email="maria@example.org")
    gone = booked(api, key, "2026-11-24T12:00:00+01:00", contact="3-481", name="María")
    api("DELETE", f"{APPOINTMENTS}/{gone['appointment_id']}", key=key)
    contact = "/api/companies/sol/contacts/3-481"
    found = api("GET", f"{contact}/export", key=key).json["appointments"]
    assert {one["status"] for one in found} == {"confirmed", "cancelled"}
    assert api("POST", f"{contact}/forget", key=key).status == 200
    assert api("GET", f"{contact}/export", key=key).json["appointments"] == []
    left = api("GET", f"{APPOINTMENTS}/{kept['appointment_id']}", key=key).json
    assert (left["status"], left["name"], left["email"], left["contact"]) == ("confirmed", "", None, None)
    assert api("GET", f"{APPOINTMENTS}/{gone['appointment_id']}", key=key).status == 404
    assert not [item for item in api.calendars_table.scan() if "María" in str(item)]
