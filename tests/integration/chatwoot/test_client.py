"""The client against a Chatwoot on the loopback interface, faults of the network included."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from shared.chatwoot.client import ChatwootClient
from shared.chatwoot.errors import ChatwootDenied, ChatwootMissing, MessageNotStored, MessageRefused
from shared.chatwoot.text.fit import fit
from shared.chatwoot.text.liquid import stored_as_sent
from shared.platform.addresses import AddressGuard
from shared.platform.errors import AnswerLost, RequestNotSent, RetryLater
from shared.platform.http import HttpClient
from shared.platform.secret import Secret

if TYPE_CHECKING:
    from tests.support.chatwoot import ChatwootHandle

MARKER = {"frontdesk": {"reply": "r1", "part": 1}}


def client(chatwoot: ChatwootHandle, *, user: str | None = None, bot: str | None = None) -> ChatwootClient:
    """A client of the simulated account; an administrator's unless tokens are given."""
    user = chatwoot.administrator_token if user is None and bot is None else user
    return ChatwootClient(
        HttpClient(AddressGuard(loopback_allowed=True)),
        chatwoot.base_url,
        chatwoot.account_id,
        user_token=Secret(user) if user else None,
        bot_token=Secret(bot) if bot else None,
        timeout_seconds=5,
    )


@pytest.fixture
def conversation(chatwoot: ChatwootHandle) -> int:
    """A conversation that a customer began."""
    return chatwoot.customer_writes("Hola, ¿cuánto cuesta?").conversation_id


def test_a_posted_reply_reaches_the_customer_with_its_marker(
    chatwoot: ChatwootHandle, conversation: int
) -> None:
    """Stored as sent, given back with what we put in, found in the list."""
    one = client(chatwoot, user=chatwoot.administrator_token, bot=chatwoot.bot_token)
    posted = one.post_message(conversation, "Cuesta 150 €.", content_attributes=MARKER)
    assert (posted.content, posted.content_attributes) == ("Cuesta 150 €.", MARKER)
    assert chatwoot.customer_sees(conversation) == ["Cuesta 150 €."]
    found = one.messages(conversation)[-1]
    assert (found.id, found.content_attributes, found.message_type) == (posted.id, MARKER, 1)
    assert (found.sender_type, found.sender_id) == ("agent_bot", chatwoot.bot_id)


def test_a_private_note_does_not_reach_the_customer(chatwoot: ChatwootHandle, conversation: int) -> None:
    """It is for the desk."""
    client(chatwoot, bot=chatwoot.bot_token).post_message(conversation, "Nota", private=True)
    assert chatwoot.customer_sees(conversation) == []


def test_a_user_token_can_post_in_the_bots_name(chatwoot: ChatwootHandle, conversation: int) -> None:
    """Then it does not look like a person's reply."""
    one = client(chatwoot)
    one.post_message(conversation, "Hola", sender_bot_id=chatwoot.bot_id)
    assert one.messages(conversation)[-1].sender_type == "agent_bot"


def test_liquid_in_a_reply_stays_text(chatwoot: ChatwootHandle, conversation: int) -> None:
    """A model that was talked into a template leaks nothing, and one that was not made fit is noticed."""
    one = client(chatwoot, bot=chatwoot.bot_token)
    (part,) = fit("Tu nombre es {{contact.name}}.", "Channel::Whatsapp")
    assert stored_as_sent(part, one.post_message(conversation, part).content)
    raw = "Tu nombre es {{contact.name}}."
    assert not stored_as_sent(raw, one.post_message(conversation, raw).content)


def test_a_conversation_tells_who_is_in_charge(chatwoot: ChatwootHandle, conversation: int) -> None:
    """Status and assignee as a person set them."""
    chatwoot.set_conversation(conversation, status="pending", assignee_id=chatwoot.agent_id)
    state = client(chatwoot).conversation(conversation)
    assert (state.id, state.status, state.assignee_id, state.assignee_type) == (
        conversation,
        "pending",
        chatwoot.agent_id,
        "User",
    )
    assert state.inbox_id == chatwoot.inboxes["WhatsApp"]
    assert state.channel == "Channel::Whatsapp"
    assert state.updated_at > 0


def test_status_label_and_typing_are_set(chatwoot: ChatwootHandle, conversation: int) -> None:
    """What a hand-over needs."""
    one = client(chatwoot, user=chatwoot.administrator_token, bot=chatwoot.bot_token)
    assert one.set_status(conversation, "pending") == "pending"
    assert "bot" in one.add_label(conversation, "bot")
    one.typing(conversation, on=True)
    assert one.conversation(conversation).status == "pending"


def test_what_is_not_there_is_missing_and_what_is_not_ours_is_denied(chatwoot: ChatwootHandle) -> None:
    """Two different messages to the operator."""
    with pytest.raises(ChatwootMissing):
        client(chatwoot).conversation(999_999)
    with pytest.raises(MessageRefused) as missing:
        client(chatwoot).post_message(999_999, "Hola")
    with pytest.raises(MessageRefused) as denied:
        client(chatwoot, user="wrong").post_message(1, "Hola")
    assert (missing.value.reason, denied.value.reason) == ("conversation_missing", "token_invalid")
    with pytest.raises(ChatwootDenied):
        client(chatwoot, bot=chatwoot.bot_token).messages(1)


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_failure_while_posting_is_perhaps(chatwoot: ChatwootHandle, conversation: int, status: int) -> None:
    """It may have been stored before it failed."""
    chatwoot.message_fault(times=1, status=status)
    with pytest.raises(AnswerLost):
        client(chatwoot).post_message(conversation, "Hola")


def test_a_post_whose_answer_is_dropped_is_perhaps_and_can_be_found(
    chatwoot: ChatwootHandle, conversation: int
) -> None:
    """The customer has it; the marker says that it is ours."""
    chatwoot.message_fault(times=1, drop_after=True)
    one = client(chatwoot)
    with pytest.raises(AnswerLost):
        one.post_message(conversation, "Hola", content_attributes=MARKER)
    assert [row.content for row in one.messages(conversation) if row.content_attributes == MARKER] == ["Hola"]


def test_a_rate_limit_is_certain(chatwoot: ChatwootHandle, conversation: int) -> None:
    """It may be posted again."""
    chatwoot.message_fault(times=1, status=429)
    with pytest.raises(MessageNotStored):
        client(chatwoot).post_message(conversation, "Hola")
    assert chatwoot.customer_sees(conversation) == []


def test_a_server_that_is_not_there_is_certain() -> None:
    """Nothing was written."""
    one = ChatwootClient(
        HttpClient(AddressGuard(loopback_allowed=True)), "http://127.0.0.1:9", 1, user_token=Secret("a")
    )
    with pytest.raises(RequestNotSent):
        one.post_message(1, "Hola")


def test_an_answer_that_drips_ends_at_the_deadline(chatwoot: ChatwootHandle, conversation: int) -> None:
    """A byte a second is an answer to every time-out but a total one."""
    path = f"/api/v1/accounts/*/conversations/{conversation}"
    drip = {"times": 1, "drip_bytes_per_second": 1}
    chatwoot.faults(
        {"method": "POST", "path": f"{path}/messages", **drip}, {"method": "GET", "path": path, **drip}
    )
    one = client(chatwoot)
    for call in (
        lambda: one.post_message(conversation, "Hola", timeout_seconds=0.7),
        lambda: one.conversation(conversation, timeout_seconds=0.7),
    ):
        begin = time.monotonic()
        with pytest.raises(RetryLater) as raised:
            call()
        assert raised.value.reason == "timeout"
        assert isinstance(raised.value, AnswerLost)
        assert 0.6 < time.monotonic() - begin < 10.0
