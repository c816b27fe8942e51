"""What a webhook body says, in names of our own and without surprises.

Bodies differ between Chatwoot versions and kinds of event (`docs/reference/chatwoot.md`): a message event
carries the conversation inside, a conversation event *is* the conversation; ids may come as text; whole
blocks may be missing. Everything odd becomes "not said", and only what no event can do without is an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.platform.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

MESSAGE_EVENTS = frozenset({"message_created", "message_updated"})
CONVERSATION_EVENTS = frozenset(
    {
        "conversation_created",
        "conversation_updated",
        "conversation_status_changed",
        "conversation_opened",
        "conversation_resolved",
    }
)
STATUSES = frozenset({"open", "resolved", "pending", "snoozed"})
# What automation rules and macros send is a conversation too, and its newest message is what they are about.
RULE_EVENTS = frozenset({"automation_event.message_created", "macro.executed"})
# Our own key in a message's content_attributes; Chatwoot stores and returns unknown keys there.
MARKER_KEY = "frontdesk"
_DIRECTIONS = {0: "incoming", 1: "outgoing", 2: "activity", 3: "template"}
_MAX_ID = 2**63 - 1


@dataclass(frozen=True)
class Sender:
    """Who wrote a message: ``kind`` is ``contact``, ``user``, ``agent_bot``, another word, or empty."""

    kind: str
    id: int | None
    name: str


@dataclass(frozen=True)
class Message:
    """One message of an event. ``text`` is as the customer or the person wrote it."""

    id: int
    direction: str
    private: bool
    text: str
    content_type: str
    created_at: str
    sender: Sender
    attachments: tuple[Mapping[str, Any], ...]
    in_reply_to: int | None
    marker: str
    deleted: bool
    external_error: str
    native_echo: bool


@dataclass(frozen=True)
class Conversation:
    """The conversation as it was when Chatwoot made the event, which may be later than what it tells of.

    ``updated_at_us`` is Chatwoot's ``updated_at`` in whole microseconds, the order of status and assignee;
    ``None`` on servers older than 4.0.2. ``changes`` holds, by field, the value before and after.
    """

    id: int
    account_id: int | None
    inbox_id: int | None
    channel: str
    status: str
    can_reply: bool
    contact_id: int | None
    contact_name: str
    contact_source_id: str
    contact_blocked: bool
    assignee_id: int | None
    assignee_kind: str
    labels: tuple[str, ...]
    updated_at_us: int | None
    claimed_company_ids: tuple[str, ...]
    changes: Mapping[str, tuple[Any, Any]]
    contact_email: str = ""
    contact_phone: str = ""


@dataclass(frozen=True)
class Event:
    """One webhook body: ``message`` is there for message events only."""

    name: str
    conversation: Conversation
    message: Message | None


def parse(body: object) -> Event | None:
    """Read a webhook body.

    Args:
        body: the parsed JSON.

    Returns:
        The event, or ``None`` for a kind of event that tells nothing of a conversation.

    Raises:
        InvalidInput: it is no object, or a known event lacks an id that nothing works without.
    """
    root = _object(body)
    if not root:
        raise InvalidInput("the body must be a JSON object", reason="not_an_object")
    name = _text(root.get("event"))
    if name in MESSAGE_EVENTS:
        inner = _object(root.get("conversation"))
        return Event(name, _conversation(inner, root), _message(root, inner))
    if name in CONVERSATION_EVENTS:
        return Event(name, _conversation(root, root), None)
    if name in RULE_EVENTS:
        return _newest_message(root)
    return None


def _newest_message(root: Mapping[str, Any]) -> Event:
    """What a rule or macro tells: these bodies hold no message of their own, only the conversation's newest.

    That one may be another than the rule ran for. It is the customer's, and waits, or was answered before
    and is not answered again; or it is somebody else's, and counts as what it is.
    """
    newest = _object(next(iter(_list(root.get("messages"))), None))
    if _id(newest.get("id")) is None:
        return Event("conversation_updated", _conversation(root, root), None)
    return Event("message_created", _conversation(root, root), _message(newest, root))


def _conversation(inner: Mapping[str, Any], root: Mapping[str, Any]) -> Conversation:
    identity = _id(inner.get("id"))
    if identity is None:
        raise InvalidInput("the event names no conversation", reason="no_conversation_id")
    meta, contact_inbox = _object(inner.get("meta")), _object(inner.get("contact_inbox"))
    contact, assignee = _object(meta.get("sender")), _object(meta.get("assignee"))
    status = _text(inner.get("status"))
    return Conversation(
        id=identity,
        account_id=_account_id(inner, root),
        inbox_id=_first_id(inner.get("inbox_id"), _object(root.get("inbox")).get("id")),
        channel=_text(inner.get("channel")),
        status=status if status in STATUSES else "",
        # Only a plain "no" forbids: older servers and odd bodies say nothing.
        can_reply=inner.get("can_reply") is not False,
        contact_id=_first_id(contact_inbox.get("contact_id"), contact.get("id")),
        contact_name=_text(contact.get("name")),
        contact_source_id=_text(contact_inbox.get("source_id")),
        contact_email=_text(contact.get("email")),
        contact_phone=_text(contact.get("phone_number")),
        contact_blocked=contact.get("blocked") is True,
        assignee_id=_id(assignee.get("id")),
        assignee_kind=_text(meta.get("assignee_type")) or _text(assignee.get("type")),
        labels=tuple(_text(label) for label in _list(inner.get("labels")) if isinstance(label, str)),
        updated_at_us=_microseconds(inner.get("updated_at")),
        claimed_company_ids=_claims(inner, meta),
        changes=_changes(root.get("changed_attributes")),
    )


def _account_id(inner: Mapping[str, Any], root: Mapping[str, Any]) -> int | None:
    # Conversation events name the account only since 4.14.2; before, the newest message does.
    newest = _object(next(iter(_list(inner.get("messages"))), None))
    return _first_id(
        _object(root.get("account")).get("id"),
        _object(inner.get("account")).get("id"),
        newest.get("account_id"),
    )


def _claims(inner: Mapping[str, Any], meta: Mapping[str, Any]) -> tuple[str, ...]:
    places = (meta.get("company_id"), _object(inner.get("custom_attributes")).get("company_id"))
    return tuple(place for place in places if isinstance(place, str) and place)


def _changes(value: object) -> Mapping[str, tuple[Any, Any]]:
    changes: dict[str, tuple[Any, Any]] = {}
    for one in _list(value):
        for field, change in _object(one).items():
            pair = _object(change)
            changes[field] = (pair.get("previous_value"), pair.get("current_value"))
    return changes


def _message(root: Mapping[str, Any], inner: Mapping[str, Any]) -> Message:
    identity = _id(root.get("id"))
    if identity is None:
        raise InvalidInput("the event names no message", reason="no_message_id")
    attributes, sender = _object(root.get("content_attributes")), _object(root.get("sender"))
    direction = root.get("message_type")
    if isinstance(direction, int) and not isinstance(direction, bool):
        direction = _DIRECTIONS.get(direction)
    return Message(
        id=identity,
        direction=_text(direction),
        # Better silent than loud: what is not plainly public counts as a private note.
        private=root.get("private") is not False,
        text=_message_text(root, inner, identity),
        content_type=_text(root.get("content_type")),
        created_at=_text(root.get("created_at")),
        sender=Sender(_sender_kind(sender), _id(sender.get("id")), _text(sender.get("name"))),
        attachments=tuple(_object(item) for item in _list(root.get("attachments")) if _object(item)),
        in_reply_to=_id(attributes.get("in_reply_to")),
        marker=marker_in(attributes),
        deleted=attributes.get("deleted") is True,
        external_error=_text(attributes.get("external_error")) or _failed_status(inner, identity),
        native_echo=attributes.get("external_echo") is True,
    )


def marker_in(content_attributes: object) -> str:
    """Our marker in a message's ``content_attributes``, of whatever shape; empty where there is none."""
    return _text(_object(_object(content_attributes).get(MARKER_KEY)).get("marker"))


def _sender_kind(sender: Mapping[str, Any]) -> str:
    # A contact carries no type at the top level; users and bots do.
    return _text(sender.get("type")) or ("contact" if sender else "")


def _own_snapshot(inner: Mapping[str, Any], identity: int) -> Mapping[str, Any]:
    """The conversation's newest message, where it is the event's own: often it is another one."""
    newest = _object(next(iter(_list(inner.get("messages"))), None))
    return newest if _id(newest.get("id")) == identity else {}


def _message_text(root: Mapping[str, Any], inner: Mapping[str, Any], identity: int) -> str:
    # From 4.9.0 to 4.12.0 the event's own content is rendered as HTML; the snapshot keeps the raw text.
    raw = _text(_own_snapshot(inner, identity).get("content"))
    return raw or _text(root.get("content"))


def _failed_status(inner: Mapping[str, Any], identity: int) -> str:
    return "failed" if _own_snapshot(inner, identity).get("status") == "failed" else ""


def _microseconds(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return round(value * 1_000_000) if 0 < value < 1e11 else None  # noqa: PLR2004 - seconds up to year 5138


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    # JSON's escapes can spell half of a surrogate pair, which nothing that comes after can store.
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _id(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 19:  # noqa: PLR2004 - digits of 2^63
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 < value <= _MAX_ID else None


def _first_id(*values: object) -> int | None:
    return next((found for value in values if (found := _id(value)) is not None), None)
