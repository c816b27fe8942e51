"""What was given up is found again, newest first, and many at once are one alarm."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from shared.conversations.dead_letter_records import DeadLetterRecords, LetterState, turn_source
from shared.conversations.dead_letters import DeadLetterOffice
from shared.conversations.giving_up import DeadLetter
from shared.conversations.inbox import Inbox
from shared.conversations.ledger import Ledger
from shared.conversations.storms import STORM_ABOVE, STORM_SECONDS, Notice, Storms
from shared.platform.clock import epoch_milliseconds
from shared.platform.errors import GiveUp, InvalidInput, NotFound, RetryLater
from tests.support.desk import World

if TYPE_CHECKING:
    from shared.agent.values import AgentResponse
    from shared.email.notices import ConversationNotice
    from shared.platform.tables import Item, Table

DAY = 86_400


@pytest.fixture
def records(world: World) -> DeadLetterRecords:
    """The records on the world's table."""
    return DeadLetterRecords(world.table, world.clock)


def case(world: World, message_id: int, conversation_id: int = 214, turn: int = 1) -> DeadLetter:
    """A case that is given up now."""
    about = world.message("hola", message_id, conversation_id)
    now_ms = epoch_milliseconds(world.clock.now())
    return DeadLetter(about.key, turn, "model_timeout", (message_id,), about, now_ms)


def write_in_the_older_layout(world: World, old: DeadLetter, state: str = "handed_over") -> None:
    """A record as it was written before lists went by time."""
    item: Item = {"pk": "company#sol#dead-letters", "sk": old.identity, "case": json.dumps(old.as_plain())}
    item |= {"reason": old.reason, "conversation": old.key.group_id, "state": state, "hand_over_turn": 0}
    expires = int(world.clock.now().timestamp()) + 90 * DAY
    world.table.put(item | {"at_ms": old.at_ms, "expires_at": expires, "v": 1})


def test_a_company_lists_its_letters_newest_first_page_by_page(
    world: World, records: DeadLetterRecords
) -> None:
    """Those of the older layout come last: they are older."""
    for number in range(3):
        world.clock.advance(60)
        write_in_the_older_layout(world, case(world, 70_000 - number))
    for number in range(5):
        world.clock.advance(60)
        records.keep(case(world, 80_000 - number), turn_source(1))
    listed, cursor = [], None
    for _ in range(4):
        page, cursor = records.page("sol", 2, cursor)
        listed += page
    assert cursor is None
    assert [letter.message_ids for letter in listed] == [
        (number,) for number in (79_996, 79_997, 79_998, 79_999, 80_000, 69_998, 69_999, 70_000)
    ]
    assert records.page("luna", 10) == ([], None)


def test_a_letter_is_found_by_its_id_in_both_layouts_and_only_by_its_company(
    world: World, records: DeadLetterRecords
) -> None:
    """An id of one company means nothing to another."""
    write_in_the_older_layout(world, case(world, 70_000))
    records.keep(case(world, 70_001), turn_source(1))
    for letter in records.page("sol", 10)[0]:
        assert records.get("sol", letter.letter_id) == letter
        with pytest.raises(NotFound):
            records.get("luna", letter.letter_id)


@pytest.mark.parametrize("letter_id", ["", "x", "sol:3:214:dead:1", "old-3-214", "1" * 13 + "-3-214-1#"])
def test_an_id_that_is_none_is_not_found(records: DeadLetterRecords, letter_id: str) -> None:
    """Whatever stands in the path."""
    with pytest.raises(NotFound):
        records.get("sol", letter_id)


def test_a_cursor_that_is_none_is_refused(records: DeadLetterRecords) -> None:
    """In words."""
    with pytest.raises(InvalidInput, match="cursor"):
        records.page("sol", 10, "~")


def test_what_expired_is_not_shown_though_the_table_still_has_it(
    world: World, records: DeadLetterRecords
) -> None:
    """Tables delete late."""
    letter, _ = records.keep(case(world, 70_000), turn_source(1))
    world.clock.advance(91 * DAY)
    assert records.page("sol", 10) == ([], None)
    with pytest.raises(NotFound):
        records.get("sol", letter.letter_id)


def test_a_case_that_comes_again_is_the_same_until_it_was_replayed(
    world: World, records: DeadLetterRecords
) -> None:
    """Then it failed a second time, and people must hear it a second time."""
    first, new = records.keep(case(world, 70_000), turn_source(1))
    assert new
    world.clock.advance(5)
    assert records.keep(case(world, 70_000), turn_source(1)) == (first, False)
    assert records.keep(case(world, 70_000, turn=2), turn_source(2)) == (first, False)
    begun = records.replay_begins(first, 1, 0)
    world.table.transact([begun])
    records.replayed(first)
    again, known = records.keep(case(world, 70_000), turn_source(1))
    assert (again.letter_id, again.state, known) == (first.letter_id, LetterState.REPLAYED, False)
    second, new = records.keep(case(world, 70_000, turn=3), turn_source(3))
    assert (new, second.generation, second.state) == (True, 2, LetterState.OPEN)
    assert records.page("sol", 10)[0][0] == second


def test_a_case_of_the_older_layout_that_comes_again_is_the_same(
    world: World, records: DeadLetterRecords
) -> None:
    """Also while a new version is being deployed."""
    write_in_the_older_layout(world, case(world, 70_000), "open")
    letter, new = records.keep(case(world, 70_000), turn_source(1))
    assert (new, letter.state) == (False, LetterState.OPEN)
    records.told(letter, LetterState.HANDED_OVER)
    assert records.get("sol", letter.letter_id).state is LetterState.HANDED_OVER


def test_a_letter_that_is_being_replayed_is_not_said_to_be_told(
    world: World, records: DeadLetterRecords
) -> None:
    """Whoever was telling people meanwhile changes nothing any more."""
    letter, _ = records.keep(case(world, 70_000), turn_source(1))
    world.table.transact([records.replay_begins(letter, 1, 5)])
    records.told(letter, LetterState.HANDED_OVER)
    kept = records.get("sol", letter.letter_id)
    assert (kept.state, kept.replay, kept.replayed_at_ms) == (LetterState.REPLAYING, 1, 5)


def crash_with_two(world: World) -> None:
    """A turn that took two messages crashed again and again; SQS moved its timer."""
    messages = [world.message("hola", message_id) for message_id in (70_010, 70_011)]
    for message in messages:
        Inbox(world.table, world.key()).store(message, world.clock.now())
    ledger = Ledger(world.table, world.key(), world.clock)
    ledger.take_up()
    ledger.open_turn(messages)
    world.dead_letters.send(messages[-1])


def test_people_are_told_of_a_crash_also_when_the_first_try_ends_half_way(world: World) -> None:
    """The crashed turn is closed by then; that is no answer to anybody."""
    crash_with_two(world)

    def away(*_: object) -> None:
        raise RetryLater("away", reason="timeout")

    batch = world.dead_letters.receive()
    desk = replace(world.desk, chatwoot=away)  # type: ignore[arg-type]
    staying = DeadLetterOffice(desk, world.dead_letters).take_all(batch, lambda: 110.0)  # type: ignore[arg-type]
    assert staying == [batch[0].sqs_id]
    assert world.table.get(world.key().inbox(70_011), consistent=True)["outcome"] == "given_up"  # type: ignore[index]
    world.office_until_done()
    assert len(world.chatwoot.notes(214)) == 1


def test_a_turn_that_can_tell_nobody_ends_and_the_customers_next_message_gets_its_own(world: World) -> None:
    """Chatwoot refuses even the note."""
    world.chatwoot.post_faults.extend(["refused"] * 9)
    world.dead_letters.send(world.message("hola", 70_011))
    world.office_until_done()
    assert world.dead_letter_items()[0]["state"] == "untold"
    assert world.head()["turn"] == 0
    world.chatwoot.post_faults.clear()
    world.chatwoot.statuses.clear()
    world.clock.advance(1)
    world.customer_writes("¿sigue ahí?", 70_020)
    world.work_until_done()
    assert world.said() == ["Re: ¿sigue ahí?"]


def test_where_the_company_only_watches_a_letter_does_not_say_that_people_were_told(table: Table) -> None:
    """Nothing is posted there, not even a note."""
    world = World(table, {"mode": "shadow"})

    def refuse(_question: str) -> AgentResponse:
        raise GiveUp("no", reason="model_denied")

    world.mind.answer = refuse
    world.customer_writes("hola", 70011)
    world.work_until_done()
    world.office_until_done()
    assert world.dead_letter_items()[0]["state"] == "untold"
    assert world.chatwoot.posted == []


def test_news_of_a_failed_part_that_crashed_its_workers_reaches_a_person(world: World) -> None:
    """There is nothing of the customer's in it to answer."""
    world.customer_writes("hola", 70_011)
    world.work_until_done()
    world.part_fails(world.chatwoot.posted[0], "131047: too late")
    [record] = world.queue.receive()
    world.dead_letters.put(record.body, "sol:3:214", "moved")
    world.office_until_done()
    assert len(world.chatwoot.notes(214)) == 1
    [letter] = DeadLetterRecords(world.table, world.clock).page("sol", 10)[0]
    assert letter.message_ids == ()
    assert world.replayer.look("sol", letter.letter_id).would(force=True) == "nothing"


def test_the_customer_is_told_although_the_door_hears_of_our_status_at_once(world: World) -> None:
    """What we set ourselves silences later turns, not the words that belong to it."""
    world.door_hears_of_statuses()
    world.dead_letters.send(world.message("hola", 70_011))
    world.office_until_done()
    assert len(world.said()) == 1
    assert world.chatwoot.status_calls == [(214, "pending")]


def test_a_person_who_writes_during_a_hand_over_is_not_talked_over(world: World) -> None:
    """Our own change of status ends nobody's pause."""
    world.door_hears_of_statuses()
    world.chatwoot.before_post = lambda _id, _text: world.person_writes("Ya estoy", 80_000)
    world.dead_letters.send(world.message("hola", 70_011))
    world.office_until_done()
    assert world.said() == []
    assert len(world.chatwoot.notes(214)) == 1


def test_everything_that_a_crashed_message_took_along_is_in_its_letter(world: World) -> None:
    """SQS moves only the timer; what the turn had taken in was deleted from the queue long before."""
    crash_with_two(world)
    world.office_until_done()
    [letter] = DeadLetterRecords(world.table, world.clock).page("sol", 10)[0]
    assert (letter.case.reason, letter.message_ids, letter.turn) == ("crashed", (70_010, 70_011), 1)
    assert len(world.chatwoot.notes(214)) == 1


# -- storms ---------------------------------------------------------------------------------------------


def test_more_than_twenty_for_one_cause_in_five_minutes_are_told_once(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """The metric goes on while it lasts, so that the alarm rings once."""
    storms = Storms(world.table, world.clock)
    told = []
    for _ in range(STORM_ABOVE + 3):
        world.clock.advance(10)
        told.append(storms.given_up("sol", "model_quota"))
    assert told == [Notice.OWN] * STORM_ABOVE + [Notice.STORM, Notice.GROUPED, Notice.GROUPED]
    assert capsys.readouterr().out.count('"HandOverStorm":[1') == 3
    assert storms.given_up("sol", "model_timeout") is Notice.OWN
    assert storms.given_up("luna", "model_quota") is Notice.OWN
    world.clock.advance(STORM_SECONDS)
    assert storms.given_up("sol", "model_quota") is Notice.OWN


def test_an_outage_that_hits_every_company_a_little_is_a_storm_for_the_operator(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """None of the companies has many."""
    storms = Storms(world.table, world.clock)
    told = {storms.given_up(f"company-{number}", "model_quota") for number in range(STORM_ABOVE + 1)}
    assert told == {Notice.OWN}
    assert '"HandOverStorm":[1' in capsys.readouterr().out


def test_as_many_in_a_longer_time_are_no_storm(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """The window slides."""
    storms = Storms(world.table, world.clock)
    for _ in range(60):
        world.clock.advance(STORM_SECONDS / STORM_ABOVE + 0.1)
        assert storms.given_up("sol", "model_quota") is Notice.OWN
    assert "HandOverStorm" not in capsys.readouterr().out


def test_every_conversation_of_a_storm_gets_its_note(world: World) -> None:
    """Only what goes elsewhere is grouped."""
    for number in range(STORM_ABOVE + 2):
        world.dead_letters.send_case(
            case(world, 70_000 + number, number + 1).as_plain(), group_id=f"g{number}", identity=f"i{number}"
        )
    world.office_until_done(200)
    assert [len(world.chatwoot.notes(number + 1)) for number in range(STORM_ABOVE + 2)] == [1] * (
        STORM_ABOVE + 2
    )
    notices = [item["notice"] for item in world.dead_letter_items()]
    assert sorted(notices) == ["grouped", *["own"] * STORM_ABOVE, "storm"]


class Staff:
    """Notes whom a company's people were told of."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    def left_unanswered(self, company_id: str, notice: ConversationNotice) -> None:
        """See `shared.conversations.desk.Staff`."""
        self.told.append({"company_id": company_id, **vars(notice)})


def test_staff_is_told_by_e_mail_from_the_first_time_on_that_chatwoot_could_not_be_told(world: World) -> None:
    """Under one key, however often it is tried; what reaches a person in Chatwoot needs no e-mail."""
    staff = Staff()
    away: list[object] = [RetryLater("away", reason="timeout")] * 2
    opened = world.desk.chatwoot

    def chatwoot(*who: object) -> object:
        if away:
            raise away.pop()  # type: ignore[misc]
        return opened(*who)  # type: ignore[arg-type]

    desk = replace(world.desk, chatwoot=chatwoot, staff=staff)  # type: ignore[arg-type]
    world.office = DeadLetterOffice(desk, world.dead_letters)  # type: ignore[arg-type]
    world.dead_letters.send(world.message("hola", 70_011))
    world.office_until_done()
    assert len(world.chatwoot.notes(214)) == 1
    assert [one["reason"] for one in staff.told] == ["crashed", "crashed"]
    assert len({one["key"] for one in staff.told}) == 1
    assert staff.told[0]["url"].endswith("/conversations/214")
    world.dead_letters.send(world.message("hola", 70_012, 215))
    world.office_until_done()
    assert len(staff.told) == 2


def test_staff_is_told_of_a_letter_that_nobody_can_be_told_of_in_chatwoot(world: World) -> None:
    """The record alone would be read by nobody."""
    staff = Staff()
    world.office = DeadLetterOffice(replace(world.desk, staff=staff), world.dead_letters)  # type: ignore[arg-type]
    world.chatwoot.post_faults.extend(["refused"] * 9)
    world.dead_letters.send(world.message("hola", 70_011))
    world.office_until_done()
    assert world.dead_letter_items()[0]["state"] == "untold"
    assert len(staff.told) == 1
