"""What an authentic event is to us: pure decisions, no reading and no writing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.chatwoot.events import Event, Message
    from shared.companies.card import CompanyCard

EMAIL_CHANNEL = "Channel::Email"
OUTSIDE = frozenset({"inbox", "email_inbox"})
"""Why everything of a conversation is ignored: its inbox is none that the company answers in."""


class Fate(StrEnum):
    """What becomes of an event."""

    ENQUEUE = "enqueue"  # a customer's message: a turn answers it
    PERSON_WROTE = "person_wrote"
    STATE_CHANGED = "state_changed"
    CAME_BACK = "came_back"  # one of our own messages
    PART_FAILED = "part_failed"  # one of our own messages, at its channel: a person is told
    DELETED = "deleted"
    IGNORE = "ignore"


@dataclass(frozen=True)
class Sorted:
    """An event's fate, and why where it is ignored."""

    fate: Fate
    reason: str = ""


def sort_event(event: Event | None, card: CompanyCard) -> Sorted:
    """Decide what becomes of an event.

    Args:
        event: the parsed body; ``None`` for kinds of event that tell nothing of a conversation.
        card: the company whose delivery it is.
    """
    if event is None:
        return _ignored("event")
    foreign = _foreign(event, card)
    if foreign:
        return _ignored(foreign)
    if event.message is None:
        return _conversation_event(event, card)
    if event.message.private:
        return _private(event, event.message, card)
    if event.name == "message_updated":
        return _updated(event.message, card)
    return _created(event, event.message, card)


def _ignored(reason: str) -> Sorted:
    return Sorted(Fate.IGNORE, reason)


def _foreign(event: Event, card: CompanyCard) -> str:
    inbox_id = event.conversation.inbox_id
    if inbox_id is None or not card.owns(inbox_id):
        return "inbox"
    # Every mail of a mailbox would be answered: such an inbox must be asked for by name.
    if event.conversation.channel == EMAIL_CHANNEL and not card.listed(inbox_id):
        return "email_inbox"
    return ""


def _conversation_event(event: Event, card: CompanyCard) -> Sorted:
    if not event.conversation.status:
        return _ignored("no_status")
    if event.conversation.updated_at_us is None and not _silences(event, card):
        # Without Chatwoot's own order an old event could lift a pause: it may only impose one.
        return _ignored("no_order")
    return Sorted(Fate.STATE_CHANGED)


def _silences(event: Event, card: CompanyCard) -> bool:
    via = card.via(event.conversation.inbox_id or 0)
    speaking = "pending" if via == "agent_bot" else "open"
    return event.conversation.status != speaking or event.conversation.assignee_kind.lower() == "user"


def _private(event: Event, message: Message, card: CompanyCard) -> Sorted:
    """Our own notes are receipts, so that one whose answer was lost is found; others are nothing to us."""
    ours = message.marker and message.direction == "outgoing" and _may_be_ours(message, card)
    return Sorted(Fate.CAME_BACK) if ours and event.name == "message_created" else _ignored("private")


def _updated(message: Message, card: CompanyCard) -> Sorted:
    if message.deleted:
        return Sorted(Fate.DELETED)
    ours = message.marker and message.direction == "outgoing" and _may_be_ours(message, card)
    if ours and message.external_error:
        return Sorted(Fate.PART_FAILED)
    return _ignored("message_updated")


def _created(event: Event, message: Message, card: CompanyCard) -> Sorted:
    if message.direction == "incoming" and event.conversation.contact_blocked:
        return _ignored("blocked")
    if message.direction == "incoming":
        known = event.conversation.contact_id is not None
        return Sorted(Fate.ENQUEUE) if known else _ignored("no_contact")
    if message.direction != "outgoing":
        return _ignored(message.direction or "message_type")
    return _sent_out(message, card)


def _sent_out(message: Message, card: CompanyCard) -> Sorted:
    if message.marker and _may_be_ours(message, card):
        return Sorted(Fate.CAME_BACK)
    if not card.markers_survive and message.sender.kind and _may_be_ours(message, card):
        return _ignored("own")  # this Chatwoot drops our marker: whose token posted it has to do
    if message.sender.kind == "user" or message.native_echo:
        return Sorted(Fate.PERSON_WROTE)
    # Another bot, an automation rule, a campaign: nobody took over, and nothing is to be answered.
    return _ignored(message.sender.kind or "automation")


def _may_be_ours(message: Message, card: CompanyCard) -> bool:
    connection = card.connection
    if connection is None:
        return False
    if message.sender.kind == "agent_bot":
        return connection.bot_id is None or message.sender.id == connection.bot_id
    if message.sender.kind == "user":
        return connection.user_id is None or message.sender.id == connection.user_id
    return message.sender.kind == ""
