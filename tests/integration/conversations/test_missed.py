"""Customers' messages whose webhook was lost are found, enqueued once, and answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shared.chatwoot.errors import ChatwootDenied
from shared.conversations.missed.errands import Errand
from shared.conversations.missed.settings import MissedSettings
from shared.platform.errors import RetryLater
from shared.platform.queue_records import QueueRecord
from shared.platform.tables import Key
from tests.fakes.shown_chatwoot import CUSTOMER, INCOMING, OUR_BOT, OUTGOING, TEMPLATE
from tests.support import webhooks
from tests.support.desk import SOL, World
from tests.support.missed import Sweeping

if TYPE_CHECKING:
    from shared.companies.model import Company
    from shared.platform.tables import Table

C = webhooks.CONVERSATION


@pytest.fixture
def sweeping(world: World) -> Sweeping:
    """A company whose webhooks are lost unless a test lets them arrive."""
    return Sweeping(world)


def lost(capsys: pytest.CaptureFixture[str]) -> int:
    """How often ``MessagesLost`` was counted."""
    return capsys.readouterr().out.count('"MessagesLost":[1')


# -- what is found ------------------------------------------------------------------------------------


def test_a_message_whose_webhook_was_lost_is_answered(sweeping: Sweeping) -> None:
    """Within the next run after it is 90 seconds old."""
    sweeping.shown.says(C, "¿Cuánto cuesta?")
    assert sweeping.sweep(after_seconds=100) == ["¿Cuánto cuesta?"]
    sweeping.world.work_until_done()
    assert sweeping.world.said() == ["Re: ¿Cuánto cuesta?"]


def test_dynamodb_understands_every_expression(moto_table: Table) -> None:
    """The other tests run on a table in memory."""
    sweeping = Sweeping(World(moto_table))
    sweeping.document(mode="off")
    assert sweeping.sweep() == []
    sweeping.document(mode="live")
    sweeping.shown.person(C, "Le atiende Rosa")
    sweeping.shown.says(C, "gracias")
    assert sweeping.sweep(after_seconds=100) == ["gracias"]
    assert sweeping.sweep(after_seconds=100) == []
    sweeping.world.work_until_done()
    assert sweeping.world.said() == []
    sweeping.waiting = 1
    assert not sweeping.rounds.send_out()


def test_it_is_the_same_message_that_the_door_would_have_made(sweeping: Sweeping) -> None:
    """Identity, contact, channel and state; only its origin tells."""
    message_id = sweeping.shown.says(C, "hola")
    sweeping.sweep(after_seconds=100)
    (swept,) = sweeping.queued()
    delivered = sweeping.world.message("hola", message_id)
    assert swept.origin == "swept"
    assert swept.identity == delivered.identity
    assert (swept.contact, swept.channel, swept.contact_source_id, swept.contact_name) == (
        delivered.contact,
        delivered.channel,
        delivered.contact_source_id,
        delivered.contact_name,
    )
    assert (swept.state.status, swept.state.can_reply) == ("open", True)


@pytest.mark.parametrize(("age_seconds", "found"), [(0, 0), (60, 0), (89, 0), (91, 1)])
def test_nothing_younger_than_ninety_seconds_is_enqueued(
    sweeping: Sweeping, age_seconds: int, found: int
) -> None:
    """Its webhook may be on its way."""
    sweeping.shown.says(C, "hola")
    assert len(sweeping.sweep(after_seconds=age_seconds)) == found


@pytest.mark.parametrize(
    ("changes", "hours", "found"),
    [({}, 5.9, 1), ({}, 6.1, 0), ({"missed_messages_max_age_hours": 12}, 11, 1),
     ({"missed_messages_max_age_hours": None}, 0.5, 0)],
)  # fmt: skip
def test_nothing_older_than_the_companys_limit_is_enqueued(
    sweeping: Sweeping, changes: dict[str, Any], hours: float, found: int
) -> None:
    """Six hours, unless the company says otherwise."""
    sweeping.document(**changes)
    sweeping.shown.says(C, "hola")
    assert len(sweeping.sweep(after_seconds=hours * 3600)) == found


def test_every_unanswered_message_of_the_conversation_is_enqueued_in_order(sweeping: Sweeping) -> None:
    """One turn answers them all, and nothing that was answered before."""
    sweeping.shown.says(C, "antes")
    sweeping.shown.desk(C, "respuesta")
    for text in ("uno", "dos", "tres"):
        sweeping.shown.says(C, text)
        sweeping.clock.advance(5)
    assert sweeping.sweep(after_seconds=100) == ["uno", "dos", "tres"]
    sweeping.world.work_until_done()
    assert sweeping.world.said() == ["Re: uno\ndos\ntres"]


def test_what_is_old_enough_is_enqueued_and_what_is_not_waits_for_the_next_run(sweeping: Sweeping) -> None:
    """A customer who writes every minute is found as well."""
    sweeping.shown.says(C, "uno")
    sweeping.clock.advance(95)
    sweeping.shown.says(C, "dos")
    assert sweeping.sweep() == ["uno"]
    assert sweeping.sweep(after_seconds=120) == ["dos"]


def test_what_reached_the_inbox_is_left_alone(sweeping: Sweeping) -> None:
    """It waits, is answered, or was given up: the queue's business."""
    first = sweeping.shown.says(C, "uno")
    sweeping.arrives(first)
    assert sweeping.sweep(after_seconds=100) == []
    sweeping.shown.says(C, "dos")
    assert sweeping.sweep(after_seconds=100) == ["dos"]


def test_a_message_is_enqueued_at_most_once(sweeping: Sweeping) -> None:
    """Also while the queue has not been worked on, and after a day."""
    sweeping.document(missed_messages_max_age_hours=48)
    sweeping.shown.says(C, "hola")
    assert sweeping.sweep(after_seconds=100) == ["hola"]
    assert [sweeping.sweep(after_seconds=pause) for pause in (120, 120, 3600, 86_400)] == [[]] * 4
    assert len(sweeping.queued()) == 1
    sweeping.shown.says(C, "¿hola?")
    assert sweeping.sweep(after_seconds=100) == ["¿hola?"]  # and the first not with it


def test_a_run_that_was_killed_between_sending_and_noting_loses_and_doubles_nothing(
    sweeping: Sweeping,
) -> None:
    """The copy sent again is swallowed by SQS, and by the inbox after that."""
    message_id = sweeping.shown.says(C, "hola")
    sweeping.sweep(after_seconds=100)
    for item in sweeping.world.table.query(sweeping.world.key().pk, prefix="missed"):
        sweeping.world.table.delete(Key(item["pk"], item["sk"]))
    sweeping.sweep(after_seconds=120)
    assert [one.message_id for one in sweeping.queued()] == [message_id]
    sweeping.world.work_until_done()
    assert sweeping.world.said() == ["Re: hola"]


# -- what ends the customer's wait --------------------------------------------------------------------


def test_a_conversation_whose_newest_message_is_an_answer_costs_no_call(sweeping: Sweeping) -> None:
    """A person's, ours, or another bot's."""
    for number, sender in ((1, None), (2, OUR_BOT), (3, {"id": 9, "type": "agent_bot"})):
        sweeping.shown.says(number, "hola")
        if sender is None:
            sweeping.shown.person(number, "Le atiende Rosa")
        else:
            sweeping.shown.says(number, "respuesta", OUTGOING, sender)
    assert sweeping.sweep(after_seconds=100) == []
    assert sweeping.asked() == ["conversations open 1"]


@pytest.mark.parametrize(
    "silent", ["note", "activity", "greeting", "automation"],
)  # fmt: skip
def test_notes_activity_greetings_and_automations_answer_nothing(sweeping: Sweeping, silent: str) -> None:
    """Chatwoot greets by itself, right after the first message; the question is still open."""
    sweeping.shown.says(C, "¿Cuánto cuesta?")
    if silent == "note":
        sweeping.shown.person(C, "¿quién responde?", private=True)
    elif silent == "activity":
        sweeping.shown.activity(C)
    elif silent == "greeting":
        sweeping.shown.says(C, "Gracias por escribir", TEMPLATE, None)
    else:
        sweeping.shown.says(C, "Fuera de horario", OUTGOING, None)
    assert sweeping.sweep(after_seconds=100) == ["¿Cuánto cuesta?"]


def test_a_note_over_an_answered_conversation_is_looked_behind_once(sweeping: Sweeping) -> None:
    """Not in every run of the next six hours."""
    sweeping.shown.says(C, "hola")
    sweeping.shown.desk(C, "respuesta")
    sweeping.shown.person(C, "recordar", private=True)
    for _ in range(3):
        assert sweeping.sweep(after_seconds=100) == []
    assert len(sweeping.asked("messages")) == 1


def test_a_deleted_message_is_not_enqueued_and_hides_none(sweeping: Sweeping) -> None:
    """The one before it still waits."""
    sweeping.shown.says(C, "uno")
    sweeping.shown.says(C, "dos", content_attributes={"deleted": True})
    assert sweeping.sweep(after_seconds=100) == ["uno"]


def test_a_long_wait_is_read_page_by_page(sweeping: Sweeping) -> None:
    """Twenty messages a page."""
    sweeping.shown.desk(C, "respuesta")
    for number in range(45):
        sweeping.shown.says(C, str(number))
    assert sweeping.sweep(after_seconds=100) == [str(number) for number in range(45)]
    assert len(sweeping.asked("messages")) == 3


# -- whose it is --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inboxes", "found"),
    [
        ("all", 1),
        ([{"id": webhooks.INBOX}], 1),
        ([{"id": 99}], 0),
        ([{"id": 99}, {"id": webhooks.INBOX}], 1),
    ],
)
def test_only_the_companys_inboxes_are_searched(sweeping: Sweeping, inboxes: object, found: int) -> None:
    """The list shows the whole account's."""
    sweeping.document(inboxes=inboxes)
    sweeping.shown.says(C, "hola")
    assert len(sweeping.sweep(after_seconds=100)) == found


def test_where_an_agent_bot_serves_pending_and_open_conversations_are_searched(sweeping: Sweeping) -> None:
    """Chatwoot opens one whose delivery to the bot failed; an inbox with a webhook has open ones only."""
    sweeping.document(inboxes=[{"id": webhooks.INBOX, "via": "agent_bot"}, {"id": 13}])
    sweeping.shown.conversation(1, status="pending")
    sweeping.shown.conversation(2, inbox_id=13)
    sweeping.shown.conversation(3, inbox_id=13, status="pending")
    for number in (1, 2, 3, 4):
        sweeping.shown.says(number, f"en {number}")
    assert sorted(sweeping.sweep(after_seconds=100)) == ["en 1", "en 2", "en 4"]


def test_email_inboxes_are_searched_only_where_they_are_listed(sweeping: Sweeping) -> None:
    """As at the door; a foreign inbox costs no call."""
    meta = {"sender": CUSTOMER, "channel": "Channel::Email"}
    sweeping.shown.conversation(C, meta=meta)
    sweeping.shown.says(C, "hola")
    sweeping.shown.person(C, "nota", private=True)
    assert sweeping.sweep(after_seconds=100) == []
    assert sweeping.asked("messages") == []
    sweeping.document(inboxes=[{"id": webhooks.INBOX}])
    assert sweeping.sweep(after_seconds=100) == ["hola"]


@pytest.mark.parametrize("status", ["resolved", "snoozed", "pending"])
def test_conversations_of_other_statuses_are_left_alone(sweeping: Sweeping, status: str) -> None:
    """The desk would be silent in them."""
    sweeping.shown.conversation(C, status=status)
    sweeping.shown.says(C, "hola")
    assert sweeping.sweep(after_seconds=100) == []


def test_a_blocked_contact_is_left_alone(sweeping: Sweeping) -> None:
    """As at the door."""
    meta = {"sender": CUSTOMER | {"blocked": True}, "channel": "Channel::Whatsapp"}
    sweeping.shown.conversation(C, meta=meta)
    sweeping.shown.says(C, "hola")
    assert sweeping.sweep(after_seconds=100) == []


def test_what_was_written_before_the_company_was_connected_is_not_answered(sweeping: Sweeping) -> None:
    """Nobody asked the desk then."""
    sweeping.shown.says(C, "antes")
    sweeping.clock.advance(600)
    sweeping.connected(connected_at=int(sweeping.clock.now().timestamp() * 1000))
    sweeping.clock.advance(10)
    sweeping.shown.says(C, "después")
    assert sweeping.sweep(after_seconds=100) == ["después"]


def test_what_was_written_while_the_company_was_off_is_not_answered(sweeping: Sweeping) -> None:
    """Every run notes that it is off; then nothing is searched."""
    sweeping.document(mode="off")
    sweeping.shown.says(C, "apagado")
    assert sweeping.sweep(after_seconds=100) == []
    assert sweeping.asked() == []
    sweeping.document(mode="live")
    assert sweeping.sweep(after_seconds=100) == []
    sweeping.shown.says(C, "encendido")
    assert sweeping.sweep(after_seconds=100) == ["encendido"]


# -- people first -------------------------------------------------------------------------------------


def test_a_person_whose_webhook_was_lost_as_well_is_still_in_charge(sweeping: Sweeping) -> None:
    """The turn must not speak over somebody that only Chatwoot's list shows."""
    sweeping.shown.says(C, "hola")
    sweeping.clock.advance(5)
    sweeping.shown.person(C, "Le atiende Rosa")
    sweeping.clock.advance(5)
    sweeping.shown.says(C, "gracias")
    assert sweeping.sweep(after_seconds=100) == ["gracias"]
    sweeping.world.work_until_done()
    assert sweeping.world.said() == []
    people = sweeping.world.table.get(sweeping.world.key().people())
    assert people is not None
    assert people["human_message_id"] == 70_002


def test_a_person_who_was_known_and_gave_back_is_not_put_in_charge_again(sweeping: Sweeping) -> None:
    """Only what is newer than the person's newest known message is told."""
    sweeping.shown.says(C, "hola")
    person = sweeping.shown.person(C, "Le atiende Rosa")
    sweeping.clock.advance(3)
    sweeping.world.person_writes("Le atiende Rosa", person)
    remembered = sweeping.world.message("", person).contact.message(person)
    as_told = sweeping.world.table.get(remembered)
    assert as_told is not None
    sweeping.clock.advance(5)
    sweeping.world.state_changes("resolved")
    sweeping.clock.advance(5)
    sweeping.world.state_changes("open")
    sweeping.shown.says(C, "otra cosa")
    sweeping.sweep(after_seconds=100)
    sweeping.world.work_until_done()
    assert sweeping.world.said() == ["Re: otra cosa"]
    assert sweeping.world.table.get(remembered) == as_told  # with the time at which the door saw it


# -- bounds -------------------------------------------------------------------------------------------


def test_a_big_backlog_is_worked_off_run_by_run_newest_first(world: World) -> None:
    """Bounded calls in each run, nothing left out, nothing twice."""
    sweeping = Sweeping(world, MissedSettings(calls=20))
    for number in range(1, 61):
        sweeping.shown.says(number, f"mensaje {number}")
        sweeping.clock.advance(2)
    sweeping.clock.advance(100)
    runs: list[list[str]] = []
    while not runs or runs[-1]:
        before = len(sweeping.asked())
        runs.append(sweeping.sweep(after_seconds=120))
        assert len(sweeping.asked()) - before <= 20
    assert runs[0][0] == "mensaje 60"
    every = [text for run in runs for text in run]
    assert sorted(every) == sorted(f"mensaje {number}" for number in range(1, 61))
    assert [len(run) for run in runs] == [19, 18, 17, 6, 0]


def test_many_open_conversations_do_not_hide_the_pending_ones(world: World) -> None:
    """Each status has its share of the calls."""
    sweeping = Sweeping(world, MissedSettings(calls=10))
    sweeping.document(takeover={"bot_statuses": ["open", "pending"]})
    for number in range(1, 31):
        sweeping.shown.says(number, "abierta")
    sweeping.shown.conversation(99, status="pending")
    sweeping.shown.says(99, "pendiente")
    assert "pendiente" in sweeping.sweep(after_seconds=100)


def test_a_rate_limit_stops_this_run_and_the_next_goes_on(sweeping: Sweeping) -> None:
    """What was enqueued before it stays enqueued."""
    for number in (1, 2, 3):
        sweeping.shown.says(number, f"mensaje {number}")
        sweeping.clock.advance(1)
    sweeping.clock.advance(100)
    limited = RetryLater("busy", reason="status_429")
    ask = sweeping.shown.messages

    def messages(conversation_id: int, **how: Any) -> Any:  # noqa: ANN401 - passed through
        if conversation_id == 2:
            sweeping.shown.faults.append(limited)
        return ask(conversation_id, **how)

    sweeping.shown.messages = messages  # type: ignore[method-assign]
    assert sweeping.sweep() == ["mensaje 3"]
    sweeping.shown.messages = ask  # type: ignore[method-assign]
    assert sweeping.sweep(after_seconds=30) == []  # the server is left in peace for a minute
    assert sweeping.sweep(after_seconds=60) == ["mensaje 2", "mensaje 1"]


def test_a_server_that_fails_is_left_in_peace_by_the_other_companies_too(sweeping: Sweeping) -> None:
    """A rate limit counts by address, not by account."""
    sweeping.companies.documents["luna"] = sweeping.companies.documents["sol"]
    sweeping.shown.faults.append(RetryLater("busy", reason="status_503"))
    sweeping.sweep()
    assert len(sweeping.asked()) == 1


def test_a_company_whose_token_is_refused_does_not_harm_the_next(sweeping: Sweeping) -> None:
    """Its people are told by the status of the connection."""
    sweeping.companies.documents["luna"] = sweeping.companies.documents["sol"]
    sweeping.shown.faults.append(ChatwootDenied("no", reason="token_invalid", status=401))
    sweeping.shown.says(C, "hola")
    assert sweeping.sweep(after_seconds=100) == ["hola"]


def test_a_search_that_breaks_is_counted_and_does_not_harm_the_next(
    sweeping: Sweeping, capsys: pytest.CaptureFixture[str]
) -> None:
    """An error of ours."""
    sweeping.companies.documents["luna"] = sweeping.companies.documents["sol"]
    sweeping.shown.faults.append(ValueError("a bug"))
    sweeping.shown.says(C, "hola")
    assert sweeping.sweep(after_seconds=100) == ["hola"]
    assert '"MissedRunsBroken":[1' in capsys.readouterr().out


def test_conversations_without_activity_in_the_limit_are_not_paged_through(sweeping: Sweeping) -> None:
    """The list is by newest activity."""
    for number in range(1, 76):
        sweeping.shown.says(number, "viejo")
    sweeping.clock.advance(7 * 3600)
    sweeping.shown.says(99, "nuevo")
    assert sweeping.sweep(after_seconds=100) == ["nuevo"]
    assert sweeping.asked("conversations") == ["conversations open 1"]


def test_time_runs_out_for_the_last_companies_and_their_next_run_comes(sweeping: Sweeping) -> None:
    """Nothing is begun that cannot be finished."""
    sweeping.shown.says(C, "hola")
    sweeping.clock.advance(100)
    record = QueueRecord("1", "r", Errand("sol", int(sweeping.clock.now().timestamp())).to_json(), 1)
    assert sweeping.rounds.take_all([record], 8.0) == []
    assert sweeping.queued() == []
    assert sweeping.sweep(after_seconds=120) == ["hola"]


# -- runs ---------------------------------------------------------------------------------------------


def test_every_connected_company_gets_one_errand(sweeping: Sweeping) -> None:
    """Page by page; companies that are off get none."""
    company: Company = sweeping.companies.documents["sol"]
    for name in ("luna", "mar", "cielo", "rio"):
        sweeping.companies.documents[name] = company
    sweeping.companies.documents["off"] = type(company).parse(SOL | {"mode": "off"})
    assert sweeping.rounds.send_out("2026-11-23T09:02:00Z") == 5
    assert [one.company_id for one in sweeping.errands.sent] == ["cielo", "luna", "mar", "rio", "sol"]
    assert {one.run for one in sweeping.errands.sent} == {1_795_424_520}


def test_the_same_run_twice_searches_once(sweeping: Sweeping) -> None:
    """The clock and the queue both deliver at least once; copies reach other processes."""
    for _ in range(2):
        sweeping.rounds.send_out("2026-11-23T09:00:00Z")
    sweeping.deliver()
    sweeping.rounds.send_out("2026-11-23T09:00:00Z")
    sweeping.rounds = sweeping.new_rounds()
    sweeping.deliver()
    assert sweeping.asked() == ["conversations open 1"]


def test_a_run_that_was_overtaken_is_not_made(sweeping: Sweeping) -> None:
    """An errand that waited for minutes: the next run is there already."""
    sweeping.rounds.send_out()
    sweeping.clock.advance(300)
    sweeping.deliver()
    assert sweeping.asked() == []


@pytest.mark.parametrize(
    "without",
    [{"has_user_token": False}, {"capabilities": {"list_conversations": False}}, {"status": "disconnected"}],
)
def test_companies_that_cannot_be_searched_get_no_errand(sweeping: Sweeping, without: dict[str, Any]) -> None:
    """An agent bot's token cannot list; the connection's status says what that means."""
    sweeping.connected(**without)
    assert sweeping.rounds.send_out() == 0


def test_an_errand_that_nobody_can_read_stays_for_the_dead_letters(sweeping: Sweeping) -> None:
    """And harms no other."""
    good = Errand("sol", int(sweeping.clock.now().timestamp())).to_json()
    bodies = ["{}", "no json", '{"v":1,"kind":"missed_messages"}', good]
    records = [QueueRecord(str(n), "r", body, 1) for n, body in enumerate(bodies)]
    assert sweeping.rounds.take_all(records, 55.0) == ["0", "1", "2"]
    assert sweeping.asked() == ["conversations open 1"]


# -- the queue is behind ------------------------------------------------------------------------------


def test_nothing_is_searched_while_the_queues_oldest_message_waits_for_over_a_minute(
    sweeping: Sweeping,
) -> None:
    """What seems lost may just be late, and the queue has enough to do."""
    sweeping.shown.says(C, "hola")
    sweeping.waiting = 1
    assert sweeping.sweep(after_seconds=100) == []
    assert sweeping.asked() == []
    sweeping.waiting = 0
    assert sweeping.sweep(after_seconds=100) == ["hola"]


def test_a_queue_that_is_busy_and_keeps_up_stops_no_search(sweeping: Sweeping) -> None:
    """Workers note when what they took up had arrived."""
    sweeping.shown.says(C, "hola")
    sweeping.clock.advance(100)
    sweeping.world.customer_writes("otra", 95_000, 300)
    sweeping.world.work_once()
    sweeping.waiting = 500
    assert sweeping.sweep(after_seconds=40) == ["hola"]


def test_a_queue_whose_messages_are_taken_up_late_stops_the_search(sweeping: Sweeping) -> None:
    """Taken up just now, but two minutes after it arrived."""
    sweeping.shown.says(C, "hola")
    sweeping.world.customer_writes("otra", 95_000, 300)
    sweeping.clock.advance(120)
    sweeping.world.work_once()
    sweeping.waiting = 500
    assert sweeping.sweep() == []


def test_a_run_that_began_before_the_queue_fell_behind_is_stopped_too(sweeping: Sweeping) -> None:
    """The errands look once more."""
    sweeping.shown.says(C, "hola")
    sweeping.clock.advance(100)
    sweeping.rounds.send_out()
    sweeping.waiting = 1
    sweeping.deliver()
    assert sweeping.queued() == []


# -- lost, or only late -------------------------------------------------------------------------------


def test_lost_is_counted_where_the_searchs_copy_reaches_the_inbox_first(
    sweeping: Sweeping, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once, and not again when the webhook comes after all."""
    message_id = sweeping.shown.says(C, "hola")
    sweeping.sweep(after_seconds=100)
    sweeping.world.work_until_done()
    assert lost(capsys) == 1
    sweeping.clock.advance(400)
    sweeping.world.customer_writes("hola", message_id)
    sweeping.world.work_until_done()
    assert lost(capsys) == 0
    assert sweeping.world.said() == ["Re: hola"]


def test_nothing_is_lost_where_the_webhook_was_first(
    sweeping: Sweeping, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its message waited in the queue: one group, one order."""
    message_id = sweeping.shown.says(C, "hola")
    sweeping.world.customer_writes("hola", message_id)
    assert sweeping.sweep(after_seconds=100) == ["hola"]
    sweeping.world.work_until_done()
    assert lost(capsys) == 0
    assert sweeping.world.said() == ["Re: hola"]
    assert len(sweeping.world.mind.asked) == 1


def test_sqs_does_not_take_the_searchs_copy_for_one_it_had_before(sweeping: Sweeping) -> None:
    """It remembers for five minutes also what was deleted."""
    message_id = sweeping.shown.says(C, "hola")
    message = sweeping.world.customer_writes("hola", message_id)
    sweeping.world.queue.delete(sweeping.world.queue.receive())  # gone before it reached the inbox
    assert message.message_id == message_id
    assert sweeping.sweep(after_seconds=100) == ["hola"]


def test_incoming_words_of_a_customer_are_never_logged(
    sweeping: Sweeping, capsys: pytest.CaptureFixture[str]
) -> None:
    """Numbers and ages are."""
    sweeping.shown.says(C, "un secreto", INCOMING)
    sweeping.sweep(after_seconds=100)
    sweeping.world.work_until_done()
    captured = capsys.readouterr()
    assert "un secreto" not in captured.out + captured.err
