"""What a customer may cause in a day is counted with each e-mail, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.email.allowance import EVERYBODY, Allowance, OverAllowance, allowance_key
from shared.email.message import NewEmail
from shared.email.outbox import Outbox
from shared.email.records import Contact
from shared.platform.errors import RetryLater
from tests.fakes.clock import FakeClock
from tests.fakes.table import MemoryTable
from tests.support.aws import make_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient

    from shared.platform.tables import Item, Key, Table

COMPANY = "sol"
CONTACT = Contact(3, 481)


class Desk:
    """An outbox whose customer asks for e-mails.

    Args:
        table: where they are written down.
        emails: how many there may be.
        addresses: to how many addresses.
    """

    def __init__(self, table: Table, emails: int = 5, addresses: int = 2) -> None:
        self.table = table
        self.clock = FakeClock()
        self.queued: list[str] = []
        self.allowances = [Allowance("3:481", emails, addresses)]
        self.outbox = Outbox(table, self, self.clock)

    def send(self, company_id: str, email_id: str, *, delay_seconds: int = 0) -> None:
        """The queue."""
        del company_id, delay_seconds
        self.queued.append(email_id)

    def asks(self, key: str, *to: str) -> bool:
        """Whether an e-mail was taken in."""
        email = NewEmail.parse({"to": list(to or ("ana@example.com",)), "subject": "S", "text": "T"})
        try:
            self.outbox.enqueue(COMPANY, email, key=key, contact=CONTACT, allowances=self.allowances)
        except OverAllowance:
            return False
        return True

    def written(self) -> int:
        """How many there are."""
        return sum("content" in item for item in self.table.scan())


@pytest.fixture(params=["moto", "memory"])
def table(request: pytest.FixtureRequest) -> Table:
    """An empty table, as DynamoDB has it and as tests have it."""
    if request.param == "memory":
        return MemoryTable()
    client: DynamoDBClient = request.getfixturevalue("dynamodb")
    return make_table(client, "emails")


def test_all_contacts_together_have_so_many_to_whatever_addresses(table: Table) -> None:
    """Counted in the same transaction: what one of both refuses counts for neither."""
    desk = Desk(table, emails=2)
    desk.allowances.append(Allowance(EVERYBODY, 3))
    assert [desk.asks(key, f"{key}@example.com") for key in ("a", "b", "c")] == [True, True, False]
    desk.allowances[0] = Allowance("3:482", 2, 2)
    assert [desk.asks(key, f"{key}@example.com") for key in ("d", "e", "a")] == [True, False, True]
    together = table.get(allowance_key(COMPANY, EVERYBODY))
    assert together is not None
    assert [len(together["sent"]), {one for sent in together["sent"] for one in sent["to"]}] == [3, set()]
    assert desk.written() == 3


def test_what_is_over_is_not_written_down(table: Table) -> None:
    """Neither the e-mail nor whose it is; what was asked for before still is one."""
    desk = Desk(table, emails=2)
    assert [desk.asks(key) for key in ("a", "b", "c", "a", "b")] == [True, True, False, True, True]
    assert (desk.written(), len(set(desk.queued))) == (2, 2)
    assert len(table.query(f"company#{COMPANY}", prefix="contact#3#481#")) == 2


def test_different_addresses_are_counted_in_all_their_spellings(table: Table) -> None:
    """The same one again is none more."""
    desk = Desk(table, emails=9)
    assert desk.asks("a", "ana@münchen.example")
    assert desk.asks("b", "Ana@xn--mnchen-3ya.example")
    assert desk.asks("c", "bea@example.com")
    assert not desk.asks("d", "eva@example.com")
    assert desk.asks("e", "bea@example.com", "ana@münchen.example")


def test_a_day_later_there_is_room_again(table: Table) -> None:
    """For e-mails and for addresses; each counts for its own 24 hours."""
    desk = Desk(table, emails=2, addresses=1)
    assert desk.asks("a")
    desk.clock.advance(3_600)
    assert desk.asks("b")
    desk.clock.advance(23 * 3_600 + 1)
    assert not desk.asks("c", "bea@example.com")
    assert desk.asks("d")
    assert not desk.asks("e")
    desk.clock.advance(24 * 3_600)
    assert desk.asks("f", "bea@example.com")


def test_it_says_when_there_is_room_again(table: Table) -> None:
    """In seconds."""
    desk = Desk(table, emails=1)
    desk.asks("a")
    desk.clock.advance(3_600)
    email = NewEmail.parse({"to": ["ana@example.com"], "subject": "S", "text": "T"})
    with pytest.raises(OverAllowance) as refused:
        desk.outbox.enqueue(COMPANY, email, key="b", allowances=desk.allowances)
    assert (refused.value.about, refused.value.after_seconds) == ("emails", 23 * 3_600)


def test_no_address_stands_where_it_is_counted(table: Table) -> None:
    """And it goes by itself."""
    desk = Desk(table)
    desk.asks("a", "ana@example.com")
    item = table.get(allowance_key(COMPANY, "3:481"))
    assert item is not None
    assert "ana" not in str(item)
    assert 24 * 3_600 <= item["expires_at"] - desk.clock.now().timestamp() < 24 * 3_600 + 2


class OvertakenTable(MemoryTable):
    """A table in which others write each time after what was counted was read.

    Args:
        overtaking: what they do.
        times: how often.
    """

    def __init__(self, overtaking: Callable[[], object], times: int) -> None:
        super().__init__()
        self._overtaking = overtaking
        self._times = times

    def get(self, key: Key, *, consistent: bool = False) -> Item | None:
        """See `Table`."""
        found = super().get(key, consistent=consistent)
        if key.sk.startswith("allowance#") and self._times:
            left, self._times = self._times - 1, 0  # nobody overtakes the others
            self._overtaking()
            self._times = left
        return found


@pytest.mark.parametrize(("times", "taken"), [(1, True), (2, False)])
def test_e_mails_at_the_same_moment_are_counted_one_after_the_other(times: int, *, taken: bool) -> None:
    """Conversations of one contact run side by side; there are never more than there may be."""
    others = iter(("x", "y"))
    desk = Desk(OvertakenTable(lambda: desk.asks(next(others)), times), emails=2)
    assert desk.asks("a") == taken
    assert desk.written() == 2


def test_who_is_overtaken_again_and_again_tries_later() -> None:
    """The turn is run again."""
    others = iter(range(99))
    desk = Desk(OvertakenTable(lambda: desk.asks(f"x{next(others)}"), 5), emails=99)
    with pytest.raises(RetryLater):
        desk.asks("a")
