"""The records of what was given up: what API, command and replay work on.

A record's sort key begins with the moment it was given up, so that a company's list is one query, newest
first. What makes a case one, however often it arrives, is an item in the conversation's own partition that
points to the newest record about the same message: a case that comes again after its replay is a new one.
Records of an older layout stand under the case's identity. They are older than all others, and are read
until they expire.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from shared.conversations.giving_up import DeadLetter
from shared.conversations.keys import SCHEMA_VERSION, ConversationKey
from shared.platform.errors import InvalidInput, NotFound, RetryLater
from shared.platform.tables import ConditionFailed, Key, Put, Update

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.platform.clock import Clock
    from shared.platform.tables import Item, Table

KEEP_DAYS = 90
_PREFIX = "letter#"
_OLDER = "old"
# The moment in milliseconds (thirteen digits until the year 2286), account, conversation, newest message.
_LETTER_ID = re.compile(r"(\d{13}|old)-(\d{1,19})-(\d{1,19})-(\d{1,19})")


class LetterState(StrEnum):
    """What has become of a dead letter."""

    OPEN = "open"  # recorded; a person is being told
    HANDED_OVER = "handed_over"
    UNTOLD = "untold"  # nobody was told through Chatwoot: nobody could be, or nobody had to be
    REPLAYING = "replaying"  # its messages count as unanswered again, and are being put back
    REPLAYED = "replayed"  # its messages are back in the queue; the ledger says what became of them


_REPLAYED = frozenset({LetterState.REPLAYING, LetterState.REPLAYED})


@dataclass(frozen=True)
class LetterRecord:
    """One dead letter as it stands.

    Args:
        key: where it stands.
        letter_id: what the API calls it.
        case: what was given up.
        state: what has become of it.
        turn: the turn that was given up; 0 where a message crashed before any turn took it.
        message_ids: what nobody has answered, in order.
        source: who brought it: the same case from the same source is the same.
        generation: the how-manieth letter about the same message.
        hand_over_turn: the turn that told people; 0 before.
        replay: the number that its messages carry when they are put back; 0 before.
        replayed_at_ms: when that was (milliseconds since 1970, UTC); 0 before.
        notice: how staff is to be told besides the note, see `shared.conversations.storms`.
    """

    key: Key
    letter_id: str
    case: DeadLetter
    state: LetterState
    turn: int
    message_ids: tuple[int, ...]
    source: str = ""
    generation: int = 1
    hand_over_turn: int = 0
    replay: int = 0
    replayed_at_ms: int = 0
    notice: str = ""

    @property
    def is_replayed(self) -> bool:
        """Whether its messages were put back, or are being put back."""
        return self.state in _REPLAYED

    @classmethod
    def from_item(cls, item: Item) -> LetterRecord:
        """Read a record of this layout or of the older one."""
        case = DeadLetter.from_plain(json.loads(item["case"]))
        return cls(
            key=Key(item["pk"], item["sk"]),
            letter_id=_letter_id(item["sk"], case),
            case=case,
            state=LetterState(item["state"]),
            turn=item.get("turn", case.turn),
            message_ids=tuple(item.get("message_ids", case.message_ids)),
            source=item.get("source", turn_source(case.turn) if case.turn else ""),
            generation=item.get("generation", 1),
            hand_over_turn=item.get("hand_over_turn", 0),
            replay=item.get("replay", 0),
            replayed_at_ms=item.get("replayed_at_ms", 0),
            notice=item.get("notice", ""),
        )


def turn_source(turn: int) -> str:
    """The source of a case that a turn sent."""
    return f"turn#{turn}"


class DeadLetterRecords:
    """Keeps and finds the records.

    Args:
        table: the conversations table.
        clock: for expiry.
    """

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    def keep(self, case: DeadLetter, source: str) -> tuple[LetterRecord, bool]:
        """Write a case down, once.

        Args:
            case: what was given up.
            source: who brought it.

        Returns:
            The record as it stands, and whether it is new.

        Raises:
            RetryLater: somebody else writes the same down right now.
        """
        pointer = self._table.get(_pointer_key(case), consistent=True)
        known = self._known(case, pointer)
        if known is not None and (known.source == source or not known.is_replayed):
            return known, False
        generation = 1 if known is None else known.generation + 1
        item = self._item(case, source, generation)
        pointing = _pointer_key(case).as_item() | {"record": item["sk"], "v": SCHEMA_VERSION}
        pointing["expires_at"] = item["expires_at"]
        condition = "attribute_not_exists(pk)" if pointer is None else "#record = :before"
        before = {} if pointer is None else {":before": pointer["record"]}
        names = {} if pointer is None else {"#record": "record"}
        try:
            self._table.transact(
                [Put(pointing, condition, before, names), Put(item, "attribute_not_exists(pk)")]
            )
        except ConditionFailed:
            raise RetryLater("somebody else writes this dead letter down", reason="record_busy") from None
        return LetterRecord.from_item(item), True

    def _known(self, case: DeadLetter, pointer: Item | None) -> LetterRecord | None:
        sk = case.identity if pointer is None else pointer["record"]
        item = self._table.get(Key(_pk(case.key.company_id), sk), consistent=True)
        return None if item is None else LetterRecord.from_item(item)

    def _item(self, case: DeadLetter, source: str, generation: int) -> Item:
        expires = self._clock.now() + timedelta(days=KEEP_DAYS)
        key, newest = case.key, _newest(case)
        sk = f"{_PREFIX}{case.at_ms:013d}-{key.account_id}-{key.conversation_id}-{newest}"
        return Key(_pk(key.company_id), sk).as_item() | {
            "case": json.dumps(case.as_plain()),
            "reason": case.reason,
            "conversation": key.group_id,
            "at_ms": case.at_ms,
            "turn": case.turn,
            "message_ids": list(case.message_ids),
            "source": source,
            "generation": generation,
            "state": str(LetterState.OPEN),
            "expires_at": int(expires.timestamp()),
            "v": SCHEMA_VERSION,
        }

    # -- finding ---------------------------------------------------------------------------------------

    def get(self, company_id: str, letter_id: str) -> LetterRecord:
        """One record.

        Raises:
            NotFound: the company has no such letter, or none any more.
        """
        found = _LETTER_ID.fullmatch(letter_id)
        item = self._table.get(_key_of(company_id, letter_id, found), consistent=True) if found else None
        if item is None or self._expired(item):
            raise NotFound("there is no such dead letter")
        return LetterRecord.from_item(item)

    def page(
        self, company_id: str, limit: int, cursor: str | None = None
    ) -> tuple[list[LetterRecord], str | None]:
        """The newest letters first, and where to go on, ``None`` at the end.

        Raises:
            InvalidInput: the cursor is none of ours.
        """
        if cursor is not None and not _LETTER_ID.fullmatch(cursor):
            raise InvalidInput("the cursor is not one that this list gave out", reason="bad_cursor")
        items: list[Item] = []
        if cursor is None or not cursor.startswith(_OLDER):
            last = _PREFIX + (cursor or "~")
            items = self._table.query(
                _pk(company_id), between=(_PREFIX, last), newest_first=True, limit=limit + 1
            )
        records = [LetterRecord.from_item(item) for item in items if not self._expired(item)]
        if len(items) <= limit:
            records += self._of_the_older_layout(company_id, cursor)
        following = records[limit].letter_id if len(records) > limit else None
        return records[:limit], following

    def _of_the_older_layout(self, company_id: str, cursor: str | None) -> list[LetterRecord]:
        """Few, and fewer every day: they are sorted here."""
        items = self._table.query(_pk(company_id), between=(f"{company_id}:", f"{company_id}:~"))
        kept = [LetterRecord.from_item(item) for item in items if not self._expired(item)]
        kept.sort(key=lambda record: (record.case.at_ms, record.letter_id), reverse=True)
        ids = [record.letter_id for record in kept]
        return kept[ids.index(cursor) :] if cursor in ids else kept

    def _expired(self, item: Item) -> bool:
        """Tables delete late."""
        return bool(item["expires_at"] <= self._clock.now().timestamp())

    # -- changing --------------------------------------------------------------------------------------

    def hand_over_begins(self, record: LetterRecord, turn: int) -> Update:
        """The write that says which turn tells people; it fails once the letter is being replayed."""
        return _change(record, {"hand_over_turn": turn}, (LetterState.OPEN,))

    def covers(self, record: LetterRecord, turn: int, message_ids: Sequence[int]) -> LetterRecord:
        """Note which turn a crashed message left open, and what else it was to answer.

        Raises:
            ConditionFailed: the letter is being replayed.
        """
        ids = sorted({*record.message_ids, *message_ids})
        self._write(_change(record, {"turn": turn, "message_ids": ids}, (LetterState.OPEN,)))
        return replace(record, turn=turn, message_ids=tuple(ids))

    def told(self, record: LetterRecord, state: LetterState) -> None:
        """Note that people were told, or that nobody can be."""
        try:
            self._write(_change(record, {"state": str(state)}, (LetterState.OPEN,)))
        except ConditionFailed:
            return  # it is being replayed: that says more

    def note(self, record: LetterRecord, notice: str) -> None:
        """Note how staff is to be told."""
        self._write(_change(record, {"notice": notice}))

    def replay_begins(self, record: LetterRecord, replay: int, now_ms: int) -> Update:
        """The write that claims the letter for a replay; it fails when it changed since it was read."""
        attributes = {"state": str(LetterState.REPLAYING), "replay": replay, "replayed_at_ms": now_ms}
        return _change(record, attributes, (record.state,))

    def replayed(self, record: LetterRecord) -> None:
        """Note that everything is back in the queue."""
        self._write(_change(record, {"state": str(LetterState.REPLAYED)}, _REPLAYED))

    def _write(self, update: Update) -> None:
        self._table.update(
            update.key, update.expression, update.condition, values=update.values, names=update.names
        )


def letters_about(table: Table, company_id: str, account_id: int, contact_id: int) -> list[Item]:
    """The records about one customer's messages, as they stand in the table."""
    cases = [(item, DeadLetter.from_plain(json.loads(item["case"]))) for item in table.query(_pk(company_id))]
    who = (account_id, contact_id)
    return [item for item, case in cases if (case.key.account_id, case.about.contact_id) == who]


def _change(
    record: LetterRecord, attributes: dict[str, Any], states: Sequence[LetterState] | frozenset[str] = ()
) -> Update:
    names = {f"#a{index}": name for index, name in enumerate(attributes)}
    values: dict[str, Any] = {f":a{index}": value for index, value in enumerate(attributes.values())}
    sets = ", ".join(f"#a{index} = :a{index}" for index in range(len(attributes)))
    condition = "attribute_exists(pk)"
    if states:
        names["#state"] = "state"
        values |= {f":s{index}": str(state) for index, state in enumerate(states)}
        condition = f"#state IN ({', '.join(f':s{index}' for index in range(len(states)))})"
    return Update(record.key, f"SET {sets}", condition, values, names)


def _pk(company_id: str) -> str:
    return f"company#{company_id}#dead-letters"


def _newest(case: DeadLetter) -> int:
    return max(case.message_ids, default=case.about.message_id)


def _pointer_key(case: DeadLetter) -> Key:
    return case.key.dead_letter(_newest(case))


def _letter_id(sk: str, case: DeadLetter) -> str:
    if sk.startswith(_PREFIX):
        return sk.removeprefix(_PREFIX)
    return f"{_OLDER}-{case.key.account_id}-{case.key.conversation_id}-{_newest(case)}"


def _key_of(company_id: str, letter_id: str, found: re.Match[str]) -> Key:
    if found[1] != _OLDER:
        return Key(_pk(company_id), _PREFIX + letter_id)
    conversation = ConversationKey(company_id, int(found[2]), int(found[3]))
    return Key(_pk(company_id), f"{conversation.group_id}:dead:{int(found[4])}")
