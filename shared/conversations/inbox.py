"""A conversation's inbox: what the customer wrote, each message once, and what of it is still unanswered."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from shared.conversations.incoming import SWEPT, IncomingMessage
from shared.conversations.keys import SCHEMA_VERSION, padded
from shared.platform.observability import count, log
from shared.platform.tables import ConditionFailed

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from shared.conversations.keys import ConversationKey
    from shared.platform.tables import Table

_KEEP_DAYS = 30


@dataclass(frozen=True)
class Burst:
    """When the customer's unanswered fragments began and when the newest came (milliseconds since 1970)."""

    first_ms: int
    newest_ms: int


class Inbox:
    """The inbox of one conversation.

    Args:
        table: the conversations table.
        key: the conversation.
    """

    def __init__(self, table: Table, key: ConversationKey) -> None:
        self._table = table
        self._key = key

    def store(self, message: IncomingMessage, now: datetime) -> bool:
        """Keep a message, unless it is there or was deleted meanwhile.

        Returns:
            Whether it waits for an answer: new, or known and not answered yet.
        """
        item: dict[str, Any] = self._key.inbox(message.message_id).as_item() | {
            "message": asdict(message),
            "received_at_ms": message.received_at_ms,
            "expires_at": int((now + timedelta(days=_KEEP_DAYS)).timestamp()),
            "v": SCHEMA_VERSION,
        }
        try:
            self._table.put(item, "attribute_not_exists(pk)")
        except ConditionFailed as known:
            before = known.item or {}
            return not before.get("answered_in") and not before.get("deleted")
        if message.origin == SWEPT:
            # Its webhook never came, or comes later than the search: Chatwoot sends most only once.
            count("MessagesLost")
            log.warning("a message reached us without its webhook", message_id=message.message_id)
        return True

    def known(self, message_ids: Collection[int]) -> set[int]:
        """Which of these messages reached the inbox, deletions that came first included."""
        if not message_ids:
            return set()
        span = tuple(self._key.inbox(number).sk for number in (min(message_ids), max(message_ids)))
        items = self._table.query(self._key.pk, between=(span[0], span[1]), consistent=True)
        there = {item["sk"] for item in items}
        return {number for number in message_ids if self._key.inbox(number).sk in there}

    def unanswered(self, watermark: int) -> list[IncomingMessage]:
        """The messages above the watermark that no turn has answered, oldest first.

        Args:
            watermark: the ledger's; everything up to it is answered.
        """
        return self.above(watermark)[0]

    def above(self, watermark: int) -> tuple[list[IncomingMessage], set[int]]:
        """The unanswered messages above the watermark, oldest first, and the ids of forgotten ones."""
        items = self._table.query(
            self._key.pk, between=(f"inbox#{padded(watermark + 1)}", "inbox#~"), consistent=True
        )
        waiting = [item for item in items if not item.get("answered_in") and not item.get("deleted")]
        forgotten = {int(item["sk"].removeprefix("inbox#")) for item in items if item.get("forgotten")}
        return [IncomingMessage.from_plain(item["message"]) for item in waiting], forgotten


def newest_message(table: Table, key: ConversationKey) -> IncomingMessage | None:
    """The customer's newest message that the inbox still holds."""
    items = table.query(key.pk, prefix="inbox#", newest_first=True, limit=5, consistent=True)
    found = [item["message"] for item in items if "message" in item]
    return IncomingMessage.from_plain(found[0]) if found else None


def burst_of(messages: Sequence[IncomingMessage]) -> Burst:
    """When a burst of fragments began and when its newest fragment came."""
    times = [message.waits_since_ms for message in messages]
    return Burst(min(times), max(times))


def quiet_in_seconds(burst: Burst, now_ms: int, *, window_seconds: float, cap_seconds: float) -> float:
    """How long until the customer counts as having finished; zero when that is now.

    Args:
        burst: the unanswered fragments.
        now_ms: the current moment, milliseconds since 1970.
        window_seconds: so long after the newest fragment.
        cap_seconds: and at most so long after the first: a stream that never pauses is answered too.
    """
    quiet_at_ms = min(burst.newest_ms + window_seconds * 1000, burst.first_ms + cap_seconds * 1000)
    return max(0.0, (quiet_at_ms - now_ms) / 1000)
