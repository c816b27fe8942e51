"""``python -m local up | down | status | logs``, with any Python: it goes on in the project's own."""

from __future__ import annotations

from local.own_python import go_on_in_own_python

if __name__ == "__main__":
    go_on_in_own_python()  # before anything is imported that only the project's environment has

import signal
import sys
from typing import TYPE_CHECKING

from local import logs, options, status
from local.failure import Failure, explain
from local.processes import STOP_SIGNALS, Processes
from local.progress import Progress
from local.up import Up, stop

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from local.options import Options

INTERRUPTED = 130  # what shells report for a program that Ctrl-C ended


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; the exit status is 0 only if it worked."""
    given = options.parse(arguments)
    commands = {"up": _up, "down": _down, "status": status.show, "logs": logs.show}
    try:
        return commands[given.command](given)
    except Failure as failure:
        explain(failure)
        return 1


def _up(given: Options) -> int:
    for number in STOP_SIGNALS:
        signal.signal(number, _interrupt)
    progress = Progress()
    run = Up(given, progress)
    run.require_room()
    leave_running = False
    try:
        run.bring_up()
        leave_running = given.detach
        if not leave_running:
            progress.say("Ctrl-C stops it all.")
            run.watch()
    except KeyboardInterrupt:
        progress.say()
        return 0 if run.is_up else INTERRUPTED
    finally:
        if not leave_running:
            # A second Ctrl-C must not leave half of it running.
            for number in STOP_SIGNALS:
                signal.signal(number, signal.SIG_IGN)
            _tell_stopped(run.stop())
    return 0


def _down(given: Options) -> int:
    _tell_stopped(stop(Processes(given.state), given.state) or ["nothing was running"])
    return 0


def _tell_stopped(names: list[str]) -> None:
    if names:
        print(f"Stopped: {', '.join(names)}.")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
