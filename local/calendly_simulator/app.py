"""One simulator as a Flask application."""

from __future__ import annotations

import threading
from collections import defaultdict
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, jsonify, request

from local import faults, movable_clock, oauth_server, one_at_a_time
from local.calendly_simulator import callers, controls, oauth
from local.calendly_simulator.grants import Grants, User
from local.calendly_simulator.scheduling import api
from local.calendly_simulator.scheduling.records import FACTS, Schedule
from local.calendly_simulator.webhooks.telling import Webhooks

JsonDict = dict[str, Any]


class Calendly:
    """What the application remembers."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.clock = movable_clock.MovableClock()
        self.clients = oauth_server.Clients()
        self.codes = oauth_server.Codes()
        self.grants = Grants(self.clock)
        self.schedule = Schedule(self.grants, self.clock)
        self.webhooks = Webhooks()
        self.schedule.told = self.webhooks.tell
        self._invitees: defaultdict[str, list[float]] = defaultdict(list)

    def close(self) -> None:
        """Tell nobody any more."""
        self.webhooks.close()

    def require_room_for_invitee(self, user: User) -> None:
        """Count a call of ``POST /invitees``.

        Raises:
            ApiRefused: the user's plan has no such call, or not so many of them.
        """
        if user.plan not in FACTS["invitee_limits"]:
            raise callers.denied("Please upgrade your Calendly account to Standard or higher")
        now, made = self.clock.now(), self._invitees[user.email]
        for seconds, most in FACTS["invitee_limits"][user.plan]:
            if len([one for one in made if one > now - seconds]) >= most:
                sentence = f"At most {most} in {seconds} seconds."
                raise callers.ApiRefused(HTTPStatus.TOO_MANY_REQUESTS, "Too Many Requests", sentence)
        made.append(now)


def refusal(fault: faults.Fault) -> Response | None:
    """What a fault answers in Calendly's place, in the words of the part whose path it names."""
    if fault.path.startswith("/oauth/"):
        return oauth_server.refusal(fault)
    return callers.refusal(fault)


def create_app() -> Flask:
    """A simulator of its own: three users, one client, no tokens."""
    app, calendly = Flask(__name__), Calendly()
    app.extensions["calendly"] = calendly
    faults.install(app, refusal)
    one_at_a_time.install(app, calendly.lock)
    movable_clock.install(app, calendly.clock)
    oauth_server.install(
        app, calendly.clients, calendly.codes, oauth.VENDOR, lambda: calendly.grants.every_token
    )

    for routes in (oauth.routes, api.routes, controls.routes):
        app.register_blueprint(routes)

    @app.errorhandler(404)
    @app.errorhandler(405)
    def not_simulated(_: Exception) -> tuple[Response, int]:
        sentence = f"{request.method} {request.path} is not simulated"
        return jsonify({"title": "Not Simulated", "message": sentence}), 501

    return app
