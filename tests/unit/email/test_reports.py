"""What providers report: it settles what nobody knew, stays with its e-mail, and is taken in time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from shared.companies.customers import Customer
from shared.email.aftermath import Aftermath
from shared.email.allowance import Allowance
from shared.email.callbacks.reports import Fate, Report
from shared.email.customer_shelf import EmailShelf
from shared.email.desk import EmailDesk
from shared.email.message import NewEmail
from shared.email.providers.contract import Accepted, Ambiguous, NotAccepted, Refusal, Rejected
from shared.email.records import Contact, State
from shared.email.suppression import Suppressions
from shared.platform.clock import Deadline
from shared.platform.errors import Conflict, RetryLater
from tests.fakes.mail import COMPANY, MailWorld, ScriptedProvider
from tests.fakes.table import MemoryTable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shared.email.file_removal import FileRemoval
    from shared.email.records import EmailRecord
    from shared.platform.tables import Item, Key, TransactionPart


def _report(world: MailWorld, email_id: str, fate: Fate = Fate.DELIVERED, event: str = "e1") -> Report:
    return Report(event, fate, "marta@example.org", world.clock.now(), email_id, "p-9")


def _record(world: MailWorld, email_id: str) -> EmailRecord:
    record = world.ledger.read(COMPANY, email_id)
    assert record is not None
    return record


def _again(world: MailWorld, email_id: str) -> EmailRecord:
    """A person has it sent again."""
    desk = EmailDesk(world.table, world.ledger, world.aftermath, world.suppressions, world, world.clock)
    company = world.company(COMPANY)
    assert company is not None
    return desk.resend(COMPANY, company, email_id)


# Settling


def test_what_turns_out_to_be_accepted_has_no_reason_any_more() -> None:
    """That the answer was lost is no reason for anything now."""
    world = MailWorld(ScriptedProvider(Ambiguous("lost", reason="timeout")))
    email_id = world.write()
    world.deliver(email_id)
    assert _record(world, email_id).reason == "timeout"
    world.aftermath.take(COMPANY, "first", [_report(world, email_id)])
    settled = _record(world, email_id)
    assert (settled.state, settled.reason, settled.words) == (State.ACCEPTED, "", "")


def test_a_report_changes_nothing_of_an_e_mail_that_certainly_was_refused() -> None:
    """It can only be about something else."""
    world = MailWorld(ScriptedProvider(Rejected("550", about="recipients", reason="recipients")))
    email_id = world.write()
    world.settle(email_id)
    world.aftermath.take(COMPANY, "first", [_report(world, email_id)])
    assert (_record(world, email_id).state, _record(world, email_id).reason) == (State.REJECTED, "recipients")


# Fates


def test_the_gravest_report_stands_beside_the_state() -> None:
    """In whatever order they come."""
    world = MailWorld()
    email_id = world.write()
    world.settle(email_id)
    fates = []
    for number, fate in enumerate((Fate.ACCEPTED, Fate.BOUNCED, Fate.DELIVERED, Fate.COMPLAINED)):
        world.aftermath.take(COMPANY, "first", [_report(world, email_id, fate, f"e{number}")])
        fates.append(_record(world, email_id).fate)
    assert fates == ["", "bounced", "bounced", "complained"]


def test_what_came_back_from_everybody_can_be_sent_again() -> None:
    """And what is reported of that is a story of its own, whatever late words of the first time say."""
    world = MailWorld()
    email_id = world.write()
    world.settle(email_id)
    with pytest.raises(Conflict):
        _again(world, email_id)
    dropped, late = (
        _report(world, email_id, Fate.DROPPED, "d"),
        _report(world, email_id, Fate.BOUNCED, "late"),
    )
    world.aftermath.take(COMPANY, "first", [dropped])
    world.clock.advance(60)
    _again(world, email_id)
    world.settle(email_id)
    assert (world.state(email_id), len(world.first.given)) == (State.ACCEPTED, 2)
    world.aftermath.take(COMPANY, "first", [late])
    assert _record(world, email_id).fate == ""
    world.aftermath.take(COMPANY, "first", [_report(world, email_id, Fate.DELIVERED, "f")])
    story = world.aftermath.story(COMPANY, email_id)
    assert (_record(world, email_id).fate, story.fates()) == ("delivered", {"marta@example.org": "delivered"})
    assert [one.fate for one in story.happened] == ["dropped", "bounced", "delivered"]
    with pytest.raises(Conflict):
        _again(world, email_id)


@pytest.mark.parametrize(
    "second", [Accepted("p"), Ambiguous("lost"), NotAccepted("busy")], ids=["taken", "lost", "busy"]
)
def test_a_late_report_of_the_first_time_proves_nothing_of_the_second(second: Accepted | Exception) -> None:
    """Else what is sent anew would be thought sent before anybody is asked."""
    world = MailWorld(ScriptedProvider(Accepted("p"), second))
    email_id = world.write()
    world.settle(email_id)
    late = _report(world, email_id, Fate.ACCEPTED, "late")
    world.aftermath.take(COMPANY, "first", [_report(world, email_id, Fate.DROPPED, "d")])
    world.clock.advance(3600)
    _again(world, email_id)
    world.aftermath.take(COMPANY, "first", [late])
    world.deliver(email_id)
    world.aftermath.take(COMPANY, "first", [replace(late, event_id="later")])
    world.settle(email_id)
    assert len(world.first.given) + len(world.second.given) >= 2
    assert world.state(email_id) == State.ACCEPTED


def test_where_nobody_knew_a_late_report_still_stops_the_second_copy() -> None:
    """A person had it sent again meanwhile; the first one arrived after all."""
    rules: dict[str, object] = {"transactional": {"when_unknown": "leave"}}
    world = MailWorld(ScriptedProvider(Ambiguous("lost")), rules=rules)
    email_id = world.write()
    world.settle(email_id)
    late = _report(world, email_id, Fate.DELIVERED, "late")
    world.clock.advance(60)
    _again(world, email_id)
    world.aftermath.take(COMPANY, "first", [late])
    world.settle(email_id)
    assert (world.state(email_id), world.arrived()) == (State.ACCEPTED, 1)


def test_addresses_count_however_they_are_spelt_and_strangers_do_not() -> None:
    """Two spellings of one address say nothing of another, and a forwarder's address is nobody's."""
    world = MailWorld()
    people = {"to": ["team@list.example", "ana@example.org"], "subject": "S", "text": "T"}
    email_id = world.outbox.enqueue(COMPANY, NewEmail.parse(people), key="k")
    world.settle(email_id)

    def bounced(*addresses: str) -> None:
        reports = [replace(_report(world, email_id, Fate.BOUNCED, one), address=one) for one in addresses]
        world.aftermath.take(COMPANY, "first", reports)

    bounced("Team@List.example", "team@list.example", "member@elsewhere.example")
    with pytest.raises(Conflict):
        _again(world, email_id)
    bounced("ANA@example.org")
    assert _again(world, email_id).state is State.QUEUED


def test_an_answering_machine_is_no_bounce(capsys: pytest.CaptureFixture[str]) -> None:
    """SES calls its answer a passing bounce; without a delivery it is all that is known."""
    world = MailWorld()
    email_id = world.write()
    world.settle(email_id)
    perhaps = replace(_report(world, email_id, Fate.BOUNCED, "ooo"), certain=False)
    world.aftermath.take(COMPANY, "first", [perhaps])
    assert _record(world, email_id).fate == "bounced"
    assert not world.aftermath.story(COMPANY, email_id).reached_nobody()
    world.aftermath.take(COMPANY, "first", [_report(world, email_id, Fate.DELIVERED, "d")])
    story = world.aftermath.story(COMPANY, email_id)
    assert (_record(world, email_id).fate, list(story.fates().values())) == ("delivered", ["delivered"])
    assert "EmailsSentBack" not in capsys.readouterr().out


def test_who_has_an_e_mail_of_their_own_gets_no_other_one_when_the_first_is_sent_again() -> None:
    """They were refused at first, and have theirs by now."""
    busy = Refusal("ana@example.org", permanent=False, code="450")
    world = MailWorld(ScriptedProvider(Accepted("p", (busy,)), Accepted("p"), Accepted("p", (busy,))))
    people = {"to": ["marta@example.org", "ana@example.org", "luis@example.org"], "subject": "S", "text": "T"}
    email_id = world.outbox.enqueue(COMPANY, NewEmail.parse(people), key="k")
    world.settle(email_id)
    [rest] = _record(world, email_id).rests
    world.settle(rest)
    for address in ("marta@example.org", "luis@example.org"):
        report = replace(_report(world, email_id, Fate.BOUNCED, address), address=address)
        world.aftermath.take(COMPANY, "first", [report])
    world.clock.advance(60)
    _again(world, email_id)
    world.settle(email_id)
    given = [[one.address for one in each.recipients] for each in world.first.given]
    assert given == [people["to"], ["ana@example.org"], ["marta@example.org", "luis@example.org"]]


def test_what_arrived_somewhere_is_not_sent_again() -> None:
    """Those who have it would have it twice."""
    world = MailWorld()
    people = {"to": ["marta@example.org", "ana@example.org"], "subject": "S", "text": "T"}
    email_id = world.outbox.enqueue(COMPANY, NewEmail.parse(people), key="k")
    world.settle(email_id)
    world.aftermath.take(COMPANY, "first", [_report(world, email_id, Fate.BOUNCED)])
    with pytest.raises(Conflict):
        _again(world, email_id)


def test_an_e_mail_that_a_provider_took_and_did_not_send_is_heard_of(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The operator's matter, unless it is about the address."""
    world = MailWorld()
    email_id = world.write()
    world.settle(email_id)
    about_it = replace(_report(world, email_id, Fate.DROPPED, "a"), permanent=True)
    world.aftermath.take(COMPANY, "first", [about_it])
    assert '"EmailsDropped"' not in capsys.readouterr().out
    world.aftermath.take(COMPANY, "first", [_report(world, email_id, Fate.DROPPED, "b")])
    assert '"EmailsDropped"' in capsys.readouterr().out


# Forgetting


class NoFiles:
    """Nothing is stored."""

    def remove(self, prefix: str, count: Callable[[int], None], deadline: Deadline) -> bool:
        """See `FileRemoval`."""
        del prefix, count, deadline
        return True


class InterruptedTable(MemoryTable):
    """Another table's items; something happens right before its first transaction with two parts.

    Args:
        table: the other one.
        meanwhile: what happens.
    """

    def __init__(self, table: MemoryTable, meanwhile: Callable[[], object]) -> None:
        super().__init__()
        self._items, self._lock = table._items, table._lock
        self._meanwhile = [meanwhile]

    def transact(self, parts: Sequence[TransactionPart]) -> None:
        """Every write of a memory table comes through here."""
        if len(parts) > 1 and self._meanwhile:
            self._meanwhile.pop()()
        super().transact(parts)


def test_a_report_that_comes_while_its_customer_is_forgotten_leaves_nothing() -> None:
    """No address stays behind without its e-mail."""
    world = MailWorld()
    email_id = world.write(contact=Contact(3, 481), allowances=[Allowance("3:481", 5, 2)])
    files: FileRemoval = NoFiles()  # type: ignore[assignment]
    shelf = EmailShelf(world.table, world.aftermath, files)
    customer = Customer(COMPANY, 3, 481)
    table = InterruptedTable(
        world.table, lambda: shelf.forget(customer, Deadline(world.clock, 10), lambda _: None)
    )
    slow = Aftermath(table, Suppressions(table), world.clock)
    assert slow.take(COMPANY, "first", [_report(world, email_id)]) == 0
    assert list(world.table.scan()) == []


class RestingTable(MemoryTable):
    """Another table's items; something happens right before the first one is deleted.

    Args:
        table: the other one.
        meanwhile: what happens.
    """

    def __init__(self, table: MemoryTable, meanwhile: Callable[[], object]) -> None:
        super().__init__()
        self._items, self._lock = table._items, table._lock
        self._meanwhile = [meanwhile]

    def delete(self, key: Key, condition: str = "", values: Mapping[str, object] | None = None) -> None:
        """Every deletion."""
        if self._meanwhile:
            self._meanwhile.pop()()
        super().delete(key, condition, values)


def test_an_e_mail_for_the_rest_that_is_made_while_its_customer_is_forgotten_is_forgotten_too() -> None:
    """It would be sent a quarter of an hour later."""
    busy = Refusal("ana@example.org", permanent=False, code="450")
    world = MailWorld(ScriptedProvider(Accepted("p", (busy,))))
    people = {"to": ["marta@example.org", "ana@example.org"], "subject": "S", "text": "T"}
    email_id = world.outbox.enqueue(COMPANY, NewEmail.parse(people), key="k", contact=Contact(3, 481))
    table = RestingTable(world.table, lambda: world.deliver(email_id))
    files: FileRemoval = NoFiles()  # type: ignore[assignment]
    counted: list[str] = []
    shelf = EmailShelf(table, Aftermath(table, Suppressions(table), world.clock), files)
    assert shelf.forget(Customer(COMPANY, 3, 481), Deadline(world.clock, 10), counted.append)
    assert [item for item in world.table.scan() if not item["sk"].startswith("breaker#")] == []
    assert counted == ["e-mails"] * 2


# In time


class SlowTable(MemoryTable):
    """A table whose calls take a hundredth of a second each, and are counted.

    Args:
        world: whose clock moves.
    """

    def __init__(self, world: MailWorld) -> None:
        super().__init__()
        self._items, self._lock = world.table._items, world.table._lock
        self._clock = world.clock
        self.calls = 0

    def _take(self) -> None:
        self.calls += 1
        self._clock.advance(0.01)

    def get(self, key: Key, *, consistent: bool = False) -> Item | None:
        """See `Table`."""
        self._take()
        return super().get(key, consistent=consistent)

    def get_many(self, keys: Sequence[Key]) -> list[Item]:
        """See `Table`; one call."""
        self._take()
        return [item for item in (MemoryTable.get(self, key) for key in keys) if item]

    def transact(self, parts: Sequence[TransactionPart]) -> None:
        """Every write of a memory table comes through here."""
        self._take()
        super().transact(parts)


def _taken(aftermath: Aftermath, batch: list[Report], deadline: Deadline) -> bool:
    """Whether there was time for all of them."""
    try:
        aftermath.take(COMPANY, "first", batch, deadline)
    except RetryLater as told:
        return told.reason != "reports_left"
    return True


def test_a_large_batch_is_answered_in_time_and_done_by_its_repetitions() -> None:
    """What was taken stays, and costs next to nothing when it comes again."""
    world = MailWorld()
    email_id = world.write()
    batch = [_report(world, email_id, event=f"e{number}") for number in range(2_500)]
    table = SlowTable(world)
    aftermath = Aftermath(table, Suppressions(table), world.clock)
    rounds, longest, done = 0, 0.0, False
    while not done:
        rounds, began = rounds + 1, world.clock.monotonic()
        assert rounds < 10
        done = _taken(aftermath, batch, Deadline(world.clock, 20))
        longest = max(longest, world.clock.monotonic() - began)
    assert (rounds, longest < 21) == (3, True)
    assert len(world.aftermath.story(COMPANY, email_id).happened) == 2_500
    table.calls = 0
    assert aftermath.take(COMPANY, "first", batch, Deadline(world.clock, 20)) == 0
    assert table.calls == 25


def test_reports_that_name_no_e_mail_are_counted_and_cost_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Accounts send other mails as well."""
    world = MailWorld()
    other = Report("e1", Fate.DELIVERED, "a@example.org", datetime.fromisoformat("2026-11-23T09:00:00Z"))
    assert world.aftermath.take(COMPANY, "first", [other]) == 0
    assert list(world.table.scan()) == []
    assert '"EmailReportsUnplaced"' in capsys.readouterr().out
