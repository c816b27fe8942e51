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
        ("DELETE", "/conversations/1/messages/1001"),
        ("GET", "/contacts/1"),
        ("GET", "/inboxes"),
        ("GET", "/inboxes/1"),
        ("GET", "/webhooks"),
        ("POST", "/webhooks"),
        ("DELETE", "/webhooks/1"),
        ("GET", "/agent_bots"),
    ],
)
def test_a_bots_token_may_not_read_history_contacts_or_inboxes(
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
        "/custom_attributes": {"custom_attributes": {"a": 1}},
        "/assignments": {"assignee_id": chatwoot.agent_id},
        "/toggle_status": {"status": "resolved"},
    }
    for path, body in bodies.items():
        assert chatwoot.api("POST", conversation + path, body, token=chatwoot.bot_token).status_code == 200
    shown = chatwoot.api("GET", conversation, token=chatwoot.bot_token).json()
    assert (shown["labels"], shown["custom_attributes"]) == (["vip", "new"], {"a": 1})
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
    """An agent gets 401; a URL is taken once an account; unknown events are refused."""
    body = {"url": "http://127.0.0.1:9/hook", "subscriptions": ["message_created"], "secret": "mine"}
    denied = chatwoot.api("POST", "/webhooks", body, token=chatwoot.agent_token)
    assert (denied.status_code, denied.json()) == (401, {"error": "You are not authorized to do this action"})
    made = chatwoot.api("POST", "/webhooks", body).json()["payload"]["webhook"]
    assert len(made["secret"]) == 24
    assert chatwoot.api("POST", "/webhooks", body).json()["attributes"] == ["url"]
    unknown = chatwoot.api("POST", "/webhooks", {"url": "http://x", "subscriptions": ["nonsense"]})
    assert (unknown.status_code, unknown.json()["attributes"]) == (422, ["subscriptions"])
    assert chatwoot.api("GET", "/webhooks").json()["payload"]["webhooks"] == [made]
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


def test_internal_messages_can_be_left_out(chatwoot: ChatwootHandle) -> None:
    """Private notes and activity lines are in the list, unless filtered."""
    conversation = chatwoot.customer_writes("Hola").conversation_id
    chatwoot.agent_replies(conversation, "psst", private=True)
    chatwoot.set_conversation(conversation, status="resolved")
    path = f"/conversations/{conversation}/messages"
    kinds = [one["message_type"] for one in chatwoot.api("GET", path).json()["payload"]]
    filtered = chatwoot.api("GET", f"{path}?filter_internal_messages=true").json()["payload"]
    assert kinds == [0, 1, 2]
    assert [one["content"] for one in filtered] == ["Hola"]


def test_a_posted_message_gives_back_echo_id_and_attributes(chatwoot: ChatwootHandle) -> None:
    """``echo_id`` is in this answer only; own keys in ``content_attributes`` stay."""
    conversation = chatwoot.customer_writes("Hola").conversation_id
    path = f"/conversations/{conversation}/messages"
    body = {"content": "Buenas", "echo_id": "e1", "content_attributes": {"marker": "m1"}}
    answer = chatwoot.api("POST", path, body, token=chatwoot.bot_token).json()
    listed = chatwoot.api("GET", path).json()["payload"][-1]
    assert (answer["echo_id"], answer["message_type"], answer["status"]) == ("e1", 1, "sent")
    assert answer["sender"]["type"] == "agent_bot"
    assert "echo_id" not in listed
    assert listed["content_attributes"] == {"marker": "m1"}


def test_a_user_may_post_in_a_bots_name(chatwoot: ChatwootHandle) -> None:
    """The message's sender is the bot, so that it is nobody's human reply."""
    conversation = chatwoot.customer_writes("Hola").conversation_id
    body = {"content": "Buenas", "sender_type": "AgentBot", "sender_id": chatwoot.bot_id}
    answer = chatwoot.api("POST", f"/conversations/{conversation}/messages", body).json()
    assert answer["sender"]["type"] == "agent_bot"


def test_incoming_messages_are_taken_in_api_inboxes_only(chatwoot: ChatwootHandle) -> None:
    """Elsewhere 422 in Chatwoot's words."""
    body = {"content": "I am the customer", "message_type": "incoming"}
    whatsapp = chatwoot.customer_writes("Hola").conversation_id
    app = chatwoot.customer_writes("Hola", inbox="App").conversation_id
    refused = chatwoot.api("POST", f"/conversations/{whatsapp}/messages", body)
    taken = chatwoot.api("POST", f"/conversations/{app}/messages", body)
    assert (refused.status_code, refused.json()["error"]) == (
        422,
        "Incoming messages are only allowed in Api inboxes",
    )
    assert (taken.json()["message_type"], taken.json()["sender"]["type"]) == (0, "contact")


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
    """Open ones unless asked; by inbox; with counts."""
    first = chatwoot.customer_writes("Hola").conversation_id
    second = chatwoot.customer_writes("Hi", inbox="Website").conversation_id
    chatwoot.set_conversation(first, status="resolved")

    def listed(query: str) -> list[int]:
        payload = chatwoot.api("GET", f"/conversations{query}").json()["data"]["payload"]
        return [one["id"] for one in payload]

    assert listed("") == [second]
    assert sorted(listed("?status=all")) == [first, second]
    assert listed(f"?status=all&inbox_id={chatwoot.inboxes['WhatsApp']}") == [first]
    assert listed("?status=all&page=2") == []


def test_profile_inbox_contact_and_bots_are_shown(chatwoot: ChatwootHandle) -> None:
    """What connecting a company reads; an agent does not see a bot's token."""
    chatwoot.customer_writes("Hola", contact="Ana Paz")
    headers = {"Api-Access-Token": chatwoot.agent_token}
    profile = requests.get(f"{chatwoot.base_url}/api/v1/profile", headers=headers, timeout=10).json()
    inbox = chatwoot.api("GET", f"/inboxes/{chatwoot.inboxes['Twilio WhatsApp']}").json()
    contact = chatwoot.api("GET", "/contacts/1").json()["payload"]
    bots = chatwoot.api("GET", "/agent_bots", token=chatwoot.agent_token).json()
    assert (profile["id"], profile["role"]) == (chatwoot.agent_id, "agent")
    assert (inbox["channel_type"], inbox["medium"]) == ("Channel::TwilioSms", "whatsapp")
    assert inbox["enable_auto_assignment"] is True
    assert contact["contact_inboxes"][0]["source_id"] == contact["phone_number"].lstrip("+")
    assert "access_token" not in bots[0]
    assert chatwoot.api("GET", "/agent_bots").json()[0]["access_token"] == chatwoot.bot_token


def test_calls_that_frontdesk_does_not_make_answer_501(chatwoot: ChatwootHandle) -> None:
    """A JSON answer that says so, whoever asks, and whatever the method."""
    for method, path in (("GET", "/teams"), ("PATCH", "/conversations/1")):
        answer = chatwoot.api(method, path)
        assert answer.status_code == 501
        assert answer.json()["error"] == "The simulator does not have this call"
