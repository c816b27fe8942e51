"""Goes on in the project's own environment, whatever Python the command was started with.

Only the standard library is imported here: a fresh clone has nothing else yet.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OWN = ROOT / ".venv"


def go_on_in_own_python() -> None:
    """Set everything up where that is needed, and become the same command in the project's environment."""
    if runs_in(OWN):
        return
    setup = subprocess.run(["sh", str(ROOT / "local" / "setup.sh")], check=False)  # noqa: S603, S607 - our own script, by the system's shell
    if setup.returncode:
        sys.exit(setup.returncode)
    python = str(OWN / "bin" / "python")
    os.chdir(ROOT)
    os.execv(python, [python, "-m", "local", *sys.argv[1:]])  # noqa: S606 - the project's own interpreter


def runs_in(environment: Path) -> bool:
    """Whether this process runs in a virtual environment."""
    return Path(sys.prefix).resolve() == environment.resolve()
