"""Puts one simulator together and serves it on the loopback interface."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.serving import WSGIRequestHandler, make_server

from local.chatwoot_simulator.api import api
from local.chatwoot_simulator.control import control
from local.chatwoot_simulator.faults import Faults
from local.chatwoot_simulator.records import World, add_account
from local.chatwoot_simulator.rules import Installation
from local.chatwoot_simulator.watch import Watch
from local.chatwoot_simulator.webhooks import WebhookSender

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from wsgiref.types import StartResponse, WSGIEnvironment

HOST = "127.0.0.1"
# Other names would let a web page on the internet reach this server through DNS rebinding.
TRUSTED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
_PAGE_POLICY = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'"


class Simulator:
    """One Chatwoot installation as a WSGI application.

    Args:
        state_file: keeps the records over restarts; ``None`` keeps them in memory only.
        retry_wait_seconds: between the attempts of an agent bot's webhook.
    """

    def __init__(self, *, state_file: Path | None = None, retry_wait_seconds: float = 3.0) -> None:
        self.world = World(state_file)
        if not self.world.accounts:
            add_account(self.world, "Sample Company")
        self._watch = Watch()
        self._sender = WebhookSender(retry_wait_seconds)
        self._installation = Installation(self.world, self._sender, self._watch.changed)
        self._flask = Flask(__name__, static_folder="desk", static_url_path="/desk")
        self._flask.config["TRUSTED_HOSTS"] = TRUSTED_HOSTS
        self._faults = Faults(self._flask)
        self._flask.register_blueprint(api(self._installation))
        self._flask.register_blueprint(control(self._installation, self._sender, self._faults, self._watch))
        self._flask.add_url_rule("/desk", view_func=self._page)
        self._flask.register_error_handler(HTTPException, _failed)
        self._flask.after_request(self._answered)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """One call, as WSGI makes it."""
        return self._faults(environ, start_response)

    def close(self) -> None:
        """Stop its threads and save."""
        self._faults.close()
        self._watch.close()
        self._installation.close()
        self.world.save()

    def _page(self) -> Response:
        return self._flask.send_static_file("index.html")

    def _answered(self, answer: Response) -> Response:
        answer.headers["Content-Security-Policy"] = _PAGE_POLICY
        answer.headers["X-Content-Type-Options"] = "nosniff"
        if request.method not in ("GET", "HEAD"):
            self.world.save()
        return answer


def create_app(*, state_file: Path | None = None, retry_wait_seconds: float = 3.0) -> Simulator:
    """A simulator with one account, its people, a bot and four inboxes; see `Simulator`."""
    return Simulator(state_file=state_file, retry_wait_seconds=retry_wait_seconds)


def _failed(error: HTTPException) -> Response:
    if error.response is not None:
        return Response(error.response.get_data(), error.response.status, error.response.headers)  # type: ignore[attr-defined]
    known = not isinstance(error, (NotFound, MethodNotAllowed)) or not request.path.startswith("/api/")
    status = error.code or 500 if known else 501
    sentence = error.description if known else "The simulator does not have this call"
    answer = jsonify({"error": sentence, "method": request.method, "path": request.path})
    answer.status_code = status
    return answer


class _Quiet(WSGIRequestHandler):
    """Requests are not worth a line each. One request a connection, so that hanging up ends it."""

    protocol_version = "HTTP/1.0"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


class Server:
    """A simulator that listens; a context manager.

    Args:
        simulator: what answers. It is closed with the server.
        port: on the loopback interface; 0 takes a free one.

    Raises:
        OSError: the port is in use.
    """

    def __init__(self, simulator: Simulator, port: int = 0) -> None:
        self._simulator = simulator
        self._server = make_server(HOST, port, simulator, threaded=True, request_handler=_Quiet)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.base_url = f"http://{HOST}:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._simulator.close()
        self._server.server_close()
        self._thread.join()
