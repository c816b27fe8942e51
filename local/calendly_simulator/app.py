"""One simulator as a Flask application."""

from __future__ import annotations

import threading
from typing import Any

from flask import Flask, Response, jsonify, request

from local import faults, movable_clock, oauth_server, one_at_a_time
from local.calendly_simulator import api, oauth
from local.calendly_simulator.grants import Grants

JsonDict = dict[str, Any]


class Calendly:
    """What the application remembers."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.clock = movable_clock.MovableClock()
        self.clients = oauth_server.Clients()
        self.codes = oauth_server.Codes()
        self.grants = Grants(self.clock)

    def close(self) -> None:
        """Nothing runs on its own."""


def create_app() -> Flask:
    """A simulator of its own: three users, one client, no tokens."""
    app, calendly = Flask(__name__), Calendly()
    app.extensions["calendly"] = calendly
    faults.install(app, oauth_server.refusal)
    one_at_a_time.install(app, calendly.lock)
    movable_clock.install(app, calendly.clock)
    oauth_server.install(app, calendly.clients, oauth.VENDOR)

    app.register_blueprint(oauth.routes)
    app.register_blueprint(api.routes)

    @app.errorhandler(404)
    @app.errorhandler(405)
    def not_simulated(_: Exception) -> tuple[Response, int]:
        sentence = f"{request.method} {request.path} is not simulated"
        return jsonify({"title": "Not Simulated", "message": sentence}), 501

    return app
