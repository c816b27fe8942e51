"""Reads conversations and dead letters for those who look at them; changes nothing."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from shared.conversations.dead_letter_records import DeadLetterRecords
from shared.conversations.keys import RECENT_INDEX, ConversationKey, recent_pk, turn_prefix
from shared.conversations.showing import conversation_id, conversation_view, letter_line, letter_view, moment
from shared.platform.clock import epoch_milliseconds
from shared.platform.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from shared.platform.clock import Clock
    from shared.platform.tables import Item, Table

# The ledger's items are kept for so long; what is older is on its way out.
_SHOWN = timedelta(days=30)
# Of a long conversation the newest turns and messages are shown.
SHOWN_TURNS = 20
SHOWN_MESSAGES = 100
_CONVERSATION_ID = re.compile(r"(\d{1,19})-(\d{1,19})")
_CURSOR = re.compile(r"\d{13}-\d{1,19}-\d{1,19}")

Page = tuple[list[dict[str, Any]], str | None]


class Reader:
    """Shows what there is.

    Args:
        table: the conversations table.
        clock: says what is recent.
    """

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock
        self._records = DeadLetterRecords(table, clock)

    # -- conversations ---------------------------------------------------------------------------------

    def recent(self, company_id: str, limit: int, cursor: str | None = None) -> Page:
        """A company's conversations, those whose newest turn ended last first, and where to go on.

        Raises:
            InvalidInput: the cursor is none of ours.
        """
        if cursor is not None and not _CURSOR.fullmatch(cursor):
            raise InvalidInput("the cursor is not one that this list gave out", reason="bad_cursor")
        oldest = f"{epoch_milliseconds(self._clock.now() - _SHOWN):013d}"
        items = self._table.query(
            recent_pk(company_id),
            between=(oldest, cursor or "~"),
            newest_first=True,
            limit=limit + 1,
            index=RECENT_INDEX,
        )
        following = items[limit]["recent_sk"] if len(items) > limit else None
        return [_line(item) for item in items[:limit]], following

    def conversation(self, company_id: str, name: str, *, texts: bool) -> dict[str, Any]:
        """One conversation: head, people, its newest messages and turns.

        Args:
            company_id: whose.
            name: account and display id, such as ``3-214``.
            texts: whether what was said is shown.

        Raises:
            NotFound: the company has no such conversation, or none any more.
        """
        found = _CONVERSATION_ID.fullmatch(name)
        key = ConversationKey(company_id, int(found[1]), int(found[2])) if found else None
        head = self._table.get(key.head(), consistent=True) if key else None
        if key is None or head is None:
            raise NotFound("there is no such conversation")
        people = self._table.get(key.people(), consistent=True)
        messages = self._table.query(
            key.pk, prefix="inbox#", newest_first=True, limit=SHOWN_MESSAGES, consistent=True
        )
        first_turn = max(1, head.get("last_turn", 0) - SHOWN_TURNS + 1)
        turns = self._table.query(key.pk, between=(turn_prefix(first_turn), "turn#~"), consistent=True)
        shown = [item for item in messages if item.get("answered_in", first_turn) >= first_turn]
        parts = {"head": [head], "people": [people] if people else [], "inbox": shown[::-1], "turn": turns}
        return conversation_view(key, parts, texts=texts)

    # -- dead letters ----------------------------------------------------------------------------------

    def letters(self, company_id: str, limit: int, cursor: str | None = None) -> Page:
        """A company's dead letters, newest first, and where to go on.

        Raises:
            InvalidInput: the cursor is none of ours.
        """
        records, following = self._records.page(company_id, limit, cursor)
        return [letter_line(record) for record in records], following

    def letter(self, company_id: str, letter_id: str, *, texts: bool) -> dict[str, Any]:
        """One dead letter, with what the ledger holds of its turn.

        Raises:
            NotFound: there is no such letter.
        """
        record = self._records.get(company_id, letter_id)
        key = record.case.key
        inbox: dict[int, Item] = {}
        for number in record.message_ids:
            item = self._table.get(key.inbox(number), consistent=True)
            if item is not None:
                inbox[number] = item
        entries: list[Item] = []
        if record.turn:
            entries = self._table.query(key.pk, prefix=turn_prefix(record.turn), consistent=True)
        return letter_view(record, inbox, entries, texts=texts)


def _line(item: Item) -> dict[str, Any]:
    at_ms, account_id, number = (int(word) for word in item["recent_sk"].split("-"))
    company_id = item["recent_pk"].removeprefix("company#")
    return {
        "conversation": conversation_id(ConversationKey(company_id, account_id, number)),
        "account_id": account_id,
        "conversation_id": number,
        "last_turn_at": moment(at_ms),
        "last_outcome": item.get("last_outcome", ""),
    }
