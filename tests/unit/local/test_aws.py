from __future__ import annotations

import time
from typing import TYPE_CHECKING

from local.aws import emptied

if TYPE_CHECKING:
    from pathlib import Path


def names_until(folder: Path, wanted: list[str]) -> list[str]:
    """The names in a folder, as soon as they are these."""
    deadline = time.monotonic() + 10
    while (found := sorted(one.name for one in folder.iterdir())) != wanted and time.monotonic() < deadline:
        time.sleep(0.01)
    return found


def test_what_the_last_run_left_goes_while_the_next_one_starts(tmp_path: Path) -> None:
    """The folder is empty at once; what an earlier run did not get to delete goes as well."""
    (tmp_path / "tmp" / "function").mkdir(parents=True)
    (tmp_path / "tmp-gone-1").mkdir()
    (tmp_path / "logs").mkdir()

    scratch = emptied(tmp_path / "tmp")

    assert list(scratch.iterdir()) == []
    assert names_until(tmp_path, ["logs", "tmp"]) == ["logs", "tmp"]


def test_the_first_run_makes_the_folder(tmp_path: Path) -> None:
    """Nothing is there to be deleted."""
    assert emptied(tmp_path / "state" / "tmp").is_dir()
