"""What customers wrote becomes one reply, in order, once."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

import pytest

from shared.agent.values import AgentResponse, HandOver
from shared.conversations.incoming import IncomingMessage
from shared.conversations.letters import Letter
from shared.conversations.settings import TurnSettings
from shared.conversations.visit import Visit
from shared.platform.clock import Deadline
from shared.platform.errors import GiveUp, RetryLater
from shared.platform.observability import log
from tests.support.desk import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shared.platform.queue_records import QueueRecord
    from shared.platform.tables import Table

C = 214


def test_a_message_becomes_one_reply(world: World) -> None:
    """The everyday case, from the queue to the ledger."""
    world.customer_writes("¿Cuánto cuesta el botox?", 70011)
    world.work_until_done()
    assert world.said() == ["Re: ¿Cuánto cuesta el botox?"]
    assert world.head() | {"watermark": 70011, "turn": 0, "last_turn": 1, "attempts": 0} == world.head()


def test_a_whole_life_of_a_conversation_uses_only_expressions_that_dynamodb_knows(moto_table: Table) -> None:
    """Answer, person, resolve, hand-over, failed part, giving up, dead letter: each write once, on moto."""
    world = World(moto_table)
    world.customer_writes("hola", 70011)
    world.work_until_done()
    world.person_writes("Le atiende Rosa", 95_000)
    world.state_changes("resolved")
    world.clock.advance(60)
    world.part_fails(world.chatwoot.posted[0], "131047")
    world.work_until_done()
    world.chatwoot.statuses.clear()
    world.clock.advance(60)
    world.state_changes("open")
    world.chatwoot.post_faults.append("lost_before")
    world.customer_writes("otra cosa", 95_010)
    world.work_until_done()
    _failing(world, _fails(9, GiveUp("no", reason="model_denied")))
    world.customer_writes("y esta", 95_020)
    world.work_until_done()
    world.office_until_done()
    assert world.said()[:2] == ["Re: hola", "Re: otra cosa"]
    assert world.dead_letter_items()[0]["state"] == "handed_over"


def test_the_model_hears_the_history_of_the_contact_and_who_said_what(world: World) -> None:
    """Customer, desk and person, across the contact's conversations."""
    world.customer_writes("hola", 70011)
    world.work_until_done()
    world.person_writes("Le atiende Rosa", 95_000)
    world.state_changes("resolved")
    world.clock.advance(60)
    world.customer_writes("otra cosa", 95_010, 215)
    world.work_until_done()
    heard = [(one.role, one.text, one.earlier_conversation) for one in world.mind.asked[-1].history]
    assert heard == [
        ("customer", "hola", True),
        ("desk", "Re: hola", True),
        ("person", "Le atiende Rosa", True),
    ]


def test_what_is_older_than_the_companys_retention_is_not_heard(table: Table) -> None:
    """Enforced when reading: tables delete late."""
    world = World(table, {"retention": {"history_days": 1, "history_messages": 20}})
    world.customer_writes("hola", 70011)
    world.work_until_done()
    world.clock.advance(25 * 3600)
    world.customer_writes("¿sigue ahí?", 95_000)
    world.work_until_done()
    assert world.mind.asked[-1].history == ()


def test_the_same_message_arriving_again_is_answered_once(world: World) -> None:
    """A redriven copy, minutes later, under another SQS id."""
    message = world.customer_writes("hola", 70011)
    world.work_until_done()
    world.clock.advance(600)
    world.queue.send(message)
    world.work_until_done()
    assert world.said() == ["Re: hola"]
    assert len(world.mind.asked) == 1


def test_a_message_that_arrives_after_a_newer_one_was_answered_gets_its_own_turn(world: World) -> None:
    """Chatwoot promises no order; nothing is lost."""
    late = world.message("primera", 70010)
    world.customer_writes("segunda", 70011)
    world.work_until_done()
    world.queue.send(late)
    world.work_until_done()
    assert world.said() == ["Re: segunda", "Re: primera"]


def test_a_long_reply_goes_out_in_parts_in_order(world: World) -> None:
    """WhatsApp takes 4,096 characters."""
    paragraphs = [f"Párrafo {number}. " + "palabra " * 60 for number in range(20)]
    world.mind.answer = lambda _question: AgentResponse("\n\n".join(paragraphs), "frontdesk", ())
    world.customer_writes("cuéntame todo", 70011)
    world.work_until_done()
    said = world.said()
    assert len(said) > 1
    assert all(len(part) <= 4096 for part in said)
    numbers = [int(word.split(".")[0]) for part in said for word in part.split("Párrafo ")[1:]]
    assert numbers == list(range(20))


def test_templates_in_a_reply_are_neutralised(world: World) -> None:
    """Chatwoot would fill ``{{agent.email}}`` in."""
    world.mind.answer = lambda _question: AgentResponse("Escribe a {{agent.email}}", "frontdesk", ())
    world.customer_writes("hola", 70011)
    world.work_until_done()
    assert "{{" not in world.said()[0]


def test_the_first_reply_to_a_contact_says_that_a_machine_answers_and_later_ones_do_not(table: Table) -> None:
    """The EU's AI Act, article 50."""
    world = World(table, {"disclosure": {"enabled": True}})
    world.customer_writes("hola", 70011)
    world.work_until_done()
    world.customer_writes("otra", 95_000)
    world.work_until_done()
    assert world.said()[0].startswith("Soy un asistente virtual automático.")
    assert world.said()[1] == "Re: otra"


def test_a_message_that_was_deleted_before_its_turn_is_not_answered(world: World) -> None:
    """The deletion may even arrive first."""
    message = world.message("mejor no", 70011)
    world.table.put(world.key().inbox(70011).as_item() | {"deleted": True})
    world.queue.send(message)
    world.work_until_done()
    assert world.said() == []


@pytest.mark.parametrize(("mode", "asked"), [("shadow", 1), ("off", 0)])
def test_in_shadow_mode_a_turn_is_thought_and_not_sent_and_in_mode_off_not_even_thought(
    table: Table, mode: str, asked: int
) -> None:
    """A company can watch before it goes live."""
    world = World(table, {"mode": mode})
    world.customer_writes("hola", 70011)
    world.work_until_done()
    assert world.said() == []
    assert len(world.mind.asked) == asked
    assert world.head()["watermark"] == 70011


# -- bursts ---------------------------------------------------------------------------------------------


def test_four_fragments_in_nine_seconds_become_one_turn(world: World) -> None:
    """People write in fragments."""
    for number, pause in enumerate((3, 3, 3, 0)):
        world.customer_writes(f"trozo {number}", 70011 + number)
        world.work_once()
        world.clock.advance(pause)
    world.work_until_done()
    assert world.said() == ["Re: trozo 0\ntrozo 1\ntrozo 2\ntrozo 3"]
    assert world.queue.most_receives <= 2


@pytest.mark.parametrize("fragments", [10, 11, 14, 25, 50])
def test_a_burst_is_one_turn_and_no_message_is_received_more_than_twice(world: World, fragments: int) -> None:
    """Within four seconds, however many batches it takes."""
    for number in range(fragments):
        world.customer_writes(f"{number}", 70011 + number)
        world.clock.advance(4 / fragments)
        if number % 3 == 0:
            world.work_once()
    world.work_until_done()
    assert (
        world.said() == ["Re: " + "\n".join(str(number) for number in range(fragments))][: len(world.said())]
    )
    assert len(world.mind.asked) == 1
    assert world.queue.most_receives <= 2


def test_a_stream_that_never_pauses_is_answered_at_the_cap(world: World) -> None:
    """Twelve seconds after the first fragment."""
    started = world.clock.monotonic()
    number = 0
    while not world.said():
        world.customer_writes(f"{number}", 70011 + number)
        number += 1
        world.work_once()
        world.clock.advance(1)
        assert world.clock.monotonic() - started < 20
    assert world.clock.monotonic() - started <= 14


def test_fragments_are_ordered_by_chatwoots_ids_not_by_arrival(world: World) -> None:
    """Chatwoot's workers overtake each other."""
    world.customer_writes("dos", 70012)
    world.customer_writes("uno", 70011)
    world.work_until_done()
    assert world.said() == ["Re: uno\ndos"]


# -- side by side -----------------------------------------------------------------------------------------


@pytest.fixture
def log_lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What is logged, as the lines that CloudWatch would get."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(log.registered_formatter)
    log.addHandler(handler)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    log._logger.removeHandler(handler)


def test_twenty_conversations_interleaved_are_each_answered_once_and_in_order(
    world: World, log_lines: Callable[[], list[dict[str, Any]]]
) -> None:
    """Ten threads in one process, and every log line names the right conversation."""
    for round_ in range(3):
        for conversation in range(20):
            world.customer_writes(
                f"{conversation}/{round_}", 70_000 + round_ * 100 + conversation, conversation + 1
            )
        world.work_until_done()
    said = world.chatwoot.by_conversation()
    assert said == {
        conversation + 1: [f"Re: {conversation}/{round_}" for round_ in range(3)]
        for conversation in range(20)
    }
    lines = [line for line in log_lines() if line["message"] == "turn closed"]
    closed = sorted(line["conversation"] for line in lines)
    assert closed == sorted(f"sol:3:{conversation + 1}" for conversation in range(20) for _ in range(3))


def test_the_same_event_handled_by_two_processes_at_once_gives_one_reply(world: World) -> None:
    """The queue promises at-least-once, the ledger's fence makes it once."""
    message = world.message("hola", 70011)
    both_think = threading.Barrier(2, timeout=10)

    def wait() -> None:
        both_think.wait()

    world.mind.while_thinking = wait
    world.clock.advance(5)
    workers = []
    for number in (1, 2):
        world.queue.put(message.to_json(), f"group-{number}", f"copy-{number}")
    batch = world.queue.receive()
    for record in batch:
        worker = threading.Thread(target=world.new_worker().work, args=([record], 110))
        workers.append(worker)
        worker.start()
    for worker in workers:
        worker.join()
    world.mind.while_thinking = lambda: None
    world.work_until_done()
    assert world.said() == ["Re: hola"]


def test_a_conversation_that_always_fails_stops_only_itself_and_only_until_a_person_is_told(
    world: World,
) -> None:
    """A poison message."""

    def answer(question: str) -> AgentResponse:
        if question == "veneno":
            raise ValueError("a bug of ours")
        return AgentResponse(f"Re: {question}", "frontdesk", ())

    world.mind.answer = answer
    world.customer_writes("veneno", 70011, 1)
    world.customer_writes("hola", 70012, 2)
    world.work_once()
    world.clock.advance(5)
    world.work_once()
    assert world.said(2) == ["Re: hola"]
    world.work_until_done()
    world.office_until_done()
    assert len(world.chatwoot.notes(1)) == 1
    world.chatwoot.statuses.clear()
    world.clock.advance(1)
    world.customer_writes("¿y ahora?", 95_000, 1)
    world.work_until_done()
    assert world.said(1)[-1] == "Re: ¿y ahora?"


def test_a_record_that_nobody_can_read_stays_for_the_dead_letters(world: World) -> None:
    """And harms no other."""
    world.queue.put("{}", "group", "odd")
    world.customer_writes("hola", 70011)
    batch = world.queue.receive()
    staying = world.worker.work(batch, 110)
    assert batch[0].sqs_id in staying
    # Its group is locked while it is hidden: it comes back soon, and is moved on by SQS after twenty tries.
    world.clock.advance(15)
    assert [record.body for record in world.queue.receive()] == ["{}", batch[1].body]


def test_a_thread_that_is_still_inside_a_call_at_the_end_makes_the_process_leave(table: Table) -> None:
    """A frozen thread would post in the next invocation."""
    # Of 40.5 seconds 40 are kept for leaving: threads are waited for half a second.
    world = World(table, settings=TurnSettings(reserve_seconds=40))
    inside, release = threading.Event(), threading.Event()

    def stay_inside() -> None:
        inside.set()
        release.wait(10)

    world.mind.while_thinking = stay_inside
    world.customer_writes("hola", 70011)
    world.clock.advance(5)
    world.worker.work(world.queue.receive(), 40.5)
    assert inside.is_set()
    assert world.left == ["left"]
    release.set()


# -- attempts -----------------------------------------------------------------------------------------


def _fails(times: int, error: Exception) -> deque[Exception]:
    return deque([error] * times)


def _failing(world: World, failures: deque[Exception]) -> None:
    def answer(question: str) -> AgentResponse:
        if failures:
            raise failures.popleft()
        return AgentResponse(f"Re: {question}", "frontdesk", ())

    world.mind.answer = answer


def test_a_model_that_fails_is_asked_again_after_growing_waits(world: World) -> None:
    """At 2, 5, 15 and 40 seconds."""
    _failing(world, _fails(4, RetryLater("busy", reason="model_timeout")))
    world.customer_writes("hola", 70011)
    world.work_until_done()
    assert world.said() == ["Re: hola"]
    waits = [wait for wait in world.queue.hides if wait != 45]
    assert waits[1:] == [2, 5, 15, 40]
    assert not world.dead_letter_items()


def test_what_the_model_says_about_waiting_is_respected(world: World) -> None:
    """``Retry-After`` beats our own waits."""
    _failing(world, _fails(1, RetryLater("busy", reason="rate_limited", after_seconds=30)))
    world.customer_writes("hola", 70011)
    world.work_until_done()
    assert 30 in world.queue.hides


def test_when_attempts_are_used_up_a_person_is_told_and_the_customer_once(world: World) -> None:
    """The reason stands in the note."""
    _failing(world, _fails(99, RetryLater("busy", reason="model_timeout")))
    world.customer_writes("hola", 70011)
    world.work_until_done()
    world.office_until_done()
    assert world.said() == ["Te paso con una persona del equipo, que te responderá lo antes posible."]
    (note,) = world.chatwoot.notes(C)
    assert "model_timeout" in note
    assert world.chatwoot.status_calls == [(C, "pending")]
    assert len(world.mind.asked) == 6


def test_patience_ends_attempts_earlier(table: Table) -> None:
    """A customer does not wait for ever: measured from the oldest unanswered message."""
    world = World(table, {"patience_seconds": 30})
    _failing(world, _fails(99, RetryLater("busy", reason="model_timeout")))
    world.customer_writes("hola", 70011)
    world.work_until_done()
    assert len(world.mind.asked) == 4
    assert len(world.dead_letters) == 1


def test_what_no_retry_helps_is_given_up_at_once(world: World) -> None:
    """An account without money stays without money."""
    _failing(world, _fails(1, GiveUp("no money", reason="model_quota")))
    world.customer_writes("hola", 70011)
    world.work_until_done()
    assert len(world.mind.asked) == 1
    world.office_until_done()
    assert world.dead_letter_items()[0]["reason"] == "model_quota"


def test_a_worker_that_dies_while_thinking_is_followed_by_one_that_asks_nothing_twice(world: World) -> None:
    """The model's answer was stored before anything else happened."""
    world.customer_writes("hola", 70011)
    world.clock.advance(5)
    batch = world.queue.receive()
    world.chatwoot.before_post = _die
    with pytest.raises(SystemExit):
        _visit_in_this_thread(world, batch)
    world.chatwoot.before_post = lambda _conversation_id, _text: None
    world.work_until_done()
    assert world.said() == ["Re: hola"]
    assert len(world.mind.asked) == 1


def _die(_conversation_id: int, _text: str) -> None:
    raise SystemExit


def _visit_in_this_thread(world: World, batch: list[QueueRecord]) -> None:
    """The worker's visit, without a thread around it that would swallow the end of the process."""
    letters = [Letter(record, IncomingMessage.from_json(record.body)) for record in batch]
    Visit(
        world.desk,
        world.queue,  # type: ignore[arg-type]
        world.dead_letters,  # type: ignore[arg-type]
        world.key(),
        letters,
        batch_full=False,
        time_left=Deadline(world.clock, 110),
    ).make()


# -- people first ---------------------------------------------------------------------------------------


def test_a_person_who_answers_while_the_model_thinks_is_not_talked_over(world: World) -> None:
    """Looked at again right before the first part."""
    world.mind.while_thinking = lambda: world.person_writes("Ya le atiendo yo", 80_000)
    world.customer_writes("hola", 70011)
    world.work_until_done()
    assert world.said() == []
    assert world.head()["last_outcome"] == "silent"


def test_a_person_in_charge_means_silence_and_their_words_stay_as_context(world: World) -> None:
    """Until the conversation is resolved."""
    world.person_writes("Le llamo ahora", 70010)
    world.customer_writes("gracias", 70011)
    world.work_until_done()
    assert world.said() == []
    world.clock.advance(60)
    world.state_changes("resolved")
    world.clock.advance(60)
    world.customer_writes("otra pregunta", 70020)
    world.work_until_done()
    assert world.said() == ["Re: otra pregunta"]
    assert [one.role for one in world.mind.asked[0].history] == ["person", "customer"]


def test_an_auto_assigned_conversation_is_answered(world: World) -> None:
    """Chatwoot assigns opening conversations by itself where that is on, which is its default."""
    assigned = {"assignee": {"id": 7, "type": "user"}, "assignee_type": "User", "sender": {"id": 481}}
    world.customer_writes("hola", 70011, meta=assigned)
    world.work_until_done()
    assert world.said() == ["Re: hola"]


def test_a_pending_conversation_is_left_to_people_where_no_bot_serves_the_inbox(world: World) -> None:
    """A status outside the bot statuses."""
    world.customer_writes("hola", 70011, status="pending")
    world.work_until_done()
    assert world.said() == []


def test_where_an_agent_bot_serves_the_inbox_pending_is_the_bots_status(table: Table) -> None:
    """And a hand-over opens the conversation."""
    world = World(table, {"inboxes": [{"id": 12, "via": "agent_bot"}]})
    world.mind.answer = lambda _question: AgentResponse(
        "Le paso.", "frontdesk", (HandOver("wants a person"),)
    )
    world.customer_writes("hola", 70011, status="pending")
    world.work_until_done()
    assert world.said() == ["Le paso."]
    assert world.chatwoot.status_calls == [(C, "open")]


# -- hand-over ------------------------------------------------------------------------------------------


def test_a_hand_over_wanted_by_the_model_sends_its_reply_sets_the_status_and_leaves_a_note(
    world: World,
) -> None:
    """In this order, so that the customer hears before people take over."""
    response = AgentResponse("Le paso con Rosa.", "frontdesk", (HandOver("asks about a refund"),))
    world.mind.answer = lambda _question: response
    world.customer_writes("quiero mi dinero", 70011)
    world.work_until_done()
    assert [(one.private, one.text[:17]) for one in world.chatwoot.posted] == [
        (False, "Le paso con Rosa."),
        (True, "🤖 Frontdesk hande"),
    ]
    assert "asks about a refund" in world.chatwoot.notes(C)[0]
    assert world.chatwoot.status_calls == [(C, "pending")]


def test_a_pattern_in_the_reply_hands_over_and_the_reply_is_still_sent(world: World) -> None:
    """By whole words, without regard to case and accents."""
    text = "Eso lo lleva nuestro ESPECIALISTA."
    world.mind.answer = lambda _question: AgentResponse(text, "frontdesk", ())
    world.customer_writes("¿y la cirugía?", 70011)
    world.work_until_done()
    assert world.said() == [text]
    assert world.chatwoot.status_calls == [(C, "pending")]


def test_a_customer_who_asks_for_a_person_gets_one_without_a_model(world: World) -> None:
    """The company's own sentence, once."""
    world.customer_writes("Quiero HABLAR con una persona", 70011)
    world.work_until_done()
    assert world.said() == ["Te paso con una persona del equipo, que te responderá lo antes posible."]
    assert world.mind.asked == []


def test_a_hand_over_that_fails_halfway_is_completed_once(world: World) -> None:
    """The status could not be set: text and note are still there once in the end."""
    world.mind.answer = lambda _question: AgentResponse("Le paso.", "frontdesk", (HandOver("why"),))
    world.chatwoot.status_faults.extend(["busy", "busy"])
    world.customer_writes("hola", 70011)
    world.work_until_done()
    assert world.said() == ["Le paso."]
    assert len(world.chatwoot.notes(C)) == 1
    assert len(world.chatwoot.status_calls) == 1


def test_outside_the_channels_window_nothing_is_said_and_a_person_is_told(world: World) -> None:
    """WhatsApp takes no free text a day after the customer's last message."""
    world.customer_writes("hola", 70011, can_reply=False)
    world.work_until_done()
    assert world.said() == []
    assert len(world.chatwoot.notes(C)) == 1
    assert world.chatwoot.status_calls == [(C, "pending")]


# -- sending once -----------------------------------------------------------------------------------------


def test_a_post_whose_answer_was_lost_is_found_and_not_posted_again(world: World) -> None:
    """By its marker in Chatwoot's list."""
    world.chatwoot.post_faults.append("lost_after")
    world.customer_writes("hola", 70011)
    world.work_until_done()
    assert world.said() == ["Re: hola"]


def test_a_post_that_came_back_through_the_door_is_found_without_listing(world: World) -> None:
    """A bot token cannot list."""
    world.chatwoot.can_list = False
    world.chatwoot.post_faults.append("lost_after")
    world.customer_writes("hola", 70011)
    world.clock.advance(5)
    world.work_once()
    marker = world.chatwoot.posted[0].attributes["frontdesk"]["marker"]
    receipt = {"message_ids": {world.chatwoot.posted[0].id}}
    world.table.put(world.key().receipt(marker).as_item() | receipt)
    world.work_until_done()
    assert world.said() == ["Re: hola"]
    assert not world.dead_letter_items()


def test_a_post_that_never_arrived_is_posted_again_after_two_minutes_and_two_looks(world: World) -> None:
    """Absent counts only when nothing can be under way any more."""
    world.chatwoot.post_faults.append("lost_before")
    world.customer_writes("hola", 70011)
    started = world.clock.monotonic()
    world.work_until_done()
    assert world.said() == ["Re: hola"]
    assert world.clock.monotonic() - started >= 120
    assert world.chatwoot.list_calls >= 2
    assert len(world.mind.asked) == 1


def test_where_nothing_can_tell_a_person_is_told_and_nothing_is_posted_again(world: World) -> None:
    """Better one answer by a person than two by a machine."""
    world.chatwoot.can_list = False
    world.chatwoot.post_faults.append("lost_before")
    world.customer_writes("hola", 70011)
    world.work_until_done()
    assert world.said() == []
    world.office_until_done()
    assert world.dead_letter_items()[0]["reason"] == "cannot_tell"
    assert len(world.chatwoot.notes(C)) == 1


def test_a_post_that_was_certainly_refused_is_tried_again_as_an_attempt(world: World) -> None:
    """Too many requests: nothing was stored."""
    world.chatwoot.post_faults.extend(["not_stored", "not_stored"])
    world.customer_writes("hola", 70011)
    world.work_until_done()
    assert world.said() == ["Re: hola"]
    assert len(world.mind.asked) == 1


def test_two_parts_of_which_the_second_is_lost_are_each_there_once(world: World) -> None:
    """The first part is not said again."""
    text = "\n\n".join(["uno " * 900, "dos " * 900])
    world.mind.answer = lambda _question: AgentResponse(text, "frontdesk", ())
    world.chatwoot.post_faults.extend(["", "lost_after"])
    world.customer_writes("hola", 70011)
    world.work_until_done()
    assert [part[:3] for part in world.said()] == ["uno", "dos"]


# -- dead letters -----------------------------------------------------------------------------------------


def _give_up(world: World) -> None:
    _failing(world, _fails(99, GiveUp("no", reason="model_denied")))
    world.customer_writes("hola", 70011)
    world.work_until_done()


def test_a_dead_letter_waits_while_chatwoot_does_not_answer_and_is_told_once(world: World) -> None:
    """With growing pauses, at most a quarter of an hour."""
    _give_up(world)
    world.chatwoot.post_faults.extend(["not_stored"] * 8)
    world.office_until_done()
    assert len(world.said()) == 1
    assert len(world.chatwoot.notes(C)) == 1
    pauses = world.dead_letters.hides
    assert pauses == sorted(pauses)
    assert pauses[-1] == 900
    assert world.dead_letter_items()[0]["state"] == "handed_over"


def test_a_dead_letter_that_comes_twice_is_one(world: World) -> None:
    """Its business key is the conversation and the newest message."""
    _give_up(world)
    batch = world.dead_letters.receive()
    world.office.take_all(batch, lambda: 110.0)
    world.office.take_all(batch, lambda: 110.0)
    assert len(world.said()) == 1
    assert len(world.chatwoot.notes(C)) == 1


def test_a_dead_letter_of_a_conversation_that_a_person_has_is_only_a_note(world: World) -> None:
    """The customer is told nothing untrue."""
    _give_up(world)
    world.clock.advance(5)
    world.person_writes("Ya estoy", 80_000)
    world.office_until_done()
    assert world.said() == []
    assert world.chatwoot.status_calls == []
    assert len(world.chatwoot.notes(C)) == 1


def test_a_message_that_sqs_moved_after_many_crashes_is_handed_over_too(world: World) -> None:
    """What dies before it can count."""
    message = world.message("hola", 70011)
    world.dead_letters.send(message)
    world.office_until_done()
    assert len(world.said()) == 1
    assert world.dead_letter_items()[0]["reason"] == "crashed"


def test_a_dead_letter_of_a_company_that_is_gone_is_recorded_all_the_same(world: World) -> None:
    """And troubles nobody any more."""
    _give_up(world)
    world.companies.documents.clear()
    world.office_until_done()
    assert world.dead_letter_items()[0]["state"] == "untold"


def test_an_unreadable_dead_letter_is_kept_aside(world: World) -> None:
    """Nothing is thrown away."""
    world.dead_letters.put("not json", "group", "odd")
    world.office_until_done()
    assert world.table.query("unreadable")[0]["body"] == "not json"


def test_a_customer_who_writes_again_after_a_hand_over_is_left_to_people(world: World) -> None:
    """The status says whose turn it is."""
    _give_up(world)
    world.office_until_done()
    world.clock.advance(10)
    world.state_changes("pending")
    world.customer_writes("¿hola?", 95_000)
    world.work_until_done()
    assert len(world.said()) == 1
