"""The API's routes."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from flask import Blueprint, request

from local.calendly_simulator.callers import ApiRefused, bad, caller, denied, missing, refuse
from local.calendly_simulator.oauth import calendly, organization_uri, user_uri
from local.calendly_simulator.scheduling.records import BASE, FACTS, Booked, Taken, text

if TYPE_CHECKING:
    from local.calendly_simulator.grants import User

LONGEST_OFFER, LONGEST_BUSY = timedelta(days=31), timedelta(days=7)
MOST_A_PAGE, USUAL_PAGE, MOST_GUESTS = 100, 20, 10
routes = Blueprint("calendly_scheduling", __name__)
routes.register_error_handler(ApiRefused, refuse)

JsonDict = dict[str, Any]


def moment(given: Any, name: str) -> datetime:  # noqa: ANN401 - JSON or a query
    """A parameter's moment, which needs its offset.

    Raises:
        ApiRefused: it is none.
    """
    try:
        found = datetime.fromisoformat(str(given.get(name)).replace(" ", "+"))
    except ValueError:
        raise bad(name, "is invalid") from None
    if found.tzinfo is None:
        raise bad(name, "needs an offset")
    return found.astimezone(UTC)


def window(longest: timedelta) -> tuple[datetime, datetime]:
    """The window that the query asks for.

    Raises:
        ApiRefused: it is past, empty, or too long.
    """
    start, end = (moment(request.args, name) for name in ("start_time", "end_time"))
    if start < calendly().schedule.now():
        raise bad("start_time", "must be in the future")
    if not start < end <= start + longest:
        raise bad("end_time", f"must be after start_time and at most {longest.days} days later")
    return start, end


def paged(items: list[JsonDict]) -> JsonDict:
    """One page of a list, and how to get the next."""
    count = min(request.args.get("count", USUAL_PAGE, int), MOST_A_PAGE)
    offset = request.args.get("page_token", 0, int)
    after, more = str(offset + count), offset + count < len(items)
    page = items[offset : offset + count]
    base = f"{BASE}{request.path}?page_token={after}"
    return {
        "collection": page,
        "pagination": {
            "count": len(page),
            "next_page": base if more else None,
            "next_page_token": after if more else None,
            "previous_page": None,
            "previous_page_token": None,
        },
    }


def whose(user: User) -> list[User]:
    """The users that a list is about: the caller, or everybody of the caller's organization.

    Raises:
        ApiRefused: the query names nobody, or somebody else.
    """
    if request.args.get("organization") == organization_uri(user):
        everybody = calendly().grants.users.values()
        return [one for one in everybody if one.organization == user.organization]
    if request.args.get("user") == user_uri(user):
        return [user]
    if "user" in request.args or "organization" in request.args:
        raise denied("You do not have access to this resource.")
    raise bad("user", "or organization is required")


@routes.get("/users/me")
def me() -> JsonDict:
    """Whose token it is."""
    user = caller("users:read")
    values = {"name": user.name, "email": user.email, "timezone": user.zone, "resource_type": "User"}
    page = f"https://calendly.com/{user.number.lower()}"
    own = {"uri": user_uri(user), "scheduling_url": page, "current_organization": organization_uri(user)}
    return {"resource": values | own}


@routes.get("/event_types")
def event_types() -> JsonDict:
    """What can be booked."""
    people = whose(caller("event_types:read"))
    active = {"true": True, "false": False}.get(request.args.get("active", ""))
    every = [one for user in people for one in calendly().schedule.types(user)]
    return paged([one for one in every if active in (None, one["active"])])


@routes.get("/event_types/<number>")
def event_type(number: str) -> JsonDict:
    """One of them."""
    caller("event_types:read")
    return {"resource": calendly().schedule.type_named(f"{BASE}/event_types/{number}")[1]}


@routes.get("/event_type_available_times")
def available_times() -> JsonDict:
    """When an event could begin, 31 days at most, on one page."""
    caller("availability:read")
    user, kind = calendly().schedule.type_named(request.args.get("event_type", ""))
    start, end = window(LONGEST_OFFER)
    found = [
        {
            "status": "available",
            "invitees_remaining": 1,
            "start_time": text(one),
            "scheduling_url": f"{kind['scheduling_url']}/{text(one)}",
        }
        for one in calendly().schedule.starts(user, kind, start, end)
    ]
    return {"collection": found}


@routes.get("/user_busy_times")
def busy_times() -> JsonDict:
    """When a user is busy, 7 days at most; 424 where another calendar cannot be read."""
    user = whose(caller("availability:read"))[0]
    start, end = window(LONGEST_BUSY)
    if user.email in calendly().schedule.unreadable:
        sentence = "An external calendar could not be read."
        raise ApiRefused(HTTPStatus.FAILED_DEPENDENCY, "External Calendar Error", sentence)
    found = [_busy(one) for one in calendly().schedule.taken(user) if one.start < end and start < one.end]
    return {"collection": sorted(found, key=lambda one: str(one["start_time"]))}


def _busy(one: Taken) -> JsonDict:
    kind = {"type": "calendly", "event": {"uri": one.event_uri}} if one.event_uri else {"type": "external"}
    return kind | {"start_time": text(one.start), "end_time": text(one.end)}


@routes.post("/invitees")
def create_invitee() -> tuple[JsonDict, int]:
    """Book for somebody: paid plans only, and not often."""
    user, given = caller("scheduled_events:write"), request.get_json()
    owner, kind = calendly().schedule.type_named(given.get("event_type", ""))
    if owner.organization != user.organization:
        raise missing()
    calendly().require_room_for_invitee(user)
    booked = calendly().schedule.book(owner, kind, moment(given, "start_time"), _invitee(given, kind))
    return {"resource": booked.invitee}, 201


def _invitee(given: JsonDict, kind: JsonDict) -> JsonDict:
    """What is booked for whom.

    Raises:
        ApiRefused: something is wrong or missing.
    """
    invitee, tracking = given.get("invitee") or {}, given.get("tracking")
    name = invitee.get("name") or f"{invitee.get('first_name', '')} {invitee.get('last_name', '')}".strip()
    if "@" not in invitee.get("email", "") or not name:
        raise bad("invitee", "needs email and name")
    if invitee.get("timezone") not in available_timezones():
        raise bad("invitee.timezone", "is no IANA zone")
    if tracking is not None and tracking.keys() != set(FACTS["tracking"]):
        raise bad("tracking", "needs all of its six keys")
    if len(given.get("event_guests", [])) > MOST_GUESTS:
        raise bad("event_guests", "are more than ten")
    kinds = [one["kind"] for one in kind["locations"]]
    if (given.get("location") or {}).get("kind") not in (kinds or [None]):
        raise bad("location", "does not match the event type's")
    asked = {one["name"] for one in kind["custom_questions"]}
    if not {one["question"] for one in given.get("questions_and_answers", [])} <= asked:
        raise bad("questions_and_answers", "name questions that are not asked")
    names = ("location", "tracking", "questions_and_answers", "event_guests")
    kept = {one: given[one] for one in names if one in given}
    return kept | {"email": invitee["email"], "name": name, "timezone": invitee["timezone"]}


@routes.post("/scheduling_links")
def create_link() -> tuple[JsonDict, int]:
    """A page on which somebody books once."""
    caller("scheduling_links:write")
    given = request.get_json()
    if given.get("max_event_count") != 1 or given.get("owner_type") != "EventType":
        raise bad("max_event_count", "must be 1, and owner_type EventType")
    calendly().schedule.type_named(given.get("owner", ""))
    link = f"https://calendly.com/d/{secrets.token_hex(8)}"
    return {"resource": {"booking_url": link, "owner": given["owner"], "owner_type": "EventType"}}, 201


@routes.get("/scheduled_events")
def scheduled_events() -> JsonDict:
    """What is booked, by start."""
    emails = {one.email for one in whose(caller("scheduled_events:read"))}
    found = [one for one in calendly().schedule.booked if one.owner.email in emails and _asked_for(one)]
    return paged([one.event for one in sorted(found, key=lambda one: one.taken.start)])


def _asked_for(booked: Booked) -> bool:
    asked = request.args
    return (
        asked.get("status") in (None, booked.event["status"])
        and asked.get("invitee_email") in (None, booked.invitee["email"])
        and ("min_start_time" not in asked or booked.taken.start >= moment(asked, "min_start_time"))
        and ("max_start_time" not in asked or booked.taken.start <= moment(asked, "max_start_time"))
    )


@routes.get("/scheduled_events/<number>")
def scheduled_event(number: str) -> JsonDict:
    """One of them."""
    return {"resource": calendly().schedule.event_named(number, caller("scheduled_events:read")).event}


@routes.get("/scheduled_events/<number>/invitees")
def invitees(number: str) -> JsonDict:
    """Who comes."""
    one = calendly().schedule.event_named(number, caller("scheduled_events:read")).invitee
    return paged([one] if request.args.get("email") in (None, one["email"]) else [])


@routes.post("/scheduled_events/<number>/cancellation")
def cancel_event(number: str) -> tuple[JsonDict, int]:
    """Cancel it, once."""
    user = caller("scheduled_events:write")
    booked = calendly().schedule.event_named(number, user)
    if booked.event["status"] == "canceled":
        raise denied("Event is already canceled")
    reason = (request.get_json(silent=True) or {}).get("reason", "")
    return {"resource": calendly().schedule.cancel(booked, reason, user.name)}, 201


@routes.post("/webhook_subscriptions")
def subscribe() -> tuple[JsonDict, int]:
    """Be told of bookings; paid plans only."""
    user = caller("webhooks:write")
    if user.plan == "free":
        raise denied("Please upgrade your Calendly account to Standard or higher")
    return {"resource": calendly().webhooks.subscribe(user, request.get_json())}, 201


@routes.get("/webhook_subscriptions")
def subscriptions() -> JsonDict:
    """Who is told."""
    user = caller("webhooks:read")
    mine = [one.resource for one in calendly().webhooks.subscriptions if one.owner is user]
    return paged([one for one in mine if request.args.get("scope") in (None, one["scope"])])


@routes.route("/webhook_subscriptions/<number>", methods=["GET", "DELETE"])
def subscription(number: str) -> JsonDict | tuple[str, int]:
    """One of them."""
    user = caller("webhooks:read" if request.method == "GET" else "webhooks:write")
    found = calendly().webhooks.named(number, user)
    if request.method == "GET":
        return {"resource": found.resource}
    calendly().webhooks.subscriptions.remove(found)
    return "", 204
