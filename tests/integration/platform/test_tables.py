"""Tables give plain values back, and their conditions are locks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from shared.platform.errors import RetryLater
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


class BusyClient:
    """A client whose first calls meet somebody else's transaction, or leave keys for later.

    Args:
        refusals: how many calls are refused.
    """

    def __init__(self, refusals: int) -> None:
        self.left = refusals
        self.calls = 0

    def put_item(self, **_: Any) -> dict[str, Any]:  # noqa: ANN401 - a request of DynamoDB
        """Refused with the words that DynamoDB has for it."""
        self.calls += 1
        self.left -= 1
        if self.left >= 0:
            raise ClientError({"Error": {"Code": "TransactionConflictException", "Message": ""}}, "PutItem")
        return {}

    def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803 - DynamoDB's name
        """One key at a time, while there are refusals left; then all."""
        self.calls += 1
        [(name, wanted)] = RequestItems.items()
        assert wanted["ConsistentRead"]
        self.left -= 1
        done, later = (wanted["Keys"][:1], wanted["Keys"][1:]) if self.left >= 0 else (wanted["Keys"], [])
        answer: dict[str, Any] = {"Responses": {name: done}}
        return answer | ({"UnprocessedKeys": {name: {**wanted, "Keys": later}}} if later else {})


def _busy(client: BusyClient) -> Table:
    return Table(client, "things")  # type: ignore[arg-type]


def test_a_write_that_meets_a_transaction_is_done_again() -> None:
    """It certainly was not done; where they never end it is another try's."""
    client = BusyClient(2)
    _busy(client).put(KEY.as_item())
    assert client.calls == 3
    with pytest.raises(RetryLater):
        _busy(BusyClient(99)).put(KEY.as_item())


def test_keys_that_a_batch_leaves_are_asked_for_again() -> None:
    """Until all are there, or the table keeps them waiting too long."""
    keys = [Key("a", str(number)) for number in range(4)]
    assert [item["sk"] for item in _busy(BusyClient(2)).get_many(keys)] == ["0", "1", "2", "3"]
    with pytest.raises(RetryLater):
        _busy(BusyClient(99)).get_many([Key("a", str(number)) for number in range(9)])


def test_many_items_are_read_at_once(table: Table) -> None:
    """More than a call takes, each named once or twice."""
    keys = [Key("a", f"{number:03d}") for number in range(120)]
    table.put_many([key.as_item() for key in keys])
    assert len(table.get_many([*keys, keys[0], Key("a", "none")])) == 120
