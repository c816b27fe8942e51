"""The Python environments: one to work in, one for the local AWS. Standard library only."""

from __future__ import annotations

import platform
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

from local.failure import Failure
from local.parts import Part, run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def parts(root: Path, log: Path) -> list[Part]:
    """What there is to make.

    Args:
        root: the checkout.
        log: where the installers' output goes.
    """
    maker = _Maker(root, log)
    requirements = root / "requirements"
    working, stack = root / ".venv", stack_environment(root)
    interpreter = f"{platform.python_version()} {platform.machine()} {sys.base_prefix} {root}"
    return [
        Part(
            f"Installing the locked Python packages (Python {platform.python_version()})",
            stamp=working / "made-from",
            sources=[interpreter, requirements / "dev.txt", root / "pyproject.toml"],
            steps=maker.working_environment,
            proof=working / "bin" / "frontdesk",
        ),
        Part(
            "Installing the local AWS (ministack) in an environment of its own",
            stamp=stack / "made-from",
            sources=[interpreter, requirements / "ministack.txt"],
            steps=maker.stack_environment,
            proof=stack / "bin" / "python",
        ),
    ]


def stack_environment(root: Path) -> Path:
    """Where the local AWS is installed: apart, because its functions see all packages installed beside it."""
    return root / ".cache" / "ministack"


class _Maker:
    def __init__(self, root: Path, log: Path) -> None:
        self._root = root
        self._log = log
        self._python = root / ".venv" / "bin" / "python"
        self._uv = root / ".venv" / "bin" / "uv"

    def working_environment(self) -> None:
        environment = self._root / ".venv"
        if not self._fits(environment):
            self._run([sys.executable, "-m", "venv", "--clear", environment])
        requirements = self._root / "requirements" / "dev.txt"
        self._install_uv(requirements)
        self._install(self._python, requirements)
        # The checkout itself, for the `frontdesk` command; its build tool is among the locked packages.
        self._run(
            [self._python, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "-e", "."]
        )

    def stack_environment(self) -> None:
        environment = stack_environment(self._root)
        self._run([sys.executable, "-m", "venv", "--clear", "--without-pip", environment])
        self._install(environment / "bin" / "python", self._root / "requirements" / "ministack.txt")

    @staticmethod
    def _fits(environment: Path) -> bool:
        """Whether the environment works and belongs to the Python that runs this."""
        question = "import pip, sys; print(sys.version, sys.base_prefix)"
        try:
            answer = subprocess.run(  # noqa: S603 - asks the environment's own Python who it is
                [environment / "bin" / "python", "-c", question], capture_output=True, text=True, check=False
            ).stdout
        except OSError:
            return False
        return answer.strip() == f"{sys.version} {sys.base_prefix}"

    def _install_uv(self, requirements: Path) -> None:
        """Fetch uv, at its locked version: it installs the rest several times faster than pip."""
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as only_uv:
            only_uv.write(locked(requirements.read_text(), "uv"))
            only_uv.flush()
            arguments = ["-q", "--require-hashes", "--no-deps", "-r", only_uv.name]
            self._run([self._python, "-m", "pip", "install", *arguments])

    def _install(self, python: Path, requirements: Path) -> None:
        """Install a locked file with uv, or with pip where uv fails (at a proxy that only pip knows, say)."""
        arguments: list[str | Path] = ["install", "-q", "--require-hashes", "-r", requirements]
        try:
            self._run([self._uv, "pip", *arguments, "--python", python])
        except Failure:
            self._run([self._python, "-m", "pip", "--python", python, *arguments])

    def _run(self, command: Sequence[str | Path]) -> None:
        run(command, self._log, self._root)


def locked(requirements: str, package: str) -> str:
    """One package's lines out of a hashed requirements file.

    Raises:
        Failure: the package is not in the file.
    """
    lines = requirements.splitlines()
    for start, line in enumerate(lines):
        if line.startswith(f"{package}=="):
            end = next(
                (at for at in range(start + 1, len(lines)) if not lines[at].startswith("    --hash")),
                len(lines),
            )
            return "\n".join(lines[start:end]).removesuffix(" \\") + "\n"
    raise Failure(f"requirements/dev.txt does not name {package}: compile it again.")
