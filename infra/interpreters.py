"""Finds the Python that bundles are made for or compiled with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_QUESTION = (
    "import json,platform,sys;"
    "print(json.dumps([sys.implementation.cache_tag,*sys.version_info[:2],sys.platform,platform.machine()]))"
)


class InterpreterMissing(Exception):
    """The interpreter that was named does not run."""


@dataclass(frozen=True)
class Interpreter:
    """A Python that runs.

    Args:
        path: its executable.
        tag: cache tag of its bytecode and its machine, such as ``cpython-313-linux-x86_64``.
        version: major and minor.
    """

    path: str
    tag: str
    version: tuple[int, int]


@cache
def inspect(path: str) -> Interpreter:
    """Ask an interpreter what it is.

    Raises:
        InterpreterMissing: it does not exist or does not answer.
    """
    try:
        command = [path, "-IS", "-c", _QUESTION]
        answer = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own words
        tag, major, minor, system, machine = json.loads(answer.stdout)
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        raise InterpreterMissing(f"{path} is no Python that runs: {error}") from error
    return Interpreter(path, f"{tag}-{system}-{machine}", (major, minor))


@cache
def find(version: tuple[int, int]) -> Interpreter | None:
    """A Python of exactly this minor version on this machine, or ``None``."""
    name = f"python{version[0]}.{version[1]}"
    for candidate in (sys.executable, *_on_path(name), *_of_pyenv(version), *_of_uv(version)):
        try:
            found = inspect(candidate)
        except InterpreterMissing:
            continue  # a shim without a version behind it, say
        if found.version == version:
            return found
    return None


def _on_path(name: str) -> list[str]:
    found = shutil.which(name)
    return [found] if found else []


def _of_pyenv(version: tuple[int, int]) -> list[str]:
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    return sorted(str(p) for p in versions.glob(f"{version[0]}.{version[1]}.*/bin/python"))


def _of_uv(version: tuple[int, int]) -> list[str]:
    folder = Path(os.environ.get("UV_PYTHON_INSTALL_DIR", Path.home() / ".local" / "share" / "uv" / "python"))
    pattern = f"cpython-{version[0]}.{version[1]}.*/bin/python{version[0]}.{version[1]}"
    return sorted(str(p) for p in folder.glob(pattern))
