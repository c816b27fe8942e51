"""What Lambda hands over of an SQS queue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class QueueRecord:
    """One received record: what a handler reads out of its event.

    ``receive_count`` is SQS's own count, this receive included.
    """

    sqs_id: str
    receipt_handle: str
    body: str
    receive_count: int


def read_records(event: Mapping[str, Any]) -> list[QueueRecord]:
    """The records of a function's SQS event, in queue order."""
    return [
        QueueRecord(
            record["messageId"],
            record["receiptHandle"],
            record["body"],
            int(record.get("attributes", {}).get("ApproximateReceiveCount", 1)),
        )
        for record in event.get("Records", [])
    ]
