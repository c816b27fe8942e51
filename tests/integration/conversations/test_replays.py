"""What was given up is put back once, through the gates, in order; looking changes nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from shared.agent.values import AgentResponse
from shared.chatwoot.results import ApiMessage
from shared.conversations.dead_letter_records import DeadLetterRecords, LetterState
from shared.platform.errors import Conflict, GiveUp, NotFound, RetryLater
from tests.support.desk import CONNECTION, UntoldWorld, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.conversations.dead_letter_records import LetterRecord
    from shared.platform.tables import Item, Table

C = 214
HANDED = "Te paso con una persona del equipo, que te responderá lo antes posible."


def mend(world: World) -> None:
    """The model answers again."""
    world.mind.answer = lambda question: AgentResponse(f"Re: {question}", "frontdesk", ())


def fail(world: World) -> None:
    """The model answers nobody."""

    def refuse(_question: str) -> AgentResponse:
        raise GiveUp("no", reason="model_denied")

    world.mind.answer = refuse


def give_up(world: World, *texts: str, first_id: int = 70_011) -> LetterRecord:
    """These messages are given up; nobody has been told yet."""
    fail(world)
    for number, text in enumerate(texts or ("hola",)):
        world.customer_writes(text, first_id + number)
    world.work_until_done()
    mend(world)
    return told(world)


def told(world: World) -> LetterRecord:
    """The office takes the case on, and the door hears which status that gave the conversation."""
    before = len(world.chatwoot.status_calls)
    world.office_until_done()
    world.clock.advance(1)
    if len(world.chatwoot.status_calls) > before:
        world.state_changes(world.chatwoot.statuses[C])
    return letter(world)


def letter(world: World) -> LetterRecord:
    """The newest dead letter."""
    return DeadLetterRecords(world.table, world.clock).page("sol", 1)[0][0]


def gates(world: World) -> dict[str, bool]:
    """What stops the newest letter, and whether force goes on."""
    preview = world.replayer.look("sol", letter(world).letter_id)
    return {gate.gate: gate.forcible for gate in preview.gates}


def everything(world: World) -> list[Item]:
    """The whole table, in an order of its own."""
    return sorted(world.table.scan(), key=lambda item: (item["pk"], item["sk"]))


def test_a_letter_that_nobody_could_be_told_of_is_replayed_into_one_reply(table: Table) -> None:
    """The status is still the bot's, so nothing has to be forced."""
    world = UntoldWorld(table)
    found = give_up(world, "uno", "dos")
    assert found.state is LetterState.UNTOLD
    assert world.replayer.look("sol", found.letter_id).would(force=False) == "replay"
    done = world.replayer.replay("sol", found.letter_id)
    assert (done.status, done.message_ids) == ("replayed", (70_011, 70_012))
    world.work_until_done()
    assert world.said() == ["Re: uno\ndos"]
    assert letter(world).state is LetterState.REPLAYED
    assert world.head()["watermark"] == 70_012


def test_dynamodb_itself_understands_what_a_replay_writes(moto_table: Table) -> None:
    """Reopening changes a map inside an item."""
    world = UntoldWorld(moto_table)
    found = give_up(world, "uno", "dos")
    world.state_changes("pending")
    world.door_hears_of_statuses()
    world.replayer.replay("sol", found.letter_id, force=True)
    world.work_until_done()
    assert world.said() == ["Re: uno\ndos"]


def test_a_replay_ten_seconds_after_the_failure_is_not_swallowed_by_the_queue(table: Table) -> None:
    """SQS remembers the ids of deleted messages for five minutes."""
    world = UntoldWorld(table)
    found = give_up(world)
    world.clock.advance(10)
    world.replayer.replay("sol", found.letter_id)
    world.work_until_done()
    assert world.said() == ["Re: hola"]


def test_a_replay_that_fails_again_is_a_new_letter_and_can_be_replayed_again_at_once(table: Table) -> None:
    """Its messages carry another number, so that the queue takes them a third time."""
    world = UntoldWorld(table)
    first = give_up(world)
    for number in (1, 2):
        fail(world)
        assert world.replayer.replay("sol", letter(world).letter_id).status == "replayed"
        world.work_until_done()
        assert told(world).generation == number + 1
    mend(world)
    assert world.replayer.replay("sol", first.letter_id).status == "already_replayed"
    assert world.replayer.replay("sol", letter(world).letter_id).status == "replayed"
    world.work_until_done()
    assert world.said() == ["Re: hola"]


def test_the_customers_patience_counts_anew_after_a_replay(table: Table) -> None:
    """Hours later the first hiccup of the model is no reason to give up again."""
    world = UntoldWorld(table)
    found = give_up(world)
    world.clock.advance(3 * 3600)
    world.replayer.replay("sol", found.letter_id)
    hiccups = [RetryLater("busy", reason="model_timeout")]

    def answer(question: str) -> AgentResponse:
        if hiccups:
            raise hiccups.pop()
        return AgentResponse(f"Re: {question}", "frontdesk", ())

    world.mind.answer = answer
    world.work_until_done()
    assert world.said() == ["Re: hola"]


def test_the_model_does_not_read_its_question_in_the_history_as_well(table: Table) -> None:
    """What is given up stays in the history, for later turns."""
    world = UntoldWorld(table)
    found = give_up(world)
    world.replayer.replay("sol", found.letter_id)
    world.work_until_done()
    assert world.mind.asked[-1].question == "hola"
    assert world.mind.asked[-1].history == ()


def test_twice_is_once(table: Table) -> None:
    """Also long after the queue has forgotten the first time."""
    world = UntoldWorld(table)
    found = give_up(world)
    world.replayer.replay("sol", found.letter_id)
    assert world.replayer.replay("sol", found.letter_id).status == "already_replayed"
    world.work_until_done()
    world.clock.advance(3600)
    again = world.replayer.replay("sol", found.letter_id, force=True)
    assert (again.status, again.message_ids) == ("already_replayed", ())
    world.work_until_done()
    assert world.said() == ["Re: hola"]
    assert len(world.queue) == 0


def test_two_at_the_same_moment_are_one(table: Table) -> None:
    """The second finds that the letter is not as it was when it looked."""
    world = UntoldWorld(table)
    found = give_up(world)
    preview = world.replayer.look("sol", found.letter_id)
    world.replayer.replay("sol", found.letter_id)
    with pytest.raises(Conflict, match="same moment"):
        world.replayer._claim(preview, 1)
    world.work_until_done()
    assert world.said() == ["Re: hola"]


def test_a_replay_that_was_cut_short_goes_on_when_it_is_asked_for_again(table: Table) -> None:
    """Before or between the messages."""
    world = UntoldWorld(table)
    found = give_up(world, "uno", "dos")
    usual, calls = world.queue.send, []

    def send(message: Any, *, replay: int = 0) -> None:  # noqa: ANN401 - passed through
        calls.append(message.message_id)
        if len(calls) == 2:
            raise OSError("the process ends here")
        usual(message, replay=replay)

    world.queue.send = send  # type: ignore[method-assign]
    with pytest.raises(OSError, match="ends here"):
        world.replayer.replay("sol", found.letter_id)
    assert letter(world).state is LetterState.REPLAYING
    assert world.replayer.replay("sol", found.letter_id).status == "replayed"
    world.work_until_done()
    assert world.said() == ["Re: uno\ndos"]


def test_looking_changes_nothing(world: World) -> None:
    """Whatever it finds."""
    found = give_up(world)
    before, calls = everything(world), list(world.chatwoot.status_calls)
    preview = world.replayer.look("sol", found.letter_id)
    assert preview.would(force=False) == "refuse"
    assert everything(world) == before
    assert world.chatwoot.status_calls == calls
    assert len(world.queue) == 0


def test_after_a_hand_over_the_status_says_that_people_have_it(world: World) -> None:
    """So a replay is refused in words, and changes nothing."""
    found = give_up(world)
    assert world.said() == [HANDED]
    assert gates(world) == {"status_pending": True}
    before = everything(world)
    with pytest.raises(Conflict, match=r"status is pending.*With force") as refused:
        world.replayer.replay("sol", found.letter_id)
    assert refused.value.reason == "replay_status_pending"
    assert everything(world) == before


def test_a_forced_replay_gives_the_conversation_back_first(world: World) -> None:
    """Then the turn goes through the same gates as any other."""
    found = give_up(world)
    world.door_hears_of_statuses()
    preview = world.replayer.look("sol", found.letter_id)
    assert (preview.status_to_set, preview.would(force=True)) == ("open", "replay")
    done = world.replayer.replay("sol", found.letter_id, force=True)
    assert done.conversation_status == "open"
    world.work_until_done()
    assert world.said() == [HANDED, "Re: hola"]
    assert world.chatwoot.status_calls[-1] == (C, "open")


def test_nothing_is_put_back_before_the_status_is_known_to_be_the_bots(world: World) -> None:
    """Otherwise the turn would end in silence; asked again, the replay goes on."""
    found = give_up(world)
    with pytest.raises(RetryLater, match="confirmed"):
        world.replayer.replay("sol", found.letter_id, force=True)
    assert len(world.queue) == 0
    world.state_changes("open")
    assert world.replayer.replay("sol", found.letter_id).status == "replayed"
    world.work_until_done()
    assert world.said() == [HANDED, "Re: hola"]


def test_where_the_api_may_read_conversations_it_need_not_wait_for_the_door(world: World) -> None:
    """Chatwoot itself says which status there is."""
    can = replace(CONNECTION, capabilities={"read_conversation": True, "list_messages": True})
    world.companies.connections["sol"] = can
    found = give_up(world)
    world.table.delete(world.key().people())
    world.chatwoot.statuses[C] = "pending"
    world.replayer.replay("sol", found.letter_id, force=True)
    world.work_until_done()
    assert world.said() == [HANDED, "Re: hola"]


def test_a_person_who_wrote_since_is_not_talked_over_unless_it_is_forced(table: Table) -> None:
    """Force ends their pause."""
    world = UntoldWorld(table)
    found = give_up(world)
    world.clock.advance(60)
    world.person_writes("Ya le atiendo", 80_000)
    assert gates(world) == {"person_in_charge": True}
    with pytest.raises(Conflict, match="A person is in charge"):
        world.replayer.replay("sol", found.letter_id)
    assert world.said() == []
    world.clock.advance(60)
    world.replayer.replay("sol", found.letter_id, force=True)
    world.work_until_done()
    assert world.said() == ["Re: hola"]


def test_a_person_who_wrote_and_resolved_the_conversation_has_answered(table: Table) -> None:
    """The pause is over, the question is not open any more."""
    world = UntoldWorld(table)
    give_up(world)
    world.clock.advance(60)
    world.person_writes("Listo", 80_000)
    world.clock.advance(1)
    world.state_changes("resolved")
    world.clock.advance(1)
    world.state_changes("open")
    assert gates(world) == {"person_wrote": True}


def test_a_persons_message_whose_webhook_was_lost_is_seen_in_chatwoots_list(table: Table) -> None:
    """And one that comes after the replay silences the turn all the same."""
    world = UntoldWorld(table)
    world.companies.connections["sol"] = replace(CONNECTION, capabilities={"list_messages": True})
    found = give_up(world)
    person = ApiMessage(80_000, "Ya estoy", 1, private=False, sender_type="user", sender_id=7,
                        content_attributes={}, created_at=0)  # fmt: skip
    world.chatwoot.others.append(person)
    assert gates(world) == {"person_wrote": True}
    world.replayer.replay("sol", found.letter_id, force=True)
    world.chatwoot.others.append(replace(person, id=80_001))
    world.work_until_done()
    assert world.said() == []
    world.chatwoot.others.pop()


def test_a_customer_who_wrote_since_keeps_the_order_unless_it_is_forced(table: Table) -> None:
    """A later turn has heard the old question as context."""
    world = UntoldWorld(table)
    found = give_up(world)
    world.clock.advance(60)
    world.customer_writes("¿hay alguien?", 70_020)
    world.work_until_done()
    assert world.said() == ["Re: ¿hay alguien?"]
    assert gates(world) == {"customer_wrote": True}
    with pytest.raises(Conflict, match="customer has written since"):
        world.replayer.replay("sol", found.letter_id)
    world.replayer.replay("sol", found.letter_id, force=True)
    world.work_until_done()
    assert world.said() == ["Re: ¿hay alguien?", "Re: hola"]


def test_two_letters_of_a_conversation_are_replayed_in_their_order(table: Table) -> None:
    """The older question first."""
    world = UntoldWorld(table)
    first = give_up(world, "uno")
    world.clock.advance(60)
    second = give_up(world, "dos", first_id=70_020)
    assert gates(world) == {"older_first": True}
    with pytest.raises(Conflict, match="its letter first"):
        world.replayer.replay("sol", second.letter_id)
    world.replayer.replay("sol", first.letter_id)
    world.work_until_done()
    world.replayer.replay("sol", second.letter_id)
    world.work_until_done()
    assert world.said() == ["Re: uno", "Re: dos"]


def test_a_message_that_a_turn_has_dealt_with_is_not_put_back(table: Table) -> None:
    """A copy of it crashed; another was answered."""
    world = UntoldWorld(table)
    message = world.customer_writes("hola", 70_011)
    world.work_until_done()
    world.dead_letters.send(message)
    found = told(world)
    before = everything(world)
    done = world.replayer.replay("sol", found.letter_id, force=True)
    assert (done.status, done.message_ids) == ("nothing_to_do", ())
    assert everything(world) == before
    assert world.said() == ["Re: hola"]


def test_a_message_that_the_customer_took_back_stays_away(table: Table) -> None:
    """The others are put back."""
    world = UntoldWorld(table)
    found = give_up(world, "uno", "mejor no", "dos")
    deleted = {"deleted": True, "answered_in": 1, "outcome": "given_up"}
    world.table.put(world.key().inbox(70_012).as_item() | deleted)
    world.replayer.replay("sol", found.letter_id)
    world.work_until_done()
    assert world.said() == ["Re: uno\ndos"]


def test_a_message_that_crashed_before_it_was_stored_is_put_back_from_its_letter(table: Table) -> None:
    """The record holds it whole."""
    world = UntoldWorld(table)
    world.dead_letters.send(world.message("hola", 70_011))
    found = told(world)
    assert found.case.reason == "crashed"
    world.replayer.replay("sol", found.letter_id)
    world.work_until_done()
    assert world.said() == ["Re: hola"]


def test_more_messages_than_a_batch_holds_become_one_reply(table: Table) -> None:
    """Reopened before the first of them is in the queue."""
    world = UntoldWorld(table)
    found = give_up(world, *(str(number) for number in range(25)))
    assert len(found.message_ids) == 25
    world.replayer.replay("sol", found.letter_id)
    world.work_until_done()
    assert world.said() == ["Re: " + "\n".join(str(number) for number in range(25))]


def _assign(world: World) -> None:
    takeover = world.companies.documents["sol"].takeover.model_copy(
        update={"assignment_means_takeover": "always"}
    )
    document = world.companies.documents["sol"].model_copy(update={"takeover": takeover})
    world.companies.documents["sol"] = document
    item = world.key().people().as_item()
    state = {"status": "open", "assignee_id": 7, "assignee_kind": "User"}
    world.table.put(item | state | {"state_at_us": int(world.clock.now().timestamp() * 1_000_000)})


@pytest.mark.parametrize(
    ("change", "gate"),
    [
        (lambda world: world.companies.connections.clear(), "not_connected"),
        (
            lambda world: world.companies.documents.update(
                sol=world.companies.documents["sol"].model_copy(update={"mode": "off"})
            ),
            "company_off",
        ),
        (
            lambda world: world.table.update(world.key().head(), "SET turn = :n", values={":n": 9}),
            "turn_open",
        ),
        (_assign, "assigned_to_person"),
    ],
)
def test_what_a_turn_could_not_pass_cannot_be_forced(
    table: Table, change: Callable[[World], object], gate: str
) -> None:
    """Force overrules people's claim on the conversation, not the world."""
    world = UntoldWorld(table)
    found = give_up(world)
    change(world)
    assert gates(world)[gate] is False
    before = everything(world)
    for force in (False, True):
        with pytest.raises(Conflict):
            world.replayer.replay("sol", found.letter_id, force=force)
    assert everything(world) == before


def test_a_company_that_only_watches_sees_what_would_have_been_said(table: Table) -> None:
    """A replay in shadow mode sends nothing either."""
    world = World(table, {"mode": "shadow"})
    found = give_up(world)
    world.replayer.replay("sol", found.letter_id)
    world.work_until_done()
    assert world.said() == []
    assert world.head()["last_outcome"] == "shadow"


def test_a_letter_that_the_office_is_just_telling_people_of_is_not_told_after_its_replay(
    table: Table,
) -> None:
    """The claim takes the conversation out of the office's hands."""
    world = World(table)
    fail(world)
    world.customer_writes("hola", 70_011)
    world.work_until_done()
    mend(world)
    batch = world.dead_letters.receive()
    kept, _ = world.office._records.keep(world.office._read(batch[0]), "turn#1")  # type: ignore[arg-type]
    world.replayer.replay("sol", kept.letter_id)
    world.dead_letters.finish(batch, world.office.take_all(batch, lambda: 110.0))
    assert len(world.dead_letters) == 0
    world.work_until_done()
    assert world.said() == ["Re: hola"]
    assert letter(world).state is LetterState.REPLAYED


def test_a_letter_of_the_older_layout_is_replayed_as_well(table: Table) -> None:
    """It knows its turn from its case."""
    world = UntoldWorld(table)
    found = give_up(world)
    world.table.delete(found.key)
    item = {"pk": found.key.pk, "sk": found.case.identity, "case": json.dumps(found.case.as_plain())}
    kept = {"state": "untold", "expires_at": int(world.clock.now().timestamp()) + 9999, "v": 1}
    world.table.put(item | kept)
    assert letter(world).letter_id == "old-3-214-70011"
    world.replayer.replay("sol", "old-3-214-70011")
    world.work_until_done()
    assert world.said() == ["Re: hola"]


def test_a_letter_of_another_company_is_not_found(world: World) -> None:
    """By no id."""
    found = give_up(world)
    for act in (world.replayer.look, world.replayer.replay):
        with pytest.raises(NotFound):
            act("luna", found.letter_id)
