"""The ledger: what a conversation's turns have done, so that doing it again does nothing twice.

A head item holds the open turn and the fence, a number that grows whenever somebody takes the conversation
up. Every other write checks the fence in the same transaction, so that a worker that was slow, frozen or
thought dead cannot write over the one that came after it. Items are written once or change state; none grows.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from shared.companies.card import DEFAULT_HISTORY_DAYS
from shared.conversations.history import history_item
from shared.conversations.inbox import Inbox
from shared.conversations.keys import SCHEMA_VERSION, turn_prefix
from shared.conversations.ledger_head import HEAD_KEEP_DAYS, FenceLost, Head, HeldHead
from shared.conversations.ledger_reminders import WaitingReminders
from shared.conversations.own_messages import OwnMessages
from shared.conversations.plan import Outcome, Plan
from shared.platform.clock import epoch_milliseconds
from shared.platform.tables import ConditionFailed, Put, Update

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.conversations.history import Entry
    from shared.conversations.incoming import IncomingMessage
    from shared.conversations.keys import ConversationKey
    from shared.platform.clock import Clock
    from shared.platform.tables import Item, Table, TransactionPart

_KEEP_DAYS = 30
# A transaction takes 100 parts: the head, and each message's inbox item.
MAX_MESSAGES_PER_TURN = 90


class Ledger:
    """One conversation's ledger, in the hands of one worker.

    Args:
        table: the conversations table.
        key: the conversation.
        clock: stamps items.

    Attributes:
        key: the conversation.
        own: which of its messages are ours.
        reminders: those that wait for their turn.
    """

    def __init__(self, table: Table, key: ConversationKey, clock: Clock) -> None:
        self._table = table
        self._clock = clock
        self.key = key
        self.own = OwnMessages(table, key, clock)
        self._held = HeldHead(table, key)
        self.reminders = WaitingReminders(table, key, self._held, clock)

    @property
    def head(self) -> Head:
        """As it was when we last read or changed it."""
        return self._held.head

    def look(self) -> Head:
        """The head as it is, without taking the conversation up: nothing may be written after this alone."""
        item = self._table.get(self.key.head(), consistent=True)
        return Head() if item is None else Head.from_item(item)

    def take_up(self) -> Head:
        """Take the conversation up: from here on the writes of whoever had it before fail."""
        return self._held.take_up(self._expiry(HEAD_KEEP_DAYS))

    def reopen_below(self, message_id: int) -> None:
        """Lower the watermark below a message that came after a newer one was answered.

        Raises:
            FenceLost: somebody took the conversation up after us.
        """
        if self.head.watermark >= message_id:
            self._held.change({"watermark": message_id - 1})

    def open_turn(
        self,
        messages: Sequence[IncomingMessage],
        *,
        counts: bool = True,
    ) -> int:
        """Open a turn for these messages, or go on with the open one.

        Args:
            messages: what it answers; an open turn that has decided nothing yet takes newer ones in.
            counts: whether this is an attempt, not just a look at what became of a message.

        Returns:
            How many attempts there were, this one included.

        Raises:
            FenceLost: see `reopen_below`.
        """
        turn = self.head.turn or self.head.last_turn + 1
        self._held.change(
            {
                "turn": turn,
                "last_turn": turn,
                "attempts": self.head.attempts + (1 if counts else 0),
                "message_ids": [message.message_id for message in messages],
            }
        )
        return self.head.attempts

    def entries(self, turn: int = 0) -> dict[str, Item]:
        """A turn's items, the open one's by default, by the rest of their sort keys, such as ``part#000``."""
        turn = turn or self.head.turn
        if not turn:
            return {}
        prefix = turn_prefix(turn)
        items = self._table.query(self.key.pk, prefix=prefix, consistent=True)
        return {item["sk"].removeprefix(prefix): item for item in items}

    def keep_heard(self, message: IncomingMessage) -> None:
        """Write into the inbox what came of a message's attachments, so that no turn need find it out again.

        Raises:
            FenceLost: somebody took the conversation up after us, or the customer took the message back.
        """
        update = Update(
            self.key.inbox(message.message_id),
            "SET #message = :message",
            "attribute_exists(#message)",
            {":message": asdict(message)},
            {"#message": "message"},
        )
        self._held.write_with([update])

    def write(self, name: str, attributes: Item) -> None:
        """Write an item of the open turn that is not there yet.

        Raises:
            FenceLost: somebody took the conversation up after us, or has written it.
        """
        self._held.write_with([self._new_item(name, attributes)])

    def change(self, name: str, attributes: Item, *, unless_state: str = "") -> None:
        """Change attributes of an item of the open turn.

        Args:
            name: the item.
            attributes: what changes.
            unless_state: not if the item's ``state`` is this by now.

        Raises:
            FenceLost: somebody took the conversation up after us, or the state came first.
        """
        update = _assignment(self.key, self.head.turn, name, attributes)
        if unless_state:
            update = replace(
                update,
                condition="#state <> :state",
                values={**update.values, ":state": unless_state},
                names={**update.names, "#state": "state"},
            )
        self._held.write_with([update])

    def note_certain(self, name: str, attributes: Item, *, marker: str) -> None:
        """Note what is certain whoever holds the conversation, such as that a message was stored.

        Args:
            name: the item.
            attributes: what is certain.
            marker: the item must still be about this message.
        """
        update = _assignment(self.key, self.head.turn, name, attributes)
        try:
            self._table.update(
                update.key,
                update.expression,
                "marker = :marker",
                values={**update.values, ":marker": marker},
                names=update.names,
            )
        except ConditionFailed:
            raise FenceLost("the part was taken over") from None

    def plan(self, entries: dict[str, Item]) -> Plan | None:
        """What the open turn has decided, where it has."""
        item = entries.get("plan")
        return None if item is None else Plan.from_plain(json.loads(item["plan"]))

    def write_plan(self, plan: Plan) -> None:
        """Write down what the turn will do.

        Raises:
            FenceLost: see `write`.
        """
        self.write("plan", {"plan": json.dumps(plan.as_plain())})

    def open_with_plan(
        self, plan: Plan, *, tells_failure: bool = False, also: Sequence[TransactionPart] = ()
    ) -> None:
        """Open a turn without messages that does what a plan says, in one write: it is never half there.

        Args:
            plan: the plan; a reminder's takes the first waiting one away.
            tells_failure: it tells people of the remembered failure, which is forgotten with it.
            also: written together with it, or nothing is.

        Raises:
            FenceLost: somebody took the conversation up after us.
        """
        turn = self.head.last_turn + 1
        item = self.key.turn(turn, "plan").as_item() | {"plan": json.dumps(plan.as_plain())}
        item |= {"fence": self.head.fence, "expires_at": self._expiry(), "v": SCHEMA_VERSION}
        changes: dict[str, Any] = {"turn": turn, "last_turn": turn, "attempts": 1, "message_ids": []}
        if tells_failure:
            changes["failing"] = ""
        if plan.reminder is not None:
            changes["reminders"] = self.reminders.without_first()
        self._held.change(changes, [Put(item, "attribute_not_exists(pk)"), *also])

    def turns_this_hour(self) -> int:
        """How many turns were answered in this conversation in the current hour."""
        return self.head.hour_turns if self.head.hour == self._hour() else 0

    def discard(self) -> None:
        """Close the open turn without answering: its messages, and newer ones, get another.

        Raises:
            FenceLost: see `reopen_below`.
        """
        self._held.change({"turn": 0, "message_ids": [], "discards": self.head.discards + 1})

    def part_failed(self, turn: int, marker: str, attributes: Item) -> bool:
        """Note what became of a part at its channel: certain, whoever holds the conversation.

        Args:
            turn: whose part it was.
            marker: the part's; where the turn has none with it, nothing is noted.
            attributes: what is certain.

        Returns:
            Whether all of it was noted before.
        """
        prefix, known = turn_prefix(turn), False
        for item in self._table.query(self.key.pk, prefix=f"{prefix}part#", consistent=True):
            if item.get("marker") == marker:
                known = attributes.items() <= item.items()
                update = _assignment(self.key, turn, item["sk"].removeprefix(prefix), attributes)
                self._table.update(update.key, update.expression, values=update.values, names=update.names)
        return known

    def note_failure(self, turn: int, failure: str) -> bool:
        """Remember that a part of a turn failed at its channel, once per turn.

        Args:
            turn: whose part it was.
            failure: what people will be told, as JSON text.

        Returns:
            Whether it is the turn's first.

        Raises:
            FenceLost: somebody took the conversation up after us.
        """
        item = self.key.turn(turn, "failed").as_item()
        item |= {"failure": failure, "expires_at": self._expiry(), "v": SCHEMA_VERSION}
        if self._table.get(self.key.turn(turn, "failed"), consistent=True) is not None:
            return False
        self._held.change({"failing": failure}, [Put(item, "attribute_not_exists(pk)")])
        return True

    def paid(self, owed: str) -> None:
        """Note that the e-mail which the head says is owed was queued."""
        self._held.paid(owed)

    def close(
        self,
        outcome: Outcome,
        messages: Sequence[IncomingMessage],
        history: Sequence[Entry] = (),
        *,
        keep_days: int = DEFAULT_HISTORY_DAYS,
        notice: Mapping[str, str] | None = None,
    ) -> None:
        """End the open turn: its messages are answered, and everything said belongs to the history.

        Args:
            outcome: how it ended.
            messages: what it answered.
            history: what was said, by the customer and by the desk.
            keep_days: the company's retention.
            notice: the e-mail that staff is owed from now on, as its plan says.

        Raises:
            FenceLost: somebody took the conversation up after us.
        """
        turn = self.head.turn
        answered: list[TransactionPart] = [
            Update(
                self.key.inbox(message.message_id),
                "SET answered_in = :turn, outcome = :outcome",
                values={":turn": turn, ":outcome": str(outcome)},
            )
            for message in messages
        ]
        unanswered, forgotten = Inbox(self._table, self.key).above(self.head.watermark)
        waiting = {one.message_id for one in unanswered}
        ids = {message.message_id for message in messages}
        if ids & forgotten:
            # Its customer was forgotten meanwhile: nothing of them is written any more.
            raise FenceLost("the customer was forgotten during the turn")
        # What the customer took back during the turn stays out of the history.
        kept = [entry for entry in history if entry.role != "customer" or entry.message_id in waiting]
        # Before the turn is closed, because nobody would add them after; written twice they are there once.
        self._table.put_many([history_item(entry, keep_days) for entry in kept])
        # A message that came late stays above the watermark: nobody else would see it.
        watermark = min([max([self.head.watermark, *ids]), *(one - 1 for one in waiting - ids)])
        self._held.change(
            {
                "turn": 0,
                "attempts": 0,
                "discards": 0,
                "message_ids": [],
                "watermark": watermark,
                "hour": self._hour(),
                "hour_turns": self.turns_this_hour() + (1 if outcome is Outcome.ANSWERED else 0),
                "last_outcome": str(outcome),
                **self._owing(notice),
            },
            answered,
            extra=self._as_recent(),
        )

    # ------------------------------------------------------------------------------------------------

    def _new_item(self, name: str, attributes: Item) -> Put:
        item = self.key.turn(self.head.turn, name).as_item() | attributes
        item |= {"fence": self.head.fence, "expires_at": self._expiry(), "v": SCHEMA_VERSION}
        return Put(item, "attribute_not_exists(pk)")

    def _owing(self, notice: Mapping[str, str] | None) -> dict[str, Any]:
        """In the place of one that was not paid yet: the newer one speaks of the same conversation."""
        if notice is None:
            return {}
        now_ms = epoch_milliseconds(self._clock.now())
        return {"owed": json.dumps({**notice, "at_ms": now_ms}), "mailed_ms": now_ms}

    def _as_recent(self) -> dict[str, str]:
        """Where the conversation stands in its company's list of recent ones."""
        recent = self.key.recent(epoch_milliseconds(self._clock.now()))
        return {"recent_pk": recent.pk, "recent_sk": recent.sk}

    def _hour(self) -> int:
        return int(self._clock.now().timestamp() // 3600)

    def _expiry(self, days: int = _KEEP_DAYS) -> int:
        return int((self._clock.now() + timedelta(days=days)).timestamp())


def _assignment(key: ConversationKey, turn: int, name: str, attributes: Item) -> Update:
    names = {f"#a{index}": attribute for index, attribute in enumerate(attributes)}
    values = {f":a{index}": value for index, value in enumerate(attributes.values())}
    sets = ", ".join(f"#a{index} = :a{index}" for index in range(len(attributes)))
    return Update(key.turn(turn, name), f"SET {sets}", values=values, names=names)
