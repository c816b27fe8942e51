"""Installs the locked dependencies of a bundle for its target, without Docker and without a compiler."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra import interpreters

if TYPE_CHECKING:
    from pathlib import Path

    from infra.interpreters import Interpreter

log = logging.getLogger(__name__)

LAMBDA_PYTHON = (3, 13)
# Amazon Linux 2023, on which Lambda's Python 3.12 and later run, has glibc 2.34: manylinux_2_28 wheels fit.
_LAMBDA_PLATFORM = "aarch64-manylinux_2_28"
_DISCOVERY = "googleapiclient/discovery_cache/documents"
# The client brings 580 API descriptions, 100 MB; we call one API.
_KEPT_DISCOVERY = {"calendar.v3.json"}


class BundlingError(Exception):
    """A bundle could not be made. The message says what to do."""


@dataclass(frozen=True)
class Target:
    """Where a bundle runs.

    Args:
        name: for cache keys and messages.
        options: what uv must know to choose wheels.
        compiler: a Python of the very version that will run the bundle; without one no bytecode is shipped.
    """

    name: str
    options: tuple[str, ...]
    compiler: Interpreter | None

    @property
    def key(self) -> str:
        """What of the target shows in the bundle's contents."""
        return f"{self.name}-{'compiled' if self.compiler else 'source'}"


def lambda_target() -> Target:
    """AWS Lambda: Python 3.13 on arm64."""
    compiler = interpreters.find(LAMBDA_PYTHON)
    version = ".".join(map(str, LAMBDA_PYTHON))
    if compiler is None:
        log.warning(
            "no Python %s on this machine: bundles go without bytecode, cold starts take longer. "
            "`uv python install %s` brings one.",
            version,
            version,
        )
    options = ("--python-platform", _LAMBDA_PLATFORM, "--python-version", version)
    return Target(f"lambda-arm64-{version}", options, compiler)


def local_target(python: str) -> Target:
    """The local AWS, which runs functions with an interpreter of this machine."""
    interpreter = interpreters.inspect(python)
    return Target(f"local-{interpreter.tag}", ("--python", python), interpreter)


def install(requirements: Path, target: Target, folder: Path) -> None:
    """Install hashed requirements into a folder, pruned and compiled.

    Raises:
        BundlingError: uv is missing, or could not install.
    """
    command = [
        uv(), "pip", "install", "--quiet", "--no-config", "--target", str(folder), *target.options,
        "--only-binary", ":all:", "--require-hashes", "--no-deps", "--link-mode", "copy",
        "-r", str(requirements),
    ]  # fmt: skip
    answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if answer.returncode != 0:
        raise BundlingError(
            f"uv could not install {requirements.name} for {target.name}; the first build needs a network. "
            f"uv said:\n{answer.stderr.strip()[-2000:]}"
        )
    _prune(folder)
    compile_all(folder, target)


def compile_all(folder: Path, target: Target) -> None:
    """Compile every module, so that a cold start does not have to.

    Unchecked hashes, because a bundle's files carry no times and nobody edits them where they run (PEP 552).
    """
    if target.compiler is None:
        return
    command = [
        target.compiler.path, "-IS", "-m", "compileall", "-qq", "-j", "0",
        "--invalidation-mode", "unchecked-hash", "-s", str(folder), str(folder),
    ]  # fmt: skip
    # The status is not looked at: some packages hold templates that are no Python, and a module without
    # bytecode still runs. Our own modules are linted long before.
    subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - our own words


def _prune(folder: Path) -> None:
    shutil.rmtree(folder / "bin", ignore_errors=True)
    (folder / ".lock").unlink(missing_ok=True)
    for description in (folder / _DISCOVERY).glob("*.json"):
        if description.name not in _KEPT_DISCOVERY:
            description.unlink()


def uv() -> str:
    """Path of the uv executable.

    Raises:
        BundlingError: there is none.
    """
    try:
        from uv import find_uv_bin  # noqa: PLC0415 - synthesis from a warm cache does without uv
    except ImportError:
        found = shutil.which("uv")
    else:
        found = find_uv_bin()
    if found is None:
        raise BundlingError(f"uv is missing: install requirements/dev.txt into {sys.prefix}")
    return found
