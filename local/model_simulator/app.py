"""The simulator as a Flask application.

``POST /v1/responses`` and ``POST /v1/chat/completions`` answer; every other call of OpenAI's API is refused
with 501. For tests and people:

- ``PUT /simulator/faults``: a list, see `local.model_simulator.faults`.
- ``PUT /simulator/script``: exact outputs, used up in their order: ``{"text": …}`` or
  ``{"tool_calls": [{"name": …, "arguments": …}]}``, each with an optional ``outcome``: ``cut_off``,
  ``filtered``, ``refused`` or ``failed``.
- ``GET /simulator/calls``: the requests so far; ``DELETE`` forgets them.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, jsonify, request
from werkzeug.serving import BaseWSGIServer, make_server

from local.model_simulator import wire
from local.model_simulator.answering import Call, think
from local.model_simulator.faults import Faults, error_body, instead, on_the_way_back

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.model_simulator.answering import Asked

MAX_CALLS = 1000


def make_simulator(port: int) -> BaseWSGIServer:
    """A server on the loopback address; port 0 takes a free one."""
    return make_server("127.0.0.1", port, create_app(), threaded=True)


class Model:
    """What the application remembers."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.calls: list[dict[str, Any]] = []
        self.script: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def thoughts(self, asked: Asked, fault: dict[str, Any]) -> tuple[list[str | Call], str]:
        """What it answers, and with which outcome."""
        with self._lock:
            scripted = self.script.pop(0) if self.script else None
        if scripted is not None:
            calls = scripted.get("tool_calls", [])
            said = [scripted["text"]] if scripted.get("text") else []
            return [*said, *map(_scripted_call, calls)], scripted.get("outcome", "")
        outcome = fault.get("body") or ""
        return ([] if outcome in {"empty", "failed"} else [think(asked)]), outcome

    def remember(self, call: dict[str, Any]) -> None:
        """Note a call; the oldest are forgotten."""
        with self._lock:
            self.calls = [*self.calls, call][-MAX_CALLS:]


def _scripted_call(one: dict[str, Any]) -> Call:
    arguments = one["arguments"]
    return Call(one["name"], arguments if isinstance(arguments, str) else json.dumps(arguments))


def create_app() -> Flask:
    """A simulator of its own, with nothing switched on."""
    app, model = Flask(__name__), Model()

    def answer(read: Callable[..., Asked], write: Callable[..., dict[str, Any]]) -> Response:
        body = request.get_json()
        model.remember({"path": request.path, "request": body})
        fault = model.faults.take(request.method, request.path)
        answered = instead(fault)
        if answered is None:
            try:
                asked = read(body)
            except (wire.Refused, KeyError) as refused:
                answered = error_body(str(refused), None, "invalid_request_error")
                answered.status_code = 400
            else:
                answered = jsonify(write(body, asked, *model.thoughts(asked, fault)))
        return on_the_way_back(answered, fault, request)

    @app.post("/v1/responses")
    def responses() -> Response:
        return answer(wire.read_responses, wire.write_responses)

    @app.post("/v1/chat/completions")
    def chat_completions() -> Response:
        return answer(wire.read_chat, wire.write_chat)

    @app.before_request
    def require_key() -> tuple[Response, int] | None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if request.path.startswith("/v1/") and not (scheme == "Bearer" and key.strip()):
            return error_body("No API key was given.", "invalid_api_key", "invalid_request_error"), 401
        return None

    _add_controls(app, model)
    return app


def _add_controls(app: Flask, model: Model) -> None:
    @app.put("/simulator/<any(faults, script):what>")
    def switch(what: str) -> Response:
        if what == "script":
            model.script = request.get_json()
        else:
            model.faults.replace(request.get_json())
        return jsonify(status="ok")

    @app.route("/simulator/calls", methods=["GET", "DELETE"])
    def calls() -> Response:
        if request.method == "DELETE":
            model.calls = []
        return jsonify(model.calls)

    @app.errorhandler(404)
    @app.errorhandler(405)
    def not_simulated(_: Exception) -> tuple[Response, int]:
        return error_body(f"{request.method} {request.path} is not simulated", None, "not_simulated"), 501
