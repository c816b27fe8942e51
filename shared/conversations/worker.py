"""A batch of the queue: conversations side by side, each in its own thread and in order.

Nothing outlives the invocation. Every outside call has a total deadline, all threads are joined, and if one
is still inside a call shortly before the end, the process leaves: a thread that is still running when a
handler returns is frozen, wakes inside the *next* invocation, and would post minutes late.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections import defaultdict
from typing import TYPE_CHECKING

from shared.conversations.attempts import where
from shared.conversations.backlog import TakenUp
from shared.conversations.letters import Letter, content_of
from shared.conversations.queues import come_back
from shared.conversations.visit import FULL_BATCH, Visit
from shared.platform.clock import Deadline
from shared.platform.observability import bound, count, log

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.conversations.desk import Desk
    from shared.conversations.keys import ConversationKey
    from shared.conversations.queues import ConversationQueue
    from shared.platform.queue_records import QueueRecord


_BROKEN_PAUSE_SECONDS = 15.0


def leave_process() -> None:
    """End this process at once, without waiting for its threads."""
    logging.shutdown()
    sys.stdout.flush()
    os._exit(1)


class Worker:
    """Works through batches.

    Args:
        desk: the tools of a turn.
        queue: where batches come from.
        dead_letters: where given-up cases go.
        leave: ends the process; a test passes something gentler.
    """

    def __init__(
        self,
        desk: Desk,
        queue: ConversationQueue,
        dead_letters: ConversationQueue,
        leave: Callable[[], None] = leave_process,
    ) -> None:
        self._desk = desk
        self._queue = queue
        self._dead_letters = dead_letters
        self._leave = leave
        self._taken_up = TakenUp(desk.table)

    def work(self, records: Sequence[QueueRecord], remaining_seconds: float) -> list[str]:
        """Visit every conversation of a batch.

        Args:
            records: the batch, in queue order.
            remaining_seconds: how long the invocation may still take.

        Returns:
            The SQS ids of the records that stay in the queue.
        """
        conversations, unreadable = _by_conversation(records)
        time_left = Deadline(self._desk.clock, remaining_seconds)
        done: set[str] = set()  # only what a visit has reported as done leaves the queue

        def visit(key: ConversationKey, letters: list[Letter]) -> None:
            kept = self._visit(key, letters, time_left, batch_full=len(records) >= FULL_BATCH)
            done.update({letter.record.sqs_id for letter in letters} - set(kept))

        threads = [
            threading.Thread(target=visit, args=(key, letters), name=key.group_id, daemon=True)
            for key, letters in conversations.items()
        ]
        for thread in threads:
            thread.start()
        # Hidden for as long as the queue says, each would lock its conversation's group for hours.
        self._come_back_soon(unreadable)
        self._taken_up.note([one.about for letters in conversations.values() for one in letters])
        for thread in threads:
            thread.join(max(0.0, time_left.remaining_seconds() - self._desk.settings.reserve_seconds))
        if any(thread.is_alive() for thread in threads):
            count("ProcessesLeft")
            log.error(
                "a conversation is still inside a call, leaving", alive=sum(t.is_alive() for t in threads)
            )
            self._leave()
        return [record.sqs_id for record in records if record.sqs_id not in done]

    def _visit(
        self, key: ConversationKey, letters: list[Letter], time_left: Deadline, *, batch_full: bool
    ) -> list[str]:
        with bound(company_id=key.company_id, conversation=key.group_id):
            try:
                staying = Visit(
                    self._desk,
                    self._queue,
                    self._dead_letters,
                    key,
                    letters,
                    batch_full=batch_full,
                    time_left=time_left,
                ).make()
            except Exception as broken:  # noqa: BLE001 - one conversation must not harm its neighbours
                log.error("a visit broke", error=type(broken).__name__, where=where(broken))
                count("VisitsBroken")
                # Not only after the queue's own visibility, which is many minutes; SQS counts the receives.
                staying = [letter.record for letter in letters]
                self._come_back_soon(staying)
        return [record.sqs_id for record in staying]

    def _come_back_soon(self, records: list[QueueRecord]) -> None:
        try:
            come_back(self._queue, records, _BROKEN_PAUSE_SECONDS)
        except Exception as broken:  # noqa: BLE001 - the queue's own visibility is still there
            log.error("a broken visit's records come back late", error=type(broken).__name__)


def _by_conversation(
    records: Sequence[QueueRecord],
) -> tuple[dict[ConversationKey, list[Letter]], list[QueueRecord]]:
    """The batch's records by conversation, and those that nobody can read."""
    conversations: dict[ConversationKey, list[Letter]] = defaultdict(list)
    unreadable: list[QueueRecord] = []
    for record in records:
        try:
            content = content_of(record.body)
        except ValueError:
            # Nothing of ours writes such a body. It stays, and SQS moves it on after some tries.
            count("UnreadableRecords")
            log.error("a record cannot be read", sqs_id=record.sqs_id)
            unreadable.append(record)
        else:
            conversations[content.key].append(Letter(record, content))
    return conversations, unreadable
