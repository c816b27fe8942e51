"""People first: whether the desk may speak in a conversation.

The door writes one item per conversation, and turns only read it: the newest message of a person, status,
assignee and labels, each by Chatwoot's own order. Events may come late, twice and in any order, so every
write is conditional on being newer than what is there.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from shared.conversations.customers import note_of
from shared.conversations.history import Entry, history_item
from shared.conversations.keys import SCHEMA_VERSION, ContactKey, ConversationKey
from shared.platform.clock import epoch_milliseconds, from_epoch_milliseconds
from shared.platform.tables import ConditionFailed, Delete, Put, TransactionPart, Update
from shared.platform.values import known_fields

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shared.chatwoot.events import Conversation, Message
    from shared.conversations.incoming import State
    from shared.platform.tables import Item, Table

_NEWER = "(attribute_not_exists(state_at_us) OR state_at_us <= :at)"
_KEEP_DAYS = 90


@dataclass(frozen=True)
class SpeakingRules:
    """A company's rules, as far as they decide who speaks.

    Args:
        bot_statuses: in these the desk may speak.
        assignment_counts: whether an assignee who is a person means that a person is in charge.
        resume_after: how long after a person's last message the desk speaks again; ``None``: never by itself.
        resume_label: a label that gives the conversation back.
        own_bot_id: our agent bot, where it is known: another one in charge means that it speaks.
    """

    bot_statuses: frozenset[str]
    assignment_counts: bool
    resume_after: timedelta | None
    resume_label: str
    own_bot_id: int | None = None


@dataclass(frozen=True)
class People:
    """What is known of a conversation's people; times in microseconds are Chatwoot's ``updated_at``."""

    human_message_id: int = 0
    human_at_us: int = 0
    human_arrived_ms: int = 0
    status: str = ""
    assignee_id: int | None = None
    assignee_kind: str = ""
    labels: tuple[str, ...] = ()
    state_at_us: int = 0
    status_changed_at_us: int = 0
    resolved_at_us: int = 0
    given_back_at_us: int = 0
    label_added: tuple[str, ...] = ()
    label_added_at_us: int = 0

    @classmethod
    def from_item(cls, item: Item | None) -> People:
        """Read the door's item; attributes it does not have keep their defaults."""
        known = known_fields(cls, item or {})
        for name in ("labels", "label_added"):
            known[name] = tuple(known.get(name, ()))
        return cls(**known)

    def seen_with(self, states: Sequence[State]) -> People:
        """This, with states from elsewhere (queued events, the API) where they are newer."""
        newest = self
        for state in states:
            at = state.updated_at_us
            if at is not None and at >= newest.state_at_us and state.status:
                newest = replace(
                    newest,
                    status=state.status,
                    assignee_id=state.assignee_id,
                    assignee_kind=state.assignee_kind,
                    labels=state.labels,
                    state_at_us=at,
                )
        return newest

    def silence_reason(self, rules: SpeakingRules, now: datetime) -> str:
        """Why the desk must be silent, or an empty text when it may speak.

        Args:
            rules: the company's.
            now: the current moment.
        """
        if self.status and self.status not in rules.bot_statuses:
            return f"status_{self.status}"
        if self._person_wrote(rules, now):
            return "person_in_charge"
        if rules.assignment_counts and self.assignee_id is not None and self.assignee_kind.lower() == "user":
            return "assigned_to_person"
        if self._another_bot_has_it(rules):
            return "another_bot"
        return ""

    def _another_bot_has_it(self, rules: SpeakingRules) -> bool:
        if rules.own_bot_id is None or self.assignee_id is None:
            return False
        return (
            self.assignee_kind.lower() in {"agentbot", "agent_bot"} and self.assignee_id != rules.own_bot_id
        )

    def _person_wrote(self, rules: SpeakingRules, now: datetime) -> bool:
        if not self.human_message_id or self.human_at_us <= self._episode_ended_us(rules):
            return False
        if rules.resume_after is None:
            return True
        return now - from_epoch_milliseconds(self.human_arrived_ms) < rules.resume_after

    def _episode_ended_us(self, rules: SpeakingRules) -> int:
        ends = [self.resolved_at_us, self.given_back_at_us]
        if self.status in rules.bot_statuses:
            ends.append(self.status_changed_at_us)
        if rules.resume_label in self.label_added:
            ends.append(self.label_added_at_us)
        return max(ends)


class PeopleRecorder:
    """The door's pen: writes what a turn in flight must see at once, each event in one call.

    Args:
        table: the conversations table.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def person_wrote(
        self,
        key: ConversationKey,
        conversation: Conversation,
        message: Message,
        now: datetime,
        *,
        keep_days: int,
    ) -> None:
        """A person's public message: it pauses the desk, and is kept in the history for so many days."""
        at = conversation.updated_at_us or int(now.timestamp() * 1_000_000)
        pause = Update(
            key.people(),
            "SET human_message_id = :id, human_at_us = :at, human_arrived_ms = :now, "
            "expires_at = :expires, v = :v",
            "attribute_not_exists(human_message_id) OR human_message_id < :id",
            {
                ":id": message.id,
                ":at": at,
                ":now": epoch_milliseconds(now),
                ":expires": _expiry(now),
                ":v": SCHEMA_VERSION,
            },
        )
        history = _history(key, conversation, message, now, keep_days)
        try:
            self._table.transact([pause, *history])
        except ConditionFailed:
            # A newer message of theirs is known already; this one still belongs to the history.
            for put in history:
                self._table.put(put.item)

    def state_changed(self, key: ConversationKey, conversation: Conversation, now: datetime) -> None:
        """Status, assignee and labels as a conversation event shows them."""
        at = conversation.updated_at_us or int(now.timestamp() * 1_000_000)
        values: dict[str, Any] = {
            ":status": conversation.status,
            ":assignee": conversation.assignee_id,
            ":kind": conversation.assignee_kind,
            ":labels": list(conversation.labels),
            ":at": at,
            ":expires": _expiry(now),
            ":v": SCHEMA_VERSION,
        }
        sets = [
            "#status = :status",
            "assignee_id = :assignee",
            "assignee_kind = :kind",
            "labels = :labels",
            "state_at_us = :at",
            "expires_at = :expires",
            "v = :v",
        ]
        if conversation.status == "resolved":
            sets.append("resolved_at_us = :at")
        elif _status_was_changed(conversation):
            sets.append("status_changed_at_us = :at")
        added = _labels_added(conversation)
        if added:
            sets += ["label_added = :added", "label_added_at_us = :at"]
            values[":added"] = added
        with suppress(ConditionFailed):  # something newer is known already: this event adds nothing
            self._table.update(
                key.people(), "SET " + ", ".join(sets), _NEWER, values=values, names={"#status": "status"}
            )

    def given_back(self, key: ConversationKey, now: datetime) -> None:
        """Somebody with the right to do so gave the conversation back to the desk: the episode is over."""
        self._table.update(
            key.people(),
            "SET given_back_at_us = :at, expires_at = :expires, v = :v",
            values={":at": int(now.timestamp() * 1_000_000), ":expires": _expiry(now), ":v": SCHEMA_VERSION},
        )

    def came_back(self, key: ConversationKey, message: Message, now: datetime) -> int:
        """One of our own messages as Chatwoot shows it to us.

        Returns:
            How many different messages carry this marker: more than one is a duplicate that customers saw.
        """
        values: dict[str, Any] = {":ids": {message.id}, ":expires": _expiry(now), ":v": SCHEMA_VERSION}
        item = self._table.update(
            key.receipt(message.marker[:100]),
            "ADD message_ids :ids SET expires_at = :expires, v = :v",
            values=values,
        )
        return len(item["message_ids"])

    def deleted(
        self, key: ConversationKey, conversation: Conversation, message: Message, now: datetime
    ) -> None:
        """A message was deleted: its text goes from inbox and history, also when it has not arrived yet."""
        parts: list[TransactionPart] = []
        if message.direction == "incoming":
            tombstone = Update(
                key.inbox(message.id),
                "SET deleted = :yes, expires_at = :expires, v = :v REMOVE #message",
                values={":yes": True, ":expires": _expiry(now), ":v": SCHEMA_VERSION},
                names={"#message": "message"},
            )
            parts.append(tombstone)
        contact = _contact(key, conversation)
        if contact is not None:
            parts.append(Delete(contact.message(message.id)))
        if parts:
            self._table.transact(parts)


def _contact(key: ConversationKey, conversation: Conversation) -> ContactKey | None:
    if conversation.contact_id is None or conversation.inbox_id is None:
        return None
    inbox_id, contact_id = conversation.inbox_id, conversation.contact_id
    return ContactKey(key.company_id, key.account_id, inbox_id, contact_id, key.installation)


def _history(
    key: ConversationKey, conversation: Conversation, message: Message, now: datetime, keep_days: int
) -> list[Put]:
    contact = _contact(key, conversation)
    if contact is None or not message.text:
        return []
    entry = Entry(contact, message.id, "person", message.text, now, key.conversation_id)
    return [Put(history_item(entry, keep_days)), Put(note_of(contact, key.conversation_id, now))]


def _status_was_changed(conversation: Conversation) -> bool:
    """Whether the event says that the status became another, by somebody's hand.

    Events of other kinds name no change. Chatwoot itself ends a snooze when the customer writes; that gives
    nothing back.
    """
    before, after = conversation.changes.get("status", (None, None))
    return bool(before != after) and before != "snoozed"


def _labels_added(conversation: Conversation) -> list[str]:
    before, after = conversation.changes.get("label_list", (None, None))
    if not isinstance(after, list):
        return []
    return [label for label in after if isinstance(label, str) and label not in (before or [])]


def _expiry(now: datetime) -> int:
    return int((now + timedelta(days=_KEEP_DAYS)).timestamp())
