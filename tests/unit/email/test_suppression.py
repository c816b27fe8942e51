"""Addresses that are not written to: each is one in all its spellings, and a person has the last word."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from shared.companies.names import company_pk
from shared.email.aftermath import Aftermath
from shared.email.callbacks.reports import Fate, Report
from shared.email.message import NewEmail
from shared.email.suppression import Suppressions, canonical
from shared.platform.tables import Key
from tests.fakes.mail import COMPANY, MailWorld
from tests.fakes.table import MemoryTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.platform.tables import TransactionPart

UNICODE, ASCII = "ana@münchen.example", "ana@xn--mnchen-3ya.example"
# The same letters as one character each, and as a letter with its mark behind it.
COMPOSED, DECOMPOSED = "andré@example.org", "andre\u0301@example.org"


class Died(Exception):
    """The worker."""


class MortalTable(MemoryTable):
    """Another table's items, for a worker that dies after so many writes.

    Args:
        table: the other one.
        writes: how many it still does.
    """

    def __init__(self, table: MemoryTable, writes: int) -> None:
        super().__init__()
        self._items, self._lock = table._items, table._lock
        self._writes = writes

    def transact(self, parts: Sequence[TransactionPart]) -> None:
        """Every write of a memory table comes through here."""
        if self._writes == 0:
            raise Died
        self._writes -= 1
        super().transact(parts)


def _listed(world: MailWorld) -> list[str]:
    return [one.address for one in world.suppressions.all(COMPANY, 10)]


def _bounce(world: MailWorld, email_id: str, address: str = "marta@example.org", event: str = "e1") -> Report:
    return Report(event, Fate.BOUNCED, address, world.clock.now(), email_id, "p-1", permanent=True)


@pytest.mark.parametrize(
    ("put", "asked"),
    [
        (UNICODE, ASCII),
        (ASCII, UNICODE),
        (ASCII.upper(), UNICODE),
        ("Ana@MÜNCHEN.example", ASCII),
        (COMPOSED, DECOMPOSED),
        (DECOMPOSED, COMPOSED),
    ],
)
def test_an_address_is_one_in_all_its_spellings(put: str, asked: str) -> None:
    """Found, shown once, and taken off again."""
    world = MailWorld()
    world.suppressions.add(COMPANY, put, "bounced", world.clock.now())
    world.suppressions.add(COMPANY, asked, "bounced", world.clock.now())
    assert world.suppressions.among(COMPANY, [asked, "other@example.org"]) == {asked: "bounced"}
    assert len(_listed(world)) == 1
    assert world.suppressions.remove(COMPANY, asked, world.clock.now())
    assert (world.suppressions.among(COMPANY, [put, asked]), _listed(world)) == ({}, [])


def test_it_is_shown_as_it_travels() -> None:
    """The form that providers report, too."""
    assert canonical("Ana@MÜNCHEN.example") == ASCII
    assert canonical(DECOMPOSED) == COMPOSED


@pytest.mark.parametrize("odd", ["not an address", "a@b@c", "a@xn--\x00", "", "@", "a@" + "x" * 300])
def test_what_is_no_address_is_kept_as_it_was_reported(odd: str) -> None:
    """Providers report what they were given."""
    world = MailWorld()
    world.suppressions.add(COMPANY, f" {odd.upper()} ", "dropped", world.clock.now())
    assert _listed(world) == [odd]
    assert world.suppressions.among(COMPANY, [odd]) == {odd: "dropped"}


def test_a_bounce_at_a_domain_with_other_letters_stops_the_next_e_mail() -> None:
    """Reported in ASCII, asked for in Unicode."""
    world = MailWorld()
    first = world.write(to=UNICODE)
    world.settle(first)
    world.aftermath.take(COMPANY, "first", [_bounce(world, first, ASCII)])
    world.settle(world.write("again", to=UNICODE))
    assert world.arrived() == 1


def test_an_address_that_was_put_on_the_list_in_unicode_is_still_found_and_taken_off() -> None:
    """Lists were once kept so."""
    world = MailWorld()
    old = {**Key(company_pk(COMPANY), f"suppressed#{UNICODE}").as_item(), "v": 1, "reason": "asked"}
    world.table.put({**old, "since_ms": 0, "email_id": ""})
    assert world.suppressions.among(COMPANY, [UNICODE, ASCII]) == {UNICODE: "asked", ASCII: "asked"}
    assert world.suppressions.remove(COMPANY, ASCII, world.clock.now())
    assert world.suppressions.among(COMPANY, [UNICODE, ASCII]) == {}


def test_pages_go_on_where_the_last_one_ended() -> None:
    """Also after an address that once was kept in Unicode."""
    world = MailWorld()
    old = {**Key(company_pk(COMPANY), f"suppressed#{UNICODE}").as_item(), "v": 1, "reason": "asked"}
    world.table.put({**old, "since_ms": 0, "email_id": ""})
    for address in ("bo@example.org", "ana@nowhere.example", ASCII):
        world.suppressions.add(COMPANY, address, "asked", world.clock.now())
    seen, after = [], ""
    while page := world.suppressions.all(COMPANY, 1, after):
        seen.append(after := page[0].address)
    assert seen == [UNICODE, "ana@nowhere.example", ASCII, "bo@example.org"]


def test_an_old_report_does_not_undo_what_a_person_did() -> None:
    """However often, and under whatever name, it comes again; what happens later counts."""
    world = MailWorld()
    email_id = world.write()
    bounce = _bounce(world, email_id)
    world.aftermath.take(COMPANY, "first", [bounce])
    world.clock.advance(60)
    assert world.suppressions.remove(COMPANY, "Marta@example.org", world.clock.now())
    again = Report("e2", Fate.BOUNCED, bounce.address, bounce.at, email_id, "p-1", permanent=True)
    world.aftermath.take(COMPANY, "first", [bounce, again])
    assert _listed(world) == []
    world.clock.advance(60)
    world.aftermath.take(COMPANY, "first", [_bounce(world, email_id, event="e3")])
    assert _listed(world) == ["marta@example.org"]


@pytest.mark.parametrize("writes", [0, 1, 2])
def test_who_dies_before_the_report_is_kept_has_it_done_by_the_next_delivery(writes: int) -> None:
    """Wherever it was: the address goes on the list before the report counts as known."""
    world = MailWorld()
    bounce = _bounce(world, world.write())
    table = MortalTable(world.table, writes)
    with pytest.raises(Died):
        Aftermath(table, Suppressions(table), world.clock).take(COMPANY, "first", [bounce])
    assert world.aftermath.take(COMPANY, "first", [bounce]) == 1
    assert _listed(world) == ["marta@example.org"]


def test_an_old_report_says_nothing_about_a_newer_reason() -> None:
    """Who asked not to be written to did not bounce."""
    world = MailWorld()
    before = world.clock.now() - timedelta(hours=1)
    world.suppressions.add(COMPANY, "marta@example.org", "asked", world.clock.now())
    assert not world.suppressions.reported(COMPANY, "marta@example.org", "bounced", before)
    assert [one.reason for one in world.suppressions.all(COMPANY, 10)] == ["asked"]


def test_who_was_taken_off_does_not_stay_readable() -> None:
    """Only a digest stays, for as long as old reports may come."""
    world = MailWorld()
    world.suppressions.add(COMPANY, "marta@example.org", "asked", world.clock.now())
    world.suppressions.remove(COMPANY, "marta@example.org", world.clock.now())
    [left] = list(world.table.scan())
    assert "marta" not in str(left)
    assert left["expires_at"] > 0


def test_a_person_puts_an_address_back_whenever_they_want() -> None:
    """That it was taken off a moment ago stands in nobody's way."""
    world = MailWorld()
    world.suppressions.remove(COMPANY, "marta@example.org", world.clock.now() + timedelta(seconds=1))
    world.suppressions.add(COMPANY, "marta@example.org", "asked", world.clock.now())
    email = NewEmail.parse({"to": ["marta@example.org"], "subject": "S", "text": "T"})
    world.settle(world.outbox.enqueue(COMPANY, email, key="k"))
    assert world.arrived() == 0
