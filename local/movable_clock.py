"""A simulator's clock, which tests move: tokens expire and minutes pass at once.

`install` gives a Flask application ``POST /simulator/clock``: ``{"advance_seconds": 3600}`` moves it forward,
``{"at": 1767225600}`` stops it at a moment (Unix seconds), ``{"at": null}`` lets it show the real time again.
Each answers ``{"now": …}``, and so does ``GET``.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flask import request

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask


class MovableClock:
    """The real time, moved or stopped.

    Args:
        real_time: Unix seconds.
    """

    def __init__(self, real_time: Callable[[], float] = time.time) -> None:
        self._real_time = real_time
        self._ahead_seconds = 0.0
        self._stopped_at: float | None = None

    def now(self) -> float:
        """Unix seconds."""
        return (self._real_time() if self._stopped_at is None else self._stopped_at) + self._ahead_seconds

    def advance(self, seconds: float) -> None:
        """Move it forward."""
        self._ahead_seconds += seconds

    def stop_at(self, moment: float | None) -> None:
        """Stop it at a moment in Unix seconds; ``None``: it shows the real time again."""
        self._stopped_at, self._ahead_seconds = moment, 0.0


def install(app: Flask, clock: MovableClock) -> None:
    """Let callers move the clock."""

    @app.route("/simulator/clock", methods=["GET", "POST"])
    def move_clock() -> dict[str, float]:
        given = request.get_json(silent=True) or {}
        if "at" in given:
            clock.stop_at(given["at"])
        clock.advance(given.get("advance_seconds", 0))
        return {"now": clock.now()}
