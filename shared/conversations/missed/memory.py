"""What is remembered between runs: which run a company had, and what was enqueued of a conversation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.conversations.keys import SCHEMA_VERSION, padded
from shared.platform.clock import epoch_milliseconds
from shared.platform.tables import ConditionFailed, Key

if TYPE_CHECKING:
    from shared.conversations.keys import ConversationKey
    from shared.platform.clock import Clock
    from shared.platform.tables import Table

# Longer than any company's limit of age: what was enqueued once is not enqueued again.
_KEEP_DAYS = 30
_PREFIX = "missed"


@dataclass(frozen=True)
class Looked:
    """What earlier runs did with a conversation.

    Args:
        newest_id: the newest message when it was looked at and nothing was left to do; 0 for never.
        enqueued: the messages that were enqueued.
    """

    newest_id: int
    enqueued: frozenset[int]


class SweepMemory:
    """Items in the conversations table.

    Args:
        table: the table.
        clock: stamps items.
    """

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    def begin(self, company_id: str, run: int) -> int | None:
        """Begin a company's run, unless it, or a later one, was begun before: queues deliver twice.

        Returns:
            When the company was last seen switched off (milliseconds since 1970, 0 for never), or ``None``
            where this run is not to be made.
        """
        try:
            item = self._table.update(
                _company(company_id),
                "SET begun_run = :run, v = :v",
                "attribute_not_exists(begun_run) OR begun_run < :run",
                values={":run": run, ":v": SCHEMA_VERSION},
            )
        except ConditionFailed:
            return None
        return int(item.get("off_at_ms", 0))

    def note_off(self, company_id: str) -> None:
        """Note that the company is switched off now: what is written meanwhile is nothing that was lost."""
        now_ms = epoch_milliseconds(self._clock.now())
        values = {":now": now_ms, ":v": SCHEMA_VERSION}
        self._table.update(_company(company_id), "SET off_at_ms = :now, v = :v", values=values)

    def looked(self, key: ConversationKey) -> Looked:
        """What earlier runs did with a conversation."""
        items = self._table.query(key.pk, between=(_PREFIX, f"{_PREFIX}#~"), consistent=True)
        newest = next((item["newest_id"] for item in items if item["sk"] == _PREFIX), 0)
        ids = (item["sk"].removeprefix(f"{_PREFIX}#") for item in items if item["sk"] != _PREFIX)
        return Looked(newest, frozenset(int(number) for number in ids))

    def note_enqueued(self, key: ConversationKey, message_id: int) -> None:
        """Note that a message was enqueued."""
        item = Key(key.pk, f"{_PREFIX}#{padded(message_id)}").as_item()
        self._table.put(item | self._stamp())

    def note_looked(self, key: ConversationKey, newest_id: int) -> None:
        """Note that nothing is left to do in a conversation until it has a newer message."""
        self._table.put(Key(key.pk, _PREFIX).as_item() | {"newest_id": newest_id} | self._stamp())

    def _stamp(self) -> dict[str, int]:
        expires_at = int((self._clock.now() + timedelta(days=_KEEP_DAYS)).timestamp())
        return {"expires_at": expires_at, "v": SCHEMA_VERSION}


def _company(company_id: str) -> Key:
    return Key(f"company#{company_id}#missed", "run")
