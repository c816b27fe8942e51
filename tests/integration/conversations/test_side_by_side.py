"""Conversations of one batch do not wait for each other, and what cannot be finished goes back untouched."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

import pytest

from shared.agent.model_client import ModelAnswer, ToolCall
from shared.agent.values import AgentResponse
from shared.conversations.incoming import IncomingMessage
from shared.conversations.ledger_head import Head
from shared.conversations.plan import Outcome, Plan
from tests.support.desk import World

if TYPE_CHECKING:
    from shared.platform.tables import Table

SLOW, FAST = 1, range(2, 11)


def test_nine_conversations_are_answered_while_the_tenth_still_thinks(world: World) -> None:
    """Each has a thread of its own; none waits for a slow neighbour."""
    release, thinking = threading.Event(), threading.Event()

    def answer(question: str) -> AgentResponse:
        if question == "slow":
            thinking.set()
            assert release.wait(20)
        return AgentResponse(f"Re: {question}", "frontdesk", ())

    world.mind.answer = answer
    world.customer_writes("slow", 70_001, SLOW)
    for number in FAST:
        world.customer_writes("fast", 70_000 + number, number)
    world.clock.advance(5)
    batch = world.queue.receive()
    # A full batch looks once more before it counts as quiet.
    world.queue.finish(batch, world.worker.work(batch, 110))
    batch = world.queue.receive()
    working = threading.Thread(target=world.worker.work, args=(batch, 110))
    working.start()
    assert thinking.wait(20)
    for _ in range(400):
        if all(world.said(number) for number in FAST):
            break
        time.sleep(0.01)
    answered = [number for number in FAST if world.said(number)]
    unanswered = world.said(SLOW)
    release.set()
    working.join()
    assert answered == list(FAST)
    assert unanswered == []
    assert world.said(SLOW) == ["Re: slow"]


def test_what_cannot_be_finished_in_the_remaining_time_goes_back_at_once_and_untouched(world: World) -> None:
    """No model is asked, no attempt is counted."""
    world.customer_writes("hola", 70_011)
    world.clock.advance(5)
    batch = world.queue.receive()
    staying = world.worker.work(batch, 20)
    assert staying == [batch[0].sqs_id]
    assert world.queue.hides[-1] == 0
    assert world.mind.asked == []
    assert world.head().get("attempts", 0) == 0
    world.queue.finish(batch, staying)
    world.work_until_done()
    assert world.said() == ["Re: hola"]


def test_a_company_that_is_deleted_while_its_messages_wait_is_simply_gone(world: World) -> None:
    """Nobody is left to answer for."""
    world.customer_writes("hola", 70_011)
    world.companies.documents.clear()
    world.work_until_done()
    assert world.said() == []


def test_a_company_that_was_disconnected_meanwhile_is_a_dead_letter(world: World) -> None:
    """Its customers are not forgotten in silence."""
    world.customer_writes("hola", 70_011)
    world.companies.connections["sol"] = None
    world.work_until_done()
    world.office_until_done()
    assert world.dead_letter_items()[0]["reason"] == "not_connected"
    assert world.dead_letter_items()[0]["state"] == "untold"


@pytest.mark.parametrize("channel", ["Channel::WebWidget", "Channel::Api"])
def test_typing_is_shown_where_customers_can_see_it(world: World, channel: str) -> None:
    """On WhatsApp it reaches nobody (chatwoot/chatwoot#13984)."""
    world.customer_writes("hola", 70_011, channel=channel)
    world.work_until_done()
    assert world.chatwoot.typing_calls == 1


def test_typing_is_not_shown_where_nobody_sees_it_and_not_where_the_desk_is_silent(world: World) -> None:
    """A widget that says "typing" and then nothing would be a promise broken."""
    world.customer_writes("hola", 70_011)
    world.person_writes("ya voy", 70_012)
    world.customer_writes("gracias", 70_013, channel="Channel::WebWidget")
    world.work_until_done()
    assert world.chatwoot.typing_calls == 0


def test_parts_are_paced_and_silence_is_looked_for_after_the_pause(table: Table) -> None:
    """A person who writes in that second is not talked over."""
    world = World(table)
    object.__setattr__(world.desk.settings, "pace_seconds", 1.5)
    text = "\n\n".join(["uno " * 900, "dos " * 900])
    world.mind.answer = lambda _question: AgentResponse(text, "frontdesk", ())
    sleep = world.clock.sleep

    def person_writes_in_the_pause(seconds: float) -> None:
        sleep(seconds)
        world.person_writes("ya sigo yo", 95_000)

    world.clock.sleep = person_writes_in_the_pause  # type: ignore[method-assign]
    world.customer_writes("hola", 70_011)
    world.work_until_done()
    assert world.clock.slept_seconds == [1.5]
    assert [part[:3] for part in world.said()] == ["uno"]


def test_a_message_of_a_newer_version_is_read(world: World) -> None:
    """A deploy changes one function after another, and one may be taken back: the door may be ahead."""
    written = json.loads(world.message("hola", 70_011).to_json())
    newer = {**written, "v": 2, "new": 1, "key": written["key"] | {"new": 1}}
    newer["state"] = written["state"] | {"new": 1}
    assert IncomingMessage.from_json(json.dumps(newer)) == IncomingMessage.from_json(json.dumps(written))
    answer = ModelAnswer("test", "finished", "sí", (ToolCall("1", "book", "{}"),)).as_json()
    newer_call = {**answer["tool_calls"][0], "new": 1}
    assert ModelAnswer.from_json({**answer, "new": 1, "tool_calls": [newer_call]}).text == "sí"


def test_items_of_an_earlier_version_are_read() -> None:
    """A deploy changes code before it changes items: what is missing has its default, what is new is left."""
    head = Head.from_item({"pk": "x", "sk": "head", "v": 0, "fence": 3, "watermark": 7, "something_new": 1})
    assert (head.fence, head.watermark, head.turn, head.failing, head.message_ids) == (3, 7, 0, "", ())
    plan = Plan.from_plain({"outcome": "answered", "parts": [{"text": "a", "private": False}], "new": 1})
    assert (plan.outcome, plan.parts[0].text, plan.status, plan.note_first) == (
        Outcome.ANSWERED,
        "a",
        "",
        False,
    )
