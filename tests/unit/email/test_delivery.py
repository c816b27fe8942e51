"""E-mails go out once, through whoever certainly takes them, and the table says what is known and no more."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any, Literal

import pytest

from shared.email.asking import BUSY_SECONDS, SEND_SECONDS, SETTLE
from shared.email.breakers import FAILURES
from shared.email.callbacks.reports import Fate, Report
from shared.email.desk import story_view
from shared.email.message import NewEmail
from shared.email.outbox import MAX_CONTENT_BYTES
from shared.email.providers.contract import Accepted, Ambiguous, NotAccepted, Refusal, Rejected, Unsupported
from shared.email.records import Contact, EmailRecord, Series, State
from shared.platform.errors import Conflict, GiveUp, InvalidInput, NotFound, RetryLater
from tests.fakes.mail import COMPANY, MailWorld, ScriptedProvider


def _busy() -> NotAccepted:
    return NotAccepted("421 try later")


ONLY_FIRST: dict[str, object] = {"transactional": {"providers": ["first"]}}


def _account() -> Rejected:
    return Rejected("bad key", about="account", reason="key_refused")


class _Died(BaseException):
    """The worker died here."""


def _report(email_id: str, fate: Fate = Fate.DELIVERED, **fields: object) -> Report:
    given = {"event_id": f"e-{fate}", "address": "marta@example.org", "provider_id": "p-9", **fields}
    world = MailWorld()
    return Report(fate=fate, at=world.clock.now(), email_id=email_id, **given)  # type: ignore[arg-type]


# The way through


def test_an_e_mail_is_accepted_and_nothing_waits_any_more() -> None:
    """The plain case, seen from the table."""
    world = MailWorld()
    email_id = world.write()
    assert world.state(email_id) == State.QUEUED
    assert world.settle(email_id) == 1
    record = world.ledger.read(COMPANY, email_id)
    assert record is not None
    assert (record.state, record.provider, record.provider_id, record.attempts) == (
        State.ACCEPTED,
        "first",
        "p-1",
        1,
    )
    item = next(item for item in world.table.scan() if item["sk"] == f"email#{email_id}")
    assert "waiting_pk" not in item


def test_the_same_key_is_the_same_e_mail() -> None:
    """Whoever repeats a request, or dies after it, must not send twice."""
    world = MailWorld()
    first, second = world.write("a"), world.write("a")
    assert first == second
    world.settle(first)
    assert world.write("a") == first
    assert world.queued == [first, first]
    assert len(world.first.given) == 1


def test_a_key_with_another_e_mail_is_a_mistake_that_is_told() -> None:
    """Silently sending either would be wrong."""
    world = MailWorld()
    world.write("a")
    with pytest.raises(Conflict):
        world.write("a", to="other@example.org")


def test_companies_do_not_share_keys() -> None:
    """One company's key says nothing of another's."""
    world = MailWorld()
    email = NewEmail.parse({"to": ["a@example.org"], "subject": "S", "text": "T"})
    assert world.outbox.enqueue("other", email, key="k") != world.outbox.enqueue(COMPANY, email, key="k")


def test_what_does_not_fit_into_the_table_is_refused_in_words() -> None:
    """Not by a stack trace of the database."""
    world = MailWorld()
    email = NewEmail.parse({"to": ["a@example.org"], "subject": "S", "text": "ñ" * (MAX_CONTENT_BYTES // 2)})
    with pytest.raises(InvalidInput, match="bytes"):
        world.outbox.enqueue(COMPANY, email, key="k")
    with pytest.raises(InvalidInput):
        world.write("")


def test_every_try_carries_the_same_message_id() -> None:
    """By it a mail program shows a copy once."""
    world = MailWorld(ScriptedProvider(_busy(), Ambiguous("lost")))
    email_id = world.write()
    world.settle(email_id)
    ids = {given.message_id for given in world.first.given}
    assert (len(world.first.given), len(ids)) == (3, 1)


# Failures that are certain


def test_a_passing_failure_is_tried_three_times_and_then_the_next_provider_is() -> None:
    """The older program's promise: send, retry, fall back."""
    world = MailWorld(ScriptedProvider(_busy(), _busy(), _busy()))
    email_id = world.write()
    world.settle(email_id)
    assert (len(world.first.given), len(world.second.given)) == (3, 1)
    assert world.state(email_id) == State.ACCEPTED


def test_a_hiccup_is_waited_for_and_not_run_away_from() -> None:
    """One 421 is no reason to change the sender's reputation."""
    world = MailWorld(ScriptedProvider(_busy()))
    email_id = world.write()
    outcome = world.deliver(email_id)
    assert outcome.again_after == timedelta(seconds=10)
    world.settle(email_id)
    assert (len(world.first.given), len(world.second.given)) == (2, 0)


def test_retry_after_is_honoured_and_a_long_one_is_not_waited_for_while_there_is_another() -> None:
    """A customer's confirmation does not wait an hour for a rate limit."""
    soon = MailWorld(ScriptedProvider(NotAccepted("later", after_seconds=90)))
    email_id = soon.write()
    assert soon.deliver(email_id).again_after == timedelta(seconds=90)
    late = MailWorld(ScriptedProvider(NotAccepted("later", after_seconds=3600)))
    email_id = late.write()
    assert late.deliver(email_id).again_after is None
    assert (len(late.first.given), len(late.second.given)) == (1, 1)


@pytest.mark.parametrize(
    "error",
    [_account(), Rejected("spam", about="message"), Unsupported("too large")],
)
def test_a_certain_refusal_falls_over_to_the_next_provider_at_once(error: GiveUp) -> None:
    """Nobody got anything, so nobody gets two."""
    world = MailWorld(ScriptedProvider(error))
    email_id = world.write()
    assert world.settle(email_id) == 1
    assert (len(world.first.given), len(world.second.given)) == (1, 1)


def test_recipients_that_do_not_exist_do_not_exist_elsewhere() -> None:
    """A second provider would only spoil its reputation."""
    world = MailWorld(ScriptedProvider(Rejected("550", about="recipients", reason="no_such_user")))
    email_id = world.write()
    world.settle(email_id)
    record = world.ledger.read(COMPANY, email_id)
    assert record is not None
    assert (record.state, record.reason, len(world.second.given)) == (State.REJECTED, "no_such_user", 0)


def test_when_every_provider_refuses_it_is_rejected_and_says_why() -> None:
    """The operator reads the last reason."""
    world = MailWorld(
        ScriptedProvider(Rejected("no", about="message")),
        ScriptedProvider(Unsupported("too large", reason="too_large")),
    )
    email_id = world.write()
    world.settle(email_id)
    record = world.ledger.read(COMPANY, email_id)
    assert record is not None
    assert (record.state, record.reason) == (State.REJECTED, "too_large")


def test_an_account_that_is_refused_is_asked_again_where_nobody_else_is_left() -> None:
    """Somebody may have stored the right key by then; the first e-mail must not pay for the mistake."""
    world = MailWorld(ScriptedProvider(_account(), _account()))
    email: Any = world.document["email"]
    email["providers"] = email["providers"][:1]
    first, second = world.write("a"), world.write("b")
    world.deliver(first)
    world.deliver(second)
    told = [world.ledger.read(COMPANY, one) for one in (first, second)]
    assert [(one.state, one.reason) for one in told if one] == [
        (State.QUEUED, "key_refused"), (State.QUEUED, "left_alone"),
    ]  # fmt: skip
    world.breakers.reset(COMPANY, "first")  # the right key is stored
    world.clock.advance(15 * 60 + 1)
    for one in (first, second):
        world.settle(one)
    assert [world.state(one) for one in (first, second)] == [State.ACCEPTED, State.ACCEPTED]


def test_an_account_that_nobody_mends_ends_the_e_mail_when_it_is_worth_nothing_any_more() -> None:
    """In the words of who refused it."""
    world = MailWorld(ScriptedProvider(*(_account() for _ in range(200))))
    email: Any = world.document["email"]
    email["providers"] = email["providers"][:1]
    email_id = world.write()
    world.settle(email_id, receives=300)
    record = world.ledger.read(COMPANY, email_id)
    assert record is not None
    assert (record.state, record.reason, record.words != "") == (State.REJECTED, "expired", True)
    assert 10 < len(world.first.given) < 110


def test_the_story_keeps_each_providers_words_and_drops_what_is_over() -> None:
    """Of an earlier try nothing is said of a later one."""
    world = MailWorld(
        ScriptedProvider(NotAccepted("first is busy", reason="throttled", after_seconds=300.0)),
        ScriptedProvider(Ambiguous("the answer of second was lost", reason="connection")),
    )
    email_id = world.write()
    world.deliver(email_id)
    record = world.ledger.read(COMPANY, email_id)
    assert record is not None
    assert (record.state, record.words) == (State.UNKNOWN, "the answer of second was lost")
    assert record.waits_until is not None
    assert (record.tried["first"].reason, record.tried["first"].words) == ("throttled", "first is busy")
    world.settle(email_id)
    record = world.ledger.read(COMPANY, email_id)
    assert record is not None
    assert (record.state, record.reason, record.words, record.waits_until) == (State.ACCEPTED, "", "", None)


def test_recipients_refused_beside_others_are_kept() -> None:
    """The mail went out, but not to all."""
    refusal = Refusal("cc@example.org", permanent=True, code="550")
    world = MailWorld(ScriptedProvider(Accepted("p", (refusal,))))
    email_id = world.write()
    world.settle(email_id)
    record = world.ledger.read(COMPANY, email_id)
    assert record is not None
    assert record.refused == ("cc@example.org",)


# What nobody knows


def test_a_lost_answer_never_goes_to_another_provider() -> None:
    """That would be the blind second copy."""
    world = MailWorld(ScriptedProvider(Ambiguous("lost")), rules={"transactional": {"when_unknown": "leave"}})
    email_id = world.write()
    assert world.deliver(email_id).again_after == SETTLE
    assert world.state(email_id) == State.UNKNOWN
    world.settle(email_id)
    assert (world.state(email_id), len(world.first.given), len(world.second.given)) == (State.UNKNOWN, 1, 0)


def test_a_confirmation_that_nobody_is_sure_of_is_sent_once_more_and_never_again() -> None:
    """At most one copy too many, however often answers are lost."""
    world = MailWorld(ScriptedProvider(*(Ambiguous("lost") for _ in range(9))))
    email_id = world.write()
    world.settle(email_id)
    assert (world.state(email_id), len(world.first.given), len(world.second.given)) == (State.UNKNOWN, 2, 0)


def test_a_reminder_that_nobody_is_sure_of_is_left() -> None:
    """Twice is worse than never."""
    world = MailWorld(ScriptedProvider(Ambiguous("lost")))
    email_id = world.write(kind="reminder")
    world.settle(email_id)
    assert (world.state(email_id), world.arrived()) == (State.UNKNOWN, 1)


def test_a_report_settles_what_nobody_knew() -> None:
    """No second copy is sent then."""
    world = MailWorld(ScriptedProvider(Ambiguous("lost")))
    email_id = world.write()
    world.deliver(email_id)
    assert world.aftermath.take(COMPANY, "first", [_report(email_id)]) == 1
    record = world.ledger.read(COMPANY, email_id)
    assert record is not None
    assert (record.state, record.provider_id) == (State.ACCEPTED, "p-9")
    world.clock.advance(3600)
    assert world.deliver(email_id).again_after is None
    assert world.arrived() == 1


def test_a_report_that_comes_before_our_own_write_counts() -> None:
    """Webhooks are faster than answers that get lost."""
    first = ScriptedProvider(Ambiguous("lost"))
    world = MailWorld(first)
    email_id = world.write()
    first.meanwhile = lambda: world.aftermath.take(COMPANY, "first", [_report(email_id)])
    world.settle(email_id)
    assert (world.state(email_id), world.arrived()) == (State.ACCEPTED, 1)


def test_a_worker_that_died_while_it_asked_leaves_something_that_nobody_knows() -> None:
    """It is not asked again while it might still be at it, and not sent twice for a reminder."""
    world = MailWorld(ScriptedProvider(_Died()))
    email_id = world.write(kind="reminder")
    with pytest.raises(_Died):
        world.deliver(email_id)
    assert world.state(email_id) == State.SENDING
    again = world.deliver(email_id).again_after
    assert again == timedelta(seconds=SEND_SECONDS + BUSY_SECONDS)
    world.settle(email_id)
    assert (world.state(email_id), world.arrived()) == (State.UNKNOWN, 1)


def test_two_workers_with_the_same_message_send_it_once() -> None:
    """Queues deliver at least once, also at the same moment."""
    first = ScriptedProvider()
    world = MailWorld(first)
    email_id = world.write()
    met = threading.Barrier(8)

    def work() -> None:
        met.wait()
        world.deliver(email_id)

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(first.given) == 1
    assert world.state(email_id) == State.ACCEPTED


def _delivered_slowly(world: MailWorld, provider: ScriptedProvider, email_id: str) -> None:
    """Deliver, and have another worker take the e-mail over while the provider is asked."""

    def overtaken() -> None:
        provider.meanwhile = lambda: None
        world.clock.advance(SEND_SECONDS + BUSY_SECONDS + 1)
        world.deliver(email_id)

    provider.meanwhile = overtaken
    world.deliver(email_id)


def test_what_a_slow_worker_learnt_is_kept() -> None:
    """The provider's name for the e-mail, by which its reports are read, and whom it refused."""
    refusal = Refusal("cc@example.org", permanent=True, code="550")
    first = ScriptedProvider(Accepted("p-slow", (refusal,)))
    world = MailWorld(first)
    email_id = world.write()
    _delivered_slowly(world, first, email_id)
    world.settle(email_id)
    record = world.ledger.read(COMPANY, email_id)
    assert record is not None
    assert (record.state, record.provider_id, record.refused) == (
        State.ACCEPTED,
        "p-slow",
        ("cc@example.org",),
    )


def test_a_slow_worker_that_lost_its_e_mail_still_proves_that_it_went_out() -> None:
    """The other one finds the proof and sends nothing."""
    first = ScriptedProvider()
    world = MailWorld(first)
    email_id = world.write()
    _delivered_slowly(world, first, email_id)
    world.settle(email_id)
    assert (world.state(email_id), world.arrived()) == (State.ACCEPTED, 1)


def test_a_second_sending_that_is_certainly_not_taken_is_tried_again() -> None:
    """It made no copy, and a hiccup is no reason to lose the e-mail."""
    world = MailWorld(ScriptedProvider(Ambiguous("lost"), _busy(), _busy()))
    email_id = world.write()
    world.settle(email_id)
    assert (world.state(email_id), len(world.first.given), len(world.second.given)) == (State.ACCEPTED, 4, 0)
    record = world.ledger.read(COMPANY, email_id)
    assert record is not None
    assert record.sent_again


def test_a_second_sending_that_is_never_taken_is_no_possible_duplicate() -> None:
    """It stays unknown when its time is over: only the first try may have arrived."""
    world = MailWorld(ScriptedProvider(Ambiguous("lost"), *(_busy() for _ in range(99))))
    email_id = world.write(ends_at=world.clock.now() + timedelta(hours=3))
    world.settle(email_id)
    assert (world.state(email_id), len(world.second.given)) == (State.UNKNOWN, 0)
    assert len(world.first.given) > 4
    record = world.ledger.read(COMPANY, email_id)
    assert record is not None
    assert not record.possible_duplicate


def test_a_second_sending_waits_until_it_is_taken() -> None:
    """A moment's trouble after a lost answer must not end it: nobody knows whether anything arrived."""
    world = MailWorld(ScriptedProvider(Ambiguous("lost"), _busy(), _busy()))
    email_id = world.write()
    world.settle(email_id)
    record = world.ledger.read(COMPANY, email_id)
    assert record is not None
    assert (record.state, record.possible_duplicate) == (State.ACCEPTED, True)
    assert (len(world.first.given), len(world.second.given)) == (4, 0)


def test_with_one_provider_it_is_tried_for_as_long_as_it_is_worth_sending() -> None:
    """An evening's outage costs nothing but time; each wait is longer, up to half an hour."""
    world = MailWorld(ScriptedProvider(*(_busy() for _ in range(9))), rules=ONLY_FIRST)
    email_id = world.write()
    world.settle(email_id)
    assert (world.state(email_id), len(world.first.given)) == (State.ACCEPTED, 10)
    never = MailWorld(ScriptedProvider(*(_busy() for _ in range(999))), rules=ONLY_FIRST)
    email_id = never.write(ends_at=never.clock.now() + timedelta(hours=2))
    began = never.clock.now()
    never.settle(email_id)
    record = never.ledger.read(COMPANY, email_id)
    assert record is not None
    assert (record.state, record.reason, record.words) == (State.REJECTED, "expired", "421 try later")
    assert never.clock.now() - began == timedelta(hours=2)


@pytest.mark.parametrize("mode", ["off", "shadow"])
def test_what_nobody_knows_is_not_sent_once_more_by_a_company_that_is_not_live(mode: str) -> None:
    """Whoever switches the desk off means all of it."""
    world = MailWorld(ScriptedProvider(Ambiguous("lost")))
    email_id = world.write()
    world.deliver(email_id)
    world.document["mode"] = mode
    world.clock.advance(3600)
    world.settle(email_id)
    assert (world.state(email_id), world.arrived()) == (State.UNKNOWN, 1)


@pytest.mark.parametrize(
    "ends",
    [Rejected("550", about="recipients", reason="recipients"), Rejected("spam", about="message"), _account()],
)
def test_what_nobody_knew_is_never_said_not_to_have_been_sent(ends: Rejected) -> None:
    """A second try that is refused says nothing of the first; a report still does."""
    world = MailWorld(ScriptedProvider(Ambiguous("lost"), ends))
    email_id = world.write()
    world.settle(email_id)
    assert (world.state(email_id), len(world.second.given)) == (State.UNKNOWN, 0)
    world.aftermath.take(COMPANY, "first", [_report(email_id)])
    assert world.state(email_id) == State.ACCEPTED


def test_a_template_that_breaks_while_nobody_knows_leaves_it_unknown() -> None:
    """The first copy may be read at this moment."""
    world = MailWorld(ScriptedProvider(Ambiguous("lost")))
    email_id = world.write()
    world.deliver(email_id)
    world.unready = InvalidInput("no such value", reason="template_broken")
    world.settle(email_id)
    record = world.ledger.read(COMPANY, email_id)
    assert record is not None
    assert (record.state, record.reason) == (State.UNKNOWN, "template_broken")


def test_a_wait_of_nothing_is_no_wait() -> None:
    """A moment that has just passed must not use up all tries within a second."""
    world = MailWorld(ScriptedProvider(NotAccepted("later", after_seconds=0.0)))
    assert world.deliver(world.write()).again_after == timedelta(seconds=10)


# Time, modes, lists


def test_what_is_late_is_not_sent() -> None:
    """A reminder after the appointment is noise."""
    world = MailWorld()
    email_id = world.write(kind="reminder", ends_at=world.clock.now() + timedelta(minutes=5))
    world.clock.advance(301)
    world.settle(email_id)
    record = world.ledger.read(COMPANY, email_id)
    assert record is not None
    assert (record.state, record.reason, world.arrived()) == (State.REJECTED, "expired", 0)


def test_what_was_overtaken_is_not_sent_whatever_came_first() -> None:
    """Of a series only the newest is worth sending, also where it was enqueued first, and also once more."""
    world = MailWorld()
    old = world.write("old", series=Series("appointment#1", 0))
    new = world.write("new", series=Series("appointment#1", 1))
    late = world.write("late", series=Series("appointment#1", 0))
    other = world.write("other", series=Series("appointment#2", 0))
    for email_id in (old, new, late, other):
        world.settle(email_id)
    assert [world.state(one) for one in (old, new, late, other)] == [
        State.REJECTED,
        State.ACCEPTED,
        State.REJECTED,
        State.ACCEPTED,
    ]
    record = world.ledger.read(COMPANY, old)
    assert record is not None
    assert record.reason == "overtaken"


def test_a_change_of_state_does_not_write_the_content_again() -> None:
    """A table charges for the whole item, and a company's e-mails share one partition."""
    world = MailWorld()
    email_id = world.write()
    world.settle(email_id)
    items = {item["sk"]: item for item in world.table.scan() if item["sk"].startswith("email#")}
    assert set(items) == {f"email#{email_id}", f"email#{email_id}#content"}
    assert "content" not in items[f"email#{email_id}"]


@pytest.mark.parametrize("mode", ["off", "shadow"])
def test_a_company_that_is_not_live_sends_nothing(mode: str) -> None:
    """A trial must not write to customers."""
    world = MailWorld()
    email_id = world.write()
    world.document["mode"] = mode
    world.settle(email_id)
    record = world.ledger.read(COMPANY, email_id)
    assert record is not None
    assert (record.reason, world.arrived()) == (f"company_{mode}", 0)


def test_an_address_on_the_list_is_not_written_to_in_any_spelling() -> None:
    """Mail to lost addresses ruins a sender's name."""
    world = MailWorld()
    world.suppressions.add(COMPANY, "Marta@Example.org", "bounced", world.clock.now())
    email_id = world.write()
    world.settle(email_id)
    record = world.ledger.read(COMPANY, email_id)
    assert record is not None
    assert (record.reason, world.arrived()) == ("suppressed", 0)
    assert [one.address for one in world.suppressions.all(COMPANY, 10)] == ["marta@example.org"]
    assert world.suppressions.remove(COMPANY, "marta@example.org", world.clock.now())
    world.settle(world.write("again"))
    assert world.arrived() == 1


def test_whom_an_e_mail_left_out_stands_in_its_story() -> None:
    """Nothing is dropped in silence."""
    world = MailWorld()
    world.suppressions.add(COMPANY, "cc@example.org", "complained", world.clock.now())
    email = NewEmail.parse(
        {"to": ["marta@example.org"], "cc": ["cc@example.org"], "subject": "Hola", "text": "Hola"}
    )
    email_id = world.outbox.enqueue(COMPANY, email, key="k")
    world.settle(email_id)
    record = world.ledger.read(COMPANY, email_id)
    assert record is not None
    assert (record.state, record.left_out) == (State.ACCEPTED, ("cc@example.org",))
    assert [one.address for one in world.first.given[0].recipients] == ["marta@example.org"]


def test_only_the_companys_own_people_are_written_to_whatever_the_list_says() -> None:
    """Not whoever is written to as if they were."""
    world = MailWorld()
    world.document["staff_email"] = "equipo@clinicasol.example"
    for address in ("equipo@clinicasol.example", "marta@example.org"):
        world.suppressions.add(COMPANY, address, "complained", world.clock.now())
    own = world.write("own", to="Equipo@clinicasol.example", kind="staff")
    other = world.write("other", kind="staff")
    for email_id in (own, other):
        world.settle(email_id)
    assert (world.state(own), world.state(other)) == (State.ACCEPTED, State.REJECTED)


def _settled_with_rests(world: MailWorld, email_id: str) -> list[EmailRecord]:
    """An e-mail and the ones for those whom a server did not take of it, one after another."""
    chain, following = [], email_id
    while following:
        world.settle(following)
        record = world.ledger.read(COMPANY, following)
        assert record is not None
        chain.append(record)
        following = next(iter(record.rests), "")
    return chain


def test_recipients_that_a_server_takes_later_get_an_e_mail_of_their_own() -> None:
    """Three times; the others have theirs by then, and nobody gets two."""
    busy = Refusal("cc@example.org", permanent=False, code="450")
    gone = Refusal("gone@example.org", permanent=True, code="550")
    world = MailWorld(ScriptedProvider(Accepted("p-1", (busy, gone)), Accepted("p-2", (busy,))))
    people = {"to": ["marta@example.org"], "cc": ["cc@example.org", "gone@example.org"]}
    email = NewEmail.parse({**people, "subject": "Hola", "text": "Hola"})
    email_id = world.outbox.enqueue(COMPANY, email, key="k", contact=Contact(1, 7))
    chain = _settled_with_rests(world, email_id)
    assert [one.refused for one in chain] == [
        ("cc@example.org", "gone@example.org"),
        ("cc@example.org",),
        (),
    ]
    assert [[one.address for one in given.recipients] for given in world.first.given] == [
        ["marta@example.org", "cc@example.org", "gone@example.org"],
        ["cc@example.org"],
        ["cc@example.org"],
    ]
    pointers = world.table.query(f"company#{COMPANY}", prefix="contact#1#7#")
    assert {item["email_id"] for item in pointers} == {one.email_id for one in chain}


def _to_three(world: MailWorld) -> str:
    """An e-mail to three people; one of them gets a blind copy."""
    people = {"to": ["marta@example.org"], "cc": ["cc@example.org"], "bcc": ["jefe@example.org"]}
    email = NewEmail.parse({**people, "subject": "Hola", "text": "Hola"})
    return world.outbox.enqueue(COMPANY, email, key="k")


def test_whom_a_server_refuses_because_of_us_the_next_provider_is_asked_for() -> None:
    """With the same headers and Message-ID, and nobody else gets it again."""
    people = ("cc@example.org", "jefe@example.org")
    denied = [Refusal(one, permanent=True, code="554", ours=True) for one in people]
    world = MailWorld(ScriptedProvider(Accepted("p-1", tuple(denied))))
    email_id = _to_three(world)
    world.settle(email_id)
    record = world.ledger.read(COMPANY, email_id)
    assert record is not None
    [rest] = record.rests
    world.settle(rest)
    assert (len(world.first.given), world.state(rest)) == (1, State.ACCEPTED)
    [again] = world.second.given
    assert [one.address for one in again.recipients] == ["cc@example.org", "jefe@example.org"]
    assert again.message_id == world.first.given[0].message_id
    assert (again.to, again.cc) == (world.first.given[0].to, world.first.given[0].cc)


def test_whom_nobody_else_can_reach_stands_in_a_rejected_e_mail() -> None:
    """Where somebody sees it."""
    denied = Refusal("cc@example.org", permanent=True, code="554", ours=True)
    world = MailWorld(ScriptedProvider(Accepted("p-1", (denied,))))
    email: Any = world.document["email"]
    email["providers"] = email["providers"][:1]
    email_id = _to_three(world)
    world.settle(email_id)
    record = world.ledger.read(COMPANY, email_id)
    assert record is not None
    world.settle(record.rests[0])
    rest = world.ledger.read(COMPANY, record.rests[0])
    assert rest is not None
    assert (rest.state, rest.reason, rest.only) == (State.REJECTED, "recipients", ("cc@example.org",))


def test_both_kinds_of_refusal_are_two_e_mails() -> None:
    """One waits for the same server, the other asks the next."""
    busy = Refusal("cc@example.org", permanent=False, code="450")
    denied = Refusal("jefe@example.org", permanent=True, code="554", ours=True)
    world = MailWorld(ScriptedProvider(Accepted("p-1", (busy, denied))))
    email_id = _to_three(world)
    world.settle(email_id)
    record = world.ledger.read(COMPANY, email_id)
    assert record is not None
    for rest in record.rests:
        world.settle(rest)
    given = (*world.first.given, *world.second.given)
    reached = [[one.address for one in each.recipients] for each in given]
    assert reached[1:] == [["cc@example.org"], ["jefe@example.org"]]


def test_who_turned_somebody_away_is_not_asked_for_them_again() -> None:
    """Neither in the copy of a copy."""
    people = ("cc@example.org", "jefe@example.org")
    away = [Refusal(one, permanent=True, code="554", ours=True) for one in people]
    world = MailWorld(
        ScriptedProvider(Accepted("p-1", tuple(away))), ScriptedProvider(Accepted("p-2", tuple(away[1:])))
    )
    rests = _settled_with_rests(world, _to_three(world))
    assert (len(world.first.given), len(world.second.given)) == (1, 1)
    assert [(one.state, one.only) for one in rests[1:]] == [
        (State.ACCEPTED, ("cc@example.org", "jefe@example.org")),
        (State.REJECTED, ("jefe@example.org",)),
    ]


def test_who_is_not_reached_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody is dropped in silence behind an ACCEPTED."""
    gone = Refusal("cc@example.org", permanent=True, code="550")
    world = MailWorld(ScriptedProvider(Accepted("p-1", (gone,))))
    email_id = _to_three(world)
    world.settle(email_id)
    assert '"EmailRecipientsRefused"' in capsys.readouterr().out
    story = story_view(world.aftermath.story(COMPANY, email_id), texts=False)
    assert (story["refused_recipients"], story["rests"]) == (1, [])


def test_a_provider_that_cannot_carry_an_e_mail_is_not_broken(capsys: pytest.CaptureFixture[str]) -> None:
    """The operator is not told that it does not work."""
    world = MailWorld(ScriptedProvider(Unsupported("tags", reason="tags")))
    world.settle(world.write())
    assert '"EmailFallbacks"' not in capsys.readouterr().out
    world = MailWorld(ScriptedProvider(_account()))
    world.settle(world.write())
    assert '"EmailFallbacks"' in capsys.readouterr().out


def test_copies_reach_whom_they_may_although_the_first_address_is_on_the_list() -> None:
    """Its owner wants no mail; the others do."""
    world = MailWorld()
    world.suppressions.add(COMPANY, "marta@example.org", "complained", world.clock.now())
    email_id = _to_three(world)
    world.settle(email_id)
    assert world.state(email_id) == State.ACCEPTED
    [given] = world.first.given
    assert [one.address for one in given.recipients] == ["cc@example.org", "jefe@example.org"]


def test_the_message_id_stays_although_the_companys_address_changes() -> None:
    """Else mail programs show a repetition as another mail."""
    world = MailWorld(ScriptedProvider(Ambiguous("lost")))
    email_id = world.write()
    world.deliver(email_id)
    email: Any = world.document["email"]
    email["from_address"] = "hola@nueva.example"
    world.settle(email_id)
    first, second = world.first.given
    assert first.message_id == second.message_id == f"<{email_id}@clinicasol.example>"
    assert second.sender.address == "hola@nueva.example"


def test_a_key_is_for_one_customers_e_mail() -> None:
    """The other one's would be found, and forgotten, with the first."""
    world = MailWorld()
    world.write("k", contact=Contact(1, 7))
    assert world.write("k", contact=Contact(1, 7))
    with pytest.raises(Conflict):
        world.write("k", contact=Contact(1, 8))


def test_the_list_of_one_company_is_not_anothers() -> None:
    """A complaint against one business says nothing of another."""
    world = MailWorld()
    world.suppressions.add("other", "marta@example.org", "complained", world.clock.now())
    world.settle(world.write())
    assert world.arrived() == 1


# Breakers


def test_a_provider_that_fails_again_and_again_is_left_alone_then_tried_once() -> None:
    """Five failures open it; the next e-mail does not even ask."""
    world = MailWorld(ScriptedProvider(*(_busy() for _ in range(FAILURES))))
    for number in range(FAILURES):
        world.deliver(world.write(f"k{number}"))
    asked = len(world.first.given)
    world.deliver(world.write("next"))
    assert (len(world.first.given), len(world.second.given)) == (asked, 1)
    world.clock.advance(61)
    world.deliver(world.write("trial"))
    assert len(world.first.given) == asked + 1
    assert world.breakers.state(COMPANY, "first") is None


def test_failures_that_were_under_way_do_not_open_it_again() -> None:
    """Twenty workers that met the same outage have met one outage."""
    world = MailWorld()
    for _ in range(FAILURES + 15):
        world.breakers.failed(COMPANY, "first", "sendgrid")
    state = world.breakers.state(COMPANY, "first")
    assert state is not None
    assert (state.openings, state.open_until) == (1, world.clock.now() + timedelta(minutes=1))


def test_each_trial_that_fails_doubles_the_time() -> None:
    """Up to a quarter of an hour."""
    world = MailWorld()
    for _ in range(FAILURES):
        world.breakers.failed(COMPANY, "first", "sendgrid")
    waits = []
    for _ in range(6):
        until = world.breakers.waits_until(COMPANY, "first")
        assert until is not None
        waits.append((until - world.clock.now()).total_seconds())
        world.clock.advance(waits[-1])
        assert world.breakers.waits_until(COMPANY, "first") is None
        world.breakers.failed(COMPANY, "first", "sendgrid")
    assert waits == [60, 120, 240, 480, 900, 900]


@pytest.mark.parametrize("about", ["message", "recipients"])
def test_a_provider_that_judges_a_message_works(about: Literal["message", "recipients"]) -> None:
    """Its breaker closes, although this e-mail is not taken."""
    world = MailWorld(ScriptedProvider(Rejected("no", about=about)))
    world.breakers.failed(COMPANY, "first", "sendgrid", at_once=True)
    world.clock.advance(15 * 60)
    world.deliver(world.write())
    assert world.breakers.state(COMPANY, "first") is None


def test_a_trial_that_never_came_to_ask_lets_the_next_one_through() -> None:
    """An e-mail that the provider could not carry anyway says nothing of it."""
    world = MailWorld(ScriptedProvider(Unsupported("too large")))
    world.breakers.failed(COMPANY, "first", "sendgrid", at_once=True)
    world.clock.advance(15 * 60)
    world.deliver(world.write("large"))
    assert world.breakers.waits_until(COMPANY, "first") is None


def test_after_the_time_only_one_is_let_through() -> None:
    """A provider that is getting up again is not trampled."""
    world = MailWorld()
    world.breakers.failed(COMPANY, "first", "sendgrid", at_once=True)
    world.clock.advance(15 * 60 + 1)
    assert [world.breakers.waits_until(COMPANY, "first") is None for _ in range(3)] == [True, False, False]


def test_a_refused_account_opens_at_once_and_longer() -> None:
    """Asking a provider that refuses the key brings nothing but a ban."""
    world = MailWorld(ScriptedProvider(_account()))
    world.settle(world.write("a"))
    world.settle(world.write("b"))
    assert (len(world.first.given), len(world.second.given)) == (1, 2)


def test_with_every_provider_left_alone_it_waits_for_the_first_one() -> None:
    """Nothing is lost while there is time."""
    world = MailWorld()
    for provider in ("first", "second"):
        world.breakers.failed(COMPANY, provider, "x", at_once=True)
    email_id = world.write()
    outcome = world.deliver(email_id)
    assert outcome.again_after == timedelta(minutes=15)
    world.settle(email_id)
    assert world.state(email_id) == State.ACCEPTED


# Reports


def test_reports_are_taken_once_and_told_in_order() -> None:
    """Whatever the order they come in, and however often."""
    world = MailWorld()
    email_id = world.write()
    world.settle(email_id)
    complained = _report(email_id, Fate.COMPLAINED, permanent=True)
    delivered = _report(email_id, Fate.DELIVERED)
    assert world.aftermath.take(COMPANY, "first", [complained, delivered, complained]) == 2
    story = world.aftermath.story(COMPANY, email_id)
    assert story.fates() == {"marta@example.org": Fate.COMPLAINED}
    assert len(story.happened) == 2
    assert [one.reason for one in world.suppressions.all(COMPANY, 10)] == ["complained"]


def test_a_passing_bounce_does_not_put_anybody_on_the_list() -> None:
    """A full mailbox is full today."""
    world = MailWorld()
    email_id = world.write()
    world.settle(email_id)
    world.aftermath.take(COMPANY, "first", [_report(email_id, Fate.BOUNCED, permanent=False)])
    assert world.suppressions.all(COMPANY, 10) == []


def test_a_company_cannot_report_on_anothers_e_mail() -> None:
    """Its provider's signature says who speaks, not whose mail it is."""
    world = MailWorld()
    email_id = world.write()
    world.settle(email_id)
    assert world.aftermath.take("other", "first", [_report(email_id, Fate.BOUNCED, permanent=True)]) == 0
    assert world.suppressions.all("other", 10) == []
    with pytest.raises(NotFound):
        world.aftermath.story("other", email_id)


def test_whose_e_mail_it_is_can_be_found_again() -> None:
    """For a customer who wants to be forgotten."""
    world = MailWorld()
    email_id = world.write(contact=Contact(1, 7))
    found = world.table.query(f"company#{COMPANY}", prefix="contact#1#7#")
    assert [item["email_id"] for item in found] == [email_id]


def test_what_cannot_be_put_together_now_waits_and_what_never_can_is_rejected() -> None:
    """An outage of a file's store is no reason to drop a mail; a broken template is."""
    world = MailWorld()
    email_id = world.write()
    world.unready = RetryLater("the store is down")
    assert world.deliver(email_id).again_after == timedelta(seconds=30)
    world.unready = InvalidInput("no such value", reason="template_broken")
    world.settle(email_id)
    record = world.ledger.read(COMPANY, email_id)
    assert record is not None
    assert (record.state, record.reason) == (State.REJECTED, "template_broken")
