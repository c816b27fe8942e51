"""The API behind a real socket, for programs that speak HTTP."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

    from tests.support.api import Api


class ApiServer:
    """Serves an API on the loopback interface, one request at a time.

    Args:
        api: the API.
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        self._server = make_server("127.0.0.1", 0, self._answer)
        self.url = f"http://127.0.0.1:{self._server.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, environment: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        request = Request(environment)
        headers = {name.lower().replace("-", "_"): value for name, value in request.headers.items()}
        path = request.path + ("?" + request.query_string.decode() if request.query_string else "")
        raw = request.get_data(as_text=True)
        told = self._api(request.method, path, None, raw=raw or None, **headers)  # type: ignore[arg-type]
        sent = {name: value for name, value in told.headers.items() if name != "content-length"}
        run: Callable[..., Iterable[bytes]] = Response(told.text, told.status, sent)
        return run(environment, start)
