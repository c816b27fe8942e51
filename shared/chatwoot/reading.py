"""Chatwoot's JSON read into `shared.chatwoot.results`: unknown fields passed over, odd ones made neutral.

What a value cannot do without (its number, say) makes the reader return ``None`` instead: then the answer is
not one of Chatwoot's, whatever its status.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from shared.chatwoot.results import (
    AgentBotInfo,
    ApiMessage,
    ConversationState,
    InboxInfo,
    JsonDict,
    PostedMessage,
    Profile,
    WebhookInfo,
)
from shared.platform.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

Shape = TypeVar("Shape")
if TYPE_CHECKING:
    Reader = Callable[[object], Shape | None]

MESSAGE_TYPES = {"incoming": 0, "outgoing": 1, "activity": 2, "template": 3}
"""Chatwoot writes the type as a number in REST answers and as a word in webhooks."""


def number(value: object) -> int | None:
    """A whole number, and nothing that merely looks like one to Python."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def text(value: object) -> str:
    """A text, "" for anything else."""
    return value if isinstance(value, str) else ""


def mapping(value: object) -> JsonDict:
    """An object, empty for anything else."""
    return value if isinstance(value, dict) else {}


def strings(value: object) -> tuple[str, ...]:
    """The texts of a list."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def posted_message(data: object) -> PostedMessage | None:
    """Read the answer to a posted message."""
    found = mapping(data)
    message_id = number(found.get("id"))
    if message_id is None or "content" not in found:
        return None
    return PostedMessage(
        id=message_id,
        content=text(found.get("content")),
        content_attributes=mapping(found.get("content_attributes")),
        status=text(found.get("status")),
    )


def conversation_state(data: object) -> ConversationState | None:
    """Read a conversation."""
    found = mapping(data)
    conversation_id, status = number(found.get("id")), text(found.get("status"))
    if conversation_id is None or not status:
        return None
    meta = mapping(found.get("meta"))
    assignee_id = number(mapping(meta.get("assignee")).get("id"))
    return ConversationState(
        id=conversation_id,
        status=status,
        inbox_id=number(found.get("inbox_id")) or 0,
        can_reply=found.get("can_reply") is not False,
        assignee_id=assignee_id,
        assignee_type=(text(meta.get("assignee_type")) or "User") if assignee_id is not None else None,
        labels=strings(found.get("labels")),
        updated_at=_seconds(found.get("updated_at")),
        channel=text(meta.get("channel")),
        source_id=_source_id(found),
        contact_id=number(mapping(meta.get("sender")).get("id")),
        last_activity_at=number(found.get("last_activity_at")) or 0,
        newest=_newest(found),
        shown=found,
    )


def _seconds(value: object) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0


def _newest(found: JsonDict) -> ApiMessage | None:
    read = [message for one in _shown_messages(found) if (message := api_message(one)) is not None]
    said = [message for message in read if message.message_type != MESSAGE_TYPES["activity"]]
    return max(said, key=lambda message: message.id, default=None)


def _shown_messages(found: JsonDict) -> list[object]:
    messages = found.get("messages")
    return [found.get("last_non_activity_message"), *(messages if isinstance(messages, list) else [])]


def _source_id(found: JsonDict) -> str | None:
    for message in _shown_messages(found):
        nested = mapping(mapping(message).get("conversation"))
        source_id = text(mapping(nested.get("contact_inbox")).get("source_id"))
        if source_id:
            return source_id
    return None


def api_message(data: object) -> ApiMessage | None:
    """Read one message of a list."""
    found = mapping(data)
    message_id = number(found.get("id"))
    if message_id is None:
        return None
    sender = mapping(found.get("sender"))
    content = found.get("content")
    return ApiMessage(
        id=message_id,
        content=content if isinstance(content, str) else None,
        message_type=_message_type(found.get("message_type")),
        private=found.get("private") is not False,
        sender_type=_sender_type(sender.get("type") or found.get("sender_type")),
        sender_id=_first_number(sender.get("id"), found.get("sender_id")),
        content_attributes=mapping(found.get("content_attributes")),
        created_at=number(found.get("created_at")) or 0,
        status=text(found.get("status")),
        shown=found,
    )


def _message_type(value: object) -> int:
    if isinstance(value, str):
        return MESSAGE_TYPES.get(value, -1)
    known = number(value)
    return -1 if known is None else known


def _sender_type(value: object) -> str | None:
    words = {"AgentBot": "agent_bot", "Captain::Assistant": "captain_assistant"}
    return words.get(text(value), text(value).lower()) or None


def _first_number(*values: object) -> int | None:
    return next((found for value in values if (found := number(value)) is not None), None)


def profile(data: object) -> Profile | None:
    """Read the profile of a user token."""
    found = mapping(data)
    user_id = number(found.get("id"))
    accounts = found.get("accounts")
    if user_id is None or not isinstance(accounts, list):
        return None
    roles = {number(mapping(item).get("id")): text(mapping(item).get("role")) for item in accounts}
    return Profile(user_id, {account: role for account, role in roles.items() if account is not None})


def inbox_info(data: object) -> InboxInfo | None:
    """Read one inbox of a list."""
    found = mapping(data)
    inbox_id = number(found.get("id"))
    if inbox_id is None:
        return None
    return InboxInfo(
        id=inbox_id,
        name=text(found.get("name")),
        channel_type=text(found.get("channel_type")),
        auto_assignment=found.get("enable_auto_assignment") is not False,
    )


def webhook_info(data: object) -> WebhookInfo | None:
    """Read one account webhook."""
    found = mapping(data)
    webhook_id = number(found.get("id"))
    if webhook_id is None:
        return None
    return WebhookInfo(
        id=webhook_id,
        url=text(found.get("url")),
        subscriptions=strings(found.get("subscriptions")),
        secret=_secret(found.get("secret")),
    )


def agent_bot_info(data: object) -> AgentBotInfo | None:
    """Read one agent bot of a list."""
    found = mapping(data)
    bot_id = number(found.get("id"))
    if bot_id is None:
        return None
    return AgentBotInfo(bot_id, text(found.get("name")), _secret(found.get("access_token")))


def _secret(value: object) -> Secret | None:
    return Secret(value) if isinstance(value, str) and value else None


def every(data: object, read: Reader[Shape]) -> list[Shape] | None:
    """Read a list, or ``None`` when it is no list or when any row of it cannot be read.

    One unreadable row spoils the list on purpose: it might be the very message that is looked for.
    """
    if not isinstance(data, list):
        return None
    rows = [read(item) for item in data]
    return None if any(row is None for row in rows) else [row for row in rows if row is not None]
