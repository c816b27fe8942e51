"""The crash matrix: every effect of every scene times every fault. ``python -m tests.reliability.matrix``.

``--write`` puts the list of effects and the result into docs/reliability.md; a test fails while they differ.
"""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shared.platform.observability import log
from tests.reliability.effects import Fault, Recorder
from tests.reliability.scene import SCENES, Run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.reliability.scene import Scene

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- the crash matrix begins -->", "<!-- the crash matrix ends -->"


@dataclass(frozen=True)
class Cell:
    """One run: what went wrong where, and what was not right in the end."""

    scene: str
    effect: str
    fault: Fault
    complaint: str


def effects_of(scene: Scene) -> list[str]:
    """The effects of a scene in which nothing goes wrong, in order."""
    recorder = Recorder()
    _play(scene, recorder)
    return recorder.names


def _play(scene: Scene, recorder: Recorder) -> None:
    run = Run(scene, recorder, simulated=True)
    try:
        run.play()
        scene.right(run)
    finally:
        run.simulator.close()


def cells(scene: Scene) -> Iterator[Cell]:
    """Every effect of a scene times every fault."""
    for number, name in enumerate(effects_of(scene)):
        for fault in Fault:
            yield Cell(scene.name, f"{number + 1}. {name}", fault, _complaint(scene, number, fault))


def _complaint(scene: Scene, number: int, fault: Fault) -> str:
    try:
        _play(scene, Recorder(number, fault))
    except AssertionError as wrong:
        return str(wrong).splitlines()[0]
    return ""


def table(found: list[Cell]) -> list[str]:
    """The matrix in Markdown, and its last line."""
    lines: list[str] = []
    for scene in SCENES:
        own = [cell for cell in found if cell.scene == scene.name]
        lines += [f"### {scene.name[0].upper()}{scene.name[1:]}", ""]
        lines += ["| effect | " + " | ".join(Fault) + " |", "|---|" + "---|" * len(Fault)]
        for effect in dict.fromkeys(cell.effect for cell in own):
            marks = [cell.complaint or "✓" for cell in own if cell.effect == effect]
            lines.append(f"| {effect} | " + " | ".join(marks) + " |")
        lines.append("")
    return [*lines, verdict(found)]


def verdict(found: list[Cell]) -> str:
    """One line about it all."""
    effects = len({(cell.scene, cell.effect) for cell in found})
    wrong = [cell.complaint for cell in found if cell.complaint]
    twice = [
        one for one in wrong if "said" in one or "bookings" in one or "notes" in one or "too many" in one
    ]
    return (
        f"{effects} effects x {len(Fault)} faults: {len(twice)} duplicates, {len(wrong) - len(twice)} losses"
    )


def main() -> int:
    """Print the matrix; with ``--write`` put it into the page as well."""
    log.setLevel(logging.CRITICAL)
    sys.stdout, printed = open("/dev/null", "w"), sys.stdout  # noqa: PTH123, SIM115 - the metrics of thousands of turns
    found = [cell for scene in SCENES for cell in cells(scene)]
    sys.stdout.close()
    sys.stdout = printed
    lines = table(found)
    print("\n".join(lines))  # noqa: T201 - a command that prints
    if "--write" in sys.argv:
        text = PAGE.read_text("utf-8")
        before, after = text.split(BEGIN)[0], text.split(END)[1]
        PAGE.write_text(f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{after}", "utf-8")
    return 1 if any(cell.complaint for cell in found) else 0


if __name__ == "__main__":
    sys.exit(main())
