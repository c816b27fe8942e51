"""What was said, by contact and inbox across conversations: the context of the next answer.

Retention is enforced when reading; the table's expiry only sweeps up later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from shared.conversations.keys import SCHEMA_VERSION, ContactKey
from shared.platform.clock import epoch_milliseconds, from_epoch_milliseconds

if TYPE_CHECKING:
    from datetime import datetime

    from shared.platform.tables import Item, Table

Role = Literal["customer", "desk", "person"]
_MAX_CHARACTERS = 4_000


@dataclass(frozen=True)
class Entry:
    """One thing said: who said it, when (UTC), in which conversation (display id), the desk in which turn."""

    contact: ContactKey
    message_id: int
    role: Role
    text: str
    at: datetime
    conversation_id: int
    turn: int = 0


def history_item(entry: Entry, keep_days: int) -> Item:
    """The item of an entry; its key is the message's, so that written twice it is there once.

    Args:
        entry: what was said.
        keep_days: the company's retention: after so many days the table may sweep it up.
    """
    return entry.contact.message(entry.message_id).as_item() | {
        "role": entry.role,
        "text": entry.text[:_MAX_CHARACTERS].encode("utf-8", "replace").decode(),
        "at_ms": epoch_milliseconds(entry.at),
        "conversation_id": entry.conversation_id,
        "expires_at": int((entry.at + timedelta(days=keep_days)).timestamp()),
        "v": SCHEMA_VERSION,
        **({"turn": entry.turn} if entry.turn else {}),
    }


def read_history(
    table: Table, contact: ContactKey, *, now: datetime, days: int, messages: int
) -> list[Entry]:
    """The newest entries within the company's retention, oldest first.

    Args:
        table: the conversations table.
        contact: whose.
        now: the current moment.
        days: nothing older.
        messages: at most so many.
    """
    items = table.query(contact.pk, prefix="message#", limit=messages, newest_first=True, consistent=True)
    entries = [
        Entry(
            contact,
            int(item["sk"].removeprefix("message#")),
            item["role"],
            item["text"],
            from_epoch_milliseconds(item["at_ms"]),
            item["conversation_id"],
            item.get("turn", 0),
        )
        for item in items
    ]
    return [entry for entry in reversed(entries) if now - entry.at <= timedelta(days=days)]
