"""Looks at calendars on DynamoDB's own conditions, indexes and transactions (moto stands for it here)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.calendars.sync.errands import SyncErrand
from shared.companies.errands import ErrandQueue
from shared.platform.errors import RetryLater
from shared.platform.tables import ConditionFailed
from tests.support.atomic import AtomicTable
from tests.support.aws import make_table
from tests.support.bookings import COMPANY, TUESDAY, at
from tests.support.calendar_sync import SyncWorld, around

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient


@pytest.fixture
def world(dynamodb: DynamoDBClient) -> SyncWorld:
    """A company with one calendar."""
    calendars = [{"id": "ana", "provider": "google", "calendar": "ana@g"}]
    table = AtomicTable(make_table(dynamodb, "calendars"))
    return SyncWorld(changes={"calendars": calendars, "services": []}, table=table)


def test_a_calendars_whole_life(world: SyncWorld) -> None:
    """Read, failing, read again, told of a change, overtaken, forgotten."""
    world.vendor.staff_adds("ana@g", around(at(9), hours=1))
    assert world.round() == []
    world.vendor.refuses["changes ana@g"] = RetryLater("down")
    world.later(minutes=15)
    assert world.sync().failed == {"ana": "retry_later"}
    assert world.sync().failed == {"ana": "retry_later"}
    assert (known := world.cache.condition(COMPANY, "ana")) is not None
    assert known.failures == 2
    world.vendor.refuses.clear()
    world.vendor.staff_moves("ana@g", "staffs", around(at(10), hours=1))
    [(channel_id, (_, token, _))] = world.vendor.open.items()
    headers = {
        "x-goog-channel-id": channel_id,
        "x-goog-channel-token": token,
        "x-goog-resource-id": "resource-of-ana@g",
        "x-goog-resource-state": "exists",
    }
    told = [world.pushes.take(COMPANY, headers | {"x-goog-message-number": n}) for n in ("2", "3", "3")]
    assert told == ["queued", "waiting", "old"]
    assert world.take(SyncErrand(COMPANY, "ana")) == []
    assert world.taken(around(TUESDAY, days=1)) == [around(at(10), hours=1).span]
    look = world.look()
    assert not look.unreconciled
    with pytest.raises(ConditionFailed):
        world.cache.store(COMPANY, "ana", look, after=look, version=look.version - 1)
    world.companies.documents.clear()
    world.later(minutes=15)
    assert world.round() == []
    assert world.cache.known() == []
    assert [item["sk"] for item in world.table.scan()] == []


def test_an_errand_goes_through_the_queue_with_its_company_as_group(sqs: SQSClient) -> None:
    """And comes back as it was."""
    url = sqs.create_queue(QueueName="looks")["QueueUrl"]
    errand = SyncErrand(COMPANY, "ana", 5)
    ErrandQueue(sqs, url).send(errand, 0)
    [received] = sqs.receive_message(QueueUrl=url, MessageSystemAttributeNames=["MessageGroupId"])["Messages"]
    assert SyncErrand.from_json(received["Body"]) == errand
    assert received["Attributes"]["MessageGroupId"] == COMPANY
