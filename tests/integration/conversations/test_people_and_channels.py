"""Newer messages, people, channels that fail, hours, limits: the turn looks before it speaks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from shared.agent.values import AgentResponse, HandOver
from shared.chatwoot.results import ApiMessage
from shared.platform.clock import epoch_milliseconds
from tests.fakes.chatwoot import Posted
from tests.support.desk import CONNECTION, World

if TYPE_CHECKING:
    import pytest

    from shared.platform.tables import Table

C = 214
HOURS = {"monday": [{"from": "12:00", "to": "20:00"}]}
CLOSED = "Ahora mismo estamos cerrados; una persona del equipo te leerá cuando abramos."


def _listed(number: int, kind: int, **changes: Any) -> ApiMessage:  # noqa: ANN401 - any field
    message = ApiMessage(number, "x", kind, False, "contact", 481, {}, 0)  # noqa: FBT003 - public
    return replace(message, **changes)


def _able(world: World, **changes: Any) -> World:  # noqa: ANN401 - any field
    """Let the world's token list messages, as a user's token may."""
    able = {"read_conversation": False, "list_messages": True}
    world.companies.connections["sol"] = replace(CONNECTION, capabilities=able, **changes)
    return world


# -- newer messages -----------------------------------------------------------------------------------


def test_a_customer_who_goes_on_writing_while_the_model_thinks_gets_one_answer_to_everything(
    world: World,
) -> None:
    """The first answer is thrown away unsaid."""
    _able(world)

    def writes_again() -> None:
        if not world.chatwoot.others:
            world.customer_writes("y el lunes?", 70020)
            world.chatwoot.others.append(_listed(70020, 0))

    world.mind.while_thinking = writes_again
    world.customer_writes("¿tienen cita?", 70011)
    world.work_until_done()
    assert world.said() == ["Re: ¿tienen cita?\ny el lunes?"]
    assert len(world.mind.asked) == 2


def test_an_answer_is_thrown_away_at_most_once_a_turn(world: World) -> None:
    """A customer who never stops is answered all the same."""
    _able(world)
    number = 70020

    def writes_again() -> None:
        nonlocal number
        if number < 70025:
            world.customer_writes(f"más {number}", number)
            world.chatwoot.others.append(_listed(number, 0))
            number += 1

    world.mind.while_thinking = writes_again
    world.customer_writes("hola", 70011)
    world.work_until_done()
    said = world.said()
    assert said[0] == "Re: hola\nmás 70020"
    assert sum(part.count("más") for part in said) == 5
    assert len(said) == len(set(said))


def test_a_persons_message_that_the_door_has_not_seen_yet_silences_the_desk(world: World) -> None:
    """Their webhook may be late or lost; Chatwoot's list is not."""
    _able(world)
    world.chatwoot.others.append(_listed(70015, 1, sender_type="user", sender_id=7))
    world.customer_writes("hola", 70011)
    world.work_until_done()
    assert world.said() == []


def test_private_notes_and_our_own_messages_are_no_reason_for_silence(world: World) -> None:
    """Only what the customer can see counts."""
    _able(world)
    world.chatwoot.others.append(_listed(70015, 1, sender_type="user", sender_id=7, private=True))
    ours = {"frontdesk": {"marker": "1-earlier"}}
    world.chatwoot.others.append(_listed(70016, 1, sender_type="user", sender_id=1, content_attributes=ours))
    world.customer_writes("hola", 70011)
    world.work_until_done()
    assert world.said() == ["Re: hola"]


def test_a_person_who_sits_at_the_desk_under_our_own_user_is_a_person(world: World) -> None:
    """Whoever connected with a token of their own; only our marker tells the two apart, as at the door."""
    _able(world)
    world.chatwoot.others.append(_listed(70016, 1, sender_type="user", sender_id=1))
    world.customer_writes("hola", 70011)
    world.work_until_done()
    assert world.said() == []


def test_where_chatwoot_drops_our_marker_our_user_is_ourselves(world: World) -> None:
    """Nothing else is left to go by."""
    _able(world, marker_survives=False)
    world.chatwoot.others.append(_listed(70016, 1, sender_type="user", sender_id=1))
    world.customer_writes("hola", 70011)
    world.work_until_done()
    assert world.said() == ["Re: hola"]


# -- sending once, further ----------------------------------------------------------------------------


def test_a_marker_pasted_by_somebody_else_is_not_our_message(world: World) -> None:
    """Only our own user's or bot's message proves that it was stored."""
    _able(world)
    world.chatwoot.post_faults.append("lost_before")
    world.customer_writes("hola", 70011)
    world.clock.advance(5)
    world.work_once()
    marker = world.table.get(world.key().turn(1, "part#000"), consistent=True)
    assert marker is not None
    pasted = {"frontdesk": {"marker": marker["marker"]}}
    world.chatwoot.others.append(
        _listed(70_500, 1, sender_type="user", sender_id=7, content_attributes=pasted, private=True)
    )
    world.work_until_done()
    assert world.said() == ["Re: hola"]


def test_a_message_is_found_behind_more_than_a_hundred_others(world: World) -> None:
    """Chatwoot lists a hundred at a time."""
    _able(world)
    world.chatwoot.others.extend(_listed(70_100 + number, 2) for number in range(250))
    world.chatwoot.post_faults.append("lost_after")
    world.customer_writes("hola", 70011)
    world.work_until_done()
    assert world.said() == ["Re: hola"]


def test_a_post_that_lands_after_it_was_given_up_carries_the_same_marker(world: World) -> None:
    """So that two echoes of one marker show the duplicate."""
    _able(world)
    world.chatwoot.post_faults.append("lost_before")
    world.customer_writes("hola", 70011)
    world.clock.advance(5)
    world.work_once()
    first = world.table.get(world.key().turn(1, "part#000"), consistent=True)
    world.work_until_done()
    assert first is not None
    assert world.chatwoot.posted[0].attributes["frontdesk"]["marker"] == first["marker"]


def test_a_post_that_lands_within_the_settle_time_is_one_message(world: World) -> None:
    """It was given up, and looked for; it arrives late, and is found by the next look."""
    _able(world)
    world.chatwoot.post_faults.append("lost_before")
    world.customer_writes("hola", 70011)
    world.clock.advance(5)
    world.work_once()
    item = world.table.get(world.key().turn(1, "part#000"), consistent=True)
    assert item is not None
    for _ in range(3):  # at 3, 10 and 30 seconds it is not there
        world.clock.advance(world.queue.next_visible_in() or 0)
        world.work_once()
    late = Posted(90_000, C, "Re: hola", private=False, attributes={"frontdesk": {"marker": item["marker"]}})
    world.chatwoot.posted.append(late)
    world.work_until_done()
    assert world.said() == ["Re: hola"]
    found = world.table.get(world.key().turn(1, "part#000"), consistent=True)
    assert found is not None
    assert (found["state"], found["message_id"]) == ("SENT", 90_000)


def test_two_identical_replies_within_a_minute_are_two_messages(world: World) -> None:
    """Texts are no identities."""
    world.mind.answer = lambda _question: AgentResponse("Sí.", "frontdesk", ())
    world.customer_writes("¿abren?", 70011)
    world.work_until_done()
    world.customer_writes("¿seguro?", 95_000)
    world.work_until_done()
    assert world.said() == ["Sí.", "Sí."]


# -- channels that fail ---------------------------------------------------------------------------------


def test_a_part_that_fails_at_its_channel_is_told_to_people_once_per_turn(world: World) -> None:
    """With the provider's words; nothing is sent again."""
    text = "\n\n".join(["uno " * 900, "dos " * 900])
    world.mind.answer = lambda _question: AgentResponse(text, "frontdesk", ())
    world.customer_writes("hola", 70011)
    world.work_until_done()
    for posted in list(world.chatwoot.posted):
        world.part_fails(posted, "131047: Re-engagement message")
    world.work_until_done()
    (note,) = world.chatwoot.notes(C)
    assert "131047: Re-engagement message" in note
    assert world.chatwoot.status_calls == [(C, "pending")]
    assert len(world.said()) == 2


def test_a_part_that_failed_at_its_channel_is_known_as_failed_and_never_repeated(world: World) -> None:
    """Not as sent, which is what people and the API would read; also when its own answer was lost."""
    _able(world)
    world.chatwoot.post_faults.append("lost_after")
    world.customer_writes("hola", 70011)
    world.clock.advance(5)
    world.work_once()
    (posted,) = world.chatwoot.posted
    world.part_fails(posted, "131047")
    world.work_until_done()
    item = world.table.get(world.key().turn(1, "part#000"), consistent=True)
    assert item is not None
    assert (item["state"], item["message_id"]) == ("FAILED", posted.id)
    assert world.said() == ["Re: hola"]
    assert len(world.chatwoot.notes(C)) == 1


def test_a_failure_in_a_conversation_that_people_have_is_only_a_note(world: World) -> None:
    """They decide what to do."""
    world.customer_writes("hola", 70011)
    world.work_until_done()
    world.clock.advance(5)
    world.person_writes("ya estoy", 95_000)
    world.part_fails(world.chatwoot.posted[0], "blocked")
    world.work_until_done()
    assert len(world.chatwoot.notes(C)) == 1
    assert world.chatwoot.status_calls == []


def test_a_failure_waits_for_a_chatwoot_that_is_away(world: World) -> None:
    """And is told once when it is back."""
    world.customer_writes("hola", 70011)
    world.work_until_done()
    world.chatwoot.post_faults.extend(["not_stored", "not_stored"])
    world.part_fails(world.chatwoot.posted[0], "blocked")
    world.work_until_done()
    assert len(world.chatwoot.notes(C)) == 1


def test_an_inbox_in_which_many_parts_fail_is_counted_as_failing(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """More than one in twenty, and at least three, within a quarter of an hour."""
    for number in range(4):
        world.customer_writes("hola", 70_011 + number * 10)
        world.work_until_done()
        world.state_changes("open")
        capsys.readouterr()
        world.part_fails(world.chatwoot.posted[-1], "blocked")
        world.work_until_done()
        world.clock.advance(1)
        world.chatwoot.statuses.clear()
        world.state_changes("open")
        assert ("InboxesFailing" in capsys.readouterr().out) == (number >= 2)


def test_outside_the_window_a_companys_template_is_sent_instead_of_free_text(table: Table) -> None:
    """The channel sends its own approved copy."""
    template = {"name": "we_are_back", "language": "es", "text": "Hola, ¿seguimos?"}
    world = World(table, {"window_template": template})
    world.customer_writes("hola", 70011, can_reply=False)
    world.work_until_done()
    (posted,) = world.chatwoot.posted
    assert posted.template is not None
    assert (posted.template["name"], posted.template["language"]) == ("we_are_back", "es")


# -- people, further ------------------------------------------------------------------------------------


def test_a_conversation_that_chatwoot_opened_after_a_failed_delivery_is_still_the_bots(table: Table) -> None:
    """Nobody took over: an activity line says why it is open."""
    world = _able(World(table, {"inboxes": [{"id": 12, "via": "agent_bot"}]}))
    line = "Conversation was marked open by system due to an error with the agent bot."
    world.chatwoot.others.append(_listed(70_000, 2, content=line))
    world.customer_writes("hola", 70011, status="open")
    world.work_until_done()
    assert world.said() == ["Re: hola"]


def test_a_conversation_that_chatwoot_opened_stays_the_bots_after_a_crash(table: Table) -> None:
    """The attempt that goes on with the answer looks again who opened it."""
    world = _able(World(table, {"inboxes": [{"id": 12, "via": "agent_bot"}]}))
    line = "Conversation was marked open by system due to an error with the agent bot."
    world.chatwoot.others.append(_listed(70_000, 2, content=line))
    world.chatwoot.post_faults.append("not_stored")
    world.customer_writes("hola", 70011, status="open")
    world.work_until_done()
    assert world.said() == ["Re: hola"]


# -- who assigns ----------------------------------------------------------------------------------------

ASSIGNED = {"assignee": {"id": 7, "type": "user"}, "assignee_type": "User", "sender": {"id": 481}}


def _reads_inboxes(world: World, *, known: bool) -> None:
    connected_at = epoch_milliseconds(world.clock.now())
    world.companies.connections["sol"] = replace(
        CONNECTION,
        capabilities={"list_inboxes": True},
        auto_assignment={"12": known},
        connected_at=connected_at,
    )


def test_whether_chatwoot_assigns_by_itself_is_read_again_when_it_is_a_day_old(world: World) -> None:
    """Somebody switched it on: the desk would be silent in every conversation from then on."""
    _reads_inboxes(world, known=False)
    world.customer_writes("hola", 70011, meta=ASSIGNED)
    world.work_until_done()
    assert (world.said(), world.chatwoot.inbox_calls) == ([], 0)
    world.clock.advance(24 * 3600)
    for number in (70020, 70030):
        world.customer_writes(f"{number}", number, meta=ASSIGNED)
        world.work_until_done()
    assert world.said() == ["Re: 70020", "Re: 70030"]
    assert world.chatwoot.inbox_calls == 1


def test_where_chatwoot_no_longer_assigns_an_assignee_is_a_person_in_charge(world: World) -> None:
    """Somebody switched it off: who is assigned now took the conversation."""
    _reads_inboxes(world, known=True)
    world.chatwoot.auto_assignment = False
    world.clock.advance(24 * 3600)
    world.customer_writes("hola", 70011, meta=ASSIGNED)
    world.work_until_done()
    assert world.said() == []


def test_without_an_assignee_nobody_asks_who_assigns(world: World) -> None:
    """It is read where it decides something."""
    _reads_inboxes(world, known=False)
    world.clock.advance(48 * 3600)
    world.customer_writes("hola", 70011)
    world.work_until_done()
    assert (world.said(), world.chatwoot.inbox_calls) == (["Re: hola"], 0)


def test_a_conversation_that_a_person_opened_is_theirs(table: Table) -> None:
    """Where an agent bot serves the inbox, open means people."""
    world = _able(World(table, {"inboxes": [{"id": 12, "via": "agent_bot"}]}))
    world.chatwoot.others.append(_listed(70_000, 2, content="Rosa opened the conversation"))
    world.customer_writes("hola", 70011, status="open")
    world.work_until_done()
    assert world.said() == []


def test_a_hand_over_with_a_users_token_does_not_leave_the_conversation_with_that_user(table: Table) -> None:
    """Chatwoot assigns it to the agent who opens it, and ours is no person."""
    world = World(table, {"inboxes": [{"id": 12, "via": "agent_bot"}]})
    world.chatwoot.assignee_id = 1
    world.mind.answer = lambda _question: AgentResponse("Le paso.", "frontdesk", (HandOver("why"),))
    world.customer_writes("hola", 70011, status="pending")
    world.work_until_done()
    assert world.chatwoot.assignee_id is None


def test_the_return_to_the_desk_makes_earlier_messages_context_and_not_questions(world: World) -> None:
    """What people have dealt with is not answered again."""
    world.person_writes("le atiendo", 70_000)
    world.customer_writes("pregunta vieja", 70011)
    world.work_until_done()
    world.clock.advance(60)
    world.state_changes("resolved")
    world.clock.advance(60)
    world.customer_writes("pregunta nueva", 70020)
    world.work_until_done()
    assert world.said() == ["Re: pregunta nueva"]


# -- hours and limits -----------------------------------------------------------------------------------


def test_outside_the_opening_hours_a_notice_is_added_once(table: Table) -> None:
    """The clock stands at 10:00 in Madrid, the company opens at 12:00."""
    world = World(table, {"opening_hours": HOURS, "out_of_hours": {"policy": "notice"}})
    world.customer_writes("hola", 70011)
    world.work_until_done()
    world.customer_writes("otra", 95_000)
    world.work_until_done()
    assert world.said() == [f"Re: hola\n\n{CLOSED}", "Re: otra"]


def test_outside_the_opening_hours_a_company_may_hand_over(table: Table) -> None:
    """Without asking a model."""
    world = World(table, {"opening_hours": HOURS, "out_of_hours": {"policy": "hand_over"}})
    world.customer_writes("hola", 70011)
    world.work_until_done()
    assert world.said() == [CLOSED]
    assert world.mind.asked == []
    assert world.chatwoot.status_calls == [(C, "pending")]


def test_within_the_opening_hours_nothing_is_different(table: Table) -> None:
    """Three hours later."""
    world = World(table, {"opening_hours": HOURS, "out_of_hours": {"policy": "hand_over"}})
    world.clock.advance(3 * 3600)
    world.customer_writes("hola", 70011)
    world.work_until_done()
    assert world.said() == ["Re: hola"]


def test_two_machines_that_talk_to_each_other_are_stopped_by_one_hand_over(table: Table) -> None:
    """Turns an hour and conversation."""
    world = World(table, {"limits": {"turns_per_hour": 3, "turns_per_contact_day": 60}})
    for number in range(6):
        world.customer_writes(f"eco {number}", 70_011 + number * 1000)
        world.work_until_done()
    assert len(world.said()) == 4
    assert world.said()[-1].startswith("Te paso con una persona")
    assert len(world.chatwoot.notes(C)) == 1
    assert len(world.mind.asked) == 3


def test_a_contacts_turns_are_limited_by_the_day_across_conversations(table: Table) -> None:
    """A loop may open new conversations."""
    world = World(table, {"limits": {"turns_per_hour": 20, "turns_per_contact_day": 2}})
    for number in range(3):
        world.customer_writes("eco", 70_011 + number * 1000, 300 + number)
        world.work_until_done()
    assert [len(world.chatwoot.notes(300 + number)) for number in range(3)] == [0, 0, 1]
