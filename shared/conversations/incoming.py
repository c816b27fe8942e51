"""A customer's message on its way from the door to its turn: what a turn needs and nothing else."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from shared.conversations.keys import SCHEMA_VERSION, ContactKey, ConversationKey
from shared.platform.values import known_fields

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from shared.chatwoot.events import Conversation, Message

MAX_TEXT_CHARACTERS = 32_000
MAX_ATTACHMENTS = 15
# Queues take 256 KiB; escaped emoji need twelve bytes a character, so characters alone do not bound it.
MAX_JSON_BYTES = 200_000
# The fields of an attachment that a turn may use; everything else stays behind.
_ATTACHMENT_FIELDS = (
    "id",
    "file_type",
    "extension",
    "content_type",
    "data_url",
    "file_size",
    "coordinates_lat",
    "coordinates_long",
    "fallback_title",
    "meta",
    "transcribed_text",
)
_MAX_FIELD_CHARACTERS = 2_000
_ROOM_BYTES = 40_000
_LARGEST_INTEGER = 2**63  # tables take 38 digits
# Where a message came from: its webhook, or the search for those whose webhook was lost.
DELIVERED, SWEPT = "webhook", "swept"


@dataclass(frozen=True)
class State:
    """Status and assignee as one event showed them; ``updated_at_us`` orders them, ``None`` where unknown."""

    status: str
    assignee_id: int | None
    assignee_kind: str
    can_reply: bool
    labels: tuple[str, ...]
    updated_at_us: int | None

    @classmethod
    def of(cls, conversation: Conversation, arrived_at_us: int) -> State:
        """The state that an event carries; its arrival orders it where the event itself does not."""
        return cls(
            conversation.status,
            conversation.assignee_id,
            conversation.assignee_kind,
            conversation.can_reply,
            conversation.labels,
            conversation.updated_at_us or arrived_at_us,
        )


@dataclass(frozen=True)
class IncomingMessage:
    """One customer message.

    ``received_at_ms`` is when the door took it (milliseconds since 1970, UTC): the quiet window and the
    company's patience count from there. ``cut`` says that the text was longer than we keep. ``origin`` is
    `DELIVERED` or `SWEPT`. A message that was put back after it had been given up counts anew from
    ``replayed_at_ms`` (0: never), and what stood in the conversation by then, up to the message
    ``replayed_after_id``, was known to whoever put it back.
    """

    key: ConversationKey
    message_id: int
    text: str
    cut: bool
    content_type: str
    created_at: str
    received_at_ms: int
    inbox_id: int
    channel: str
    contact_id: int
    contact_name: str
    contact_source_id: str
    in_reply_to: int | None
    attachments: tuple[Mapping[str, Any], ...]
    state: State
    origin: str = DELIVERED
    replayed_at_ms: int = 0
    replayed_after_id: int = 0
    contact_email: str = ""
    contact_phone: str = ""

    @property
    def waits_since_ms(self) -> int:
        """Since when the customer's patience counts."""
        return self.replayed_at_ms or self.received_at_ms

    @property
    def newest_known_id(self) -> int:
        """The newest message of the conversation that was there when this one was asked to be answered."""
        return max(self.message_id, self.replayed_after_id)

    @property
    def contact(self) -> ContactKey:
        """Whose history it belongs to."""
        key = self.key
        return ContactKey(key.company_id, key.account_id, self.inbox_id, self.contact_id, key.installation)

    @property
    def identity(self) -> str:
        """The message's business key."""
        return self.key.message_identity(self.message_id)

    @property
    def deduplication_id(self) -> str:
        """The identity as queues compare it: apart for what was swept, because SQS remembers deleted ones."""
        return self.identity if self.origin == DELIVERED else f"{self.identity}#{self.origin}"

    def to_json(self) -> str:
        """For the queue: ASCII only, because queues refuse most control characters."""
        return json.dumps(
            {"v": SCHEMA_VERSION, "kind": "incoming_message", **asdict(self)}, ensure_ascii=True
        )

    @classmethod
    def from_json(cls, text: str) -> IncomingMessage:
        """Read what `to_json` wrote.

        Raises:
            ValueError: it is something else.
        """
        try:
            data = json.loads(text)
            if data["kind"] != "incoming_message":
                raise ValueError("not an incoming message")
            return cls.from_plain(data)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("not an incoming message") from error

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> IncomingMessage:
        """Build one from plain values, as they stand in the queue and in the inbox, of any version."""
        state = {**data["state"], "labels": tuple(data["state"]["labels"])}
        return cls(
            **{
                **known_fields(cls, data),
                "key": ConversationKey.from_plain(data["key"]),
                "attachments": tuple(data["attachments"]),
                "state": State(**known_fields(State, state)),
            }
        )


@dataclass(frozen=True)
class PartFailure:
    """One of our own messages that failed at its channel after Chatwoot had stored it.

    ``about`` says in which inbox and with whom the conversation is; its text is empty. ``error`` is what the
    provider said.
    """

    about: IncomingMessage
    marker: str
    message_id: int
    error: str

    @property
    def key(self) -> ConversationKey:
        """The conversation."""
        return self.about.key

    def to_json(self) -> str:
        """For the queue."""
        return json.dumps({"v": SCHEMA_VERSION, "kind": "part_failed", **asdict(self)}, ensure_ascii=True)

    @classmethod
    def from_json(cls, text: str) -> PartFailure:
        """Read what `to_json` wrote.

        Raises:
            ValueError: it is something else.
        """
        try:
            data = json.loads(text)
            if data["kind"] != "part_failed":
                raise ValueError("not a part's failure")
            about = IncomingMessage.from_plain(data["about"])
            return cls(about, data["marker"], data["message_id"], data["error"])
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("not a part's failure") from error


def part_failure(
    key: ConversationKey, conversation: Conversation, message: Message, received_at: datetime
) -> PartFailure:
    """What is kept of the event that tells of a failure; arguments as for `incoming_message`."""
    about = replace(incoming_message(key, conversation, message, received_at), text="", attachments=())
    return PartFailure(about, message.marker[:100], message.id, message.external_error[:500])


def incoming_message(
    key: ConversationKey, conversation: Conversation, message: Message, received_at: datetime
) -> IncomingMessage:
    """What is kept of an event.

    Args:
        key: whose conversation it is.
        conversation: from the event; inbox and contact are known.
        message: from the event.
        received_at: when the door took it.
    """
    text = _within_bytes(message.text[:MAX_TEXT_CHARACTERS])
    whole = IncomingMessage(
        key=key,
        message_id=message.id,
        text=text,
        cut=len(message.text) > len(text),
        content_type=message.content_type,
        created_at=message.created_at,
        received_at_ms=int(received_at.timestamp() * 1000),
        inbox_id=conversation.inbox_id or 0,
        channel=conversation.channel,
        contact_id=conversation.contact_id or 0,
        contact_name=conversation.contact_name[:200],
        contact_source_id=conversation.contact_source_id[:200],
        in_reply_to=message.in_reply_to,
        attachments=tuple(_attachment(item) for item in message.attachments[:MAX_ATTACHMENTS]),
        # Chatwoot before 4.0.2 gives no order: by arrival, like everything else of such a server.
        state=State.of(conversation, int(received_at.timestamp() * 1_000_000)),
        contact_email=conversation.contact_email[:254],
        contact_phone=conversation.contact_phone[:32],
    )
    return _bounded(whole)


def with_content(message: IncomingMessage, content: str, attachments: object) -> IncomingMessage:
    """A message with the content that its event did not have yet.

    Args:
        message: as the event told it.
        content: the text, as the API shows it.
        attachments: the same, of whatever shape.
    """
    text = _within_bytes(content[:MAX_TEXT_CHARACTERS].encode("utf-8", "replace").decode())
    listed = attachments if isinstance(attachments, list) else []
    kept = tuple(_attachment(item) for item in listed[:MAX_ATTACHMENTS] if isinstance(item, dict))
    return _bounded(replace(message, text=text, cut=len(content) > len(text), attachments=kept))


def _bounded(whole: IncomingMessage) -> IncomingMessage:
    if len(whole.to_json()) <= MAX_JSON_BYTES + _ROOM_BYTES:
        return whole
    # Only forged attachments are so long: their kinds are told, their words are not.
    bare = tuple(
        {name: item[name] for name in ("id", "file_type") if name in item} for item in whole.attachments
    )
    return replace(whole, attachments=bare)


def _within_bytes(text: str) -> str:
    while len(json.dumps(text)) > MAX_JSON_BYTES:
        text = text[: len(text) * 3 // 4]
    return text


def _attachment(item: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name in _ATTACHMENT_FIELDS:
        value = item.get(name)
        if isinstance(value, str):
            kept[name] = _storable(value[:_MAX_FIELD_CHARACTERS])
        elif isinstance(value, float):
            kept[name] = str(value)  # coordinates; tables take no floats
        elif isinstance(value, int) and abs(value) < _LARGEST_INTEGER:
            kept[name] = value
        elif name == "meta" and isinstance(value, dict):
            few = list(value.items())[:10]
            kept[name] = {_storable(str(key)[:50]): _storable(str(inner)[:200]) for key, inner in few}
    return kept


def _storable(text: str) -> str:
    # JSON's escapes can spell half of a surrogate pair, which nothing that comes after can store.
    return text.encode("utf-8", "replace").decode()
