"""Every test, with one coverage figure at the end.

The tests that need nothing but this process run in two processes at once, alone: many of them play races
and time-outs, which a busy machine decides otherwise. Those that share the one deployed stack come after
them, one by one; they mostly wait, for customers to finish writing and for clocks. Those of the templates
run beside these and give way to them; what the deployed stack's print comes at the end.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import IO

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


ALONE = Batch(
    "unit, integration and reliability",
    ("tests/unit", "tests/integration", "tests/reliability"),
    ("-n", WORKERS, "--dist", "worksteal"),
    measured=True,
)
DEPLOYED = Batch("e2e", ("tests/e2e",))
BESIDE = Batch("infra", ("tests/infra",))
# How far the others give way (see nice(1)).
_GIVING_WAY = "10"


def main(options: list[str]) -> int:
    """Run them all, also after a failure; the exit status is 0 only if all passed and covered enough."""
    began = time.monotonic()
    _python("-m", "coverage", "erase")
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as printed:
        failed = [ALONE.name] if _run(ALONE, options) != 0 else []
        covered = _coverage()
        deployed = _begin(DEPLOYED, options, printed)
        try:
            failed += [BESIDE.name] if _run(BESIDE, options, gives_way=True) != 0 else []
            print(f"== {DEPLOYED.name} ==", flush=True)
            failed += [DEPLOYED.name] if deployed.wait() != 0 else []
        finally:
            deployed.wait()  # Ctrl-C reaches it as well: it takes its world down
        printed.seek(0)
        shutil.copyfileobj(printed, sys.stdout)
    print(f"All tests took {time.monotonic() - began:.0f} s.", flush=True)
    if failed:
        print(f"Failed: {', '.join(failed)}.", flush=True)
    if not covered:
        print(
            f"Lines and branches of {REQUIRED_OF} are covered by less than {REQUIRED_PERCENT} %.", flush=True
        )
    return 1 if failed or not covered else 0


def _begin(batch: Batch, options: list[str], output: IO[str]) -> subprocess.Popen[str]:
    """Start a batch, and go on."""
    command = [sys.executable, *_words(batch, options)]
    return subprocess.Popen(  # noqa: S603 - our own words
        command, cwd=ROOT, env=_variables(), stdout=output, stderr=subprocess.STDOUT, text=True
    )


def _run(batch: Batch, options: list[str], *, gives_way: bool = False) -> int:
    print(f"== {batch.name} ==", flush=True)
    return _python(*_words(batch, options), gives_way=gives_way)


def _words(batch: Batch, options: list[str]) -> list[str]:
    folders = [folder for folder in batch.folders if (ROOT / folder).is_dir()]
    measured = ("--cov", "--cov-append", "--cov-report=") if batch.measured else ()
    return ["-m", "pytest", "-q", *measured, *batch.options, *options, *folders]


def _coverage() -> bool:
    """Print the figures; whether they suffice."""
    report = ("-m", "coverage", "report", f"--include={REQUIRED_OF}", f"--fail-under={REQUIRED_PERCENT}")
    return _python(*report) == 0


def _python(*arguments: str, gives_way: bool = False) -> int:
    nice = ["nice", "-n", _GIVING_WAY] if gives_way and shutil.which("nice") else []
    command = [*nice, sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=_variables(), check=False).returncode  # noqa: S603 - our own


def _variables() -> dict[str, str]:
    return {**os.environ, "COVERAGE_FILE": str(ROOT / ".coverage")}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
