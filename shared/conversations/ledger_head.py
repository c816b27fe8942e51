"""The head of a conversation's ledger: the fence, and the writes that hold only behind it.

Whoever takes the conversation up adds one to the fence; every other write checks it in the same transaction,
so that a worker that was slow, frozen or thought dead cannot write over the one that came after it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from shared.conversations.keys import SCHEMA_VERSION
from shared.platform.errors import FrontdeskError
from shared.platform.observability import log
from shared.platform.tables import Check, ConditionFailed, Update
from shared.platform.values import known_fields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.conversations.keys import ConversationKey
    from shared.platform.tables import Item, Table, TransactionPart


# Longer than its turns: were it swept first, a new turn would get an old one's number and find its plan.
HEAD_KEEP_DAYS = 120


class FenceLost(FrontdeskError):
    """Somebody took the conversation up after us: whatever we were about to do is theirs now."""

    default_reason = "fence_lost"


@dataclass(frozen=True)
class Head:
    """The ledger's head.

    Args:
        fence: our number; writes under a smaller one fail.
        watermark: every message up to this id is answered.
        turn: the open turn's number; 0 when none is open.
        last_turn: the newest turn's number.
        attempts: how often the open turn was begun.
        message_ids: what the open turn answers.
        discards: how often an answer was thrown away because the customer went on writing.
        hour: the hour in which turns were last answered, as hours since 1970.
        hour_turns: how many were answered in it.
        failing: a failure at the channel that no person has been told of yet, as JSON text.
        reminders: reminders that wait for their turn, each as JSON text, the oldest first.
        owed: an e-mail that staff is owed (`shared.conversations.staff_mail.Owed`), as JSON text.
        mailed_ms: when the newest hand-over was that owed one (milliseconds since 1970, UTC).
        last_outcome: how the turn that was closed last ended; empty while none was.
    """

    fence: int = 0
    watermark: int = 0
    turn: int = 0
    last_turn: int = 0
    attempts: int = 0
    message_ids: tuple[int, ...] = ()
    discards: int = 0
    hour: int = 0
    hour_turns: int = 0
    failing: str = ""
    reminders: tuple[str, ...] = ()
    owed: str = ""
    mailed_ms: int = 0
    last_outcome: str = ""

    @classmethod
    def from_item(cls, item: Item) -> Head:
        """Read the head's item; attributes it does not have yet keep their defaults."""
        known = known_fields(cls, item)
        return cls(**{name: _value(value) for name, value in known.items()})


class HeldHead:
    """The head in the hands of one worker.

    Args:
        table: the conversations table.
        key: the conversation.

    Attributes:
        head: as it was when we last read or changed it.
    """

    def __init__(self, table: Table, key: ConversationKey) -> None:
        self._table = table
        self._key = key
        self.head = Head()

    def take_up(self, expires_at: int) -> Head:
        """Make the fence ours.

        Args:
            expires_at: until when the head is kept at least, in seconds since 1970.
        """
        item = self._table.update(
            self._key.head(),
            "ADD fence :one SET v = :v, expires_at = :expires",
            values={":one": 1, ":v": SCHEMA_VERSION, ":expires": expires_at},
        )
        self.head = Head.from_item(item)
        return self.head

    def change(
        self,
        changes: dict[str, Any],
        others: Sequence[TransactionPart] = (),
        *,
        extra: dict[str, Any] | None = None,
    ) -> None:
        """Change attributes of the head, and write others with it or nothing at all.

        What the head is afterwards is computed here and not read back: a read could show the fence of
        whoever took the conversation up in between, and we would go on with a number that is not ours.

        Args:
            changes: fields of `Head`.
            others: written in the same transaction.
            extra: attributes of the item that are no fields of `Head`.

        Raises:
            FenceLost: somebody took the conversation up after us.
        """
        every = {**changes, **(extra or {})}
        names = {f"#h{index}": name for index, name in enumerate(every)}
        values = {f":h{index}": value for index, value in enumerate(every.values())}
        sets = ", ".join(f"#h{index} = :h{index}" for index in range(len(every)))
        values[":fence"] = self.head.fence
        update = Update(self._key.head(), f"SET {sets}", "fence = :fence", values, names)
        try:
            if others:
                self._table.transact([update, *others])
            else:
                self._table.update(
                    update.key, update.expression, update.condition, values=values, names=names
                )
        except ConditionFailed:
            raise FenceLost("somebody took the conversation up after us") from None
        self.head = replace(self.head, **{name: _value(value) for name, value in changes.items()})

    def paid(self, owed: str) -> None:
        """Note that an e-mail is owed no more: certain, whoever has the conversation."""
        try:
            self._table.update(
                self._key.head(),
                "SET owed = :nothing",
                "owed = :owed",
                values={":nothing": "", ":owed": owed},
            )
        except ConditionFailed:
            log.info("somebody else has paid, or a newer hand-over owes its own")
        self.head = replace(self.head, owed="")

    def write_with(self, parts: Sequence[TransactionPart]) -> None:
        """Write something of the open turn while the head is ours.

        Raises:
            FenceLost: somebody took the conversation up after us, or a part's own condition does not hold.
        """
        check = Check(
            self._key.head(),
            "fence = :fence AND turn = :turn",
            {":fence": self.head.fence, ":turn": self.head.turn},
        )
        try:
            self._table.transact([check, *parts])
        except ConditionFailed:
            raise FenceLost("somebody took the conversation up after us") from None


def _value(stored: Any) -> Any:  # noqa: ANN401 - a number, a text, a list
    return tuple(stored) if isinstance(stored, list) else stored
