"""The table in memory answers as DynamoDB does (moto stands for it here)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shared.platform.tables import Check, ConditionFailed, Delete, Key, Put, Table, Update
from tests.fakes.dynamodb_rules import Refused
from tests.fakes.table import MemoryTable
from tests.support.aws import make_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient

A, B = Key("p", "a"), Key("p", "b")
FENCE = {":fence": 1, ":turn": 2}

# Each is done to both tables; what they return, raise and hold afterwards must be the same.
STEPS: list[Callable[[Table], Any]] = [
    lambda table: table.put(A.as_item() | {"fence": 1, "turn": 2}, "attribute_not_exists(pk)"),
    lambda table: table.put(A.as_item() | {"fence": 9}, "attribute_not_exists(pk)"),
    lambda table: table.update(
        A, "SET x = :x, #s = :x REMOVE turn", values={":x": "v"}, names={"#s": "status"}
    ),
    lambda table: table.put(Key("p", "map").as_item() | {"message": {"text": "hola", "came": 1}}),
    lambda table: table.update(
        Key("p", "map"),
        "SET #m.came = :at, #m.seen = :at, n = :at REMOVE x",
        "n IN (:at, :other) OR attribute_not_exists(n)",
        values={":at": 2, ":other": 3},
        names={"#m": "message"},
    ),
    lambda table: table.update(A, "SET turn = :turn", "fence = :fence", values=FENCE),
    lambda table: table.update(A, "SET turn = :turn", "fence = :fence AND x = :turn", values=FENCE),
    lambda table: table.update(B, "ADD n :one, ids :set SET v = :one", values={":one": 1, ":set": {5}}),
    lambda table: table.update(B, "ADD n :one, ids :set", values={":one": 1, ":set": {6}}),
    lambda table: table.update(B, "SET n = :n", "attribute_not_exists(n) OR n < :n", values={":n": 7}),
    lambda table: table.update(B, "SET n = :n", "attribute_not_exists(n) OR n < :n", values={":n": 6}),
    lambda table: table.update(B, "SET n = :n", "(attribute_not_exists(q) OR q <= :n)", values={":n": 8}),
    lambda table: table.update(
        B, "SET n = :n", "#s <> :s", values={":n": 9, ":s": "SENT"}, names={"#s": "status"}
    ),
    lambda table: table.transact(
        [Check(A, "fence = :fence AND turn = :turn", FENCE), Put(Key("p", "c").as_item())]
    ),
    lambda table: table.transact([Check(A, "fence = :turn", {":turn": 2}), Delete(Key("p", "c"))]),
    lambda table: table.transact([Update(A, "SET y = :fence", values={":fence": 3}), Delete(Key("p", "c"))]),
    lambda table: table.delete(B, "n = :n", {":n": 0}),
    lambda table: table.put_many([Key("p", f"z#{number}").as_item() for number in range(30)]),
    lambda table: table.query("p", prefix="z#1"),
    lambda table: table.query("p", between=("z#2", "z#25"), newest_first=True, limit=3),
    lambda table: table.get(B, consistent=True),
    lambda table: table.get(Key("p", "none")),
    lambda table: sorted(
        item["sk"] for item in table.get_many([A, B, A, *(Key("p", f"z#{number}") for number in range(120))])
    ),
    lambda table: table.get_many([Key("p", "none")]),
    lambda table: table.get_many([]),
]


def _outcome(step: Callable[[Table], Any], table: Table) -> tuple[str, Any]:
    try:
        return "returned", step(table)
    except ConditionFailed as failed:
        return "refused", failed.item


def test_every_step_has_the_same_outcome_on_both(dynamodb: DynamoDBClient) -> None:
    """Returned values, refusals with the item as it stood, and what is there afterwards."""
    real, memory = make_table(dynamodb, "real"), MemoryTable()
    for number, step in enumerate(STEPS):
        assert _outcome(step, memory) == _outcome(step, real), f"step {number}"
        assert memory.query("p") == real.query("p"), f"after step {number}"


@pytest.mark.parametrize(
    "write",
    [
        lambda table: table.transact([Put(A.as_item()), Delete(A)]),
        lambda table: table.put(A.as_item() | {"due_sk": ""}),
        lambda table: table.update(A, "SET due_pk = :v", values={":v": ""}),
        lambda table: table.update(A, "SET v = :v", values={":v": 1, ":w": 2}),
        lambda table: table.update(A, "SET v = :v", values={":v": 1}, names={"#n": "n"}),
        lambda table: table.update(A, "SET #n = :v", values={":v": 1}),
        lambda table: table.update(A, "SET v = :v REMOVE v", values={":v": 1}),
        lambda table: table.update(A, "SET v.x = :v REMOVE #n", values={":v": 1}, names={"#n": "v"}),
        lambda table: table.delete(A, "((v = :v))", {":v": 1}),
    ],
)
def test_what_dynamodb_refuses_before_it_looks_is_refused(write: Callable[[MemoryTable], object]) -> None:
    """A mistake that only a deployed table would find stops nothing there any more."""
    table = MemoryTable()
    table.put(A.as_item() | {"v": {}})
    with pytest.raises(Refused):
        write(table)


@pytest.mark.parametrize("kind", ["memory", "dynamodb"])
def test_a_range_that_dynamodb_refuses_is_never_asked_for(kind: str, dynamodb: DynamoDBClient) -> None:
    """An empty end is a mistake of ours; behind its own end lies nothing."""
    table = MemoryTable() if kind == "memory" else make_table(dynamodb, "ranges")
    table.put(A.as_item())
    assert [item["sk"] for item in table.query("p", between=("a", "a"))] == ["a"]
    assert table.query("p", between=("b", "a")) == []
    for between in (("", "z"), ("a", "")):
        with pytest.raises(ValueError, match="never empty"):
            table.query("p", between=between)


def test_an_expression_that_it_does_not_know_is_an_error() -> None:
    """Never a guess."""
    with pytest.raises(NotImplementedError):
        MemoryTable().update(A, "SET n = n + :one", values={":one": 1})
    with pytest.raises(NotImplementedError):
        MemoryTable().update(A, "DELETE ids :set", values={":set": {1}})


@pytest.mark.parametrize(
    "write",
    [
        lambda table: table.update(Key("p", "s"), "SET left = :v", values={":v": 1}),
        lambda table: table.put({"pk": "p", "sk": "s"}, "number < :v", {":v": 1}),
    ],
)
def test_a_word_that_dynamodb_keeps_for_itself_is_refused(write: Callable[[MemoryTable], object]) -> None:
    """As DynamoDB refuses it; a placeholder is how such an attribute is named."""
    table = MemoryTable()
    with pytest.raises(AssertionError, match="reserved word"):
        write(table)
    table.update(Key("p", "s"), "SET #left = :v", values={":v": 1}, names={"#left": "left"})
