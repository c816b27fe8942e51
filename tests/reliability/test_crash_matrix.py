"""The crash matrix holds, and the page shows the matrix that holds."""

from __future__ import annotations

import re

import pytest

from tests.reliability.matrix import BEGIN, END, PAGE, cells, effects_of
from tests.reliability.scene import SCENES, Run, Scene


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name.replace(" ", "-"))
def test_whatever_goes_wrong_at_whatever_effect_each_thing_happens_once(scene: Scene) -> None:
    """Each part reaches the customer once, tools act once, people are told once, the history is right."""
    wrong = [f"{cell.effect} / {cell.fault}: {cell.complaint}" for cell in cells(scene) if cell.complaint]
    assert wrong == []


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name.replace(" ", "-"))
def test_the_page_shows_the_effects_that_there_are(scene: Scene) -> None:
    """A new effect fails this test until ``make crash-matrix`` has been run on it and its page written."""
    shown = PAGE.read_text("utf-8").split(BEGIN)[1].split(END)[0]
    title = f"### {scene.name[0].upper()}{scene.name[1:]}"
    section = shown.split(title)[1].split("###")[0]
    listed = re.findall(r"^\| (\d+\. .*?) \|", section, re.MULTILINE)
    assert listed == [f"{number + 1}. {name}" for number, name in enumerate(effects_of(scene))]


def test_the_matrix_notices_a_turn_that_says_something_twice() -> None:
    """Otherwise it could not fail."""
    scene = SCENES[0]

    def spoilt(run: Run) -> None:
        run.simulator.repeat()
        scene.right(run)

    with pytest.raises(AssertionError, match="said 3 parts"):
        effects_of(Scene(scene.name, scene.script, spoilt, scene.prepare))
