"""A turn dies after any of its steps and is run again on the same journal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from shared.agent.journal import MemoryJournal
from shared.agent.tools import hand_over
from shared.agent.values import HandOver
from tests.unit.agent.fakes import Desk, ScriptedModel, bicycles, calls, respond, says

if TYPE_CHECKING:
    from shared.agent.model_client import ModelAnswer
    from shared.agent.values import AgentResponse, JsonDict

COMPANY = bicycles(agents=[{"name": "sales"}, {"name": "workshop"}])


class Died(Exception):
    """The worker is gone."""


class MortalJournal(MemoryJournal):
    """A journal that goes through JSON, and whose worker dies at a chosen moment.

    Args:
        lives: how many steps are survived before the worker dies.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lives = 0
        self.log: list[str] = []

    def _step(self, what: str) -> None:
        self.log.append(what)
        if self.lives == 0:
            raise Died
        self.lives -= 1

    def record_answer(self, step: str, answer: JsonDict) -> None:
        """Keep it, then perhaps die."""
        super().record_answer(step, json.loads(json.dumps(answer)))
        self._step(f"recorded {step}")

    def record_tool_result(self, step: str, index: int, result: JsonDict) -> None:
        """Keep it, then perhaps die."""
        super().record_tool_result(step, index, json.loads(json.dumps(result)))
        self._step(f"recorded {step} tool {index}")

    def before_step(self, step: str) -> None:
        """Perhaps die before the effect."""
        self._step(f"before {step}")


def script() -> list[ModelAnswer]:
    """Routing, two tools, an empty answer, a hand-over, a reply."""
    return [
        says('{"agent": "workshop"}'),
        calls(("reserve", '{"what": "bike"}'), ("reserve", '{"what": "helmet"}')),
        says(""),
        calls(("hand_over", '{"reason": "Wants a discount"}'), ("reserve", '{"what": "bike"}')),
        says("Reserved, and a colleague goes on."),
    ]


def run(model: ScriptedModel, desk: Desk, journal: MortalJournal) -> AgentResponse:
    """One attempt."""
    return respond(model, desk.tool(), hand_over.TOOL, company=COMPANY, journal=journal)


def moments() -> int:
    """How many moments there are at which the worker can die."""
    journal = MortalJournal()
    journal.lives = 1000
    run(ScriptedModel(*script()), Desk(), journal)
    return len(journal.log)


def test_the_turn_has_the_steps_that_the_ledger_knows() -> None:
    """Each answer is recorded before its tools run, each effect is announced, nothing is announced twice."""
    journal = MortalJournal()
    journal.lives = 1000
    run(ScriptedModel(*script()), Desk(), journal)
    assert journal.log == [
        "before route",
        "recorded route",
        "before answer-0",
        "recorded answer-0",
        "before answer-0",
        "recorded answer-0 tool 0",
        "before answer-0",
        "recorded answer-0 tool 1",
        "before answer-1",
        "recorded answer-1",
        "before answer-2",
        "recorded answer-2",
        "before answer-2",
        "recorded answer-2 tool 0",
        "recorded answer-2 tool 1",
        "before answer-3",
        "recorded answer-3",
    ]


@pytest.mark.parametrize("moment", range(17))
def test_a_turn_that_is_run_again_does_nothing_twice(moment: int) -> None:
    """Whenever the worker dies, the second run ends the same, with no second model call or tool effect."""
    assert moments() == 17
    model, desk, journal = ScriptedModel(*script()), Desk(), MortalJournal()
    journal.lives = moment
    with pytest.raises(Died):
        run(model, desk, journal)
    journal.lives = 1000
    response = run(model, desk, journal)
    assert response == ("Reserved, and a colleague goes on.", "workshop", (HandOver("Wants a discount"),))
    assert len(model.asked) == 5
    assert model.script == []
    assert desk.done == ["bike", "helmet"]


def test_a_finished_turn_is_read_back_without_any_call() -> None:
    """Also when the model would be unreachable now."""
    model, desk, journal = ScriptedModel(*script()), Desk(), MortalJournal()
    journal.lives = 1000
    first = run(model, desk, journal)
    journal.lives = 0
    assert run(ScriptedModel(), Desk(), journal) == first


def test_the_model_sees_the_same_rounds_after_a_restart() -> None:
    """What it is sent in the last call does not depend on a death in between."""
    whole, journal = ScriptedModel(*script()), MortalJournal()
    journal.lives = 1000
    run(whole, Desk(), journal)
    broken, journal = ScriptedModel(*script()), MortalJournal()
    journal.lives = 13
    with pytest.raises(Died):
        run(broken, Desk(), journal)
    journal.lives = 1000
    run(broken, Desk(), journal)
    assert broken.asked[-1] == whole.asked[-1]
