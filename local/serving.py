"""Serves a simulator on the loopback interface: in a test's process, or as a command of its own."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from typing import TYPE_CHECKING, Self

from werkzeug.serving import WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from flask import Flask, Response

HOST = "127.0.0.1"
# Other names would let a web page on the internet reach this server through DNS rebinding.
TRUSTED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
PAGE_POLICY = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'"


class _Quiet(WSGIRequestHandler):
    """Requests are not worth a line each. One request a connection, so that hanging up ends it."""

    protocol_version = "HTTP/1.0"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


class Server:
    """A simulator that listens; a context manager.

    Args:
        app: what answers; its extensions are closed with the server.
        port: on the loopback interface; 0 takes a free one.

    Raises:
        SystemExit: the port is in use (werkzeug's way).
    """

    def __init__(self, app: Flask, port: int = 0) -> None:
        app.config["TRUSTED_HOSTS"] = TRUSTED_HOSTS
        app.after_request(_guarded)
        self._app = app
        self._server = make_server(HOST, port, app, threaded=True, request_handler=_Quiet)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.port: int = self._server.server_port
        self.base_url = f"http://{HOST}:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        for part in self._app.extensions.values():
            part.close()
        self._server.server_close()
        self._thread.join()


def _guarded(answer: Response) -> Response:
    """A page of a simulator loads nothing from elsewhere, and no other page frames it."""
    answer.headers.setdefault("Content-Security-Policy", PAGE_POLICY)
    return answer


def serve(name: str, app: Flask, default_port: int, page: str) -> None:
    """The command of a simulator: serves on ``--port`` until Ctrl-C or SIGTERM.

    Args:
        name: of the simulator.
        app: what is served.
        default_port: where, unless told otherwise.
        page: the path that is worth looking at.
    """
    parser = argparse.ArgumentParser(description=name)
    parser.add_argument("--port", type=int, default=default_port, help="on 127.0.0.1; 0 takes a free one")
    port = parser.parse_args().port
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        server = Server(app, port)
    except (OSError, SystemExit):  # werkzeug leaves by itself when the port is taken
        sys.exit(f"Port {port} is in use: choose another with --port.")
    with server:
        print(f"{name}: {server.base_url}{page}", flush=True)
        stop.wait()
