"""How often a key may ask, and what counting costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from shared.companies.rate_limits import RateLimits
from shared.platform.errors import TooMany
from shared.platform.tables import Table
from tests.fakes.clock import FakeClock
from tests.fakes.table import MemoryTable
from tests.support.aws import make_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from shared.platform.tables import Item


class CountingTable(Table):
    """Counts its updates."""

    def __init__(self, table: Table) -> None:
        super().__init__(table._client, table.name)
        self.updates = 0

    def update(self, *args: Any, **kwargs: Any) -> Item:  # noqa: ANN401 - passed through
        """See `Table`."""
        self.updates += 1
        return super().update(*args, **kwargs)


@pytest.fixture
def table(dynamodb: DynamoDBClient) -> CountingTable:
    """The companies table."""
    return CountingTable(make_table(dynamodb, "companies"))


def passed(limits: RateLimits, requests: int, per_minute: int, key_id: str = "k") -> int:
    """How many of so many requests are let through."""
    through = 0
    for _ in range(requests):
        try:
            limits.take("sol", key_id, per_minute)
        except TooMany:
            continue
        through += 1
    return through


@pytest.mark.parametrize(("per_minute", "writes"), [(600, 16), (120, 14), (10, 10), (1, 1)])
def test_one_process_lets_through_exactly_the_limit_for_few_writes(
    table: CountingTable, clock: FakeClock, per_minute: int, writes: int
) -> None:
    """And a flood of refused requests costs no more."""
    limits = RateLimits(table, clock)
    assert passed(limits, per_minute, per_minute) == per_minute
    assert table.updates == writes
    assert passed(limits, 1000, per_minute) == 0
    assert table.updates == writes + 1


def test_the_next_minute_is_a_new_one(table: CountingTable, clock: FakeClock) -> None:
    """And the refusal says when it begins."""
    limits = RateLimits(table, clock)
    clock.advance(17.5)
    assert passed(limits, 9, 5) == 5
    with pytest.raises(TooMany) as refused:
        limits.take("sol", "k", 5)
    assert refused.value.after_seconds == 43
    clock.advance(refused.value.after_seconds)
    assert passed(limits, 9, 5) == 5


def test_keys_do_not_count_for_each_other(table: CountingTable, clock: FakeClock) -> None:
    """Also not two of the same company."""
    limits = RateLimits(table, clock)
    assert (passed(limits, 9, 5, "one"), passed(limits, 9, 5, "two")) == (5, 5)


def test_ten_processes_that_take_turns_share_one_limit(table: CountingTable, clock: FakeClock) -> None:
    """Each borrows by itself; together they get no more, and it costs far fewer writes than requests."""
    processes = [RateLimits(table, clock) for _ in range(10)]
    through = sum(passed(processes[number % 10], 1, 120) for number in range(400))
    assert through == 120
    assert table.updates == 48


@given(st.lists(st.integers(0, 5), min_size=1, max_size=200), st.integers(1, 60))
def test_no_order_of_requests_gets_more_than_the_limit_or_less_than_half(
    order: list[int], per_minute: int
) -> None:
    """Whichever processes the requests come to."""
    table, clock = MemoryTable(), FakeClock()
    processes = [RateLimits(table, clock) for _ in range(6)]
    through = sum(passed(processes[number], 1, per_minute) for number in order)
    assert through <= per_minute
    assert through >= min(len(order), (per_minute + 1) // 2)


def test_what_cannot_be_counted_is_let_through(clock: FakeClock) -> None:
    """The limit protects neighbours; it must not become an outage of its own."""

    class Down:
        def update(self, *_: object, **__: object) -> None:
            raise EndpointConnectionError(endpoint_url="https://dynamodb.example")

    assert passed(RateLimits(Down(), clock), 30, 5) == 30  # type: ignore[arg-type]


def test_counters_are_swept(table: CountingTable, clock: FakeClock) -> None:
    """By the table's own broom, an hour later."""
    RateLimits(table, clock).take("sol", "k", 5)
    (item,) = table.scan()
    assert item["expires_at"] == int(clock.now().timestamp()) + 3600
