"""Forgetting a company: all of it, nothing else, also after a crash anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.companies.audit import Audit
from shared.companies.forgetting import SETTLING, Forgetting, Leave
from shared.platform.tables import Key
from tests.fakes.clock import FakeClock
from tests.fakes.table import MemoryTable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.companies.receipt import Receipt
    from shared.platform.tables import TransactionPart

MESSAGES = 30


class Crash(Exception):
    """The process dies here."""


class CrashingTable(MemoryTable):
    """A table that lets a process die before or after the n-th write to any table of its world."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def transact(self, parts: Sequence[TransactionPart]) -> None:
        """Every write of a memory table comes through here."""
        self._world.count()
        super().transact(parts)
        self._world.count()


class World:
    """Two companies whose ids begin alike, with items in three tables."""

    def __init__(self) -> None:
        self.moments, self.dies_at = 0, 0
        self.files = {"sol": ["a.pdf", "b.pdf"], "sol-2": ["c.pdf"]}
        self.clock = FakeClock()
        self.credentials, self.companies, self.conversations = (CrashingTable(self) for _ in range(3))
        for company_id in ("sol", "sol-2"):
            own = f"company#{company_id}"
            places = [(own, "datakey#oauth#0000000001"), (own, "credential#chatwoot#user_token")]
            self.fill(self.credentials, places)
            self.fill(self.companies, [(own, "apikey#1"), (own, "audit#2026"), ("directory", own)])
            self.fill(self.conversations, [(f"{own}#contact#3#1#9", "message#1"), (f"{own}#missed", "run")])
            inbox = [(f"{own}#conversation#3#214", f"inbox#{number}") for number in range(MESSAGES)]
            self.fill(self.conversations, inbox)
        self.moments = 0

    def fill(self, table: MemoryTable, places: Sequence[tuple[str, str]]) -> None:
        """Put items there."""
        for pk, sk in places:
            table.put({"pk": pk, "sk": sk, "v": 1, "text": "words"})

    def count(self) -> None:
        """A moment in which the process may die."""
        self.moments += 1
        if self.moments == self.dies_at:
            raise Crash

    def forget(self, *warnings: str, wait: bool = True) -> Receipt:
        """Run the command once."""
        tables = {
            "credentials": self.credentials,
            "companies": self.companies,
            "conversations": self.conversations,
        }
        run = Forgetting(tables, self.remove_files, self.companies, self.clock).run
        return run("sol", lambda: Leave(by_hand=warnings), "command", wait=wait)

    def remove_files(self, company_id: str, count: Callable[[int], None]) -> None:
        """A store of files: each is deleted, and then counted."""
        while self.files[company_id]:
            self.count()
            self.files[company_id].pop()
            count(1)

    def of(self, company_id: str) -> set[tuple[str, str]]:
        """Everything in the partitions of a company."""
        own = f"company#{company_id}"
        tables = (self.credentials, self.companies, self.conversations)
        items = [item for table in tables for item in table.scan()]
        return {
            (item["pk"], item["sk"])
            for item in items
            if item["pk"] == own or item["pk"].startswith(f"{own}#")
        }


def test_everything_of_the_company_goes_and_the_receipt_counts_it() -> None:
    """And what remains, until when; a company whose id begins alike keeps everything."""
    world = World()
    others = world.of("sol-2")
    receipt = world.forget("Delete the webhook by hand.")
    assert world.of("sol") == set()
    assert world.of("sol-2") == others
    assert {line.what: line.count for line in receipt.removed} == {
        "companies: apikey": 1,
        "companies: audit": 1,
        "conversations: contact message": 1,
        "conversations: conversation inbox": MESSAGES,
        "conversations: missed run": 1,
        "credentials: credential": 1,
        "credentials: datakey": 1,
        "files of e-mails": 2,
    }
    assert world.files == {"sol": [], "sol-2": ["c.pdf"]}
    assert receipt.complete
    assert receipt.by_hand == ("Delete the webhook by hand.",)
    assert any(
        "point-in-time" in line.what and line.until.startswith("2026-12-28") for line in receipt.remains
    )


def test_what_is_written_late_is_found_by_the_second_look() -> None:
    """By whoever was at work when the company went."""
    world = World()
    assert not world.forget(wait=False).complete
    world.clock.advance(60)
    late = ("company#sol#conversation#3#215", "inbox#1")
    world.fill(world.conversations, [late])
    world.clock.advance(SETTLING.total_seconds())
    assert not world.forget(wait=False).complete  # it found something: it looks once more
    assert world.of("sol") == set()
    world.clock.advance(SETTLING.total_seconds() - 1)
    assert not world.forget(wait=False).complete
    world.clock.advance(1)
    receipt = world.forget(wait=False)
    assert receipt.complete
    assert sum(line.count for line in receipt.removed) == MESSAGES + 6 + 2 + 1


def test_the_act_stays_in_the_operators_trail_and_nothing_else_does() -> None:
    """With the receipt; how far it was is forgotten as well."""
    world = World()
    receipt = world.forget()
    [record], _ = Audit(world.companies, world.clock).list("operator", 10)
    assert (record.action, record.actor) == ("company.forget", "command")
    assert record.detail["removed"] == receipt.as_dict()["removed"]
    assert world.companies.get(Key("operator", "forget#sol")) is None


def test_a_company_of_which_there_is_nothing_is_forgotten_without_a_line() -> None:
    """Doing it twice is fine."""
    world = World()
    world.forget()
    again = world.forget()
    assert (again.complete, again.removed) == (True, ())


def moments_of_a_whole_run() -> int:
    """How often a run could die."""
    world = World()
    world.forget()
    return world.moments


def test_a_crash_at_any_moment_is_made_good_by_running_again() -> None:
    """Wrapped keys are gone before anything else; at the end everything is, and was counted once at most."""
    moments = range(1, moments_of_a_whole_run() + 1)
    assert len(moments) > 20
    for moment in moments:
        world = World()
        others = world.of("sol-2")
        world.dies_at = moment
        with pytest.raises(Crash):
            world.forget("by hand")
        world.dies_at = 0
        receipt = world.forget()
        assert receipt.complete
        assert world.of("sol") == set()
        assert world.of("sol-2") == others
        assert sum(line.count for line in receipt.removed) <= MESSAGES + 6 + 2


def test_wrapped_data_keys_go_first() -> None:
    """Whatever is left after a crash can be read by nobody any more."""
    world = World()
    gone: list[str] = []

    class Watched(CrashingTable):
        def delete_many(self, keys: Sequence[Key]) -> None:
            gone.extend(key.sk for key in keys)
            super().delete_many(keys)

    watched = Watched(world)
    watched.put_many(list(world.credentials.scan()))
    world.credentials = watched
    world.forget()
    assert gone == ["datakey#oauth#0000000001", "credential#chatwoot#user_token"]
