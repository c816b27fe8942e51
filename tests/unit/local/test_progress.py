from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from local.failure import Failure, explain
from local.progress import Progress, last_line, tail

if TYPE_CHECKING:
    from pathlib import Path


class Terminal(io.StringIO):
    """Text that claims to go to a terminal."""

    def isatty(self) -> bool:
        """It does not."""
        return True


def test_a_step_says_what_it_does_and_how_long_it_took() -> None:
    """In a log file: one line at the beginning, one at the end."""
    moments = iter([0.0, 1.0, 1.0, 4.5, 4.5])
    out = io.StringIO()

    with Progress(out, lambda: next(moments)).step("Deploying"):
        pass

    assert out.getvalue().splitlines() == ["[  1.0 s] Deploying …", "[  4.5 s]   done in 3.5 s"]


def test_a_step_that_fails_says_so() -> None:
    """The error goes on to the caller; the line does not claim success."""
    out = io.StringIO()

    with pytest.raises(Failure), Progress(out).step("Deploying"):
        raise Failure("No.")

    assert "failed after" in out.getvalue()
    assert "done" not in out.getvalue()


def test_a_long_step_shows_a_sign_of_life(tmp_path: Path) -> None:
    """On a terminal the line counts on, with the last line of the step's log."""
    log = tmp_path / "deploy.log"
    log.write_text("3/55 Lambda\n\n")
    out = Terminal()

    with Progress(out, refresh_seconds=0.01).step("Deploying", log):
        while "3/55" not in out.getvalue():
            pass

    assert "Deploying: done in" in out.getvalue()


def test_the_tail_of_a_log_leaves_blank_lines_out(tmp_path: Path) -> None:
    """Also of a log with carriage returns and broken text, and of one that is not there yet."""
    log = tmp_path / "log"
    log.write_bytes(b"one\n\n\ntwo\rthree \xff\n  \n")

    assert tail(log, 2) == ["two", "three �"]
    assert last_line(log) == "three �"
    assert tail(tmp_path / "none", 3) == []
    assert last_line(None) == ""


def test_a_failure_is_explained_with_its_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The last lines first, then the sentence, then where the rest is."""
    log = tmp_path / "log"
    log.write_text("boom\n")

    explain(Failure("It broke: mend it.", log))

    assert capsys.readouterr().err == f"    boom\nIt broke: mend it.\nThe whole log: {log}\n"
