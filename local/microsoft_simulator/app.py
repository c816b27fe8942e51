"""One simulator as a Flask application."""

from __future__ import annotations

import threading

from flask import Flask, Response, jsonify, request

from local import faults, movable_clock, oauth_server, one_at_a_time
from local.microsoft_simulator import oauth
from local.microsoft_simulator.grants import Grants
from local.signing_keys import SigningKey


class Microsoft:
    """What the application remembers."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.clock = movable_clock.MovableClock()
        self.clients = oauth_server.Clients()
        self.codes = oauth_server.Codes("1.A")
        self.grants = Grants(self.clock)
        self.signing_key = SigningKey()

    def close(self) -> None:
        """Nothing is open."""


def create_app() -> Flask:
    """A simulator of its own: two accounts, one client, no grants."""
    app, microsoft = Flask(__name__), Microsoft()
    app.extensions["microsoft"] = microsoft
    faults.install(app, oauth_server.refusal)
    one_at_a_time.install(app, microsoft.lock)
    movable_clock.install(app, microsoft.clock)
    oauth_server.install(
        app, microsoft.clients, microsoft.codes, oauth.VENDOR, lambda: microsoft.grants.every_token
    )
    app.register_blueprint(oauth.routes)

    @app.errorhandler(404)
    @app.errorhandler(405)
    def not_simulated(_: Exception) -> tuple[Response, int]:
        return jsonify({"error": f"{request.method} {request.path} is not simulated"}), 501

    return app
