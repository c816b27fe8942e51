"""What breaks on our side of asking a provider is never taken for what the provider did."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from shared.email.asking import SETTLE
from shared.email.providers.contract import Accepted, Ambiguous, NotAccepted, Provider, Rejected, said
from shared.email.records import State
from shared.platform.errors import GiveUp, RetryLater
from tests.fakes.mail import COMPANY, MailWorld, ScriptedProvider

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
