"""Webhook bodies as Chatwoot 4.15 sends them, with fictional values."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

JsonDict = dict[str, Any]

ACCOUNT, INBOX, CONVERSATION, CONTACT = 3, 12, 214, 481
UPDATED_AT = 1_795_400_000.5


def conversation(**changes: object) -> JsonDict:
    """The conversation block, with changes."""
    return {
        "id": CONVERSATION,
        "account": {"id": ACCOUNT, "name": "Clínica Sol"},
        "inbox_id": INBOX,
        "channel": "Channel::Whatsapp",
        "status": "open",
        "can_reply": True,
        "contact_inbox": {
            "id": 9001,
            "contact_id": CONTACT,
            "inbox_id": INBOX,
            "source_id": "34600000001",
            "pubsub_token": "planted-pubsub-token",
        },
        "messages": [],
        "labels": [],
        "meta": {
            "sender": {"id": CONTACT, "name": "Ana Pérez", "type": "contact"},
            "assignee": None,
            "assignee_type": None,
            "team": None,
        },
        "custom_attributes": {},
        "updated_at": UPDATED_AT,
    } | changes


def message_created(
    text: str = "¿Tienen cita mañana?", *, message_id: int = 70011, **changes: object
) -> JsonDict:
    """A customer's message, with changes at the top level."""
    return {
        "event": "message_created",
        "id": message_id,
        "account": {"id": ACCOUNT, "name": "Clínica Sol"},
        "inbox": {"id": INBOX, "name": "WhatsApp"},
        "conversation": conversation(),
        "message_type": "incoming",
        "content": text,
        "content_type": "text",
        "content_attributes": {},
        "additional_attributes": {},
        "private": False,
        "sender": {"id": CONTACT, "name": "Ana Pérez", "account": {"id": ACCOUNT}},
        "source_id": "wamid.1",
        "created_at": "2026-11-23T09:00:00.431Z",
    } | changes


def person_wrote(text: str = "Un momento", *, message_id: int = 70020, **changes: object) -> JsonDict:
    """A person's public message."""
    sender = {"id": 7, "name": "Rosa", "email": "rosa@example.com", "type": "user"}
    return message_created(text, message_id=message_id, message_type="outgoing", sender=sender) | changes


def conversation_updated(
    event: str = "conversation_updated", *, changed: JsonDict | None = None, **changes: object
) -> JsonDict:
    """A conversation event: the conversation itself at the top level."""
    listed = None if changed is None else [changed]
    return conversation(**changes) | {"event": event, "changed_attributes": listed}


def encoded(body: JsonDict) -> bytes:
    """A body in Rails' spelling: UTF-8, with ``<``, ``>`` and ``&`` escaped."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e").encode()


def signed_headers(secret: str, body: bytes, timestamp: int) -> dict[str, str]:
    """The headers that Chatwoot 4.12 and newer send, made here without the code under test."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {
        "content-type": "application/json",
        "x-chatwoot-delivery": "0b0f6a52-3c51-4d1e-9d0e-000000000001",
        "x-chatwoot-timestamp": str(timestamp),
        "x-chatwoot-signature": f"sha256={digest}",
    }
