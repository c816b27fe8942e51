"""What is being done and how long it has taken, on the terminal while it happens.

On a terminal the running step's line counts its seconds in place. Elsewhere (a log file, CI) a step prints a
line when it begins, one every ten seconds while it lasts, and one when it ends.
"""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TERMINAL_REFRESH_SECONDS = 0.5
LOG_REFRESH_SECONDS = 10.0
_DETAIL_WIDTH = 60


class Progress:
    """Reports steps, one at a time.

    Args:
        out: where to write.
        monotonic: seconds from an arbitrary start.
        refresh_seconds: how often a running step shows that it goes on; by default what fits ``out``.
    """

    def __init__(
        self,
        out: TextIO | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        refresh_seconds: float | None = None,
    ) -> None:
        self._out = out or sys.stdout
        self._monotonic = monotonic
        self._began = monotonic()
        self._terminal = self._out.isatty()
        self._refresh_seconds = refresh_seconds or (
            TERMINAL_REFRESH_SECONDS if self._terminal else LOG_REFRESH_SECONDS
        )

    def elapsed_seconds(self) -> float:
        """Seconds since this report began."""
        return self._monotonic() - self._began

    def say(self, text: str = "") -> None:
        """Write a line."""
        print(text, file=self._out, flush=True)

    @contextmanager
    def step(self, what: str, log: Path | None = None) -> Iterator[None]:
        """Report what happens inside the ``with`` block.

        Args:
            what: the step in a few words, as in "Installing the packages".
            log: a file whose last line shows what the step is at.
        """
        began = self._monotonic()
        if not self._terminal:
            self.say(f"[{self.elapsed_seconds():5.1f} s] {what} …")
        ended = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(what, began, log, ended), daemon=True)
        ticker.start()
        outcome = "failed after"
        try:
            yield
            outcome = "done in"
        finally:
            ended.set()
            ticker.join()
            self._close(what, outcome, self._monotonic() - began)

    def _close(self, what: str, outcome: str, seconds: float) -> None:
        if self._terminal:
            self.say(f"\r\033[K[{self.elapsed_seconds():5.1f} s] {what}: {outcome} {seconds:.1f} s")
        else:
            self.say(f"[{self.elapsed_seconds():5.1f} s]   {outcome} {seconds:.1f} s")

    def _tick(self, what: str, began: float, log: Path | None, ended: threading.Event) -> None:
        while not ended.wait(self._refresh_seconds):
            seconds = self._monotonic() - began
            detail = last_line(log)
            if self._terminal:
                line = f"\r\033[K[{self.elapsed_seconds():5.1f} s] {what} … {seconds:.0f} s  {detail}"
                print(line, end="", file=self._out, flush=True)
            else:
                self.say(f"[{self.elapsed_seconds():5.1f} s]   … still at it after {seconds:.0f} s  {detail}")


def last_line(log: Path | None) -> str:
    """The last line of a log file that says something, shortened; empty where there is none."""
    lines = tail(log, 5)
    return lines[-1].strip()[:_DETAIL_WIDTH] if lines else ""


def tail(log: Path | None, count: int) -> list[str]:
    """The last lines of a log file, blank ones left out; empty where there is no file."""
    if log is None or not log.exists():
        return []
    with log.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - 200 * count - 2000))
        text = file.read().decode("utf-8", "replace")
    return [line.rstrip() for line in text.replace("\r", "\n").splitlines() if line.strip()][-count:]
