"""Every deployed module starts anywhere: importing reads no environment, no network, no account."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path

import functions
import shared

ROOT = Path(__file__).parents[2]
IMPORT_ALL = "import importlib, sys; [importlib.import_module(name) for name in sys.stdin.read().split()]"


def _modules() -> list[str]:
    return [
        module.name
        for package in (shared, functions)
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    ]


def _import(modules: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {IMPORT_ALL}"],
        input="\n".join(modules),
        env={},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_module_imports_in_an_empty_environment() -> None:
    """Settings are read when a function starts, and refused there with a sentence."""
    modules = _modules()
    assert len(modules) > 50
    run = _import(modules)
    assert run.returncode == 0, run.stderr


def test_the_check_notices_a_module_that_does_not_import() -> None:
    """Otherwise the test above could not fail."""
    assert _import(["shared.no_such_module"]).returncode != 0
