"""A FIFO queue in memory that keeps SQS's promises.

Order and one batch at a time per message group, visibility by a clock that tests move, deduplication for five
minutes, receive counts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from shared.platform.queue_records import QueueRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.conversations.incoming import IncomingMessage, PartFailure
    from shared.conversations.reminders import DueReminder
    from tests.fakes.clock import FakeClock

BATCH = 10
DEDUPLICATION_SECONDS = 300
VISIBILITY_SECONDS = 720


@dataclass
class _Stored:
    number: int
    group_id: str
    body: str
    visible_at: float
    received: int = 0


@dataclass
class FakeFifoQueue:
    """See the module. ``most_receives`` is the highest receive count that any record reached."""

    clock: FakeClock
    most_receives: int = 0
    sent: int = 0
    hides: list[float] = field(default_factory=list)
    _stored: dict[str, _Stored] = field(default_factory=dict)
    _seen: dict[str, float] = field(default_factory=dict)

    def send(self, message: IncomingMessage, *, replay: int = 0) -> None:
        """See `shared.conversations.queues.ConversationQueue`."""
        suffix = f"#replay#{replay}" if replay else ""
        self.put(message.to_json(), message.key.group_id, message.deduplication_id + suffix)

    def send_failure(self, failure: PartFailure, *, replay: int = 0) -> None:
        """See `shared.conversations.queues.ConversationQueue`."""
        suffix = f"#replay#{replay}" if replay else ""
        self.put(failure.to_json(), failure.key.group_id, f"{failure.about.identity}#failed{suffix}")

    def send_reminder(self, due: DueReminder, *, replay: int = 0) -> None:
        """See `shared.conversations.queues.ConversationQueue`."""
        suffix = f"#replay#{replay}" if replay else ""
        self.put(due.to_json(), due.key.group_id, due.identity + suffix)

    def send_case(self, case: dict[str, Any], *, group_id: str, identity: str) -> None:
        """See `shared.conversations.queues.ConversationQueue`."""
        self.put(json.dumps(case), group_id, identity)

    def put(self, body: str, group_id: str, identity: str) -> None:
        """Enqueue, unless the same identity came within five minutes."""
        now = self.clock.monotonic()
        if now - self._seen.get(identity, -DEDUPLICATION_SECONDS) < DEDUPLICATION_SECONDS:
            return
        self._seen[identity] = now
        self.sent += 1
        self._stored[f"sqs-{self.sent}"] = _Stored(self.sent, group_id, body, now)

    def receive(self) -> list[QueueRecord]:
        """At most ten visible records; a group with an invisible one is locked."""
        now = self.clock.monotonic()
        locked = {one.group_id for one in self._stored.values() if one.visible_at > now}
        batch: list[QueueRecord] = []
        for sqs_id, one in sorted(self._stored.items(), key=lambda pair: pair[1].number):
            if one.group_id not in locked and len(batch) < BATCH:
                one.received += 1
                one.visible_at = now + VISIBILITY_SECONDS
                self.most_receives = max(self.most_receives, one.received)
                batch.append(QueueRecord(sqs_id, sqs_id, one.body, one.received))
        return batch

    def delete(self, records: Sequence[QueueRecord]) -> None:
        """See `shared.conversations.queues.ConversationQueue`."""
        for record in records:
            self._stored.pop(record.receipt_handle, None)

    def hide(self, record: QueueRecord, seconds: float) -> None:
        """See `shared.conversations.queues.ConversationQueue`."""
        if record.receipt_handle not in self._stored:
            raise ClientError(
                {"Error": {"Code": "InvalidParameterValue", "Message": "the message does not exist"}},
                "ChangeMessageVisibility",
            )
        self.hides.append(seconds)
        whole = max(0, -int(-seconds // 1))
        self._stored[record.receipt_handle].visible_at = self.clock.monotonic() + whole

    def finish(self, batch: Sequence[QueueRecord], staying: Sequence[str]) -> None:
        """What the event source mapping does after the function: delete what is not listed."""
        for record in batch:
            if record.sqs_id not in staying:
                self._stored.pop(record.sqs_id, None)

    def next_visible_in(self) -> float | None:
        """Seconds until something can be received; ``None`` when the queue is empty."""
        if not self._stored:
            return None
        free_at: dict[str, float] = {}
        for one in self._stored.values():
            free_at[one.group_id] = max(one.visible_at, free_at.get(one.group_id, 0.0))
        return max(0.0, min(free_at.values()) - self.clock.monotonic())

    def bodies(self) -> list[str]:
        """What stands in the queue, in order."""
        return [one.body for one in sorted(self._stored.values(), key=lambda one: one.number)]

    def __len__(self) -> int:
        return len(self._stored)
