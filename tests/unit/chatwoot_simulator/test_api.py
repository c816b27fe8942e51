"""The API's rules: tokens, errors, paging, what a message may be."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING

import pytest
import requests

if TYPE_CHECKING:
    from tests.support.chatwoot import ChatwootHandle

FOR_BOTS = {"error": "Access to this endpoint is not authorized for bots"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/conversations"),
        ("GET", "/conversations/1/messages"),
        ("GET", "/inboxes"),
        ("GET", "/webhooks"),
        ("POST", "/webhooks"),
        ("PATCH", "/webhooks/1"),
        ("DELETE", "/webhooks/1"),
        ("GET", "/agent_bots"),
    ],
)
def test_a_bots_token_may_not_read_history_inboxes_or_webhooks(
    chatwoot: ChatwootHandle, method: str, path: str
) -> None:
    """Closed calls answer a bot 401 in Chatwoot's words."""
    chatwoot.customer_writes("Hola")
    answer = chatwoot.api(method, path, token=chatwoot.bot_token)
    assert (answer.status_code, answer.json()) == (401, FOR_BOTS)


def test_a_bots_token_may_read_a_conversation_answer_type_label_and_set_its_status(
    chatwoot: ChatwootHandle,
) -> None:
    """The calls that Chatwoot opened to bots."""
    conversation = f"/conversations/{chatwoot.customer_writes('Hola').conversation_id}"
    bodies = {
        "/messages": {"content": "Buenas"},
        "/toggle_typing_status": {"typing_status": "on"},
        "/labels": {"labels": ["vip", "vip", "new"]},
        "/toggle_status": {"status": "resolved"},
    }
    for path, body in bodies.items():
        assert chatwoot.api("POST", conversation + path, body, token=chatwoot.bot_token).status_code == 200
    shown = chatwoot.api("GET", conversation, token=chatwoot.bot_token).json()
    assert (
        shown["labels"] == chatwoot.api("GET", f"{conversation}/labels").json()["payload"] == ["vip", "new"]
    )
    assert (shown["status"], shown["meta"]["assignee"]["id"]) == ("resolved", chatwoot.agent_id)


def test_wrong_tokens_and_accounts_are_refused_in_chatwoots_words(chatwoot: ChatwootHandle) -> None:
    """401 for a token that is unknown, missing or of another account; 404 for an account that is none."""
    other = chatwoot.add_account("Other Company")
    base = f"{chatwoot.base_url}/api/v1/accounts"
    url = f"{base}/{chatwoot.account_id}/conversations/1"
    cases = {
        (url, None): (401, {"errors": ["You need to sign in or sign up before continuing."]}),
        (url, "wrong"): (401, {"error": "Invalid Access Token"}),
        (url, other.bot_token): (401, {"error": "Bot is not authorized to access this account"}),
        (url, other.agent_token): (401, {"error": "You are not authorized to access this account"}),
        (f"{base}/99/conversations", chatwoot.agent_token): (404, {"error": "Resource could not be found"}),
        (url, chatwoot.agent_token): (404, {"error": "Resource could not be found"}),
    }
    for (address, token), expected in cases.items():
        answer = requests.get(address, headers={"Api-Access-Token": token or ""}, timeout=10)
        assert (answer.status_code, answer.json()) == expected
    other.close()


def test_a_header_with_underscores_never_arrives(chatwoot: ChatwootHandle) -> None:
    """As behind nginx with its defaults: the token is missing, although it was sent."""
    connection = http.client.HTTPConnection(chatwoot.base_url.removeprefix("http://"))
    headers = {"api_access_token": chatwoot.administrator_token}
    connection.request("GET", "/api/v1/profile", headers=headers)
    answer = connection.getresponse()
    assert (answer.status, b"sign in" in answer.read()) == (401, True)
    connection.close()


def test_only_administrators_manage_webhooks_and_chatwoot_chooses_the_secret(
    chatwoot: ChatwootHandle,
) -> None:
    """An agent gets 401; a URL is taken once an account; a change keeps the secret."""
    body = {"url": "http://127.0.0.1:9/hook", "subscriptions": ["message_created"], "secret": "mine"}
    denied = chatwoot.api("POST", "/webhooks", body, token=chatwoot.agent_token)
    assert (denied.status_code, denied.json()) == (401, {"error": "You are not authorized to do this action"})
    made = chatwoot.api("POST", "/webhooks", body).json()["payload"]["webhook"]
    assert len(made["secret"]) == 24
    assert chatwoot.api("POST", "/webhooks", body).json()["attributes"] == ["url"]
    changed = {"url": "http://127.0.0.1:9/other", "subscriptions": ["message_updated"]}
    assert chatwoot.api("PATCH", f"/webhooks/{made['id']}", changed).status_code == 200
    assert chatwoot.api("GET", "/webhooks").json()["payload"]["webhooks"] == [made | changed]
    assert chatwoot.api("DELETE", f"/webhooks/{made['id']}").status_code == 200
    assert chatwoot.api("DELETE", f"/webhooks/{made['id']}").status_code == 404


def test_messages_are_paged_as_chatwoot_pages_them(chatwoot: ChatwootHandle) -> None:
    """The newest 20; 20 before; 100 after; between two ids the first is included."""
    written = [chatwoot.customer_writes(f"line {number}") for number in range(125)]
    ids = [one.message_id for one in written]
    path = f"/conversations/{written[0].conversation_id}/messages"

    def listed(query: str) -> list[int]:
        return [one["id"] for one in chatwoot.api("GET", path + query).json()["payload"]]

    assert listed("") == ids[-20:]
    assert listed(f"?before={ids[30]}") == ids[10:30]
    assert listed(f"?after={ids[0]}") == ids[1:101]
    assert listed(f"?after={ids[3]}&before={ids[6]}") == ids[3:6]


def test_notes_and_activity_lines_are_in_the_list(chatwoot: ChatwootHandle) -> None:
    """With their types as numbers; an activity line has no sender."""
    conversation = chatwoot.customer_writes("Hola").conversation_id
    chatwoot.agent_replies(conversation, "psst", private=True)
    chatwoot.set_conversation(conversation, status="resolved")
    listed = chatwoot.api("GET", f"/conversations/{conversation}/messages").json()["payload"]
    assert [(one["message_type"], one["private"]) for one in listed] == [(0, False), (1, True), (2, False)]
    assert [one.get("sender", {}).get("type") for one in listed] == ["contact", "user", None]


def test_own_keys_in_content_attributes_stay(chatwoot: ChatwootHandle) -> None:
    """In the answer and in the list."""
    conversation = chatwoot.customer_writes("Hola").conversation_id
    path = f"/conversations/{conversation}/messages"
    body = {"content": "Buenas", "content_attributes": {"marker": "m1"}}
    answer = chatwoot.api("POST", path, body, token=chatwoot.bot_token).json()
    listed = chatwoot.api("GET", path).json()["payload"][-1]
    assert (answer["message_type"], answer["status"]) == (1, "sent")
    assert answer["sender"]["type"] == "agent_bot"
    assert answer["content_attributes"] == listed["content_attributes"] == {"marker": "m1"}


def test_a_user_may_post_in_a_bots_name(chatwoot: ChatwootHandle) -> None:
    """The message's sender is the bot, so that it is nobody's human reply."""
    conversation = chatwoot.customer_writes("Hola").conversation_id
    body = {"content": "Buenas", "sender_type": "AgentBot", "sender_id": chatwoot.bot_id}
    answer = chatwoot.api("POST", f"/conversations/{conversation}/messages", body).json()
    assert answer["sender"]["type"] == "agent_bot"


def test_incoming_messages_are_refused(chatwoot: ChatwootHandle) -> None:
    """422 in Chatwoot's words."""
    body = {"content": "I am the customer", "message_type": "incoming"}
    conversation = chatwoot.customer_writes("Hola").conversation_id
    refused = chatwoot.api("POST", f"/conversations/{conversation}/messages", body)
    wrong = "Incoming messages are only allowed in Api inboxes"
    assert (refused.status_code, refused.json()["error"]) == (422, wrong)


def test_too_long_and_too_many_messages_are_refused(chatwoot: ChatwootHandle) -> None:
    """More than 150,000 characters, or the 201st message in a minute: 422."""
    conversation = chatwoot.customer_writes("Hola").conversation_id
    path = f"/conversations/{conversation}/messages"
    long = chatwoot.api("POST", path, {"content": "x" * 150_001})
    assert long.status_code == 422
    assert long.json()["error"].startswith("Validation failed: Content is too long (maximum is 150000")
    answers = [chatwoot.api("POST", path, {"content": "x", "private": True}) for _ in range(200)]
    assert [one.status_code for one in answers] == [200] * 199 + [422]
    assert answers[-1].json() == {"error": "Validation failed: Too many messages"}


def test_the_list_of_conversations_is_filtered(chatwoot: ChatwootHandle) -> None:
    """Open ones unless asked, 25 a page."""
    first = chatwoot.customer_writes("Hola").conversation_id
    second = chatwoot.customer_writes("Hi", inbox="Website").conversation_id
    chatwoot.set_conversation(first, status="resolved")

    def listed(query: str) -> list[int]:
        payload = chatwoot.api("GET", f"/conversations{query}").json()["data"]["payload"]
        return [one["id"] for one in payload]

    assert listed("") == [second]
    assert sorted(listed("?status=all")) == [first, second]
    assert listed("?status=all&page=2") == []


def test_profile_inboxes_and_bots_are_shown(chatwoot: ChatwootHandle) -> None:
    """What connecting a company reads; an agent does not see a bot's token."""
    headers = {"Api-Access-Token": chatwoot.agent_token}
    profile = requests.get(f"{chatwoot.base_url}/api/v1/profile", headers=headers, timeout=10).json()
    inboxes = {one["name"]: one for one in chatwoot.api("GET", "/inboxes").json()["payload"]}
    bots = chatwoot.api("GET", "/agent_bots", token=chatwoot.agent_token).json()
    assert profile["id"] == chatwoot.agent_id
    assert profile["accounts"] == [{"id": chatwoot.account_id, "role": "agent"}]
    assert inboxes["Twilio WhatsApp"]["channel_type"] == "Channel::TwilioSms"
    assert inboxes["WhatsApp"]["enable_auto_assignment"] is True
    assert "access_token" not in bots[0]
    assert chatwoot.api("GET", "/agent_bots").json()[0]["access_token"] == chatwoot.bot_token


@pytest.mark.parametrize(
    ("inbox", "source_id"),
    [
        ("WhatsApp", "12025560001"),
        ("Twilio WhatsApp", "whatsapp:+12025560001"),
        ("SMS", "+12025560001"),
    ],
)
def test_a_customer_has_the_channels_kind_of_address(
    chatwoot: ChatwootHandle, inbox: str, source_id: str
) -> None:
    """By which Twilio's WhatsApp and SMS are told apart."""
    conversation = chatwoot.customer_writes("Hola", inbox=inbox).conversation_id
    shown = chatwoot.api("GET", f"/conversations/{conversation}").json()
    assert shown["last_non_activity_message"]["conversation"]["contact_inbox"] == {"source_id": source_id}


def test_calls_that_frontdesk_does_not_make_answer_501(chatwoot: ChatwootHandle) -> None:
    """A JSON answer that says so, whoever asks, and whatever the method."""
    for method, path in (("GET", "/teams"), ("PATCH", "/conversations/1")):
        answer = chatwoot.api(method, path)
        assert answer.status_code == 501
        assert answer.json()["error"] == "The simulator does not have this call"
