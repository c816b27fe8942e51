"""What breaks on our side of asking a provider is never taken for what the provider did."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from shared.companies.customers import Customer
from shared.email.asking import SETTLE
from shared.email.breakers import Breakers
from shared.email.callbacks.reports import Fate, Report
from shared.email.customer_shelf import EmailShelf
from shared.email.message import NewEmail
from shared.email.providers.contract import (
    Accepted,
    Ambiguous,
    NotAccepted,
    Provider,
    Refusal,
    Rejected,
    said,
)
from shared.email.records import Contact, State
from shared.platform.clock import Deadline
from shared.platform.errors import Conflict, GiveUp, RetryLater
from tests.fakes.mail import COMPANY, MailWorld, NoFiles, ScriptedProvider

if TYPE_CHECKING:
    from shared.companies.email import EmailProvider
    from shared.email.records import EmailRecord
    from shared.email.rendered import Rendered


class World(MailWorld):
    """One whose providers may not open, and whose table may not take writes for a while."""

    closed: Exception | None = None

    def provider(self, company_id: str, settings: EmailProvider) -> Provider:
        """See `shared.email.asking.Opener`."""
        if self.closed and settings.id == "first":
            raise self.closed
        return super().provider(company_id, settings)

    def record(self, email_id: str) -> EmailRecord:
        """The e-mail as it is."""
        found = self.ledger.read(COMPANY, email_id)
        assert found is not None
        return found

    def lose_writes(self, how_many: int) -> None:
        """The table takes none of the next ones."""
        real, left = self.table.update, [how_many]

        def update(*words: object, **more: object) -> object:
            if left[0]:
                left[0] -= 1
                raise ClientError({"Error": {"Code": "ProvisionedThroughputExceededException"}}, "UpdateItem")
            return real(*words, **more)  # type: ignore[arg-type]

        self.table.update = update  # type: ignore[assignment, method-assign]

    def repeat_the_next_write(self) -> None:
        """As the SDK does where the answer of a write was lost."""
        real, left = self.table.update, [1]

        def update(*words: object, **more: object) -> object:
            if left[0]:
                left[0] -= 1
                real(*words, **more)  # type: ignore[arg-type]
            return real(*words, **more)  # type: ignore[arg-type]

        self.table.update = update  # type: ignore[assignment, method-assign]


class Unwritable(ScriptedProvider):
    """Cannot write any message down."""

    def _written(self, rendered: Rendered) -> bytes:
        raise UnicodeEncodeError("ascii", rendered.text, 0, 1, "nobody foresaw this")


def test_a_verdict_is_written_again_until_it_stands() -> None:
    """Otherwise the provider's yes is forgotten, and the e-mail sent twice."""
    world = World()
    email_id = world.write()
    world.first.meanwhile = lambda: world.lose_writes(5)
    assert world.settle(email_id) == 1
    assert (world.state(email_id), world.arrived()) == (State.ACCEPTED, 1)


@pytest.mark.parametrize("verdict", [NotAccepted("421"), Rejected("spam", about="message")])
def test_a_certain_refusal_that_cannot_be_written_at_once_stays_certain(verdict: Exception) -> None:
    """A reminder of which nobody knows would not be sent any more."""
    world = World(ScriptedProvider(verdict))
    email_id = world.write(kind="reminder")
    world.first.meanwhile = lambda: world.lose_writes(3)
    world.settle(email_id)
    assert (world.state(email_id), world.record(email_id).possible_duplicate) == (State.ACCEPTED, False)


def test_a_verdict_that_cannot_be_written_in_time_is_one_that_nobody_knows() -> None:
    """And nobody guesses."""
    world = World()
    email_id = world.write(kind="reminder")
    world.first.meanwhile = lambda: world.lose_writes(10_000)
    with pytest.raises(ClientError):
        world.deliver(email_id)
    del world.table.update
    world.settle(email_id)
    assert (world.state(email_id), world.arrived()) == (State.UNKNOWN, 1)


def test_a_provider_that_does_not_open_because_of_us_is_not_blamed() -> None:
    """KMS's outage costs time, no try, and opens no breaker."""
    world = World()
    world.closed = RetryLater("KMS does not answer", reason="kms_unavailable")
    email_id = world.write()
    for _ in range(20):
        assert world.deliver(email_id).again_after == timedelta(seconds=30)
        world.clock.advance(30)
    record = world.record(email_id)
    assert (record.state, record.attempts, dict(record.tried)) == (State.QUEUED, 0, {})
    assert world.breakers.state(COMPANY, "first") is None
    world.closed = None
    world.settle(email_id)
    assert (world.state(email_id), len(world.first.given)) == (State.ACCEPTED, 1)


@pytest.mark.parametrize("error", [GiveUp("sealed for another"), Rejected("no secret", about="account")])
def test_a_provider_that_never_opens_is_passed_over(error: Exception) -> None:
    """It was not asked, so nothing is in doubt."""
    world = World()
    world.closed = error
    email_id = world.write()
    assert world.settle(email_id) == 1
    record = world.record(email_id)
    assert (record.state, record.provider, record.attempts) == (State.ACCEPTED, "second", 1)


def test_a_write_that_the_sdk_repeats_takes_the_e_mail_up_all_the_same() -> None:
    """Its first answer was lost; the second finds that somebody was there before: the caller itself."""
    world = World()
    email_id = world.write(kind="reminder")
    world.repeat_the_next_write()
    assert world.settle(email_id) == 1
    assert (world.state(email_id), world.arrived()) == (State.ACCEPTED, 1)


def test_busy_mailboxes_are_no_failure_of_their_server() -> None:
    """It answered, and judged the recipients: nobody else's mail has to go another way."""
    world = World(ScriptedProvider(*(NotAccepted("450", reason="recipients") for _ in range(6))))
    for number in range(6):
        world.deliver(world.write(f"k{number}"))
    assert (world.breakers.state(COMPANY, "first"), len(world.second.given)) == (None, 0)


def test_a_trial_is_given_back_by_whoever_holds_it() -> None:
    """Not by a worker of another process that could not carry its message."""
    world = World()
    world.breakers.failed(COMPANY, "first", "sendgrid", at_once=True)
    world.clock.advance(15 * 60)
    another = Breakers(world.table, world.clock)
    assert world.breakers.waits_until(COMPANY, "first") is None
    another.let_go(COMPANY, "first")
    assert another.waits_until(COMPANY, "first") is not None
    world.breakers.let_go(COMPANY, "first")
    assert another.waits_until(COMPANY, "first") is None


def test_a_trial_that_could_not_be_opened_lets_the_next_one_through() -> None:
    """The provider has not been asked yet."""
    world = World()
    world.closed = RetryLater("KMS does not answer")
    world.breakers.failed(COMPANY, "first", "sendgrid", at_once=True)
    world.clock.advance(15 * 60)
    world.deliver(world.write())
    assert world.breakers.waits_until(COMPANY, "first") is None


def test_a_message_that_cannot_be_written_down_for_a_vendor_goes_to_the_next() -> None:
    """A mistake of ours in one vendor's module stays there."""
    world = World(Unwritable())
    email_id = world.write()
    assert world.settle(email_id) == 1
    record = world.record(email_id)
    assert (record.state, record.provider, record.possible_duplicate) == (State.ACCEPTED, "second", False)
    assert record.tried["first"].ended == "unwritable"


def test_what_breaks_while_a_provider_is_asked_is_in_doubt() -> None:
    """It may have broken after the message was handed over."""
    world = World(ScriptedProvider(RuntimeError("nobody foresaw this")))
    email_id = world.write(kind="reminder")
    assert world.deliver(email_id).again_after == SETTLE
    assert (world.state(email_id), world.record(email_id).reason) == (State.UNKNOWN, "broken")


def test_nobody_is_asked_with_less_time_than_an_answer_may_take() -> None:
    """Our own end would cut it short, and nobody would know."""
    world = World()
    email_id = world.write()
    assert world.deliver(email_id, seconds=31).again_after == timedelta(seconds=1)
    assert (world.state(email_id), world.arrived()) == (State.QUEUED, 0)
    world.first.steps = [Ambiguous("lost"), Accepted("p")]
    world.deliver(email_id)
    world.clock.advance(SETTLE.total_seconds())
    assert world.deliver(email_id, seconds=31).again_after == timedelta(seconds=1)
    assert world.arrived() == 1


def test_an_e_mail_sent_again_by_a_person_says_that_there_may_be_two() -> None:
    """Also when that one is accepted at once."""
    world = World(ScriptedProvider(Ambiguous("lost")))
    email_id = world.write(kind="reminder")
    world.settle(email_id)
    ends_at = world.clock.now() + timedelta(hours=1)
    world.ledger.resent(world.record(email_id), ends_at)
    world.settle(email_id)
    record = world.record(email_id)
    assert (record.state, record.possible_duplicate) == (State.ACCEPTED, True)
    assert not replace(record, maybe_twice=False).possible_duplicate


def test_a_providers_words_are_read_no_further_than_they_are_shown() -> None:
    """A hostile server's hundred lines must not cost seconds."""
    assert said("<" * 500_000 + "a@b.example") == "<" * 200


def test_a_report_that_comes_during_the_second_try_is_not_overwritten() -> None:
    """The first copy arrived; what the provider says of the second changes nothing."""
    world = World(
        ScriptedProvider(Ambiguous("lost"), Rejected("550", about="recipients", reason="recipients"))
    )
    email_id = world.write()
    world.deliver(email_id)
    world.clock.advance(SETTLE.total_seconds())
    told = Report("e-1", Fate.DELIVERED, "marta@example.org", world.clock.now(), email_id, "p-9")
    world.first.meanwhile = lambda: world.aftermath.take(COMPANY, "first", [told])
    world.settle(email_id)
    assert (world.state(email_id), world.arrived()) == (State.ACCEPTED, 2)


def test_what_was_sent_again_on_purpose_stays_in_doubt_until_a_report_comes() -> None:
    """The first copy may be read; that the second was refused says nothing of it."""
    world = World(ScriptedProvider(Ambiguous("lost"), *(Rejected("no", about="message") for _ in range(2))))
    world.second.steps = [Rejected("no", about="message")]
    email_id = world.write(kind="reminder")
    world.settle(email_id)
    world.ledger.resent(world.record(email_id), world.clock.now() + timedelta(hours=1))
    world.settle(email_id)
    assert (world.state(email_id), world.record(email_id).left) == (State.UNKNOWN, True)
    told = Report("e-1", Fate.DELIVERED, "marta@example.org", world.clock.now(), email_id, "p-9")
    world.aftermath.take(COMPANY, "first", [told])
    assert world.state(email_id) == State.ACCEPTED


def test_a_doubt_near_the_end_of_its_worth_is_waited_for_in_one_piece() -> None:
    """Not second by second: each receive is a run of the function."""
    world = World(ScriptedProvider(Ambiguous("lost")))
    email_id = world.write(ends_at=world.clock.now() + timedelta(minutes=1))
    assert world.settle(email_id) == 2
    assert world.state(email_id) == State.UNKNOWN


def test_a_stray_message_of_what_was_left_brings_nothing_up_again() -> None:
    """Also hours later, and however often."""
    world = World(
        ScriptedProvider(Ambiguous("lost"), Rejected("550", about="recipients", reason="recipients"))
    )
    email_id = world.write()
    world.settle(email_id)
    for _ in range(3):
        world.clock.advance(3600)
        assert world.settle(email_id) == 1
    assert (world.state(email_id), world.arrived()) == (State.UNKNOWN, 2)


def test_a_customer_who_is_forgotten_while_a_provider_is_asked_stays_forgotten() -> None:
    """Also where a part of the recipients would be written to later."""
    refused = Refusal("cc@example.org", permanent=False, code="450")
    world = World(ScriptedProvider(Accepted("p", (refused,))))
    people = {"to": ["marta@example.org"], "cc": ["cc@example.org"], "subject": "S", "text": "T"}
    contact = Contact(1, 7)
    email_id = world.outbox.enqueue(COMPANY, NewEmail.parse(people), key="k", contact=contact)
    shelf = EmailShelf(world.table, world.aftermath, NoFiles())  # type: ignore[arg-type]

    def forget() -> None:
        assert shelf.forget(Customer(COMPANY, 1, 7), Deadline(world.clock, 10), lambda _: None)

    world.first.meanwhile = forget
    world.deliver(email_id)
    assert list(world.table.scan()) == []


@pytest.mark.parametrize("changed", [False, True])
def test_a_repeated_request_calls_the_worker_also_where_its_words_have_changed(changed: bool) -> None:  # noqa: FBT001 - a case
    """Whoever wrote it first may have died before the queue was called."""
    world = World()
    email_id = world.write()
    world.queued.clear()
    if changed:
        with pytest.raises(Conflict):
            world.write(to="another@example.org")
    else:
        world.write()
    assert world.queued == [email_id]


def test_the_same_file_uploaded_again_is_the_same_e_mail() -> None:
    """What counts is what it holds, not where it lies."""
    world = World()

    def send(key: str) -> str:
        stored = {"key": key, "version_id": key[-1], "sha256": "0" * 64, "size_bytes": 3}
        file = {"name": "a.pdf", "content_type": "application/pdf", "stored": stored}
        email = NewEmail.parse({"to": ["a@x.example"], "subject": "S", "text": "T", "attachments": [file]})
        return world.outbox.enqueue(COMPANY, email, key="k")

    assert send("company/sol/file/1") == send("company/sol/file/2")
