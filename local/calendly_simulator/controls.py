"""What tests control, and what invitees do in their browser.

- ``POST /simulator/book``: somebody books on a page: ``event_type``, ``start_time``, ``email``, ``name``.
- ``POST /simulator/events/{uuid}/reschedule`` (``start_time``), ``…/cancel`` (``reason``): the invitee does.
- ``PUT /simulator/busy``: a user's other calendars: ``account``, ``times`` (pairs of moments), and
  ``unreadable`` for a 424.
- ``GET /simulator/webhooks``: subscriptions, what was sent, what is held, and the application's
  ``signing_key``. ``PATCH`` with ``holding`` keeps back what leaves.
- ``POST /simulator/webhooks/release``: sends what is held in this ``order`` (a list of positions, a position
  twice is a repetition); without one as it came.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from local.calendly_simulator.callers import ApiRefused, refuse
from local.calendly_simulator.oauth import calendly
from local.calendly_simulator.scheduling.api import moment
from local.calendly_simulator.scheduling.records import Booked, Taken

routes = Blueprint("calendly_controls", __name__)
routes.register_error_handler(ApiRefused, refuse)

JsonDict = dict[str, Any]


def _shown(booked: Booked) -> JsonDict:
    return {"event": booked.event, "invitee": booked.invitee}


@routes.post("/simulator/book")
def book() -> JsonDict:
    """See the module."""
    given = request.get_json()
    owner, kind = calendly().schedule.type_named(given["event_type"])
    person = {"timezone": owner.zone, **given}
    return _shown(calendly().schedule.book(owner, kind, moment(given, "start_time"), person))


@routes.post("/simulator/events/<number>/reschedule")
def reschedule(number: str) -> JsonDict:
    """See the module."""
    booked = calendly().schedule.event_named(number)
    return _shown(calendly().schedule.reschedule(booked, moment(request.get_json(), "start_time")))


@routes.post("/simulator/events/<number>/cancel")
def cancel(number: str) -> JsonDict:
    """See the module."""
    booked = calendly().schedule.event_named(number)
    reason = request.get_json().get("reason", "")
    calendly().schedule.cancel(booked, reason, booked.invitee["name"], canceler_type="invitee")
    return _shown(booked)


@routes.put("/simulator/busy")
def set_busy() -> JsonDict:
    """See the module."""
    given: JsonDict = request.get_json()
    schedule, account = calendly().schedule, given["account"]
    moments = [{"from": one[0], "to": one[1]} for one in given.get("times", [])]
    schedule.external[account] = [Taken(moment(one, "from"), moment(one, "to")) for one in moments]
    schedule.unreadable -= {account}
    if given.get("unreadable"):
        schedule.unreadable.add(account)
    return given


@routes.route("/simulator/webhooks", methods=["GET", "PATCH"])
def webhooks() -> JsonDict:
    """See the module."""
    found = calendly().webhooks
    if request.method == "PATCH":
        found.holding = request.get_json()["holding"]
    return {
        "signing_key": found.app_signing_key,
        "subscriptions": [one.resource for one in found.subscriptions],
        "held": len(found.held),
        "sent": found.sent,
    }


@routes.post("/simulator/webhooks/release")
def release() -> JsonDict:
    """See the module."""
    found = calendly().webhooks
    found.release(request.get_json().get("order") or range(len(found.held)))
    return {}
