"""The work of ``email_delivery``: a batch of the queue in, each e-mail one step further; and a sweep.

A message of the queue says which e-mail, never what: what it is and where it stands is read from the table,
so copies and late ones do no harm, and a message that is lost is made again by the sweep.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from shared.companies.names import company_pk
from shared.email.outbox import EmailQueue
from shared.email.records import (
    FINAL,
    LOST_AFTER,
    WAITING_INDEX,
    WAITING_SHARDS,
    waiting_shard,
    waiting_until,
)
from shared.platform.clock import Deadline
from shared.platform.observability import bound, count, log
from shared.platform.tables import ConditionFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.email.delivery import Delivery
    from shared.email.ledger import EmailLedger
    from shared.platform.clock import Clock
    from shared.platform.queue_records import QueueRecord
    from shared.platform.tables import Table

# One try (30 s), the writes around it, and something to spare: with less nothing is begun.
LEAST_SECONDS = 40.0
MARGIN_SECONDS = 5.0
SWEPT_PER_SHARD = 500
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 10.0, 900.0
_MOST_DOUBLINGS = 7


class WorkQueue(EmailQueue, Protocol):
    """The queue as the worker uses it."""

    def hide(self, receipt_handle: str, seconds: float) -> None:
        """Let a record come back after so many seconds."""
        ...


class PostOffice:
    """Takes batches and sweeps.

    Args:
        delivery: delivers one e-mail.
        queue: where the batches come from.
        table: the e-mails' table.
        ledger: reads and changes e-mails.
        clock: for times.
    """

    def __init__(
        self, delivery: Delivery, queue: WorkQueue, table: Table, ledger: EmailLedger, clock: Clock
    ) -> None:
        self._delivery = delivery
        self._queue = queue
        self._table = table
        self._ledger = ledger
        self._clock = clock

    def take_all(self, records: Sequence[QueueRecord], remaining_seconds: float) -> list[str]:
        """Take the e-mails of a batch up, one after another.

        Args:
            records: the batch.
            remaining_seconds: how long the invocation may still take.

        Returns:
            The SQS ids of the records that stay in the queue, each hidden for as long as it shall wait.
        """
        deadline = Deadline(self._clock, remaining_seconds - MARGIN_SECONDS)
        return [record.sqs_id for record in records if not self._done(record, deadline)]

    def _done(self, record: QueueRecord, deadline: Deadline) -> bool:
        try:
            company_id, email_id = _names_in(record.body)
        except ValueError:
            # It names no e-mail; one that it should have named is found by the sweep.
            count("UnreadableRecords")
            log.error("a record cannot be read", sqs_id=record.sqs_id)
            return True
        if deadline.remaining_seconds() < LEAST_SECONDS:
            self._hide(record, 0)
            return False
        with bound(company_id=company_id):
            return self._taken_up(record, company_id, email_id, deadline)

    def _taken_up(self, record: QueueRecord, company_id: str, email_id: str, deadline: Deadline) -> bool:
        try:
            again_after = self._delivery.deliver(company_id, email_id, deadline).again_after
        except Exception as broken:  # noqa: BLE001 - one e-mail must not stop the others
            log.error("the delivery of an e-mail broke", email_id=email_id, error=type(broken).__name__)
            count("EmailDeliveriesBroken")
            again_after = timedelta(seconds=_pause_seconds(record.receive_count))
        if again_after is None:
            return True
        self._hide(record, again_after.total_seconds())
        return False

    def _hide(self, record: QueueRecord, seconds: float) -> None:
        """Where it cannot be hidden it comes back when the queue's own visibility ends: later, not never."""
        try:
            self._queue.hide(record.receipt_handle, seconds)
        except (ClientError, BotoCoreError) as error:
            log.warning("a record cannot be hidden", sqs_id=record.sqs_id, error=type(error).__name__)

    def sweep(self) -> int:
        """Queue e-mails that wait although nobody will take them up; returns how many of them were lost."""
        now = self._clock.now()
        found = 0
        for number in range(WAITING_SHARDS):
            due = self._table.query(
                waiting_shard(number),
                between=("0", waiting_until(now - LOST_AFTER)),
                limit=SWEPT_PER_SHARD,
                index=WAITING_INDEX,
            )
            for item in due:
                found += self._queued_again(
                    item["pk"].removeprefix(company_pk("")), item["sk"].removeprefix("email#")
                )
        if found:
            log.warning("e-mails were queued again", emails=found)
            count("EmailsSwept", found)
        return found

    def _queued_again(self, company_id: str, email_id: str) -> bool:
        record = self._ledger.read(company_id, email_id)  # the index may be a moment behind
        if record is None or record.state in FINAL:
            return False
        self._queue.send(company_id, email_id)
        # Nobody queued it before: it is for recipients whom a server did not take at first.
        lost = not (record.rest_of and record.attempts == 0)
        try:
            # Not again before this one has had its time: a long queue must not grow by its own sweep.
            self._ledger.waiting(record, self._clock.now())
        except ConditionFailed:
            log.info("an e-mail that seemed lost is being taken up", email_id=email_id)
        return lost


def _pause_seconds(receive_count: int) -> float:
    doublings = min(max(receive_count - 1, 0), _MOST_DOUBLINGS)
    return min(_FIRST_PAUSE_SECONDS * 2.0**doublings, _LONGEST_PAUSE_SECONDS)


def _names_in(body: str) -> tuple[str, str]:
    try:
        data = json.loads(body)
        return str(data["company_id"]), str(data["email_id"])
    except (KeyError, TypeError) as error:
        raise ValueError("the record names no e-mail") from error
