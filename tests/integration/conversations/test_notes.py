"""What people read when they are given a conversation: why, what the customer knows, what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.agent.values import AgentResponse, HandOver
from shared.platform.errors import GiveUp
from tests.reliability.effects import Recorder
from tests.reliability.scene import Run, Scene, called, said

if TYPE_CHECKING:
    from shared.agent.model_client import ModelAnswer
    from tests.support.desk import World

C = 214


def _noted(*script: ModelAnswer | Exception) -> str:
    """The one note of a conversation in which the model did this."""

    def ask(run: Run) -> None:
        run.world.customer_writes("¿tienen cita mañana?", 70011)

    run = Run(Scene("any", script, lambda _run: None, ask), Recorder())
    run.play()
    (note,) = run.world.chatwoot.notes(C)
    return note


def test_a_note_tells_which_tools_acted_before_the_hand_over() -> None:
    """Whoever goes on must know that something is booked already."""
    booked, handed_over = called("book", hour="10:00"), called("hand_over", reason="wants Rosa")
    note = _noted(booked, handed_over, said("Le paso con Rosa."))
    assert "wants Rosa" in note
    assert note.endswith("The customer is told. Before that it did: book.")
    assert "Before that" not in _noted(handed_over, said("Le paso con Rosa."))


def test_a_note_after_giving_up_tells_it_too() -> None:
    """The tool acted, then the model was lost."""
    note = _noted(called("book", hour="10:00"), GiveUp("no", reason="model_denied"))
    assert "model_denied" in note
    assert note.endswith("Before that it did: book.")


def test_a_note_says_when_the_customer_is_told_nothing(world: World) -> None:
    """So that people do not wait for the customer, who waits for them."""
    world.customer_writes("hola", 70011, can_reply=False)
    world.work_until_done()
    assert world.said() == []
    assert world.chatwoot.notes(C)[0].endswith("The customer is told nothing.")


def test_templates_in_a_reason_are_neutralised(world: World) -> None:
    """Chatwoot runs Liquid on private notes as well, and a reason is the model's own words."""
    reason = "asks for {{contact.phone_number}}"
    world.mind.answer = lambda _question: AgentResponse("Le paso.", "frontdesk", (HandOver(reason),))
    world.customer_writes("hola", 70011)
    world.work_until_done()
    assert "{{" not in world.chatwoot.notes(C)[0]
    assert "contact.phone_number" in world.chatwoot.notes(C)[0]
