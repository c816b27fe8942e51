from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from local import node, parts, python_environments
from local.failure import Failure
from local.parts import Part
from local.python_environments import locked
from local.world import ROOT

if TYPE_CHECKING:
    from pathlib import Path

REQUIREMENTS = """\
uvicorn==1.0 \\
    --hash=sha256:00
uv==0.13.9 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via -r dev.in
werkzeug==3.0 \\
    --hash=sha256:cc
"""


class Kitchen:
    """A part of the set-up that counts how often it was made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made = 0
        self.source = folder / "source.txt"
        self.source.write_text("1")

    def part(self) -> Part:
        """The part as a new run of the set-up sees it."""
        return Part(
            "Making it",
            stamp=self.folder / "made-from",
            sources=["python 3", self.source],
            steps=self.make,
            proof=self.folder / "made",
        )

    def make(self) -> None:
        """Make it."""
        self.made += 1
        (self.folder / "made").touch()


@pytest.fixture
def kitchen(tmp_path: Path) -> Kitchen:
    """A part in an empty folder."""
    return Kitchen(tmp_path)


def test_a_part_is_made_once(kitchen: Kitchen) -> None:
    """A second run finds it current."""
    assert not kitchen.part().is_current()
    kitchen.part().make()

    assert kitchen.part().is_current()


def test_a_part_is_made_again_when_a_source_changed(kitchen: Kitchen) -> None:
    """New requirements are installed at the next run."""
    kitchen.part().make()
    kitchen.source.write_text("2")

    assert not kitchen.part().is_current()


def test_a_part_is_made_again_when_somebody_deleted_it(kitchen: Kitchen) -> None:
    """A stamp without the thing it stands for proves nothing."""
    kitchen.part().make()
    (kitchen.folder / "made").unlink()

    assert not kitchen.part().is_current()


def test_a_part_whose_making_failed_half_way_is_not_current(kitchen: Kitchen) -> None:
    """An interrupted installation is done again, also over an older complete one."""
    kitchen.part().make()

    def fail() -> None:
        raise Failure("The network went away.")

    broken = Part("", stamp=kitchen.folder / "made-from", sources=[], steps=fail, proof=kitchen.folder)
    with pytest.raises(Failure):
        broken.make()

    assert not kitchen.part().is_current()


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        (
            "print('error: Failed to fetch: dns error: no such host'); raise SystemExit(1)",
            "check the network",
        ),
        ("print('ERROR: no version of uv (from versions: none)'); raise SystemExit(1)", "check the network"),
        ("print('OSError: No space left on device'); raise SystemExit(1)", "disk is full"),
        ("raise SystemExit(3)", "Installing failed at"),
    ],
)
def test_a_failed_installation_is_a_sentence(program: str, sentence: str, tmp_path: Path) -> None:
    """The usual causes are recognised in what the installer said; the log is named."""
    log = tmp_path / "setup.log"

    with pytest.raises(Failure, match=sentence) as failed:
        parts.run([sys.executable, "-c", program], log, tmp_path)

    assert failed.value.log == log


def test_only_the_failed_commands_own_output_is_judged(tmp_path: Path) -> None:
    """A network hiccup that uv overcame does not explain what fails later."""
    log = tmp_path / "setup.log"
    log.write_text("dns error\n")

    with pytest.raises(Failure, match="Installing failed at"):
        parts.run([sys.executable, "-c", "raise SystemExit(1)"], log, tmp_path)


def test_one_package_is_cut_out_of_the_locked_file() -> None:
    """Uv is fetched with its own hashes, and not for a package whose name begins the same."""
    assert locked(REQUIREMENTS, "uv") == "uv==0.13.9 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"


def test_a_package_that_is_not_locked_is_said() -> None:
    """Whoever edits the requirements learns what is missing."""
    with pytest.raises(Failure, match="does not name ruff"):
        locked(REQUIREMENTS, "ruff")


def test_the_real_requirements_lock_uv() -> None:
    """The set-up depends on it."""
    assert "--hash=sha256:" in locked((ROOT / "requirements" / "dev.txt").read_text(), "uv")


@pytest.mark.parametrize(("answer", "major"), [("v24.19.0\n", 24), ("v9.1.0", 9), ("nodejs", 0), ("", 0)])
def test_nodes_major_version_is_read(answer: str, major: int) -> None:
    """An odd answer counts as too old."""
    assert node.major_version(answer) == major


def write_program(folder: Path, name: str, text: str) -> Path:
    """An executable shell script."""
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(("version", "taken"), [("v20.20.2", False), ("v22.0.0", True), ("v25.1.0", True)])
def test_the_machines_node_is_taken_while_it_is_maintained(
    version: str, *, taken: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Node 20 is past its end of life; the packaged one replaces it."""
    program = write_program(tmp_path, "node", f"echo {version}")
    monkeypatch.setenv("PATH", str(tmp_path))

    assert node.machine_node(without=tmp_path / "elsewhere") == (program if taken else None)


def test_our_own_choice_is_not_taken_for_the_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Make puts .venv/bin on the PATH; the link in it must not become a link to itself."""
    write_program(tmp_path, "node", "echo v24.0.0")
    monkeypatch.setenv("PATH", str(tmp_path))

    assert node.machine_node(without=tmp_path) is None


def find_python(folder: Path, chosen: str = "") -> subprocess.CompletedProcess[str]:
    """Run the set-up script where only the programs of a folder exist; its set-up only prints who runs it."""
    script = ROOT / "local" / "setup.sh"
    variables = {"PATH": f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin", "PYTHON": chosen}
    return subprocess.run(  # noqa: S603 - our own script
        ["/bin/sh", str(script)], env=variables, capture_output=True, text=True, check=False
    )


def fake_python(*, fits: bool, complete: bool) -> str:
    """A Python that answers the script's two questions, and names itself when it is chosen."""
    return f"""case "$2" in
        *version_info*) exit {int(not fits)} ;;
        *ensurepip*) exit {int(not complete)} ;;
        *) echo "chosen: $(basename "$0") $*" ;;
    esac"""


def hide_pythons(folder: Path) -> None:
    """Make every Python name of this machine one that does not fit."""
    for name in ("python3.14", "python3.13", "python3.12", "python3.11", "python3", "python"):
        write_program(folder, name, "exit 1")


def test_the_newest_python_that_works_is_chosen(tmp_path: Path) -> None:
    """Not the newest name: a shim without a Python behind it is passed over."""
    hide_pythons(tmp_path)
    write_program(tmp_path, "python3.13", fake_python(fits=True, complete=True))
    write_program(tmp_path, "python3.12", fake_python(fits=True, complete=True))

    assert find_python(tmp_path).stdout == "chosen: python3.13 -m local.setup\n"


def test_the_chosen_python_is_taken(tmp_path: Path) -> None:
    """PYTHON=… decides."""
    hide_pythons(tmp_path)
    write_program(tmp_path, "python3.13", fake_python(fits=True, complete=True))
    write_program(tmp_path, "python3.12", fake_python(fits=True, complete=True))

    assert "chosen: python3.12" in find_python(tmp_path, "python3.12").stdout


@pytest.mark.parametrize(
    ("fits", "chosen", "sentence"),
    [
        (False, "", "No Python from 3.11 to 3.14 was found"),
        (False, "python3.12", "PYTHON=python3.12 is no Python from 3.11 to 3.14"),
        (True, "", "python3.12-venv"),
    ],
)
def test_without_a_fitting_python_a_sentence_says_what_to_do(
    *, fits: bool, chosen: str, sentence: str, tmp_path: Path
) -> None:
    """Nothing found, a wrong choice, and Debian's Python without its venv package."""
    hide_pythons(tmp_path)
    write_program(tmp_path, "python3.12", fake_python(fits=fits, complete=False))

    answer = find_python(tmp_path, chosen)

    assert answer.returncode == 1
    assert sentence in answer.stderr


def test_the_set_up_needs_nothing_but_the_standard_library() -> None:
    """It runs before anything is installed: importing it must work without site-packages."""
    answer = subprocess.run(
        [sys.executable, "-S", "-c", "import local.setup"],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.stderr == ""
    assert answer.returncode == 0


def test_the_local_aws_stands_apart() -> None:
    """Its functions see what is installed beside it, so it is installed beside nothing of ours."""
    assert ".venv" not in python_environments.stack_environment(ROOT).parts
