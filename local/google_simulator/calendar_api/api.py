"""The Calendar API's routes."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Blueprint, request

from local.google_simulator.calendar import times, writing
from local.google_simulator.calendar.records import FACTS, Calendar
from local.google_simulator.calendar.refusals import ApiRefused, bad
from local.google_simulator.calendar_api import listing
from local.google_simulator.oauth import bearer, google

if TYPE_CHECKING:
    from local.google_simulator.grants import Account

SCOPE = "https://www.googleapis.com/auth/"
LONGEST_FREE_BUSY = timedelta(days=92)
MOST_CALENDARS = 50
EVENTS = "/calendar/v3/calendars/<calendar_id>/events"
EVENT = f"{EVENTS}/<event_id>"
routes = Blueprint("google_calendar", __name__)

JsonDict = dict[str, Any]


@routes.errorhandler(ApiRefused)
def refuse(refused: ApiRefused) -> tuple[JsonDict, int]:
    """As the API words errors."""
    return refused.body, refused.status


def caller(need: str) -> Account:
    """Who calls, if their token's scopes allow this kind of call.

    Raises:
        ApiRefused: no living token, or not these scopes.
    """
    access = bearer()
    if access is None:
        sentence = "Invalid Credentials"
        raise ApiRefused(HTTPStatus.UNAUTHORIZED, "authError", sentence, location="Authorization")
    if not access.scopes & {SCOPE + one for one in FACTS["scopes"][need]}:
        sentence = "Request had insufficient authentication scopes."
        raise ApiRefused(HTTPStatus.FORBIDDEN, "insufficientPermissions", sentence)
    return access.grant.account


def opened(calendar_id: str, need: str) -> tuple[Account, Calendar]:
    """The caller, and the calendar they may read or write; ``…owned`` scopes reach their own ones only."""
    account = caller(need)
    calendar = google().calendars.of(account, calendar_id)
    access = bearer()
    wide = {SCOPE + one for one in FACTS["scopes"][need] if ".owned" not in one}
    role = calendar.role(account.email)
    if role != "owner" and access is not None and not access.scopes & wide:
        sentence = "Request had insufficient authentication scopes."
        raise ApiRefused(HTTPStatus.FORBIDDEN, "insufficientPermissions", sentence)
    if need == "write" and role not in ("writer", "owner"):
        sentence = "You need to have writer access to this calendar."
        raise ApiRefused(HTTPStatus.FORBIDDEN, "requiredAccessLevel", sentence, domain="calendar")
    return account, calendar


@routes.get("/calendar/v3/users/me/calendarList")
def calendar_list() -> JsonDict:
    """The caller's calendars."""
    account = caller("list")
    seen = [one for one in google().calendars.every() if one.role(account.email) != "none"]
    items = [
        properties(one)
        | {"kind": "calendar#calendarListEntry", "accessRole": one.role(account.email)}
        | ({"primary": True} if one.id == account.email else {})
        for one in seen
    ]
    return {"kind": "calendar#calendarList", "items": items}


def properties(calendar: Calendar) -> JsonDict:
    """A calendar as the API shows it."""
    values = {"id": calendar.id, "summary": calendar.summary, "timeZone": calendar.zone}
    return {"kind": "calendar#calendar", "etag": f'"{calendar.generation}"', **values}


@routes.get("/calendar/v3/calendars/<calendar_id>")
def calendar(calendar_id: str) -> JsonDict:
    """A calendar's properties."""
    return properties(google().calendars.of(caller("calendar"), calendar_id))


@routes.post("/calendar/v3/freeBusy")
def free_busy() -> JsonDict:
    """When calendars are taken; one that cannot be read says so inside of a 200."""
    account, given = caller("freebusy"), request.get_json()
    start, end = (times.moment(given.get(name, ""), name) for name in ("timeMin", "timeMax"))
    if start >= end:
        raise bad("timeRangeEmpty", "The specified time range is empty.", "timeMax", domain="calendar")
    if end - start > LONGEST_FREE_BUSY:
        raise bad("timeRangeTooLong", "The requested time range is too long.", "timeMax", domain="calendar")
    found = {}
    for number, item in enumerate(given.get("items", [])):
        reason = "tooManyCalendarsRequested" if number >= MOST_CALENDARS else ""
        found[item["id"]] = _taken(account, item["id"], start, end, reason)
    bounds = {"timeMin": times.written(start), "timeMax": times.written(end)}
    return {"kind": "calendar#freeBusy", **bounds, "calendars": found}


def _taken(account: Account, calendar_id: str, start: Any, end: Any, reason: str) -> JsonDict:  # noqa: ANN401
    try:
        seen = google().calendars.of(account, calendar_id, "freeBusyReader")
    except ApiRefused:
        reason = "notFound"
    else:
        reason = reason or seen.broken
    if reason:
        return {"errors": [{"domain": "global", "reason": reason}], "busy": []}
    return {"busy": listing.free_busy(seen, start, end)}


@routes.get(EVENTS)
def list_events(calendar_id: str) -> JsonDict:
    """A page of events."""
    _, found = opened(calendar_id, "read")
    return listing.listed(google().calendars, found, request.args.to_dict())


@routes.post(EVENTS)
def insert_event(calendar_id: str) -> JsonDict:
    """A new event."""
    account, found = opened(calendar_id, "write")
    given = _given()
    service = google().services.owns(account.email)
    if given.get("attendees") and service:
        sentence = "Service accounts cannot invite attendees without Domain-Wide Delegation of Authority."
        raise ApiRefused(HTTPStatus.FORBIDDEN, "forbiddenForServiceAccounts", sentence, domain="calendar")
    return writing.insert(google().calendars, found, account, given)


def _given() -> JsonDict:
    """The body; without ``conferenceDataVersion=1`` what it says of a video call is not read."""
    given: JsonDict = request.get_json()
    if request.args.get("conferenceDataVersion") != "1":
        given.pop("conferenceData", None)
    return given


@routes.get(EVENT)
def get_event(calendar_id: str, event_id: str) -> JsonDict:
    """An event, deleted ones with their status."""
    _, found = opened(calendar_id, "read")
    event = found.found(event_id)
    waiting = event.get("conferenceData", {}).get("createRequest", {}).get("status", {}).get("statusCode")
    if waiting == "pending":
        writing.complete(event)
    return event


@routes.route(EVENT, methods=["PATCH", "PUT"])
def change_event(calendar_id: str, event_id: str) -> JsonDict:
    """Change an event, unless it is not the one that the caller has read."""
    _, found = opened(calendar_id, "write")
    event = _unchanged(found.found(event_id))
    return writing.change(google().calendars, found, event, _given(), whole=request.method == "PUT")


@routes.delete(EVENT)
def delete_event(calendar_id: str, event_id: str) -> tuple[str, int]:
    """Delete an event, unless it is not the one that the caller has read."""
    _, found = opened(calendar_id, "write")
    writing.cancel(google().calendars, found, _unchanged(found.found(event_id)))
    return "", 204


def _unchanged(event: JsonDict) -> JsonDict:
    wanted = request.headers.get("If-Match", "*")
    if wanted not in ("*", event["etag"]):
        sentence = "Precondition Failed"
        raise ApiRefused(HTTPStatus.PRECONDITION_FAILED, "conditionNotMet", sentence, location="If-Match")
    return event


@routes.post(f"{EVENTS}/watch")
def watch_events(calendar_id: str) -> JsonDict:
    """Open a channel."""
    account, found = opened(calendar_id, "read")
    uri = f"https://www.googleapis.com/calendar/v3/calendars/{found.id}/events?alt=json"
    return google().channels.watch(found, account.email, uri, request.get_json())


@routes.post("/calendar/v3/channels/stop")
def stop_channel() -> tuple[str, int]:
    """End a channel."""
    caller("read")
    given = request.get_json()
    google().channels.stop(given.get("id", ""), given.get("resourceId", ""))
    return "", 204
