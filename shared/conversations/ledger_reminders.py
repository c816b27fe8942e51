"""Reminders in a conversation's ledger: each gets in once, waits on the head, and leaves it with its turn."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.conversations.keys import SCHEMA_VERSION
from shared.platform.tables import Put
from shared.reminders.rows import Reminder

if TYPE_CHECKING:
    from shared.conversations.keys import ConversationKey
    from shared.conversations.ledger_head import HeldHead
    from shared.platform.clock import Clock
    from shared.platform.tables import Table

# Reminders are handed on again for minutes at most; a copy by a redrive comes within the queue's days.
_KEPT = timedelta(days=30)


class WaitingReminders:
    """The reminders of one conversation, in the hands of the worker that has it.

    Args:
        table: the conversations table.
        key: the conversation.
        held: its head.
        clock: stamps items.
    """

    def __init__(self, table: Table, key: ConversationKey, held: HeldHead, clock: Clock) -> None:
        self._table = table
        self._key = key
        self._held = held
        self._clock = clock

    def note(self, reminder: Reminder) -> None:
        """Take a reminder in, unless it was taken in before, whatever became of it then.

        Raises:
            FenceLost: somebody took the conversation up after us.
        """
        place = self._key.reminded(reminder.identity)
        if self._table.get(place, consistent=True) is not None:
            return
        expires_at = int((self._clock.now() + _KEPT).timestamp())
        item = place.as_item() | {"expires_at": expires_at, "v": SCHEMA_VERSION}
        waiting = [*self._held.head.reminders, json.dumps(reminder.as_plain())]
        self._held.change({"reminders": waiting}, [Put(item, "attribute_not_exists(pk)")])

    def first(self) -> Reminder | None:
        """The one that has waited longest."""
        waiting = self._held.head.reminders
        return Reminder.from_plain(json.loads(waiting[0])) if waiting else None

    def without_first(self) -> list[str]:
        """What waits behind it."""
        return list(self._held.head.reminders[1:])

    def drop_first(self) -> None:
        """It is not to be sent after all.

        Raises:
            FenceLost: see `note`.
        """
        self._held.change({"reminders": self.without_first()})
