from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.support.simulators import OWNER, bearer, parameters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.simulators import RunningVendor

EVERYTHING = (
    "users:read",
    "event_types:read",
    "availability:read",
    "scheduled_events:write",
    "scheduling_links:write",
    "webhooks:write",
)
THURSDAY = 1893664800  # 2030-01-03T10:00:00Z
TUESDAY = "2030-01-08"
CUSTOMER = {"email": "marta@example.com", "name": "Marta Ruiz", "timezone": "Europe/Madrid"}


@dataclass
class Api:
    """The API, called with a token."""

    calendly: RunningVendor
    token: str

    def call(self, method: str, path: str, **more: Any) -> requests.Response:  # noqa: ANN401 - of requests
        """Any call."""
        return self.calendly.send(method, path, headers=bearer(self.token), **more)

    def get(self, path: str, **parameters: object) -> Any:  # noqa: ANN401 - any JSON value
        """What a read brings."""
        answer = self.call("GET", path, params=parameters)
        assert answer.ok, answer.text
        return answer.json()

    @property
    def me(self) -> dict[str, Any]:
        """The caller."""
        found: dict[str, Any] = self.get("/users/me")["resource"]
        return found

    def kind(self, name: str = "Consultation") -> str:
        """An event type's URI."""
        listed = self.get("/event_types", user=self.me["uri"])["collection"]
        return next(str(one["uri"]) for one in listed if one["name"] == name)

    def starts(self, kind: str, day: str = TUESDAY) -> list[str]:
        """The starts of a day, as hours and minutes in UTC."""
        window = {"start_time": f"{day}T00:00:00Z", "end_time": f"{day}T23:59:00Z"}
        found = self.get("/event_type_available_times", event_type=kind, **window)["collection"]
        return [one["start_time"][11:16] for one in found]

    def book(self, at: str = f"{TUESDAY}T09:00:00Z", kind: str = "", **more: object) -> requests.Response:
        """Book for the customer."""
        body = {"event_type": kind or self.kind(), "start_time": at, "invitee": CUSTOMER, **more}
        return self.call("POST", "/invitees", json=body)

    def booked(self, at: str = f"{TUESDAY}T09:00:00Z") -> dict[str, Any]:
        """A booking's invitee."""
        answer = self.book(at)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()["resource"]
        return made


def token(calendly: RunningVendor, account: str) -> str:
    """A token of somebody who allowed everything."""
    back = parameters(calendly.consent(calendly.address(EVERYTHING), account=account))
    given: str = calendly.exchange(back["code"]).json()["access_token"]
    return given


@pytest.fixture
def api(calendly: RunningVendor) -> Api:
    """For an owner on the standard plan, early in 2030."""
    calendly.control("POST", "clock", {"at": THURSDAY})
    return Api(calendly, token(calendly, OWNER))


def problem(answer: requests.Response) -> tuple[int, str, str]:
    """Status, title, and the first detail's code or parameter."""
    body = answer.json()
    detail = (body.get("details") or [{}])[0]
    return answer.status_code, body["title"], detail.get("code") or detail.get("parameter", "")


def test_event_types_are_those_of_the_user_or_the_organization(api: Api) -> None:
    """A list without either, or of somebody else, is refused."""
    by_user = api.get("/event_types", user=api.me["uri"], active="true")["collection"]
    by_organization = api.get("/event_types", organization=api.me["current_organization"])["collection"]

    assert [one["duration"] for one in by_user] == [30, 60]
    assert by_organization == by_user
    assert api.get(f"/event_types/{by_user[0]['uri'].rpartition('/')[2]}")["resource"] == by_user[0]
    assert api.call("GET", "/event_types").status_code == 400
    assert api.call("GET", "/event_types", params={"user": "https://x/users/1"}).status_code == 403


def test_starts_lie_within_opening_hours_of_the_users_zone(api: Api) -> None:
    """Nine to five in Madrid, in half hours; none at the weekend."""
    starts = api.starts(api.kind())

    assert (starts[0], starts[-1], len(starts)) == ("08:00", "15:30", 16)
    assert api.starts(api.kind(), "2030-01-12") == []


def test_what_is_booked_is_no_longer_offered_with_its_buffers(api: Api) -> None:
    """Elsewhere or here; a treatment needs an hour and a quarter."""
    api.booked(f"{TUESDAY}T09:00:00Z")
    busy = [[f"{TUESDAY}T12:00:00Z", f"{TUESDAY}T13:00:00Z"]]
    api.calendly.control("PUT", "busy", {"account": OWNER, "times": busy})

    consultations, treatments = api.starts(api.kind()), api.starts(api.kind("Treatment"))

    assert {"09:00", "12:00", "12:30"}.isdisjoint(consultations)
    assert {"08:30", "09:30", "11:30", "13:00"} <= set(consultations)
    assert {"08:00", "08:30", "11:00", "11:30"}.isdisjoint(treatments)
    assert {"09:30", "10:30", "13:00"} <= set(treatments)


@pytest.mark.parametrize(
    ("start", "end", "wrong"),
    [
        ("2030-01-01T00:00:00Z", "2030-01-02T00:00:00Z", "start_time"),
        ("2030-01-08T00:00:00Z", "2030-02-08T00:00:01Z", "end_time"),
        ("2030-01-08T00:00:00Z", "2030-01-08T00:00:00Z", "end_time"),
        ("2030-01-08", "2030-01-09T00:00:00Z", "start_time"),
    ],
)
def test_a_wrong_window_is_refused(start: str, end: str, wrong: str, api: Api) -> None:
    """Past, over 31 days, empty, without offset."""
    asked = {"event_type": api.kind(), "start_time": start, "end_time": end}

    refused = api.call("GET", "/event_type_available_times", params=asked)

    assert problem(refused) == (400, "Invalid Argument", wrong)


def test_busy_times_are_for_a_week_and_may_fail(api: Api) -> None:
    """Own events name themselves; a calendar that cannot be read is a 424."""
    event = api.booked()["event"]
    busy = [["2030-01-09T12:00:00Z", "2030-01-09T13:00:00Z"]]
    api.calendly.control("PUT", "busy", {"account": OWNER, "times": busy})
    week = {"user": api.me["uri"], "start_time": "2030-01-07T00:00:00Z", "end_time": "2030-01-14T00:00:00Z"}

    found = api.get("/user_busy_times", **week)["collection"]

    assert [one["type"] for one in found] == ["calendly", "external"]
    assert found[0]["event"]["uri"] == event
    longer = week | {"end_time": "2030-01-14T00:00:01Z"}
    assert api.call("GET", "/user_busy_times", params=longer).status_code == 400
    api.calendly.control("PUT", "busy", {"account": OWNER, "unreadable": True})
    assert api.call("GET", "/user_busy_times", params=week).status_code == 424


def test_a_booking_is_found_again_by_its_invitee(api: Api) -> None:
    """With what was tracked; that is how a lost answer is looked up."""
    tracking = dict.fromkeys(["utm_campaign", "utm_source", "utm_medium", "utm_term", "salesforce_uuid"]) | {
        "utm_content": "booking-7"
    }
    api.book(tracking=tracking)
    asked = {"user": api.me["uri"], "invitee_email": CUSTOMER["email"], "status": "active"}
    window = {"min_start_time": f"{TUESDAY}T09:00:00Z", "max_start_time": f"{TUESDAY}T09:00:00Z"}

    (event,) = api.get("/scheduled_events", **asked, **window)["collection"]
    number = event["uri"].rpartition("/")[2]
    (invitee,) = api.get(f"/scheduled_events/{number}/invitees", email=CUSTOMER["email"])["collection"]

    assert (event["start_time"], event["end_time"]) == (
        f"{TUESDAY}T09:00:00.000000Z",
        f"{TUESDAY}T09:30:00.000000Z",
    )
    assert invitee["tracking"]["utm_content"] == "booking-7"
    assert api.get(f"/scheduled_events/{number}")["resource"] == event
    later = {"min_start_time": f"{TUESDAY}T09:00:01Z"}
    assert api.get("/scheduled_events", **asked, **later)["collection"] == []
    other = asked | {"invitee_email": "x@example.com"}
    assert api.get("/scheduled_events", **other)["collection"] == []


def test_a_time_is_booked_once(api: Api) -> None:
    """`already_filled`; a time that is never offered is another error."""
    api.booked()

    assert problem(api.book()) == (400, "Invalid Argument", "already_filled")
    assert problem(api.book(f"{TUESDAY}T09:10:00Z")) == (400, "Invalid Argument", "invalid")
    assert problem(api.book("2030-01-02T09:00:00Z")) == (400, "Invalid Argument", "invalid")


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"invitee": {"email": "marta@example.com"}}, "invitee"),
        ({"invitee": {**CUSTOMER, "timezone": "Madrid"}}, "invitee.timezone"),
        ({"tracking": {"utm_content": "x"}}, "tracking"),
        ({"event_guests": ["x@example.com"] * 11}, "event_guests"),
        ({"location": {"kind": "zoom"}}, "location"),
        ({"questions_and_answers": [{"question": "x", "answer": "y"}]}, "questions_and_answers"),
    ],
)
def test_a_wrong_booking_is_refused(changes: dict[str, Any], wrong: str, api: Api) -> None:
    """And takes no time."""
    assert problem(api.book(**changes)) == (400, "Invalid Argument", wrong)
    assert len(api.starts(api.kind())) == 16


def test_plans_limit_bookings_through_the_api(api: Api) -> None:
    """Ten a minute on the standard plan, none on the free one."""
    free = Api(api.calendly, token(api.calendly, "free@clinic.example"))
    refused = free.book()
    kind = api.kind()
    statuses = [api.book(kind=kind).status_code for _ in range(11)]

    assert problem(refused) == (403, "Permission Denied", "")
    assert statuses == [201] + [400] * 9 + [429]
    api.calendly.advance(61)
    assert api.book(kind=kind).status_code == 400


def test_an_event_is_cancelled_once_and_its_time_is_free_again(api: Api) -> None:
    """With the reason; another organization's event is missing."""
    number = api.booked()["event"].rpartition("/")[2]
    stranger = Api(api.calendly, token(api.calendly, "someone@else.example"))
    path = f"/scheduled_events/{number}/cancellation"

    assert stranger.call("POST", path, json={}).status_code == 404
    assert api.call("POST", path, json={"reason": "ill"}).json()["resource"]["reason"] == "ill"
    assert api.call("POST", path, json={}).status_code == 403
    assert api.get(f"/scheduled_events/{number}")["resource"]["status"] == "canceled"
    assert "09:00" in api.starts(api.kind())


def test_a_scheduling_link_is_for_one_event_of_a_type(api: Api) -> None:
    """The fallback where the plan does not let us book."""
    body = {"max_event_count": 1, "owner": api.kind(), "owner_type": "EventType"}

    made = api.call("POST", "/scheduling_links", json=body)

    assert made.status_code == 201
    assert made.json()["resource"]["booking_url"].startswith("https://calendly.com/d/")
    assert api.call("POST", "/scheduling_links", json=body | {"max_event_count": 2}).status_code == 400
    assert api.call("POST", "/scheduling_links", json=body | {"owner": "x"}).status_code == 404


def test_lists_come_in_pages(api: Api) -> None:
    """Until there is no next token."""
    for hour in ("09:00", "10:00", "11:00"):
        api.booked(f"{TUESDAY}T{hour}:00Z")

    first = api.get("/scheduled_events", user=api.me["uri"], count=2)
    token_of_next = first["pagination"]["next_page_token"]
    second = api.get("/scheduled_events", user=api.me["uri"], count=2, page_token=token_of_next)

    assert [len(one["collection"]) for one in (first, second)] == [2, 1]
    assert second["pagination"]["next_page_token"] is None


def test_a_lost_answer_has_booked(api: Api) -> None:
    """There is no idempotency key."""
    kind = api.kind()
    api.calendly.switch({"path": "/invitees", "method": "POST", "drop_after": True, "times": 1})
    with pytest.raises(requests.ConnectionError):
        api.book(kind=kind)

    assert problem(api.book(kind=kind))[2] == "already_filled"


def test_faults_speak_as_the_api_does(api: Api) -> None:
    """The fault's body is the title."""
    api.calendly.switch({"path": "/event_types", "status": 500, "body": "Internal Server Error"})

    assert problem(api.call("GET", "/event_types")) == (500, "Internal Server Error", "")


# -- webhooks -----------------------------------------------------------------------------------------


@dataclass
class Listener:
    """Somebody who is told."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    heard: list[tuple[str, bytes]] = field(default_factory=list)
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def wait(self, count: int) -> list[str]:
        """The events' names, once so many more have come."""
        for _ in range(count):
            assert self.arrived.acquire(timeout=10)
        return [json.loads(body)["event"] for _, body in self.heard]


@pytest.fixture
def listener() -> Iterator[Listener]:
    """A server on a loopback port that remembers what it is told."""
    listening = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            listening.heard.append((self.headers["Calendly-Webhook-Signature"], body))
            self.send_response(listening.answers.pop(0) if listening.answers else 200)
            self.end_headers()
            listening.arrived.release()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        listening.url = f"http://127.0.0.1:{server.server_port}/hook"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield listening
        server.shutdown()
        thread.join()


def subscription(api: Api, listener: Listener, **changes: object) -> dict[str, Any]:
    """What subscribes to the user's bookings."""
    me = api.me
    events = ["invitee.created", "invitee.canceled"]
    body = {"url": listener.url, "events": events, "organization": me["current_organization"]}
    return body | {"user": me["uri"], "scope": "user", "signing_key": "planted-signing-key"} | changes


def test_bookings_are_told_signed(api: Api, listener: Listener) -> None:
    """Over the timestamp and the raw body."""
    made = api.call("POST", "/webhook_subscriptions", json=subscription(api, listener))
    invitee = api.booked()
    listener.wait(1)
    header, body = listener.heard[0]
    parts = dict(part.split("=", 1) for part in header.split(","))

    expected = hmac.new(b"planted-signing-key", f"{parts['t']}.".encode() + body, hashlib.sha256).hexdigest()

    assert made.status_code == 201
    assert parts["v1"] == expected
    assert abs(int(parts["t"]) - time.time()) < 60
    payload = json.loads(body)["payload"]
    assert (payload["uri"], payload["scheduled_event"]["uri"]) == (invitee["uri"], invitee["event"])


def test_without_a_key_of_ones_own_the_applications_signs(api: Api, listener: Listener) -> None:
    """One for an application, as with OAuth."""
    api.call("POST", "/webhook_subscriptions", json=subscription(api, listener, signing_key=None))
    api.booked()
    listener.wait(1)
    header, body = listener.heard[0]
    parts = dict(part.split("=", 1) for part in header.split(","))

    key = api.calendly.control("GET", "webhooks")["signing_key"].encode()

    assert parts["v1"] == hmac.new(key, f"{parts['t']}.".encode() + body, hashlib.sha256).hexdigest()


def test_a_reschedule_is_told_as_two_events_in_any_order(api: Api, listener: Listener) -> None:
    """Each names the other; held back, they can be sent the other way round, or twice."""
    api.call("POST", "/webhook_subscriptions", json=subscription(api, listener))
    number = api.booked()["event"].rpartition("/")[2]
    listener.wait(1)
    api.calendly.control("PATCH", "webhooks", {"holding": True})

    api.calendly.control("POST", f"events/{number}/reschedule", {"start_time": f"{TUESDAY}T11:00:00Z"})
    assert api.calendly.control("GET", "webhooks")["held"] == 2
    api.calendly.control("POST", "webhooks/release", {"order": [1, 0, 0]})

    assert listener.wait(3)[1:] == ["invitee.canceled", "invitee.created", "invitee.created"]
    canceled, created = (json.loads(body)["payload"] for _, body in listener.heard[1:3])
    assert canceled["rescheduled"]
    assert (canceled["new_invitee"], created["old_invitee"]) == (created["uri"], canceled["uri"])
    assert "11:00" not in api.starts(api.kind())


def test_an_invitee_books_and_cancels_on_pages(api: Api, listener: Listener) -> None:
    """Told like any other booking; the API's limits do not count there."""
    api.call("POST", "/webhook_subscriptions", json=subscription(api, listener))
    body = {"event_type": api.kind(), "start_time": f"{TUESDAY}T09:00:00Z", **CUSTOMER}

    made = api.calendly.control("POST", "book", body)
    number = made["event"]["uri"].rpartition("/")[2]
    listener.wait(1)
    api.calendly.control("POST", f"events/{number}/cancel", {"reason": "no time"})

    assert listener.wait(1) == ["invitee.created", "invitee.canceled"]
    assert json.loads(listener.heard[1][1])["payload"]["cancellation"]["canceler_type"] == "invitee"


def test_a_listener_that_keeps_failing_loses_its_subscription(api: Api, listener: Listener) -> None:
    """After three attempts here; it stays, disabled, and is told nothing more."""
    made = api.call("POST", "/webhook_subscriptions", json=subscription(api, listener)).json()["resource"]
    listener.answers += [500, 404, 302]
    api.booked()
    listener.wait(3)
    path = f"/webhook_subscriptions/{made['uri'].rpartition('/')[2]}"

    deadline = time.monotonic() + 5
    while api.get(path)["resource"]["state"] != "disabled" and time.monotonic() < deadline:
        time.sleep(0.02)

    assert api.get(path)["resource"]["state"] == "disabled"


def test_a_subscription_is_made_once_and_can_be_deleted(api: Api, listener: Listener) -> None:
    """The second is a 409; a free plan has none; another's is missing."""
    body = subscription(api, listener)
    made = api.call("POST", "/webhook_subscriptions", json=body).json()["resource"]
    again = api.call("POST", "/webhook_subscriptions", json=body)
    free = Api(api.calendly, token(api.calendly, "free@clinic.example"))
    path = f"/webhook_subscriptions/{made['uri'].rpartition('/')[2]}"
    asked = {"organization": api.me["current_organization"], "scope": "user"}

    assert problem(again) == (409, "Already Exists", "")
    assert free.call("POST", "/webhook_subscriptions", json=body).status_code == 403
    assert free.call("DELETE", path).status_code == 404
    assert [one["uri"] for one in api.get("/webhook_subscriptions", **asked)["collection"]] == [made["uri"]]
    assert api.call("DELETE", path).status_code == 204
    assert api.call("DELETE", path).status_code == 404


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"organization": "https://x"}, "organization"),
        ({"scope": "group"}, "scope"),
        ({"user": "https://x"}, "user"),
        ({"events": ["invitee.moved"]}, "events"),
        ({"url": "https://hooks.example.com/x"}, "url"),
    ],
)
def test_a_wrong_subscription_is_refused(
    changes: dict[str, Any], wrong: str, api: Api, listener: Listener
) -> None:
    """Only addresses on this machine are ever told."""
    refused = api.call("POST", "/webhook_subscriptions", json=subscription(api, listener, **changes))

    assert problem(refused) == (400, "Invalid Argument", wrong)
