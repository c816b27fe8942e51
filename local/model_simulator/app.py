"""The simulator as a Flask application.

``POST /v1/responses`` and ``POST /v1/chat/completions`` answer, ``POST /v1/audio/transcriptions`` hears what
a file carries (`local.model_simulator.hearing`); every other call of OpenAI's API is refused with 501. For
tests and people:

- ``PUT /simulator/faults``: a list, see `local.faults`. The ``body`` of a fault is ``html`` for a page that
  is no JSON, an error code of the API, or an outcome: ``empty``, ``cut_off``, ``refused`` or ``failed``.
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

from local import faults
from local.model_simulator import hearing, wire
from local.model_simulator.answering import Call, think

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.model_simulator.answering import Asked

HTML_PAGE = "<!doctype html><title>Welcome</title><h1>It works</h1>"


def error_body(message: str, code: str | None, kind: str) -> Response:
    """An error as OpenAI's API words it."""
    error = {"message": message, "type": kind, "param": None, "code": code}
    return Response(json.dumps({"error": error}), mimetype="application/json")


def refusal(fault: faults.Fault) -> Response | None:
    """What a fault answers in place of the model, if it does."""
    if fault.body == "html":
        return Response(HTML_PAGE, fault.status or 200, mimetype="text/html")
    if fault.status is None:
        return None
    answer = error_body("a fault that was switched on", fault.body or None, fault.body or "server_error")
    answer.status_code = fault.status
    if fault.retry_after_seconds is not None:
        answer.headers["Retry-After"] = str(fault.retry_after_seconds)
    return answer


class Model:
    """What the application remembers."""

    def __init__(self) -> None:
        self.script: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def thoughts(self, asked: Asked, outcome: str) -> tuple[list[str | Call], str]:
        """What it answers, and with which outcome: the script's, else the one that a fault wants."""
        with self._lock:
            scripted = self.script.pop(0) if self.script else None
        if scripted is not None:
            calls = scripted.get("tool_calls", [])
            said = [scripted["text"]] if scripted.get("text") else []
            return [*said, *map(_scripted_call, calls)], scripted.get("outcome", "")
        return ([] if outcome in {"empty", "failed"} else [think(asked)]), outcome


def _scripted_call(one: dict[str, Any]) -> Call:
    arguments = one["arguments"]
    return Call(one["name"], arguments if isinstance(arguments, str) else json.dumps(arguments))


def create_app() -> Flask:
    """A simulator of its own, with nothing switched on."""
    app, model = Flask(__name__), Model()

    def answer(read: Callable[..., Asked], write: Callable[..., dict[str, Any]]) -> Response:
        body = request.get_json()
        fault = faults.current(request.environ)
        asked = read(body)
        return jsonify(write(body, asked, *model.thoughts(asked, fault.body if fault else "")))

    @app.post("/v1/responses")
    def responses() -> Response:
        return answer(wire.read_responses, wire.write_responses)

    @app.post("/v1/chat/completions")
    def chat_completions() -> Response:
        return answer(wire.read_chat, wire.write_chat)

    @app.post("/v1/audio/transcriptions")
    def transcriptions() -> Response:
        return jsonify(hearing.heard(request.files["file"], request.form))

    @app.errorhandler(hearing.Refused)
    @app.errorhandler(KeyError)
    def refused(error: Exception) -> tuple[Response, int]:
        return error_body(str(error), None, "invalid_request_error"), 400

    @app.before_request
    def require_key() -> tuple[Response, int] | None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if request.path.startswith("/v1/") and not (scheme == "Bearer" and key.strip()):
            return error_body("No API key was given.", "invalid_api_key", "invalid_request_error"), 401
        return None

    _add_controls(app, model)
    return app


def _add_controls(app: Flask, model: Model) -> None:
    faults.install(app, refusal)

    @app.put("/simulator/script")
    def write_script() -> Response:
        model.script = request.get_json()
        return jsonify(model.script)

    @app.errorhandler(404)
    @app.errorhandler(405)
    def not_simulated(_: Exception) -> tuple[Response, int]:
        return error_body(f"{request.method} {request.path} is not simulated", None, "not_simulated"), 501
