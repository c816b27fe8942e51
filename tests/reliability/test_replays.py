"""A replay that goes wrong at any of its effects, and is asked for again, answers the customer once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from shared.agent.values import AgentResponse
from shared.conversations.dead_letter_records import DeadLetterRecords, LetterState
from shared.conversations.replaying import Replayer
from shared.platform.errors import GiveUp
from tests.fakes.table import MemoryTable
from tests.reliability.effects import Death, Fault, Recorded, Recorder
from tests.reliability.scene import CHATWOOT, TABLE
from tests.support.desk import World

if TYPE_CHECKING:
    from shared.conversations.dead_letter_records import LetterRecord

EFFECTS = [
    "dynamodb transact head + inbox + letter",
    "dynamodb update people",
    "chatwoot set status",
    "sqs send",
    "sqs send",
    "dynamodb update letter",
]


class GivenUp:
    """Two messages were given up, people have the conversation, and one of them has written."""

    def __init__(self, recorder: Recorder) -> None:
        self.world = World(MemoryTable("conversations"))
        self.world.door_hears_of_statuses()
        self._give_up()
        table: Any = Recorded(self.world.table, "dynamodb", TABLE, recorder)
        chatwoot: Any = Recorded(self.world.chatwoot, "chatwoot", CHATWOOT, recorder)
        queue: Any = Recorded(self.world.queue, "sqs", {"send": "send"}, recorder)
        self.replayer = Replayer(replace(self.world.desk, table=table, chatwoot=lambda *_: chatwoot), queue)

    def _give_up(self) -> None:
        def refuse(_question: str) -> AgentResponse:
            raise GiveUp("no", reason="model_denied")

        self.world.mind.answer = refuse
        for number, text in enumerate(("uno", "dos")):
            self.world.customer_writes(text, 70_011 + number)
        self.world.work_until_done()
        self.world.office_until_done()
        self.world.person_writes("Un momento", 95_000)
        self.world.clock.advance(1)
        self.world.mind.answer = lambda question: AgentResponse(f"Re: {question}", "frontdesk", ())

    def letter(self) -> LetterRecord:
        """The one letter."""
        [letter] = DeadLetterRecords(self.world.table, self.world.clock).page("sol", 2)[0]
        return letter

    def replay(self) -> str:
        """Ask for the replay."""
        return self.replayer.replay("sol", self.letter().letter_id, force=True).status


def test_a_replays_effects_are_these() -> None:
    """Whoever adds one finds it missing here, and its faults untried."""
    recorder = Recorder()
    assert GivenUp(recorder).replay() == "replayed"
    assert recorder.names == EFFECTS


@pytest.mark.parametrize("later", [0, 400])
@pytest.mark.parametrize("fault", [Fault.DIE_BEFORE, Fault.DIE_AFTER, Fault.TIMEOUT, Fault.ERROR_500])
@pytest.mark.parametrize("number", range(len(EFFECTS)))
def test_a_replay_that_is_cut_short_anywhere_and_asked_for_again_answers_once(
    number: int, fault: Fault, later: int
) -> None:
    """Also when the queue has forgotten the first time, and when the turn was quicker than the repetition."""
    recorder = Recorder(number, fault)
    scene = GivenUp(recorder)
    with pytest.raises((Death, Exception)):
        scene.replay()
    scene.world.clock.advance(later)
    if later:
        scene.world.work_until_done()
    again = scene.replay()
    assert again in {"replayed", "already_replayed", "nothing_to_do"}
    scene.world.work_until_done()
    assert [text for text in scene.world.said() if text.startswith("Re:")] == ["Re: uno\ndos"]
    assert scene.letter().state is LetterState.REPLAYED
    assert scene.world.head()["turn"] == 0
    assert len(scene.world.queue) == 0


@pytest.mark.parametrize("number", range(len(EFFECTS)))
def test_a_replay_that_is_asked_for_twice_at_the_same_moment_answers_once(number: int) -> None:
    """The second call comes in the middle of the first one."""
    recorder = Recorder(number, Fault.DUPLICATE)
    scene = GivenUp(recorder)

    def meanwhile() -> None:
        scene.replay()

    recorder.meanwhile = meanwhile
    scene.replay()
    scene.world.work_until_done()
    assert [text for text in scene.world.said() if text.startswith("Re:")] == ["Re: uno\ndos"]
    assert scene.letter().state is LetterState.REPLAYED
    assert len(scene.world.queue) == 0
