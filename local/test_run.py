"""Every test, in the order that fails soonest, with one coverage figure at the end.

The tests that need nothing but this process run in two processes at once; those that share the one deployed
stack run after them, one by one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass

from local.world import ROOT

REQUIRED_PERCENT = 85
REQUIRED_OF = "shared/*"
WORKERS = "2"


@dataclass(frozen=True)
class Batch:
    """Tests that run together.

    Args:
        name: what they are.
        folders: where they stand.
        options: pytest's options for them.
        measured: whether they count for coverage: what runs inside the deployed functions is not seen.
    """

    name: str
    folders: tuple[str, ...]
    options: tuple[str, ...] = ()
    measured: bool = False


BATCHES = (
    Batch(
        "unit, integration and reliability",
        ("tests/unit", "tests/integration", "tests/reliability"),
        ("-n", WORKERS, "--dist", "worksteal"),
        measured=True,
    ),
    Batch("infra", ("tests/infra",)),
    Batch("e2e", ("tests/e2e",)),
)


def main(options: list[str]) -> int:
    """Run them all, also after a failure; the exit status is 0 only if all passed and covered enough."""
    began = time.monotonic()
    _python("-m", "coverage", "erase")
    failed = [batch.name for batch in BATCHES if not _run(batch, options)]
    covered = _coverage()
    print(f"All tests took {time.monotonic() - began:.0f} s.", flush=True)
    if failed:
        print(f"Failed: {', '.join(failed)}.", flush=True)
    if not covered:
        print(
            f"Lines and branches of {REQUIRED_OF} are covered by less than {REQUIRED_PERCENT} %.", flush=True
        )
    return 1 if failed or not covered else 0


def _run(batch: Batch, options: list[str]) -> bool:
    folders = [folder for folder in batch.folders if (ROOT / folder).is_dir()]
    print(f"== {batch.name} ==", flush=True)
    measured = ("--cov", "--cov-append", "--cov-report=") if batch.measured else ()
    return _python("-m", "pytest", "-q", *measured, *batch.options, *options, *folders) == 0


def _coverage() -> bool:
    """Print the figures; whether they suffice."""
    report = ("-m", "coverage", "report", f"--include={REQUIRED_OF}", f"--fail-under={REQUIRED_PERCENT}")
    return _python(*report) == 0


def _python(*arguments: str) -> int:
    variables = {**os.environ, "COVERAGE_FILE": str(ROOT / ".coverage")}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=variables, check=False).returncode  # noqa: S603 - our own


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
