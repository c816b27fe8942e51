"""A running simulator, and a server that receives its webhooks."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

import pytest

from local.chatwoot_simulator.app import create_app
from local.serving import Server
from tests.support.chatwoot import ChatwootHandle, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Received:
    """One POST, untouched."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def payload(self) -> dict[str, Any]:
        """The body, parsed."""
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed


@dataclass
class Receiver:
    """A server that answers webhooks with the statuses it is told, 200 after those."""

    statuses: list[int] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)

    def __enter__(self) -> Self:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append(Received(self.path, dict(self.headers), body))
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Where to send webhooks."""
        return f"http://127.0.0.1:{self._server.server_port}/hook"

    def of(self, event: str, count: int = 1) -> list[Received]:
        """At least ``count`` bodies of this event; waits for them."""

        def found() -> list[Received]:
            mine = [one for one in list(self.received) if one.payload["event"] == event]
            return mine if len(mine) >= count else []

        got: list[Received] = eventually(found)
        return got


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server that receives webhooks."""
    with Receiver() as running:
        yield running


@pytest.fixture
def chatwoot() -> Iterator[ChatwootHandle]:
    """A simulator whose bots retry without waiting, and a handle on it."""
    with (
        Server(create_app(retry_wait_seconds=0.01)) as server,
        ChatwootHandle(server.base_url) as handle,
    ):
        yield handle
