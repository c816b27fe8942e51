"""Sets the checkout up: Python environments, Node, the CDK's command line. Standard library only.

Nothing is installed outside the checkout, and nothing is done twice: each part leaves a stamp, a hash of what
it was made from, and is made again only when that changed.

Run by ``local/setup.sh``, which chooses the Python.
"""

from __future__ import annotations

import fcntl
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from local import node, python_environments
from local.failure import Failure, explain
from local.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
LOG = CACHE / "setup.log"


def set_up(progress: Progress) -> None:
    """Make or refresh whatever is missing or out of date.

    Raises:
        Failure: a part could not be installed.
    """
    with _alone(progress):
        parts = [*python_environments.parts(ROOT, LOG), *node.parts(ROOT, LOG)]
        LOG.write_text("")
        for part in parts:
            if not part.is_current():
                with progress.step(part.what, LOG):
                    part.make()


@contextmanager
def _alone(progress: Progress) -> Iterator[None]:
    """Wait until no other set-up works in this checkout."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "setup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with progress.step("Waiting for another set-up in this checkout"):
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Set up, and say in a sentence what went wrong if it did."""
    progress = Progress()
    try:
        set_up(progress)
    except Failure as failure:
        explain(failure)
        return 1
    except KeyboardInterrupt:
        print("Interrupted: run the same command to go on.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
