"""Reminders on moto, which parses every expression as DynamoDB does and knows its reserved words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.support.atomic import AtomicTable
from tests.support.aws import make_table
from tests.support.reminders import ReminderWorld, before

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from shared.platform.tables import Table

WEDNESDAY = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
DAY, HOURS = 24 * 60, 2 * 60


def test_a_whole_life_of_reminders_uses_only_expressions_that_dynamodb_knows(
    moto_table: Table, dynamodb: DynamoDBClient
) -> None:
    """Said, answered, moved, outside the window, by e-mail, too late: each write once."""
    world = ReminderWorld(table=moto_table, calendars_table=AtomicTable(make_table(dynamodb, "calendars")))
    world.customer_is_known()
    appointment = world.book(WEDNESDAY)
    world.until(before(WEDNESDAY, DAY))
    world.round()
    world.work_until_done()
    world.customer_writes("sí", 95_001)
    world.work_until_done()
    assert len(world.reminded_of()) == 2
    assert world.appointment(appointment).assured_at is not None
    world.move(appointment, WEDNESDAY + timedelta(days=1))
    connection = world.companies.connections["sol"]
    assert connection is not None
    world.companies.connections["sol"] = replace(connection, capabilities={"read_conversation": True})
    world.chatwoot.can_reply = False
    world.until(before(WEDNESDAY, 0))
    world.round()
    world.work_until_done()
    world.minute()
    assert len(world.emails.sent) == 1
    world.until(before(WEDNESDAY + timedelta(days=1), 30))
    world.round()
    assert world.states(appointment) == {
        "00120#chat": "skipped too_late",
        "01440#chat": "not_sent window_closed_email",
        "01440#email": "handed",
    }
