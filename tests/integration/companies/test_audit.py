"""The audit trail: written once, read page by page, kept 400 days."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.companies.audit import Audit
from shared.platform.errors import InvalidInput
from tests.support.aws import make_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from tests.fakes.clock import FakeClock

DAY = 86_400


@pytest.fixture
def audit(dynamodb: DynamoDBClient, clock: FakeClock) -> Audit:
    """An empty trail."""
    return Audit(make_table(dynamodb, "companies"), clock)


def actions_of(audit: Audit, owner: str, page: int = 10) -> list[str]:
    """Every act of an owner's trail, read page by page."""
    found, cursor = audit.list(owner, page)
    actions = [record.action for record in found]
    while cursor is not None:
        found, cursor = audit.list(owner, page, cursor)
        actions += [record.action for record in found]
    return actions


def test_a_record_says_who_did_what_and_when(audit: Audit) -> None:
    """Everything an auditor asks for."""
    audit.record("sol", "operator/ab12", "company.put", {"version": 3})
    (record,), cursor = audit.list("sol", 10)
    assert (record.at, record.actor, record.action, record.detail) == (
        "2026-11-23T09:00:00.000Z",
        "operator/ab12",
        "company.put",
        {"version": 3},
    )
    assert cursor is None


@pytest.mark.parametrize("page", [1, 2, 3, 7, 8])
def test_the_newest_come_first_and_no_page_repeats_or_skips(
    audit: Audit, clock: FakeClock, page: int
) -> None:
    """Two acts of the same millisecond are two acts."""
    for number in range(7):
        audit.record("sol", "a", f"act-{number}")
        clock.advance(DAY * 20 if number % 2 else 0)
    seen = actions_of(audit, "sol", page)
    assert sorted(seen) == [f"act-{number}" for number in range(7)]
    assert seen[0] == "act-6"


def test_a_trail_holds_its_owners_acts_only(audit: Audit) -> None:
    """Companies see their own; the operator's own acts have a trail of their own."""
    audit.record("sol", "a", "one")
    audit.record("sola", "a", "two")
    audit.record("operator", "a", "three")
    assert (actions_of(audit, "sol"), actions_of(audit, "operator")) == (["one"], ["three"])


def test_what_is_older_than_400_days_is_not_shown(audit: Audit, clock: FakeClock) -> None:
    """Also before DynamoDB has swept it away, which may take days."""
    audit.record("sol", "a", "old")
    clock.advance(399 * DAY)
    audit.record("sol", "a", "new")
    assert actions_of(audit, "sol") == ["new", "old"]
    clock.advance(2 * DAY)
    assert actions_of(audit, "sol") == ["new"]


@pytest.mark.parametrize("cursor", ["", "x", "2026", "~", "2026-11-23T09:00:00.000Z#nothex000000"])
def test_a_made_up_cursor_is_refused(audit: Audit, cursor: str) -> None:
    """In words."""
    with pytest.raises(InvalidInput, match="cursor"):
        audit.list("sol", 10, cursor)
    with pytest.raises(InvalidInput, match="cursor"):
        audit.list_all(10, cursor)


@pytest.mark.parametrize("page", [1, 2, 5, 100])
def test_the_operator_reads_everybodys_acts_across_months(audit: Audit, clock: FakeClock, page: int) -> None:
    """Newest first, each once, with whose it was; months without any act are passed over."""
    for number in range(9):
        audit.record(("sol", "luna", "operator")[number % 3], "a", f"act-{number}")
        clock.advance(DAY * (70 if number == 4 else 15))
    found, cursor = audit.list_all(page)
    seen = [*found]
    while cursor is not None:
        more, cursor = audit.list_all(page, cursor)
        seen += more
    assert [record.action for record in seen] == [f"act-{number}" for number in reversed(range(9))]
    assert [record.owner for record in seen[:3]] == ["operator", "luna", "sol"]


def test_everybodys_acts_are_kept_as_long(audit: Audit, clock: FakeClock) -> None:
    """The oldest day that is kept lies in the oldest month that is looked at."""
    audit.record("sol", "a", "old")
    clock.advance(399 * DAY)
    assert [record.action for record in audit.list_all(10)[0]] == ["old"]
    clock.advance(2 * DAY)
    assert audit.list_all(10) == ([], None)
