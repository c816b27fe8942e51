"""What the simulator sends, seen by a server that receives it."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from typing import TYPE_CHECKING

from tests.support.chatwoot import eventually

if TYPE_CHECKING:
    from tests.support.chatwoot import ChatwootHandle
    from tests.unit.chatwoot_simulator.conftest import Received, Receiver

CONVERSATION_KEYS = {
    "account",
    "additional_attributes",
    "agent_last_seen_at",
    "can_reply",
    "channel",
    "contact_inbox",
    "contact_last_seen_at",
    "created_at",
    "custom_attributes",
    "first_reply_created_at",
    "id",
    "inbox_id",
    "labels",
    "last_activity_at",
    "messages",
    "meta",
    "priority",
    "snoozed_until",
    "status",
    "timestamp",
    "unread_count",
    "updated_at",
    "waiting_since",
}
MESSAGE_KEYS = {
    "account",
    "additional_attributes",
    "content",
    "content_attributes",
    "content_type",
    "conversation",
    "created_at",
    "event",
    "id",
    "inbox",
    "message_type",
    "private",
    "sender",
    "source_id",
}


def signed_with(secret: str, received: Received) -> bool:
    """Whether the signature is the HMAC over ``timestamp.raw body``."""
    message = received.headers["X-Chatwoot-Timestamp"].encode() + b"." + received.body
    digest = hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
    return received.headers["X-Chatwoot-Signature"] == f"sha256={digest}"


def test_a_delivery_is_signed_over_its_raw_bytes_with_the_secret_of_its_webhook(
    chatwoot: ChatwootHandle, receiver: Receiver
) -> None:
    """Each webhook has a secret of its own, and the signature fits the bytes that arrive."""
    first = chatwoot.register_webhook(f"{receiver.url}/one")
    second = chatwoot.register_webhook(f"{receiver.url}/two")
    chatwoot.customer_writes("¿Cuánto cuesta? <b>&</b> 👋")
    one, two = sorted(receiver.of("message_created", 2), key=lambda received: received.path)
    assert signed_with(first.secret, one)
    assert signed_with(second.secret, two)
    assert not signed_with(first.secret, two)
    assert abs(int(one.headers["X-Chatwoot-Timestamp"]) - time.time()) < 5
    assert one.headers["X-Chatwoot-Delivery"] != two.headers["X-Chatwoot-Delivery"]
    assert one.headers["Content-Type"] == "application/json"


def test_bodies_are_escaped_as_rails_does_it(chatwoot: ChatwootHandle, receiver: Receiver) -> None:
    """Angle brackets and ampersands become escapes; other letters stay UTF-8."""
    chatwoot.register_webhook(receiver.url)
    chatwoot.customer_writes("ñ <b>&\u2028")
    body = receiver.of("message_created")[0].body
    assert rb'"content":"' + "ñ ".encode() + rb"\u003cb\u003e\u0026\u2028" in body


def test_a_customers_message_has_chatwoots_shape(chatwoot: ChatwootHandle, receiver: Receiver) -> None:
    """Words at the top, numbers inside; the contact has a type inside only; pubsub_token is there."""
    chatwoot.register_webhook(receiver.url)
    written = chatwoot.customer_writes("Hola")
    payload = receiver.of("message_created")[0].payload
    conversation = payload["conversation"]
    assert set(payload) == MESSAGE_KEYS
    assert set(conversation) == CONVERSATION_KEYS
    assert (payload["id"], conversation["id"]) == (written.message_id, written.conversation_id)
    assert payload["message_type"] == "incoming"
    assert conversation["messages"][0]["message_type"] == 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", payload["created_at"])
    assert isinstance(conversation["messages"][0]["created_at"], int)
    assert "type" not in payload["sender"]
    assert conversation["meta"]["sender"]["type"] == "contact"
    assert len(conversation["contact_inbox"]["pubsub_token"]) == 24
    assert isinstance(conversation["updated_at"], float)


def test_own_messages_and_private_notes_come_back_too(chatwoot: ChatwootHandle, receiver: Receiver) -> None:
    """A bot's answer and a person's note are events like any other, with their senders."""
    chatwoot.register_webhook(receiver.url, ("message_created",))
    conversation = chatwoot.customer_writes("Hola").conversation_id
    marked = {"content": "Buenas", "content_attributes": {"marker": "m1"}}
    chatwoot.api("POST", f"/conversations/{conversation}/messages", marked, token=chatwoot.bot_token)
    chatwoot.agent_replies(conversation, "a regular", private=True)
    payloads = sorted((one.payload for one in receiver.of("message_created", 3)), key=lambda one: one["id"])
    assert payloads[1]["sender"] == {"id": chatwoot.bot_id, "name": "Front Desk", "type": "agent_bot"}
    assert payloads[1]["content_attributes"] == {"marker": "m1"}
    assert payloads[2]["sender"]["type"] == "user"
    assert payloads[2]["private"] is True
    assert payloads[2]["conversation"]["messages"][0]["id"] == payloads[1]["id"]


def test_an_account_webhook_is_never_retried(chatwoot: ChatwootHandle, receiver: Receiver) -> None:
    """Whatever the answer, one attempt: the event is lost."""
    chatwoot.register_webhook(receiver.url, ("message_created",))
    receiver.statuses = [500]
    chatwoot.customer_writes("Hola")
    eventually(lambda: chatwoot.deliveries("message_created"))
    chatwoot.customer_writes("¿Hay alguien?")
    receiver.of("message_created", 2)
    found = eventually(lambda: len(all_ := chatwoot.deliveries("message_created")) == 2 and all_)
    assert [one["status"] for one in found] == [500, 200]


def test_a_bots_webhook_is_retried_on_500_under_the_same_delivery_id(
    chatwoot: ChatwootHandle, receiver: Receiver
) -> None:
    """Three attempts in all, each signed afresh with the bot's own secret."""
    secret = chatwoot.connect_bot(receiver.url)
    receiver.statuses = [500, 429]
    written = chatwoot.customer_writes("Hola")
    attempts = receiver.of("message_created", 3)
    assert len({one.headers["X-Chatwoot-Delivery"] for one in attempts}) == 1
    assert all(signed_with(secret, one) for one in attempts)
    assert chatwoot.conversation(written.conversation_id)["status"] == "pending"


def test_a_bot_that_keeps_failing_hands_the_customer_to_people(
    chatwoot: ChatwootHandle, receiver: Receiver
) -> None:
    """After the third attempt the pending conversation is opened, with a line that says why."""
    chatwoot.connect_bot(receiver.url)
    receiver.statuses = [500, 500, 500]
    conversation = chatwoot.customer_writes("Hola").conversation_id
    eventually(lambda: chatwoot.conversation(conversation)["status"] == "open")
    said = [one["content"] for one in chatwoot.conversation(conversation)["messages"]]
    assert said[1:] == ["Conversation was marked open by system due to an error with the agent bot."]
    assert len(receiver.of("message_created", 3)) == 3


def test_a_bot_that_answers_503_or_401_is_not_asked_again(
    chatwoot: ChatwootHandle, receiver: Receiver
) -> None:
    """Only 429 and 500 are retried."""
    chatwoot.connect_bot(receiver.url)
    receiver.statuses = [503]
    conversation = chatwoot.customer_writes("Hola").conversation_id
    eventually(lambda: chatwoot.conversation(conversation)["status"] == "open")
    assert len(chatwoot.deliveries("message_created", "agent_bot")) == 1


def test_a_status_change_tells_old_and_new_only_in_conversation_updated(
    chatwoot: ChatwootHandle, receiver: Receiver
) -> None:
    """``changed_attributes`` of ``conversation_status_changed`` is null, as in Chatwoot."""
    chatwoot.register_webhook(receiver.url)
    conversation = chatwoot.customer_writes("Hola").conversation_id
    chatwoot.set_conversation(conversation, status="resolved")
    assert receiver.of("conversation_status_changed")[0].payload["changed_attributes"] is None
    updates = [one.payload["changed_attributes"] for one in receiver.of("conversation_updated", 2)]
    assert {"status": {"previous_value": "open", "current_value": "resolved"}} in [
        change for update in updates for change in update
    ]


def test_auto_assignment_is_an_update_without_an_actor(chatwoot: ChatwootHandle, receiver: Receiver) -> None:
    """An opening conversation gets an agent by itself; nothing in the event says that no person did it."""
    chatwoot.register_webhook(receiver.url, ("conversation_updated",))
    chatwoot.customer_writes("Hola")
    payload = receiver.of("conversation_updated")[0].payload
    assert payload["changed_attributes"][0] == {
        "assignee_id": {"previous_value": None, "current_value": chatwoot.agent_id}
    }
    assert payload["meta"]["assignee"]["id"] == chatwoot.agent_id
    assert set(payload) == CONVERSATION_KEYS | {"event", "changed_attributes"}


def test_a_delivery_can_be_repeated_as_itself_or_as_a_new_one(
    chatwoot: ChatwootHandle, receiver: Receiver
) -> None:
    """The same bytes, signed afresh, under the same or another delivery id."""
    webhook = chatwoot.register_webhook(receiver.url, ("message_created",))
    chatwoot.customer_writes("Hola")
    first = eventually(lambda: chatwoot.deliveries("message_created"))[0]
    chatwoot.repeat(first)
    chatwoot.repeat(first, as_new=True)
    received = receiver.of("message_created", 3)
    assert len({one.body for one in received}) == 1
    assert len({one.headers["X-Chatwoot-Delivery"] for one in received}) == 2
    assert all(signed_with(webhook.secret, one) for one in received)
