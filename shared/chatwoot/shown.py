"""A message that the API shows, told as the event that its webhook would have brought.

What must be judged alike, whether it was delivered or found, is judged by the same code: so this makes a
webhook's body of the two REST shapes and has it read like one.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from shared.chatwoot.events import Event, parse
from shared.platform.errors import InvalidInput

if TYPE_CHECKING:
    from shared.chatwoot.results import ApiMessage, ConversationState, JsonDict

_YEAR_5138 = 100_000_000_000


def event_of(account_id: int, conversation: ConversationState, message: ApiMessage) -> Event | None:
    """The ``message_created`` of a message, with the conversation as it is now.

    Args:
        account_id: the account; REST answers of old servers do not name it.
        conversation: as the list or the single call showed it.
        message: one of its messages, as the list showed it.

    Returns:
        The event; ``None`` where what was shown lacks an id that nothing works without.
    """
    try:
        return parse(
            {
                **message.shown,
                "event": "message_created",
                "created_at": _iso(message.created_at),
                "account": {"id": account_id},
                "conversation": _conversation(conversation),
            }
        )
    except InvalidInput:
        return None


def _conversation(conversation: ConversationState) -> JsonDict:
    shown = {name: value for name, value in conversation.shown.items() if name not in {"messages", "account"}}
    return {
        **shown,
        "channel": conversation.channel,
        "contact_inbox": {"contact_id": conversation.contact_id, "source_id": conversation.source_id or ""},
        "meta": {**_object(shown.get("meta")), "assignee_type": conversation.assignee_type},
    }


def _object(value: object) -> JsonDict:
    return value if isinstance(value, dict) else {}


def _iso(seconds: int) -> str:
    """Unix seconds as webhooks write times; "" for what is no time."""
    if not 0 < seconds < _YEAR_5138:
        return ""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
