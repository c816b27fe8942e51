"""Chatwoot's file storage on a loopback port, for tests that really download."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, request
from werkzeug.serving import make_server

from local.file_storage import FileStorage
from shared.platform.addresses import AddressGuard
from shared.platform.http import HttpClient

if TYPE_CHECKING:
    from collections.abc import Iterator


class RunningStorage:
    """A handle on the running storage.

    Args:
        port: where it listens.
        seen: the requests' headers, as they come in.
    """

    def __init__(self, port: int, seen: list[dict[str, str]]) -> None:
        self.base_url = f"http://127.0.0.1:{port}"
        self.seen = seen
        self._http = HttpClient(AddressGuard(loopback_allowed=True))

    def keep(self, data: bytes, file_type: str = "file", **changes: object) -> dict[str, Any]:
        """Store a file; the attachment that an event would show."""
        answer = self._http.send(
            "POST",
            f"{self.base_url}/simulator/files",
            timeout_seconds=5,
            content=data,
            query={"file_type": file_type, **{name: str(value) for name, value in changes.items()}},
        )
        self.seen.clear()
        attachment: dict[str, Any] = answer.json()
        return attachment


@pytest.fixture
def storage() -> Iterator[RunningStorage]:
    """A running storage."""
    app, seen = Flask(__name__), list[dict[str, str]]()
    app.register_blueprint(FileStorage().routes)
    app.before_request(lambda: seen.append({"path": request.path, **dict(request.headers)}))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield RunningStorage(server.server_port, seen)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
