"""Lets a page wait for the next change instead of asking all the time."""

from __future__ import annotations

import threading


class Watch:
    """A number that grows with every change."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._version = 0
        self._closed = False

    def changed(self) -> None:
        """Something is new."""
        with self._condition:
            self._version += 1
            self._condition.notify_all()

    def wait(self, known: int, seconds: float) -> int:
        """The version: at once when it is not ``known``, else after the next change or ``seconds``."""
        with self._condition:
            self._condition.wait_for(lambda: self._version != known or self._closed, seconds)
            return self._version

    def close(self) -> None:
        """Let everybody go who waits."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
