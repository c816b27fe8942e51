"""How old the incoming queue's oldest waiting message may be, told by what workers took up."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from shared.chatwoot.events import parse
from shared.companies.errands import ErrandQueue
from shared.conversations.backlog import TAKEN_UP, Backlog, TakenUp
from shared.conversations.incoming import IncomingMessage, incoming_message
from shared.conversations.keys import ConversationKey
from shared.conversations.missed.errands import Errand
from shared.conversations.missed.settings import MissedSettings
from shared.platform.settings import Environment, SettingError
from tests.fakes.table import MemoryTable
from tests.support import webhooks

if TYPE_CHECKING:
    from tests.fakes.clock import FakeClock


def message(clock: FakeClock, age_seconds: float) -> IncomingMessage:
    """A message that arrived so long ago."""
    event = parse(webhooks.message_created())
    assert event is not None
    assert event.message is not None
    key = ConversationKey("sol", webhooks.ACCOUNT, webhooks.CONVERSATION)
    made = incoming_message(key, event.conversation, event.message, clock.now())
    return replace(made, received_at_ms=made.received_at_ms - int(age_seconds * 1000))


def behind(table: MemoryTable, clock: FakeClock, *waiting: int) -> bool:
    """Whether the queue is behind; ``waiting`` is what SQS tells, look by look."""
    looks = iter(waiting)
    return Backlog(lambda: next(looks), table, clock, limit_seconds=60).behind()


@pytest.fixture
def table() -> MemoryTable:
    """The conversations table, empty."""
    return MemoryTable("conversations")


def test_an_empty_queue_is_not_behind(table: MemoryTable, clock: FakeClock) -> None:
    """Whatever was noted."""
    assert not behind(table, clock, 0)


def test_a_queue_that_nobody_empties_is_behind(table: MemoryTable, clock: FakeClock) -> None:
    """Looked at three times, a second apart."""
    assert behind(table, clock, 1, 1, 1)
    assert clock.slept_seconds == [1, 1]


def test_a_message_that_is_just_being_handed_over_is_not_a_backlog(
    table: MemoryTable, clock: FakeClock
) -> None:
    """The next look sees it gone."""
    assert not behind(table, clock, 1, 0)


@pytest.mark.parametrize(("age_seconds", "expected"), [(1, False), (59, False), (61, True), (600, True)])
def test_what_was_taken_up_tells_the_age_of_what_waits(
    table: MemoryTable, clock: FakeClock, age_seconds: float, *, expected: bool
) -> None:
    """A worker that takes up old messages is as telling as none."""
    TakenUp(table).note([message(clock, age_seconds + 300), message(clock, age_seconds)])
    clock.slept_seconds.clear()
    assert behind(table, clock, *[900] * 3) == expected


def test_an_old_note_counts_from_when_its_message_arrived(table: MemoryTable, clock: FakeClock) -> None:
    """Not from when it was written."""
    TakenUp(table).note([message(clock, 30)])
    clock.advance(29)
    assert not behind(table, clock, *[900] * 3)
    clock.advance(5)
    assert behind(table, clock, *[900] * 3)


def test_notes_are_few_and_never_go_backwards(table: MemoryTable, clock: FakeClock) -> None:
    """Fifteen seconds apart in one process; a slow process does not undo another's."""
    first, second = TakenUp(table), TakenUp(table)
    arrived: list[int] = []
    for _ in range(40):
        clock.advance(1)
        first.note([message(clock, 0)])
        arrived.append((table.get(TAKEN_UP) or {})["arrived_ms"])
    assert len(set(arrived)) == 3
    second.note([message(clock, 100)])
    assert (table.get(TAKEN_UP) or {})["arrived_ms"] == arrived[-1]


def test_a_note_that_cannot_be_written_harms_nothing(clock: FakeClock) -> None:
    """Customers wait for what the worker does next."""

    class Broken(MemoryTable):
        def update(self, *_: Any, **__: Any) -> Any:  # noqa: ANN401 - it never answers
            raise OSError("the table is away")

    TakenUp(Broken("conversations")).note([message(clock, 0)])
    TakenUp(Broken("conversations")).note([])


def test_an_errand_reads_back_and_nothing_else_does() -> None:
    """The queue carries nothing else of ours."""
    errand = Errand("sol", 1_795_424_520)
    assert Errand.from_json(errand.to_json()) == errand
    for other in ("[]", "{}", "x", json.dumps({"kind": "missed_messages", "company_id": "sol", "run": None})):
        with pytest.raises(ValueError, match=r".+"):
            Errand.from_json(other)


def test_an_errand_names_its_company_as_group_and_nothing_that_a_standard_queue_refuses() -> None:
    """Fair queues go by the group; deduplication ids are for FIFO queues."""

    class Client:
        def __init__(self) -> None:
            self.sent: list[dict[str, Any]] = []

        def send_message(self, **request: Any) -> None:  # noqa: ANN401 - as botocore takes it
            self.sent.append(request)

    client: Any = Client()
    ErrandQueue(client, "https://sqs.example/q").send(Errand("sol", 7))
    [request] = client.sent
    assert request.pop("MessageBody") == Errand("sol", 7).to_json()
    assert request == {"QueueUrl": "https://sqs.example/q", "MessageGroupId": "sol"}


def test_the_search_has_defaults_and_refuses_wrong_settings() -> None:
    """By the variable's name."""
    assert MissedSettings.from_environment(Environment({})) == MissedSettings()
    with pytest.raises(SettingError, match="FRONTDESK_MISSED_CALLS"):
        MissedSettings.from_environment(Environment({"FRONTDESK_MISSED_CALLS": "0"}))


def test_messages_of_before_the_search_existed_still_read(clock: FakeClock) -> None:
    """Their origin is the webhook."""
    older = json.loads(message(clock, 0).to_json())
    del older["origin"]
    assert IncomingMessage.from_json(json.dumps(older)).origin == "webhook"
