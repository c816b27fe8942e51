"""What the conversations table keeps of one customer: handed out whole, or forgotten.

Forgetting leaves numbers behind where words would come back without them. A conversation's head keeps its
fence, raised, so that a turn that is just at work can write nothing more; its inbox keeps the messages'
numbers, so that a copy that is still in a queue is known and not answered; people keep the conversation that
they have.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from shared.companies.receipt import Remains
from shared.conversations.customers import notes_of
from shared.conversations.dead_letter_records import letters_about
from shared.conversations.keys import CustomerKey
from shared.conversations.showing import conversation_id, moment
from shared.platform.tables import Key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shared.companies.customers import Customer
    from shared.conversations.keys import ConversationKey
    from shared.platform.clock import Clock, Deadline
    from shared.platform.tables import Item, Table

_NUMBERS_KEPT = timedelta(days=30)
_FRAME = frozenset({"pk", "sk", "v", "expires_at", "fence", "recent_pk", "recent_sk"})
# Texts in which other modules keep JSON.
_JSON = frozenset({"plan", "json", "failure", "failing", "owed", "case"})
# Nothing but numbers, once they are emptied: they go by themselves, and keep things from being done again.
_NUMBERS = ("head", "people", "inbox#", "own#", "missed")


class CustomerShelf:
    """The conversations table, by customer.

    Args:
        table: the conversations table.
        installations: how many Chatwoot accounts a company was connected to, one after another.
        clock: for expiry.
    """

    sections = ("conversations", "messages", "ledger", "history", "dead_letters")

    def __init__(self, table: Table, installations: Callable[[str], int], clock: Clock) -> None:
        self._table = table
        self._installations = installations
        self._clock = clock

    # -- handing out -----------------------------------------------------------------------------------

    def entries(self, customer: Customer) -> Iterator[tuple[str, dict[str, Any]]]:
        """See `shared.companies.customers.Shelf`."""
        for key in self._keys(customer):
            notes = notes_of(self._table, key)
            for number in sorted({note["conversation_id"] for note in notes}):
                yield from self._conversation(key.in_conversation(number))
            for inbox_id in sorted({note["inbox_id"] for note in notes}):
                for item in self._table.query(key.in_inbox(inbox_id).pk, consistent=True):
                    yield "history", {"inbox_id": inbox_id, **_history(item)}
        for item in letters_about(self._table, customer.company_id, customer.account_id, customer.contact_id):
            yield "dead_letters", _plain(item)

    def _conversation(self, key: ConversationKey) -> Iterator[tuple[str, dict[str, Any]]]:
        name = {"conversation": conversation_id(key)}
        whole: dict[str, Any] = {**name, "head": None, "people": None, "other": []}
        for item in self._table.query(key.pk, consistent=True):
            kind, _, rest = item["sk"].partition("#")
            if kind in {"head", "people"}:
                whole[kind] = _plain(item)
            elif kind == "inbox":
                yield "messages", name | {"message_id": int(rest)} | _plain(item)
            elif kind == "turn":
                turn, _, entry = rest.partition("#")
                yield "ledger", name | {"turn": int(turn), "entry": entry} | _plain(item)
            else:
                whole["other"].append({"item": item["sk"]} | _plain(item))
        yield "conversations", whole

    # -- forgetting ------------------------------------------------------------------------------------

    def forget(self, customer: Customer, deadline: Deadline, count: Callable[[str], None]) -> bool:
        """See `shared.companies.customers.Shelf`; the notes that lead to everything go last."""
        complete = True
        for key in self._keys(customer):
            for note in notes_of(self._table, key):
                if deadline.passed():
                    return False
                at_work = self._forget_conversation(key.in_conversation(note["conversation_id"]), count)
                history = self._table.query(key.in_inbox(note["inbox_id"]).pk, consistent=True)
                self._delete(history, lambda: count("history entries"))
                if at_work:
                    # It may be about to write the history: a second look makes sure.
                    complete = False
                else:
                    self._delete([note], lambda: count("conversations"))
        letters = letters_about(self._table, customer.company_id, customer.account_id, customer.contact_id)
        self._delete(letters, lambda: count("dead letters"))
        return complete

    def _forget_conversation(self, key: ConversationKey, count: Callable[[str], None]) -> bool:
        """The head first: from then on a turn that is at work finds its fence lost; tells whether one was."""
        items = self._table.query(key.pk, consistent=True)
        inbox = [item for item in items if item["sk"].startswith("inbox#")]
        newest_id = max((int(item["sk"].rpartition("#")[2]) for item in inbox), default=0)
        at_work = False
        for item in items:
            if item["sk"] == "head":
                self._cut_off(item, newest_id)
                at_work = bool(item.get("turn"))
            elif item["sk"] == "people":
                self._strip(item)
        for item in inbox:
            if not item.get("forgotten"):
                self._empty(item)
                count("messages")
        words = [item for item in items if not item["sk"].startswith(_NUMBERS)]
        self._delete(words, lambda: count("entries of ledgers"))
        return at_work

    def _cut_off(self, head: Item, newest_id: int) -> None:
        """End the open turn; what it was to answer counts as dealt with."""
        self._table.update(
            Key(head["pk"], "head"),
            "ADD fence :one SET turn = :none, attempts = :none, discards = :none, message_ids = :empty, "
            "failing = :nothing, owed = :nothing, reminders = :empty, watermark = :newest, "
            "expires_at = :expires REMOVE recent_pk, recent_sk, last_outcome",
            values={
                ":one": 1,
                ":none": 0,
                ":empty": [],
                ":nothing": "",
                ":newest": max(newest_id, head.get("watermark", 0)),
                ":expires": self._expiry(),
            },
        )

    def _empty(self, message: Item) -> None:
        self._table.update(
            Key(message["pk"], message["sk"]),
            "SET deleted = :yes, forgotten = :yes, expires_at = :expires REMOVE #message",
            values={":yes": True, ":expires": self._expiry()},
            names={"#message": "message"},
        )

    def _strip(self, people: Item) -> None:
        """Who has the conversation stays known, so that the desk does not speak over them."""
        self._table.update(
            Key(people["pk"], people["sk"]),
            "SET expires_at = :expires REMOVE labels, label_added",
            values={":expires": self._expiry()},
        )

    def remains(self) -> tuple[Remains, ...]:
        """See `shared.companies.customers.Shelf`."""
        until = (self._clock.now() + _NUMBERS_KEPT).isoformat(timespec="seconds")
        return (Remains("numbers of messages, and who has the conversation, without any words", until),)

    # --------------------------------------------------------------------------------------------------

    def _keys(self, customer: Customer) -> list[CustomerKey]:
        """Of every Chatwoot that the company was connected to: account numbers repeat between servers."""
        count = self._installations(customer.company_id)
        place = (customer.company_id, customer.account_id, customer.contact_id)
        return [CustomerKey(*place, number) for number in range(1, count + 1)]

    def _delete(self, items: list[Item], done: Callable[[], None]) -> None:
        for item in items:
            self._table.delete(Key(item["pk"], item["sk"]))
            done()

    def _expiry(self) -> int:
        return int((self._clock.now() + _NUMBERS_KEPT).timestamp())


def _plain(item: Item) -> dict[str, Any]:
    """An item's attributes as JSON has them, without the table's own."""
    return {name: _json(name, value) for name, value in item.items() if name not in _FRAME}


def _json(name: str, value: Any) -> Any:  # noqa: ANN401 - any attribute
    if isinstance(value, set):
        return sorted(value)
    if name in _JSON and isinstance(value, str) and value:
        return json.loads(value)
    return value


def _history(item: Item) -> dict[str, Any]:
    kind, _, rest = item["sk"].partition("#")
    shown = _plain(item)
    if kind == "message":
        return {"message_id": int(rest), "at": moment(shown.pop("at_ms", 0))} | shown
    return {kind: rest} | shown
