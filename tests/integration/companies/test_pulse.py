"""How services do is noted seldom and told rightly."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import EndpointConnectionError

from shared.companies.pulse import CHATWOOT, MODEL, Beat, Pulse
from shared.platform.tables import Table
from tests.support.aws import make_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from shared.platform.tables import Item
    from tests.fakes.clock import FakeClock


class CountingTable(Table):
    """Counts its updates."""

    updates = 0

    def update(self, *args: Any, **kwargs: Any) -> Item:  # noqa: ANN401 - passed through
        """See `Table`."""
        self.updates += 1
        return super().update(*args, **kwargs)


@pytest.fixture
def table(dynamodb: DynamoDBClient) -> CountingTable:
    """The conversations table."""
    made = make_table(dynamodb, "conversations")
    return CountingTable(made._client, made.name)


def test_a_busy_service_costs_one_note_a_minute(table: CountingTable, clock: FakeClock) -> None:
    """Whatever it answers, as long as it answers the same; each company and service by itself."""
    pulse = Pulse(table, clock)
    for _ in range(600):
        pulse.worked("sol", MODEL)
        clock.advance(0.5)
    assert table.updates == 5
    pulse.worked("luna", MODEL)
    pulse.worked("sol", CHATWOOT)
    assert table.updates == 7


def test_a_change_is_noted_at_once(table: CountingTable, clock: FakeClock) -> None:
    """It fails, it works again: nobody waits a minute to see either."""
    pulse, start = Pulse(table, clock), clock.now()
    pulse.worked("sol", MODEL)
    clock.advance(1)
    pulse.failed("sol", MODEL, "model_timeout")
    assert pulse.of("sol", MODEL) == Beat(start + timedelta(seconds=1), "model_timeout", 1, start)
    clock.advance(1)
    pulse.worked("sol", MODEL)
    assert pulse.of("sol", MODEL) == Beat(worked_at=start + timedelta(seconds=2))


def test_failures_between_notes_are_counted(table: CountingTable, clock: FakeClock) -> None:
    """Since is the first one's moment, also when other processes note."""
    pulse, other, start = Pulse(table, clock), Pulse(table, clock), clock.now()
    for _ in range(7):
        pulse.failed("sol", MODEL, "model_timeout")
        clock.advance(10)
    other.failed("sol", MODEL, "model_unavailable")
    assert pulse.of("sol", MODEL) == Beat(start, "model_unavailable", 8)


def test_what_nobody_has_met_for_a_week_is_forgotten(table: CountingTable, clock: FakeClock) -> None:
    """Also before the table has swept it."""
    pulse = Pulse(table, clock)
    pulse.failed("sol", MODEL, "model_timeout")
    clock.advance(7 * 86_400)
    assert pulse.of("sol", MODEL) == Beat()


def test_a_note_that_cannot_be_written_harms_nothing(clock: FakeClock) -> None:
    """A customer waits for what comes after it."""

    class Down:
        def update(self, *_: object, **__: object) -> None:
            raise EndpointConnectionError(endpoint_url="https://dynamodb.example")

    Pulse(Down(), clock).failed("sol", MODEL, "model_timeout")  # type: ignore[arg-type]
