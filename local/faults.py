"""Faults on demand, for both simulators: a chosen call answers with a status, late, not at all, or in drops.

`install` gives a Flask application these calls besides its own:

- ``PUT /simulator/faults``: replaces the list of faults; the fields are those of `Fault`.
- ``GET /simulator/calls``: what arrived, oldest first; ``DELETE`` forgets it.
"""

from __future__ import annotations

import io
import json
import re
import socket
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import asdict, dataclass
from http import HTTPStatus
from itertools import count
from typing import TYPE_CHECKING, Any, NoReturn

from flask import Flask, Response, abort, jsonify, request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

JsonDict = dict[str, Any]

REMEMBERED_CALLS = 1000
OWN_PATHS = ("/simulator", "/desk", "/inbox")
OWN_PAGES = ("/calendar",)
EXTENSION = "frontdesk.faults"  # the application's `Faults`, and in the WSGI environment the `Fault`


@dataclass
class Fault:
    """What goes wrong with calls that match.

    Args:
        path: the call's path; ``*`` stands for one segment, ``**`` for anything.
        method: the call's method, ``*`` for any.
        times: how often it happens; ``None`` until it is switched off.
        status: answer with this status and do nothing; ``None`` does the call.
        body: which answer, in the simulator's own words.
        retry_after_seconds: sent with the status.
        delay_seconds: wait this long before doing it.
        answer_delay_seconds: do it, then wait this long before answering.
        drop_before: close the connection in the middle of the request, and do nothing.
        drop_after: do it, then close the connection without a word.
        cut_answer: do it, then close the connection in the middle of the answer.
        drip_bytes_per_second: do it, then send the body one byte at a time.
    """

    path: str = "**"
    method: str = "*"
    times: int | None = 1
    status: int | None = None
    body: str = ""
    retry_after_seconds: int | None = None
    delay_seconds: float = 0
    answer_delay_seconds: float = 0
    drop_before: bool = False
    drop_after: bool = False
    cut_answer: bool = False
    drip_bytes_per_second: float | None = None

    def matches(self, method: str, path: str) -> bool:
        """Whether this call is meant, and the fault is not used up."""
        pattern = re.escape(self.path).replace(r"\*\*", ".*").replace(r"\*", "[^/]+")
        return self.times != 0 and self.method in ("*", method) and re.fullmatch(pattern, path) is not None


def current(environ: WSGIEnvironment) -> Fault | None:
    """The fault that the call of this environment meets."""
    fault: Fault | None = environ[EXTENSION]
    return fault


def html_page(fault: Fault) -> Response | None:
    """What a limiter or a proxy in front of a server answers, which is no JSON; ``None`` without a status."""
    if fault.status is None:
        return None
    if fault.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Response("Retry later\n", fault.status, mimetype="text/plain")
    phrase = HTTPStatus(fault.status).phrase
    return Response(f"<!doctype html><title>{phrase}</title><h1>{phrase}</h1>", fault.status)


class Faults:
    """WSGI middleware around a simulator's application.

    Args:
        app: what is called when nothing goes wrong.
        refusal: what a fault answers instead, ``None`` for doing the call.
    """

    def __init__(self, app: WSGIApplication, refusal: Callable[[Fault], Response | None]) -> None:
        self._app = app
        self._refusal = refusal
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._stopped = threading.Event()
        self.switched_on: list[Fault] = []
        self.calls: deque[JsonDict] = deque(maxlen=REMEMBERED_CALLS)

    def close(self) -> None:
        """End every wait."""
        self._stopped.set()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """One call, as WSGI makes it."""
        if environ["PATH_INFO"].startswith(OWN_PATHS) or environ["PATH_INFO"] in OWN_PAGES:
            return self._app(environ, start_response)
        fault, call = self._arrived(environ)

        def started(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:  # noqa: ANN401 - WSGI
            call["status"] = int(status.split(maxsplit=1)[0])
            return start_response(status, headers, exc_info)

        environ[EXTENSION] = fault
        if fault is None:
            return self._app(environ, started)
        return self._faulty(fault, environ, started, call)

    def _arrived(self, environ: WSGIEnvironment) -> tuple[Fault | None, JsonDict]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        fault = self._met(method, path)
        if fault is not None and fault.drop_before:
            _hang_up(environ)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        call = {"number": next(self._numbers), "at": time.time(), "method": method, "path": path}
        call |= {"status": None, "request": _json(body)}
        self.calls.append(call)
        return fault, call

    def _met(self, method: str, path: str) -> Fault | None:
        with self._lock:
            fault = next((one for one in self.switched_on if one.matches(method, path)), None)
            if fault is not None and fault.times is not None:
                fault.times -= 1
            return fault

    def _faulty(
        self, fault: Fault, environ: WSGIEnvironment, start_response: StartResponse, call: JsonDict
    ) -> Iterable[bytes]:
        self._wait(fault.delay_seconds, environ)
        app = self._refusal(fault) or self._app
        answer = _whole(app(environ, start_response))
        self._wait(fault.answer_delay_seconds, environ)
        if fault.cut_answer:
            # The beginning of an answer that says to be longer.
            environ["werkzeug.socket"].sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 1000\r\n\r\n{")
        if fault.drop_after or fault.cut_answer:
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


def _json(body: bytes) -> object:
    with suppress(ValueError):
        return json.loads(body)
    return None


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


def install(app: Flask, refusal: Callable[[Fault], Response | None] = html_page) -> None:
    """Wrap an application, and add the calls that control it."""
    faults = Faults(app.wsgi_app, refusal)
    app.wsgi_app = faults  # type: ignore[method-assign]  # as Flask's documentation does it
    app.extensions[EXTENSION] = faults

    @app.put("/simulator/faults")
    def switch_faults() -> Response:
        try:
            faults.switched_on = [Fault(**one) for one in request.get_json()]
        except TypeError as error:
            abort(400, f"A fault is wrong: {error}.")
        return jsonify([asdict(one) for one in faults.switched_on])

    @app.route("/simulator/calls", methods=["GET", "DELETE"])
    def show_calls() -> Response:
        if request.method == "DELETE":
            faults.calls.clear()
        return jsonify(list(faults.calls.copy()))
