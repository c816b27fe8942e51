"""Faults that tests and people switch on.

A fault is an object: ``method`` and ``path`` (with ``*``) say which calls, ``times`` how many (without it,
all). What then happens: ``delay_seconds`` before anything else; ``status`` with an error body whose code
is ``body``; ``body`` alone: ``html`` (a page with 200) or an output that is ``empty``, ``cut_off``,
``filtered``, ``refused`` or ``failed``; ``retry_after_seconds`` for the header; ``drop_after`` the work was
done; ``drip_bytes_per_second``.
"""

from __future__ import annotations

import socket
import threading
import time
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from flask import Response, jsonify

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Request

HTML_PAGE = "<!doctype html><title>Welcome</title><h1>It works</h1>"


def error_body(message: str, code: str | None, kind: str) -> Response:
    """An error as OpenAI's API words it."""
    return jsonify({"error": {"message": message, "type": kind, "param": None, "code": code}})


class Faults:
    """The faults that are switched on. A fault with ``times`` is used up; one without stays."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[dict[str, Any]] = []

    def replace(self, faults: list[dict[str, Any]]) -> None:
        """Switch on these and no others."""
        with self._lock:
            self._faults = [dict(fault) for fault in faults]

    def take(self, method: str, path: str) -> dict[str, Any]:
        """The fault for a call; empty when there is none."""
        with self._lock:
            for fault in self._faults:
                wanted = fnmatchcase(path, fault.get("path", "*"))
                if wanted and fault.get("method", method) == method and fault.get("times") != 0:
                    if fault.get("times"):
                        fault["times"] -= 1
                    return fault
        return {}


def instead(fault: dict[str, Any]) -> Response | None:
    """What a fault answers in place of the model, if it does."""
    time.sleep(fault.get("delay_seconds") or 0)
    body, status = fault.get("body"), fault.get("status")
    if body == "html":
        return Response(HTML_PAGE, status or 200, mimetype="text/html")
    if status is None:
        return None
    answer = error_body("a fault that was switched on", body, body or "server_error")
    answer.status_code = status
    if fault.get("retry_after_seconds") is not None:
        answer.headers["Retry-After"] = str(fault["retry_after_seconds"])
    return answer


def on_the_way_back(answer: Response, fault: dict[str, Any], request: Request) -> Response:
    """Drop a finished answer, or let it drip."""
    if fault.get("drop_after"):
        request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    rate = fault.get("drip_bytes_per_second")
    if rate:
        return Response(_drip(answer.get_data(), rate), answer.status_code, mimetype=answer.mimetype)
    return answer


def _drip(body: bytes, bytes_per_second: float) -> Iterator[bytes]:
    for byte in body:
        yield bytes([byte])
        time.sleep(1 / bytes_per_second)
