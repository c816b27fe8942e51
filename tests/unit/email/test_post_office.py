"""The worker of e-mails: batches, waiting, what broke, and what was lost."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from shared.email.message import NewEmail
from shared.email.post_office import LEAST_SECONDS, MARGIN_SECONDS, PostOffice
from shared.email.providers.contract import Accepted, Ambiguous, NotAccepted, Refusal
from shared.email.records import LOST_AFTER, content_key, email_key
from shared.platform.queue_records import QueueRecord
from tests.fakes.mail import COMPANY, MailWorld, ScriptedProvider

if TYPE_CHECKING:
    import pytest


def received(body: str, sqs_id: str = "s-1", receive_count: int = 1) -> QueueRecord:
    """A received record."""
    return QueueRecord(sqs_id, f"handle of {sqs_id}", body, receive_count)


@dataclass
class Queue:
    """Notes what was sent, and what was hidden for how long."""

    sent: list[str] = field(default_factory=list)
    hidden: dict[str, float] = field(default_factory=dict)
    broken: bool = False

    def send(self, company_id: str, email_id: str, *, delay_seconds: int = 0) -> None:
        """See `shared.email.outbox.EmailQueue`."""
        assert (company_id, delay_seconds) == (COMPANY, 0)
        self.sent.append(email_id)

    def hide(self, receipt_handle: str, seconds: float) -> None:
        """See `shared.email.post_office.WorkQueue`."""
        if self.broken:
            raise ClientError({"Error": {"Code": "ServiceUnavailable"}}, "ChangeMessageVisibility")
        self.hidden[receipt_handle.removeprefix("handle of ")] = seconds


def office(world: MailWorld) -> tuple[PostOffice, Queue]:
    """The worker of a world, and its queue."""
    queue = Queue()
    return PostOffice(world.delivery, queue, world.table, world.ledger, world.clock), queue


def names(email_id: str) -> str:
    """A record's body."""
    return json.dumps({"company_id": COMPANY, "email_id": email_id})


def test_what_is_sent_leaves_the_queue() -> None:
    """And only that."""
    world = MailWorld()
    worker, queue = office(world)
    sent, waiting = world.write("a"), world.write("b")
    world.clock.advance(1)
    assert worker.take_all([received(names(sent))], 100) == []
    world.first.steps = [NotAccepted("busy", after_seconds=30)]
    assert worker.take_all([received(names(waiting), "s-2")], 100) == ["s-2"]
    assert queue.hidden == {"s-2": 30}
    assert [world.state(one) for one in (sent, waiting)] == ["ACCEPTED", "QUEUED"]


def test_a_record_that_names_nothing_leaves_the_queue() -> None:
    """The table knows what waits; a message that nobody can read would go round for days."""
    worker, queue = office(MailWorld())
    records = [received(body) for body in ("{", "{}", "[]", "null")]
    assert worker.take_all(records, 100) == []
    assert queue.hidden == {}


def test_nothing_is_begun_that_cannot_end_in_time() -> None:
    """It comes back at once, to an invocation that has the time."""
    world = MailWorld()
    worker, queue = office(world)
    email_id = world.write()
    assert worker.take_all([received(names(email_id))], LEAST_SECONDS + MARGIN_SECONDS - 1) == ["s-1"]
    assert queue.hidden == {"s-1": 0}
    assert world.arrived() == 0


def test_an_e_mail_that_breaks_its_delivery_stops_no_other_and_comes_back_later_and_later() -> None:
    """Up to a quarter of an hour."""
    world = MailWorld()
    worker, queue = office(world)
    broken, fine = world.write("a"), world.write("b")
    key = content_key(COMPANY, broken)
    world.table.update(key, "SET content = :what", values={":what": "nobody foresaw this"})
    staying = worker.take_all([received(names(broken)), received(names(fine), "s-2")], 100)
    assert (staying, queue.hidden) == (["s-1"], {"s-1": 10})
    assert world.state(fine) == "ACCEPTED"
    world.unready = RuntimeError("nobody foresaw this either")
    pauses = []
    for count in (2, 3, 8, 300):
        worker.take_all([received(names(world.write(f"c{count}")), receive_count=count)], 100)
        pauses.append(queue.hidden["s-1"])
    assert pauses == [20, 40, 900, 900]


def test_a_message_that_cannot_be_hidden_keeps_no_other_waiting() -> None:
    """It comes back by itself, later."""
    world = MailWorld()
    worker, queue = office(world)
    waiting, fine = world.write("a"), world.write("b")
    world.first.steps = [NotAccepted("busy")]
    queue.broken = True
    staying = worker.take_all([received(names(waiting)), received(names(fine), "s-2")], 100)
    assert (staying, queue.hidden) == (["s-1"], {})
    assert world.state(fine) == "ACCEPTED"


def test_an_e_mail_whose_message_was_lost_is_queued_again() -> None:
    """Once for each time that a message may take."""
    world = MailWorld()
    worker, queue = office(world)
    email_id = world.write()
    world.clock.advance(LOST_AFTER.total_seconds() - 1)
    assert worker.sweep() == 0
    world.clock.advance(2)
    assert (worker.sweep(), queue.sent) == (1, [email_id])
    assert worker.sweep() == 0
    world.clock.advance(LOST_AFTER.total_seconds() + 1)
    assert worker.sweep() == 1


def test_what_waits_for_its_time_is_not_lost() -> None:
    """Until that time is over as well."""
    world = MailWorld(second=ScriptedProvider(NotAccepted("busy", after_seconds=3_600)))
    worker, _ = office(world)
    world.first.steps = [NotAccepted("busy", after_seconds=3_600)]
    email_id = world.write()
    worker.take_all([received(names(email_id))], 100)
    assert world.state(email_id) == "QUEUED"
    world.clock.advance(3_600)
    assert worker.sweep() == 0
    world.clock.advance(LOST_AFTER.total_seconds() + 1)
    assert worker.sweep() == 1


def test_what_has_ended_is_not_swept() -> None:
    """Nor what a provider has."""
    world = MailWorld()
    worker, queue = office(world)
    worker.take_all([received(names(world.write()))], 100)
    world.clock.advance(timedelta(days=1).total_seconds())
    assert (worker.sweep(), queue.sent) == (0, [])


def test_a_worker_that_died_is_followed_by_the_sweep() -> None:
    """Its message may be gone with it; nobody knows whether the provider has the e-mail."""
    world = MailWorld(rules={"transactional": {"when_unknown": "leave"}})
    worker, queue = office(world)
    email_id = world.write()
    record = world.ledger.read(COMPANY, email_id)
    assert record is not None
    world.ledger.sending(record, "first", world.clock.now() + timedelta(seconds=90))
    world.clock.advance(90 + LOST_AFTER.total_seconds() + 1)
    assert (worker.sweep(), queue.sent) == (1, [email_id])
    worker.take_all([received(names(email_id))], 100)
    assert world.state(email_id) == "UNKNOWN"
    assert world.arrived() == 0


def test_an_index_that_is_a_moment_behind_makes_nobody_send_twice() -> None:
    """What has ended may still stand in it."""
    world = MailWorld()
    worker, queue = office(world)
    email_id = world.write()
    item = world.table.get(email_key(COMPANY, email_id))
    assert item is not None
    worker.take_all([received(names(email_id))], 100)
    behind = {name: value for name, value in item.items() if name.startswith("waiting_")}
    ended = world.table.get(email_key(COMPANY, email_id))
    assert ended is not None
    world.table.put({**ended, **behind})
    world.clock.advance(LOST_AFTER.total_seconds() + 1)
    assert (worker.sweep(), queue.sent) == (0, [])


def test_what_a_person_sends_again_begins_anew() -> None:
    """With all its tries, and under the same name for mail programs."""
    world = MailWorld()
    world.first.steps = [Ambiguous("lost"), Ambiguous("lost")]
    email_id = world.write()
    world.settle(email_id)
    left = world.ledger.read(COMPANY, email_id)
    assert left is not None
    assert (left.state, left.sent_again) == ("UNKNOWN", True)
    again = world.ledger.resent(left, world.clock.now() + timedelta(hours=1))
    assert (again.state, again.sent_again, again.unknown_since, dict(again.tried)) == (
        "QUEUED",
        False,
        None,
        {},
    )
    world.clock.advance(3_600 - 60)
    world.settle(email_id)
    assert world.state(email_id) == "ACCEPTED"
    assert len({mail.message_id for mail in [*world.first.given, *world.second.given]}) == 1


def test_a_copy_for_another_provider_does_not_wait_and_none_counts_as_lost(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A busy mailbox needs its time, another provider does not."""
    busy = Refusal("ana@example.org", permanent=False, code="450")
    away = Refusal("luis@example.org", permanent=True, code="554", ours=True)
    world = MailWorld(ScriptedProvider(Accepted("p", (busy, away))))
    worker, queue = office(world)
    people = {"to": ["marta@example.org", "ana@example.org", "luis@example.org"], "subject": "S", "text": "T"}
    email_id = world.outbox.enqueue(COMPANY, NewEmail.parse(people), key="k")
    worker.take_all([received(names(email_id))], 100)
    record = world.ledger.read(COMPANY, email_id)
    assert record is not None
    later, elsewhere = record.rests
    worker.sweep()
    assert queue.sent == [elsewhere]
    world.clock.advance(LOST_AFTER.total_seconds() + 1)
    worker.sweep()
    assert later in queue.sent
    assert "EmailsSwept" not in capsys.readouterr().out
