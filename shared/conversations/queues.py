"""The two queues of conversations: customers' messages, and what was given up."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Literal, Protocol

from botocore.exceptions import ClientError

from shared.platform.observability import log

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_sqs import SQSClient

    from shared.conversations.incoming import IncomingMessage, PartFailure
    from shared.conversations.keys import ConversationKey
    from shared.platform.queue_records import QueueRecord

MAX_VISIBILITY_SECONDS = 43_200


class QueuedReminder(Protocol):
    """See `shared.conversations.reminders.DueReminder`, which the door has no need of."""

    @property
    def key(self) -> ConversationKey:
        """Its conversation."""
        ...

    @property
    def identity(self) -> str:
        """Its business key."""
        ...

    def to_json(self) -> str:
        """For the queue."""
        ...


class ConversationQueue:
    """A FIFO queue with one message group per conversation.

    Args:
        client: an SQS client.
        url: the queue's address.
    """

    def __init__(self, client: SQSClient, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, message: IncomingMessage, *, replay: int = 0) -> None:
        """Enqueue a customer's message.

        Args:
            message: the message; its identity is the deduplication id, a first filter for five minutes.
            replay: the how-manieth time we put it back ourselves: SQS remembers ids of deleted messages, so
                a quick replay under the same id would be swallowed.
        """
        suffix = f"#replay#{replay}" if replay else ""
        self._send(message.to_json(), message.key.group_id, message.deduplication_id + suffix)

    def send_failure(self, failure: PartFailure, *, replay: int = 0) -> None:
        """Enqueue that one of our messages failed at its channel, once; ``replay`` as for `send`."""
        suffix = f"#replay#{replay}" if replay else ""
        identity = f"{failure.about.identity}#failed{suffix}"
        self._send(failure.to_json(), failure.key.group_id, identity)

    def send_reminder(self, due: QueuedReminder, *, replay: int = 0) -> None:
        """Enqueue a reminder, once; ``replay`` as for `send`."""
        suffix = f"#replay#{replay}" if replay else ""
        # Ids have at most 128 characters (SQS, "MessageDeduplicationId").
        identity = hashlib.sha256(due.identity.encode()).hexdigest()
        self._send(due.to_json(), due.key.group_id, f"reminder-{identity}{suffix}")

    def send_case(self, case: dict[str, Any], *, group_id: str, identity: str) -> None:
        """Enqueue what was given up, as plain JSON values.

        Args:
            case: the case.
            group_id: the conversation's group.
            identity: the case's business key: the same case sent twice within five minutes is one.
        """
        self._send(json.dumps(case, ensure_ascii=True), group_id, identity)

    def _send(self, body: str, group_id: str, identity: str) -> None:
        self._client.send_message(
            QueueUrl=self._url, MessageBody=body, MessageGroupId=group_id, MessageDeduplicationId=identity
        )

    def waiting(self) -> int:
        """How many messages wait, about; those that are hidden or being worked on do not count."""
        name: Literal["ApproximateNumberOfMessages"] = "ApproximateNumberOfMessages"
        answer = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=[name])
        return int(answer["Attributes"][name])

    def delete(self, records: Sequence[QueueRecord]) -> None:
        """Take records off the queue for good; one that is already gone does no harm."""
        # One by one: most visits delete one, and a batch call would need an action that not every IAM knows.
        for record in records:
            self._client.delete_message(QueueUrl=self._url, ReceiptHandle=record.receipt_handle)

    def hide(self, record: QueueRecord, seconds: float) -> None:
        """Let a record come back after so many seconds, counted from now; zero is at once."""
        whole = min(MAX_VISIBILITY_SECONDS, max(0, -int(-seconds // 1)))
        self._client.change_message_visibility(
            QueueUrl=self._url, ReceiptHandle=record.receipt_handle, VisibilityTimeout=whole
        )


def come_back(queue: ConversationQueue, records: Sequence[QueueRecord], seconds: float) -> None:
    """Let records come back soon, as far as the queue lets: it refuses those that are gone meanwhile."""
    for record in reversed(records):  # the newest is the timer, which matters most
        try:
            queue.hide(record, seconds)
        except ClientError as refused:
            log.info("a record's return could not be set", code=refused.response["Error"]["Code"])
