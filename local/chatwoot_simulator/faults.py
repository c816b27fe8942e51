"""Faults on demand: a chosen call answers with a status, late, not at all, or one byte at a time."""

from __future__ import annotations

import re
import socket
import threading
from collections import deque
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn

from local.chatwoot_simulator.records import now

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from local.chatwoot_simulator.records import JsonDict

REMEMBERED_CALLS = 5000
CONTROL = ("/simulator", "/desk")


@dataclass
class Fault:
    """What goes wrong with calls that match.

    Args:
        path: the call's path; ``*`` stands for one segment.
        method: the call's method, ``*`` for any.
        times: how often it happens; ``None`` until it is switched off.
        status: answer with this status and do nothing; ``None`` does the call.
        delay_seconds: wait this long before doing it.
        answer_delay_seconds: do it, then wait this long before answering.
        drop_after: do it, then close the connection without a word.
        drip_bytes_per_second: do it, then send the body one byte at a time.
    """

    path: str
    method: str = "*"
    times: int | None = 1
    status: int | None = None
    delay_seconds: float = 0
    answer_delay_seconds: float = 0
    drop_after: bool = False
    drip_bytes_per_second: float | None = None

    def matches(self, method: str, path: str) -> bool:
        """Whether this call is meant, and the fault is not used up."""
        pattern = "[^/]+".join(re.escape(part) for part in self.path.split("*"))
        return self.times != 0 and self.method in ("*", method) and re.fullmatch(pattern, path) is not None


class Faults:
    """WSGI middleware around the simulator's API, which also remembers the calls.

    Args:
        app: what is called when nothing goes wrong.
    """

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._calls: deque[JsonDict] = deque(maxlen=REMEMBERED_CALLS)
        self._count = 0
        self._stopped = threading.Event()

    def switch(self, wanted: list[JsonDict]) -> list[JsonDict]:
        """Replace all faults.

        Raises:
            TypeError: a field is unknown, or ``path`` is missing.
        """
        faults = [Fault(**one) for one in wanted]
        with self._lock:
            self._faults = faults
        return self.active()

    def active(self) -> list[JsonDict]:
        """The faults that still happen."""
        with self._lock:
            return [asdict(one) for one in self._faults if one.times != 0]

    def calls(self, after: int = 0) -> list[JsonDict]:
        """The API calls that arrived, oldest first; ``status`` is ``None`` where none was answered."""
        with self._lock:
            return [dict(one) for one in self._calls if one["number"] > after]

    def forget(self) -> None:
        """Switch all faults off and empty the list of calls; numbers go on."""
        with self._lock:
            self._faults = []
            self._calls.clear()

    def close(self) -> None:
        """End every wait."""
        self._stopped.set()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """One call, as WSGI makes it."""
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if path.startswith(CONTROL):
            return self._app(environ, start_response)
        fault, call = self._arrived(method, path)

        def started(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:  # noqa: ANN401 - WSGI
            call["status"] = int(status.split(maxsplit=1)[0])
            return start_response(status, headers, exc_info)

        if fault is None:
            return self._app(environ, started)
        return self._faulty(fault, environ, started, call)

    def _arrived(self, method: str, path: str) -> tuple[Fault | None, JsonDict]:
        with self._lock:
            self._count += 1
            call = {"number": self._count, "at": now(), "method": method, "path": path, "status": None}
            self._calls.append(call)
            fault = next((one for one in self._faults if one.matches(method, path)), None)
            if fault is not None and fault.times is not None:
                fault.times -= 1
            return fault, call

    def _faulty(
        self, fault: Fault, environ: WSGIEnvironment, start_response: StartResponse, call: JsonDict
    ) -> Iterable[bytes]:
        self._wait(fault.delay_seconds, environ)
        if fault.status is not None:
            return _refuse(fault.status, start_response)
        answer = _whole(self._app(environ, start_response))
        self._wait(fault.answer_delay_seconds, environ)
        if fault.drop_after:
            call["status"] = None
            _hang_up(environ)
        if fault.drip_bytes_per_second:
            return self._drip(answer, 1 / fault.drip_bytes_per_second)
        return [answer]

    def _wait(self, seconds: float, environ: WSGIEnvironment) -> None:
        if self._stopped.wait(seconds):
            _hang_up(environ)

    def _drip(self, answer: bytes, pause_seconds: float) -> Iterator[bytes]:
        for index in range(len(answer)):
            yield answer[index : index + 1]
            if self._stopped.wait(pause_seconds):
                return


def _hang_up(environ: WSGIEnvironment) -> NoReturn:
    """Close the connection without an answer; werkzeug takes the error as a client that went away."""
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError("hung up on demand")


def _whole(answer: Iterable[bytes]) -> bytes:
    try:
        return b"".join(answer)
    finally:
        close = getattr(answer, "close", None)
        if close:
            close()


def _refuse(status: int, start_response: StartResponse) -> Iterable[bytes]:
    """What a limiter or a proxy in front of Chatwoot answers: no JSON."""
    phrase = HTTPStatus(status).phrase
    limited = status == HTTPStatus.TOO_MANY_REQUESTS
    body = b"Retry later\n" if limited else f"<html><body>{status} {phrase}</body></html>".encode()
    kind = "text/plain" if limited else "text/html"
    start_response(f"{status} {phrase}", [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]
