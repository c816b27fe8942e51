"""One simulator as a Flask application."""

from __future__ import annotations

import threading

from flask import Flask, Response, jsonify, request

from local import faults, movable_clock, oauth_server, one_at_a_time
from local.google_simulator import oauth
from local.google_simulator.calendar import refusals
from local.google_simulator.calendar.records import Calendars
from local.google_simulator.calendar_api import api
from local.google_simulator.calendar_api.channels import Channels
from local.google_simulator.grants import Grants
from local.google_simulator.people import controls, page
from local.google_simulator.service_accounts import ServiceAccounts
from local.signing_keys import SigningKey


class Google:
    """What the application remembers."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.clock = movable_clock.MovableClock()
        self.clients = oauth_server.Clients()
        self.codes = oauth_server.Codes("4/0A")
        self.grants = Grants(self.clock)
        self.signing_key = SigningKey()
        self.services = ServiceAccounts(self.grants)
        self.calendars = Calendars(self.grants, self.clock)
        self.channels = Channels(self.clock)
        self.calendars.told = self.channels.changed

    def close(self) -> None:
        """Tell nobody any more."""
        self.channels.close()


def refusal(fault: faults.Fault) -> Response | None:
    """What a fault answers in Google's place, in the words of the part whose path it names."""
    if fault.path.startswith("/calendar/"):
        return refusals.refusal(fault)
    return oauth_server.refusal(fault)


def create_app() -> Flask:
    """A simulator of its own: three accounts, one client, no grants."""
    app, google = Flask(__name__), Google()
    app.extensions["google"] = google
    faults.install(app, refusal)
    one_at_a_time.install(app, google.lock)
    movable_clock.install(app, google.clock)
    oauth_server.install(app, google.clients, google.codes, oauth.VENDOR, lambda: google.grants.every_token)

    app.register_blueprint(oauth.routes)
    for routes in (api.routes, controls.routes, page.routes):
        app.register_blueprint(routes)

    @app.errorhandler(404)
    @app.errorhandler(405)
    def not_simulated(_: Exception) -> tuple[Response, int]:
        sentence = f"{request.method} {request.path} is not simulated"
        return jsonify({"error": {"code": 501, "message": sentence}}), 501

    return app
