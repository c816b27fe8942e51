"""Which of a conversation's messages are our own: what came back to the door, and what carries no marker.

These are facts, true whoever holds the conversation: unlike everything else of the ledger they are written
without its fence.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from shared.conversations.keys import SCHEMA_VERSION

if TYPE_CHECKING:
    from shared.conversations.keys import ConversationKey
    from shared.platform.clock import Clock
    from shared.platform.tables import Table

_KEEP_DAYS = 30


class OwnMessages:
    """One conversation's.

    Args:
        table: the conversations table.
        key: the conversation.
        clock: stamps items.
    """

    def __init__(self, table: Table, key: ConversationKey, clock: Clock) -> None:
        self._table = table
        self._key = key
        self._clock = clock

    def note(self, message_id: int) -> None:
        """Remember that a message without our marker is ours."""
        expires_at = int((self._clock.now() + timedelta(days=_KEEP_DAYS)).timestamp())
        self._table.put(self._key.own(message_id).as_item() | {"expires_at": expires_at, "v": SCHEMA_VERSION})

    def holds(self, message_id: int) -> bool:
        """Whether a message is one that `note` remembers."""
        return self._table.get(self._key.own(message_id), consistent=True) is not None

    def receipt(self, marker: str) -> int | None:
        """The id under which the door saw one of our messages come back, or ``None``."""
        item = self._table.get(self._key.receipt(marker), consistent=True)
        return min(item["message_ids"]) if item and item.get("message_ids") else None
