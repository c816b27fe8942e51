"""The contract's calls as a Flask application, and what tests control.

- ``GET /simulator/calendars``: every calendar with its events.
- ``PATCH /simulator/calendars/{name}``: ``zone``, ``guards``, ``keeps_changes``, ``first_known``.
- ``PUT /simulator/calendars/{name}/events/{id}``: what staff writes; ``DELETE`` cancels it.
- ``PUT /simulator/secret``: ``secret``, and ``page_size`` of lists.
"""

from __future__ import annotations

import threading
from typing import Any

from flask import Flask, Response, jsonify, request

from local import faults, movable_clock, one_at_a_time
from local.generic_calendar_simulator.records import Calendar, JsonDict, Refused
from local.generic_calendar_simulator.signing import NotSigned, verify

SECRET = "secret-of-the-calendar-on-this-machine"  # noqa: S105 - good for this machine only
CALENDARS = ("ana", "room")


class Server:
    """What the application remembers."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.clock = movable_clock.MovableClock()
        self.secret = SECRET
        self.page_size = 250
        self.calendars = {name: Calendar() for name in CALENDARS}

    def close(self) -> None:
        """Nothing is open."""

    def named(self, name: str) -> Calendar:
        """A calendar.

        Raises:
            Refused: there is none.
        """
        if name not in self.calendars:
            raise Refused(404, "not_found")
        return self.calendars[name]

    def require_signature(self) -> None:
        """Make sure that a call of the contract's comes from Frontdesk.

        Raises:
            Refused: it does not, or nobody knows.
        """
        target = request.environ["REQUEST_URI"]  # as it came, before anything is decoded
        try:
            verify(
                self.secret,
                request.method,
                target,
                request.get_data(),
                timestamp=request.headers.get("Frontdesk-Timestamp", ""),
                signature=request.headers.get("Frontdesk-Signature", ""),
                now=self.clock.now(),
            )
        except NotSigned as error:
            raise Refused(401, str(error)) from None


def create_app() -> Flask:
    """A simulator of its own, with two empty calendars."""
    app, server = Flask(__name__), Server()
    app.extensions["own_calendar"] = server
    faults.install(app)
    one_at_a_time.install(app, server.lock)
    movable_clock.install(app, server.clock)

    @app.before_request
    def check() -> None:
        if request.path.startswith("/calendars/"):
            server.require_signature()

    @app.errorhandler(Refused)
    def refuse(refused: Refused) -> tuple[Response, int]:
        return jsonify({"reason": refused.reason}), refused.status

    @app.errorhandler(404)
    @app.errorhandler(405)
    def not_simulated(_: Exception) -> tuple[Response, int]:
        return jsonify({"reason": "not_implemented"}), 501

    _install_calls(app, server)
    _install_controls(app, server)
    return app


def _install_calls(app: Flask, server: Server) -> None:
    @app.get("/calendars/<name>/busy")
    def busy(name: str) -> JsonDict:
        calendar = server.named(name)
        found = [one for one in calendar.during(*_window()) if one["busy"]]
        return {
            "busy": [{"start": one["start"], "end": one["end"]} for one in found],
            "zone": calendar.zone,
        }

    @app.get("/calendars/<name>/events")
    def events(name: str) -> JsonDict:
        calendar = server.named(name)
        return _paged(server, calendar.during(*_window())) | {"zone": calendar.zone}

    @app.get("/calendars/<name>/changes")
    def changes(name: str) -> JsonDict:
        calendar = server.named(name)
        if not calendar.keeps_changes:
            raise Refused(501, "not_implemented")
        token = request.args.get("since")
        found = calendar.during(*_window()) if token is None else calendar.since(token)
        return _paged(server, found) | {"zone": calendar.zone, "since": str(len(calendar.changed))}

    @app.put("/calendars/<name>/events/<event_id>")
    def create(name: str, event_id: str) -> tuple[JsonDict, int]:
        return server.named(name).create(event_id, request.get_json()), 201

    @app.get("/calendars/<name>/events/<event_id>")
    def event(name: str, event_id: str) -> JsonDict:
        calendar = server.named(name)
        return calendar.named(event_id) | {"zone": calendar.zone}

    @app.patch("/calendars/<name>/events/<event_id>")
    def move(name: str, event_id: str) -> JsonDict:
        etag = request.headers.get("If-Match", "")
        return server.named(name).change(event_id, request.get_json(), etag)

    @app.delete("/calendars/<name>/events/<event_id>")
    def cancel(name: str, event_id: str) -> tuple[str, int]:
        server.named(name).cancel(event_id, request.headers.get("If-Match", ""))
        return "", 204


def _install_controls(app: Flask, server: Server) -> None:
    @app.get("/simulator/calendars")
    def shown() -> Any:  # noqa: ANN401 - Flask takes any JSON value
        return [{"name": name, **_shown(one)} for name, one in server.calendars.items()]

    @app.patch("/simulator/calendars/<name>")
    def change(name: str) -> JsonDict:
        calendar = server.calendars.setdefault(name, Calendar())
        for what, value in request.get_json().items():
            if what not in {"zone", "guards", "keeps_changes", "first_known"}:
                raise Refused(422, what)
            setattr(calendar, what, value)
        return _shown(calendar)

    @app.route("/simulator/calendars/<name>/events/<event_id>", methods=["PUT", "DELETE"])
    def staff(name: str, event_id: str) -> JsonDict:
        calendar = server.named(name)
        if request.method == "DELETE":
            return calendar.cancel(event_id, "")
        if event_id in calendar.events:
            return calendar.change(event_id, request.get_json(), "")
        return calendar.create(event_id, request.get_json())

    @app.put("/simulator/secret")
    def settings() -> JsonDict:
        given = request.get_json()
        server.secret = given.get("secret", server.secret)
        server.page_size = given.get("page_size", server.page_size)
        return {}


def _shown(calendar: Calendar) -> JsonDict:
    return {name: getattr(calendar, name) for name in ("zone", "guards", "keeps_changes", "events")}


def _window() -> tuple[str, str]:
    return request.args.get("start", ""), request.args.get("end", "")


def _paged(server: Server, events: list[JsonDict]) -> JsonDict:
    first = request.args.get("page", 0, int)
    until = first + server.page_size
    return {"events": events[first:until], "next_page": str(until) if until < len(events) else None}
