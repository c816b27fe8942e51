"""What tests control, and what a calendar's owner does by hand.

- ``GET /simulator/oauth``: token calls of each kind, revocations, living grants. ``PATCH`` sets
  ``access_token_seconds``.
- ``POST /simulator/oauth/end``: ends the grants of ``account`` (or all) ``how``: ``revoked``,
  ``invalid_rapt``, ``admin_policy_enforced`` or ``account_deleted``. With ``how`` ``access`` every access
  token dies and the grants live on.
- ``POST /simulator/accounts``: another account (``email``, ``name``, ``zone``); ``GET`` lists them.
- ``POST /simulator/service-accounts``: ``name`` and ``delegated`` scopes; the answer is its key file.
- ``GET``, ``POST /simulator/calendars``: every calendar with its events; another one (``id``, ``summary``,
  ``owner``, ``zone``, ``shared``: roles of others by address).
- ``POST``, ``PATCH``, ``DELETE /simulator/calendars/{id}/events[/{event}]``: what its owner does by hand.
- ``PATCH /simulator/calendars/{id}``: ``{"broken": "internalError"}`` for free/busy, ``{"full_sync": true}``
  makes every sync token too old, ``zone``, ``summary``, ``shared``.
- ``PATCH /simulator/calendar``: ``page_limit`` (shorter pages than asked), ``conference`` (``success``,
  ``pending`` until it is read again, ``failure``), ``silent`` (no notifications).
- ``GET /simulator/channels``: the open ``channels`` and the notifications ``sent``.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from local.google_simulator.calendar import writing
from local.google_simulator.calendar.records import Calendar
from local.google_simulator.calendar.refusals import ApiRefused
from local.google_simulator.calendar_api.api import properties, refuse
from local.google_simulator.grants import FACTS, Account
from local.google_simulator.oauth import google, people
from local.oauth_server import TokenRefused

STAFF = "/simulator/calendars/<calendar_id>"
routes = Blueprint("google_controls", __name__)
routes.register_error_handler(ApiRefused, refuse)

JsonDict = dict[str, Any]


@routes.route("/simulator/oauth", methods=["GET", "PATCH"])
def show() -> JsonDict:
    """See the module."""
    if request.method == "PATCH":
        google().grants.access_token_seconds = request.get_json()["access_token_seconds"]
    return google().grants.shown()


@routes.post("/simulator/oauth/end")
def end() -> JsonDict:
    """See the module."""
    given = request.get_json()
    grants, how = google().grants, given.get("how", "revoked")
    if how == "access":
        grants.expire_access()
    elif how not in FACTS["ends"]:
        raise TokenRefused("invalid_request", f"how is one of: access, {', '.join(FACTS['ends'])}")
    else:
        for grant in grants.every(given.get("account", "")):
            grants.end(grant, how)
    return grants.shown()


@routes.route("/simulator/accounts", methods=["GET", "POST"])
def accounts() -> Response:
    """See the module."""
    if request.method == "POST":
        account = Account(**request.get_json())
        google().grants.accounts[account.email] = account
    return jsonify(people())


@routes.post("/simulator/service-accounts")
def create_service_account() -> JsonDict:
    """See the module."""
    given = request.get_json()
    return google().services.create(given["name"], given.get("delegated", []))


@routes.route("/simulator/calendars", methods=["GET", "POST"])
def all_calendars() -> Response:
    """See the module."""
    calendars = google().calendars
    if request.method == "POST":
        calendars.add(Calendar(**{"zone": "Etc/UTC", **request.get_json()}))
    return jsonify(
        [
            properties(one) | {"owner": one.owner, "events": list(one.events.values())}
            for one in calendars.every()
        ]
    )


@routes.patch(STAFF)
def change_calendar(calendar_id: str) -> JsonDict:
    """See the module."""
    found, given = google().calendars.named(calendar_id), request.get_json()
    found.generation += bool(given.pop("full_sync", False))
    for name in given.keys() & {"broken", "zone", "summary", "shared"}:
        setattr(found, name, given[name])
    return properties(found)


@routes.post(f"{STAFF}/events", defaults={"event_id": ""})
@routes.route(f"{STAFF}/events/<event_id>", methods=["PATCH", "DELETE"])
def staff_writes(calendar_id: str, event_id: str) -> JsonDict:
    """See the module."""
    calendars = google().calendars
    found = calendars.named(calendar_id)
    if request.method == "POST":
        owner = google().grants.accounts[found.owner]
        return writing.insert(calendars, found, owner, request.get_json())
    if request.method == "PATCH":
        return writing.change(calendars, found, found.found(event_id), request.get_json(), whole=False)
    writing.cancel(calendars, found, found.found(event_id))
    return {}


@routes.patch("/simulator/calendar")
def change_settings() -> JsonDict:
    """See the module."""
    given: JsonDict = request.get_json()
    calendars = google().calendars
    calendars.page_limit = given.get("page_limit", calendars.page_limit)
    calendars.conference = given.get("conference", calendars.conference)
    google().channels.silent = given.get("silent", google().channels.silent)
    return given


@routes.get("/simulator/channels")
def show_channels() -> JsonDict:
    """See the module."""
    return {"channels": google().channels.shown(), "sent": google().channels.sent}
