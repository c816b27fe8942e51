"""Tables give plain values back, and their conditions are locks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.platform.tables import (
    Check,
    ConditionFailed,
    Delete,
    Key,
    Put,
    Table,
    TransactionPart,
    Update,
)
from tests.support.aws import make_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEY = Key("a", "1")


@pytest.fixture
def table(dynamodb: DynamoDBClient) -> Table:
    """An empty table."""
    return make_table(dynamodb, "things")


def test_values_come_back_as_they_went_in(table: Table) -> None:
    """Numbers as numbers, bytes as bytes, sets as sets."""
    item = KEY.as_item() | {"n": 7, "b": b"\x00\xff", "deep": [{"x": None, "y": True}], "ids": {1, 2}}
    table.put(item)
    assert table.get(KEY, consistent=True) == item
    assert table.get(Key("a", "2")) is None


def test_a_failed_condition_shows_the_item_as_it_stands(table: Table) -> None:
    """So that the loser need not read again."""
    table.put(KEY.as_item() | {"owner": "first"})
    with pytest.raises(ConditionFailed) as lost:
        table.put(KEY.as_item() | {"owner": "second"}, "attribute_not_exists(pk)")
    assert lost.value.item == KEY.as_item() | {"owner": "first"}


def test_an_update_returns_the_whole_item(table: Table) -> None:
    """Also when it makes it."""
    assert table.update(KEY, "ADD n :one", values={":one": 1}) == KEY.as_item() | {"n": 1}
    assert table.update(KEY, "ADD n :one", "n = :one", values={":one": 1})["n"] == 2
    with pytest.raises(ConditionFailed):
        table.update(KEY, "ADD n :one", "n = :one", values={":one": 1})


def test_queries_go_by_prefix_by_range_by_order_and_by_limit(table: Table) -> None:
    """In one partition."""
    table.put_many([Key("a", f"x#{number}").as_item() for number in range(9)])
    table.put_many([Key("a", "y#0").as_item(), Key("b", "x#0").as_item()])

    def found(**how: object) -> list[str]:
        return [item["sk"] for item in table.query("a", **how)]  # type: ignore[arg-type]

    assert len(found()) == 10
    assert found(prefix="y") == ["y#0"]
    assert found(between=("x#3", "x#5")) == ["x#3", "x#4", "x#5"]
    assert found(prefix="x", limit=2, newest_first=True) == ["x#8", "x#7"]
    assert len(list(table.scan())) == 11


def test_more_items_than_a_batch_takes_are_all_written(table: Table) -> None:
    """Twenty-five at a time."""
    table.put_many([Key("a", f"{number:03d}").as_item() for number in range(60)])
    assert len(table.query("a")) == 60
    table.put_many([])


def test_a_transaction_is_all_or_nothing(table: Table) -> None:
    """And says whose condition failed."""
    table.put(KEY.as_item() | {"n": 1})
    writes: list[TransactionPart] = [
        Put(Key("a", "2").as_item()),
        Update(KEY, "SET n = :n", values={":n": 2}),
    ]
    with pytest.raises(ConditionFailed):
        table.transact([Check(KEY, "n = :n", {":n": 9}), writes[0]])
    assert table.get(Key("a", "2")) is None
    table.transact(writes)
    table.transact([Delete(KEY, "n = :n", {":n": 2})])
    assert [item["sk"] for item in table.query("a")] == ["2"]


def test_a_delete_may_have_a_condition(table: Table) -> None:
    """Removing what is not there is fine without one."""
    table.delete(KEY)
    table.put(KEY.as_item() | {"n": 1})
    with pytest.raises(ConditionFailed):
        table.delete(KEY, "n = :n", {":n": 2})
    table.delete(KEY, "n = :n", {":n": 1})
    assert table.get(KEY) is None
