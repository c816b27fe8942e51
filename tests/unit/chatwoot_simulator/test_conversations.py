"""Statuses, assignment, delivery after the 200: what Chatwoot does by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.chatwoot import eventually

if TYPE_CHECKING:
    from tests.support.chatwoot import ChatwootHandle
    from tests.unit.chatwoot_simulator.conftest import Receiver


def reply(chatwoot: ChatwootHandle, conversation: int, text: str, **more: object) -> dict[str, Any]:
    """Post as the bot."""
    path = f"/conversations/{conversation}/messages"
    answer = chatwoot.api("POST", path, {"content": text, **more}, token=chatwoot.bot_token)
    assert answer.status_code == 200
    posted: dict[str, Any] = answer.json()
    return posted


def message(chatwoot: ChatwootHandle, conversation: int, number: int) -> dict[str, Any]:
    """One message as the desk sees it."""
    found = chatwoot.conversation(conversation)["messages"]
    return next(one for one in found if one["id"] == number)


def test_a_reply_reaches_the_customer_in_order_and_gets_a_source_id(
    chatwoot: ChatwootHandle, receiver: Receiver
) -> None:
    """Stored first, delivered later: two updates tell of the source id and the receipt."""
    chatwoot.register_webhook(receiver.url, ("message_updated",))
    conversation = chatwoot.customer_writes("Hola").conversation_id
    reply(chatwoot, conversation, "one")
    reply(chatwoot, conversation, "two")
    chatwoot.agent_replies(conversation, "hidden", private=True)
    eventually(lambda: chatwoot.customer_sees(conversation) == ["one", "two"])
    updates = [one.payload for one in receiver.of("message_updated", 4)]
    assert all(one["source_id"].startswith("wamid.") for one in updates)


def test_a_message_with_a_source_id_is_stored_and_never_delivered(chatwoot: ChatwootHandle) -> None:
    """Chatwoot believes that it came from the channel."""
    conversation = chatwoot.customer_writes("Hola").conversation_id
    reply(chatwoot, conversation, "lost", source_id="mine")
    reply(chatwoot, conversation, "seen")
    eventually(lambda: chatwoot.customer_sees(conversation))
    assert chatwoot.customer_sees(conversation) == ["seen"]


def test_a_provider_that_refuses_fails_the_message_after_the_200(
    chatwoot: ChatwootHandle, receiver: Receiver
) -> None:
    """The failure shows in the message and in an update, and the customer sees nothing."""
    chatwoot.register_webhook(receiver.url, ("message_updated",))
    chatwoot.set_inbox("WhatsApp", provider_refuses="(#131047) Re-engagement message")
    conversation = chatwoot.customer_writes("Hola").conversation_id
    posted = reply(chatwoot, conversation, "Buenas", content_attributes={"marker": "m1"})
    update = receiver.of("message_updated")[0].payload
    assert update["id"] == posted["id"]
    assert update["content_attributes"] == {
        "marker": "m1",
        "external_error": "(#131047) Re-engagement message",
    }
    assert message(chatwoot, conversation, posted["id"])["status"] == "failed"
    assert chatwoot.customer_sees(conversation) == []


@pytest.mark.parametrize(
    ("inbox", "letter", "limit"),
    [
        ("Twilio WhatsApp", "ñ", 1600),
        ("WhatsApp", "x", 4096),
        ("Messenger", "👋", 1000),
        ("Instagram", "ñ", 500),
    ],
)
def test_a_text_too_long_for_the_channel_is_taken_and_fails_later(
    chatwoot: ChatwootHandle, inbox: str, letter: str, limit: int
) -> None:
    """The API enforces no channel's length; the provider does, in UTF-16 units, Instagram in bytes."""
    conversation = chatwoot.customer_writes("Hola", inbox=inbox).conversation_id
    fits = reply(chatwoot, conversation, letter * limit)["id"]
    too_long = reply(chatwoot, conversation, letter * (limit + 1))["id"]
    eventually(lambda: message(chatwoot, conversation, too_long)["status"] == "failed")
    assert message(chatwoot, conversation, fits)["status"] == "delivered"
    assert chatwoot.customer_sees(conversation) == [letter * limit]


def test_outside_the_window_whatsapp_looks_for_a_template_and_fails(chatwoot: ChatwootHandle) -> None:
    """``can_reply`` says so beforehand."""
    conversation = chatwoot.customer_writes("Hola").conversation_id
    chatwoot.set_conversation(conversation, can_reply=False)
    assert chatwoot.api("GET", f"/conversations/{conversation}").json()["can_reply"] is False
    posted = reply(chatwoot, conversation, "¿Sigue ahí?")
    failed = eventually(
        lambda: (
            (one := message(chatwoot, conversation, posted["id"]))["status"] == "failed"
            and one["content_attributes"]["external_error"]
        )
    )
    assert failed == "Template not found or invalid template name"


def test_conversations_begin_open_and_assigned_or_pending_where_a_bot_serves(
    chatwoot: ChatwootHandle, receiver: Receiver
) -> None:
    """Auto-assignment is on by default and can be switched off; a bot's inbox is left alone."""
    chatwoot.connect_bot(receiver.url, "Twilio WhatsApp")
    chatwoot.set_inbox("Website", enable_auto_assignment=False)
    seen = {
        inbox: chatwoot.conversation(chatwoot.customer_writes("Hola", inbox=inbox).conversation_id)
        for inbox in ("WhatsApp", "Website")
    }
    bots = chatwoot.conversation(chatwoot.customer_writes("Hola", inbox="Twilio WhatsApp").conversation_id)
    assert (seen["WhatsApp"]["status"], seen["WhatsApp"]["assignee"]) == ("open", "Robin Agent")
    assert (seen["Website"]["status"], seen["Website"]["assignee"]) == ("open", None)
    assert (bots["status"], bots["assignee"]) == ("pending", None)


@pytest.mark.parametrize(("inbox", "same"), [("WhatsApp", False), ("Website", True), ("App", True)])
def test_a_customer_who_comes_back_after_resolving_gets_a_new_conversation_on_whatsapp_only(
    chatwoot: ChatwootHandle, inbox: str, *, same: bool
) -> None:
    """Website and API inboxes reopen the old one."""
    first = chatwoot.customer_writes("Hola", inbox=inbox).conversation_id
    chatwoot.set_conversation(first, status="resolved")
    again = chatwoot.customer_writes("Una cosa más", inbox=inbox).conversation_id
    assert (again == first) is same
    assert chatwoot.conversation(again)["status"] == "open"


def test_with_the_lock_a_resolved_conversation_is_reopened_pending_for_a_bot(
    chatwoot: ChatwootHandle, receiver: Receiver
) -> None:
    """``lock_to_single_conversation`` keeps the conversation; a bot's inbox makes it pending."""
    chatwoot.set_inbox("WhatsApp", lock_to_single_conversation=True)
    chatwoot.connect_bot(receiver.url)
    first = chatwoot.customer_writes("Hola").conversation_id
    chatwoot.set_conversation(first, status="resolved")
    assert chatwoot.customer_writes("Otra vez").conversation_id == first
    assert chatwoot.conversation(first)["status"] == "pending"


def test_a_snoozed_conversation_opens_when_the_customer_writes(chatwoot: ChatwootHandle) -> None:
    """Bot or not."""
    first = chatwoot.customer_writes("Hola").conversation_id
    chatwoot.set_conversation(first, status="snoozed")
    chatwoot.customer_writes("Otra vez")
    assert chatwoot.conversation(first)["status"] == "open"


def test_an_agents_token_that_opens_a_conversation_gets_it_assigned(chatwoot: ChatwootHandle) -> None:
    """An administrator's does not, and a bot's hand-over answers ``success: null``."""
    chatwoot.set_inbox("WhatsApp", enable_auto_assignment=False)
    conversation = chatwoot.customer_writes("Hola").conversation_id
    path = f"/conversations/{conversation}/toggle_status"
    outcomes = []
    for token in (chatwoot.bot_token, chatwoot.administrator_token, chatwoot.agent_token):
        chatwoot.set_conversation(conversation, status="pending", assignee_id=None)
        payload = chatwoot.api("POST", path, {"status": "open"}, token=token).json()["payload"]
        outcomes.append((payload["success"], chatwoot.conversation(conversation)["assignee_id"]))
    assert outcomes == [(None, None), (True, None), (True, chatwoot.agent_id)]


def test_an_unknown_status_is_a_500(chatwoot: ChatwootHandle) -> None:
    """As in Chatwoot, which looks it up in an enum."""
    conversation = chatwoot.customer_writes("Hola").conversation_id
    path = f"/conversations/{conversation}/toggle_status"
    assert chatwoot.api("POST", path, {"status": "closed"}).status_code == 500


def test_a_person_can_be_assigned_and_unassigned(chatwoot: ChatwootHandle) -> None:
    """As the desk's menu does it."""
    conversation = chatwoot.customer_writes("Hola").conversation_id
    path = f"/conversations/{conversation}"
    assignees = []
    for person in (chatwoot.administrator_id, None):
        chatwoot.set_conversation(conversation, assignee_id=person)
        meta = chatwoot.api("GET", path).json()["meta"]
        assignees.append((meta["assignee"] and meta["assignee"]["id"], meta["assignee_type"]))
    assert assignees == [(chatwoot.administrator_id, "User"), (None, None)]


def test_the_desk_shows_who_types_until_the_message_comes(chatwoot: ChatwootHandle) -> None:
    """Typing on, then a message."""
    conversation = chatwoot.customer_writes("Hola").conversation_id
    path = f"/conversations/{conversation}/toggle_typing_status"
    answer = chatwoot.api("POST", path, {"typing_status": "on"}, token=chatwoot.bot_token)
    assert (answer.status_code, answer.content) == (200, b"")
    assert chatwoot.conversation(conversation)["typing"] == "Front Desk"
    reply(chatwoot, conversation, "Buenas")
    assert chatwoot.conversation(conversation)["typing"] == ""


def test_two_accounts_share_nothing_but_the_installation(chatwoot: ChatwootHandle) -> None:
    """Display ids repeat between accounts, message ids do not."""
    with chatwoot.add_account("Other Company") as other:
        mine, theirs = chatwoot.customer_writes("Hola"), other.customer_writes("Hi")
        assert mine.conversation_id == theirs.conversation_id
        assert mine.message_id != theirs.message_id
        assert [one["messages"][0]["content"] for one in other.conversations()] == ["Hi"]
