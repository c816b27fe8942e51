"""Requests take turns, so that a simulator's state changes as if it had one caller.

`install` makes each request of a Flask application hold a lock from its beginning to its end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading

    from flask import Flask


def install(app: Flask, lock: threading.RLock) -> None:
    """Have requests take turns."""

    @app.before_request
    def begin() -> None:
        lock.acquire()

    app.teardown_request(lambda _: lock.release())
