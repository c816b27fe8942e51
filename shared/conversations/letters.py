"""What the conversations' queue carries, and how it is read."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.conversations.incoming import IncomingMessage, PartFailure
from shared.conversations.reminders import DueReminder

if TYPE_CHECKING:
    from shared.platform.queue_records import QueueRecord


@dataclass(frozen=True)
class Letter:
    """A queue record with what it carries: a customer's message, news that one of ours failed, a reminder."""

    record: QueueRecord
    content: IncomingMessage | PartFailure | DueReminder

    @property
    def about(self) -> IncomingMessage:
        """Says in which inbox and with whom the conversation is."""
        return self.content if isinstance(self.content, IncomingMessage) else self.content.about


def content_of(body: str) -> IncomingMessage | PartFailure | DueReminder:
    """Read a record.

    Raises:
        ValueError: nothing of ours.
    """
    for kind in (IncomingMessage, PartFailure):
        with suppress(ValueError):
            return kind.from_json(body)
    return DueReminder.from_json(body)
