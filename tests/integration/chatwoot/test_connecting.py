"""Getting to know an account, against a Chatwoot on the loopback interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.chatwoot.client import ChatwootClient
from shared.chatwoot.connecting import (
    MISSING,
    SUBSCRIPTIONS,
    connect_check,
    ensure_webhook,
    remove_webhook,
    webhook_of,
)
from shared.chatwoot.errors import ChatwootDenied
from shared.platform.addresses import AddressGuard
from shared.platform.errors import InvalidInput, RetryLater
from shared.platform.http import HttpClient
from shared.platform.secret import Secret

if TYPE_CHECKING:
    from tests.support.chatwoot import ChatwootHandle

OURS = "https://desk.example/api/webhook/chatwoot/clinica"
EVERYTHING = set(MISSING)


def client(
    chatwoot: ChatwootHandle,
    user: str | None,
    bot: str | None = None,
    *,
    account_id: int | None = None,
    base_url: str = "",
) -> ChatwootClient:
    """A client with these tokens."""
    return ChatwootClient(
        HttpClient(AddressGuard(loopback_allowed=True)),
        base_url or chatwoot.base_url,
        account_id or chatwoot.account_id,
        user_token=Secret(user) if user else None,
        bot_token=Secret(bot) if bot else None,
        timeout_seconds=5,
    )


def working(capabilities: dict[str, bool]) -> set[str]:
    """The names of those that work."""
    return {name for name, works in capabilities.items() if works}


def test_an_administrators_and_a_bots_token_can_do_everything(chatwoot: ChatwootHandle) -> None:
    """And nothing is left to warn of."""
    chatwoot.customer_writes("Hola")
    report = connect_check(client(chatwoot, chatwoot.administrator_token, chatwoot.bot_token))
    assert (report.user_id, report.role) == (chatwoot.administrator_id, "administrator")
    assert report.bot_id == chatwoot.bot_id
    assert working(report.capabilities) == EVERYTHING
    assert report.warnings == ()
    assert {inbox.id for inbox in report.inboxes} == set(chatwoot.inboxes.values())


def test_the_inboxes_tell_channel_and_auto_assignment(chatwoot: ChatwootHandle) -> None:
    """The one decides how replies are written, the other whether an assignee means a person took over."""
    chatwoot.set_inbox("WhatsApp", enable_auto_assignment=False)
    report = connect_check(client(chatwoot, chatwoot.administrator_token))
    inboxes = {inbox.name: inbox for inbox in report.inboxes}
    assert inboxes["WhatsApp"].channel_type == "Channel::Whatsapp"
    assert not inboxes["WhatsApp"].auto_assignment
    assert inboxes["Website"].auto_assignment


def test_an_agent_cannot_register_webhooks_and_would_be_assigned(chatwoot: ChatwootHandle) -> None:
    """Each thing that will not work has its sentence."""
    chatwoot.customer_writes("Hola")
    report = connect_check(client(chatwoot, chatwoot.agent_token))
    assert report.role == "agent"
    assert report.capabilities["register_webhook"] is False
    assert MISSING["register_webhook"] in report.warnings
    assert any("assigns it to this user" in warning for warning in report.warnings)


def test_a_bots_token_alone_can_talk_but_not_look(chatwoot: ChatwootHandle) -> None:
    """Lost answers and lost webhooks cannot be looked for."""
    report = connect_check(client(chatwoot, None, chatwoot.bot_token))
    assert (report.user_id, report.bot_id, report.inboxes) == (None, None, ())
    for name in ("list_messages", "list_conversations", "list_inboxes", "register_webhook"):
        assert report.capabilities[name] is False
        assert MISSING[name] in report.warnings


def test_without_any_conversation_typing_is_not_tried(chatwoot: ChatwootHandle) -> None:
    """And the report says so instead of guessing."""
    report = connect_check(client(chatwoot, chatwoot.administrator_token, chatwoot.bot_token))
    assert "typing" not in report.capabilities
    assert any("not tried" in warning for warning in report.warnings)
    assert report.capabilities["read_conversation"]
    assert report.capabilities["list_messages"]


def test_checking_leaves_no_trace(chatwoot: ChatwootHandle) -> None:
    """No message, no webhook, no status, nobody typing."""
    number = chatwoot.customer_writes("Hola").conversation_id
    before = chatwoot.conversation(number)
    connect_check(client(chatwoot, chatwoot.administrator_token, chatwoot.bot_token))
    assert chatwoot.conversation(number) == before
    assert chatwoot.customer_sees(number) == []
    assert not client(chatwoot, chatwoot.administrator_token).list_webhooks()


@pytest.mark.parametrize(
    ("user", "bot", "field"),
    [
        ("wrong", None, "api_key"),
        ("", "wrong", "bot_token"),
        ("right", "wrong", "bot_token"),
        ("", "", "api_key"),
    ],
)
def test_a_wrong_token_is_named(chatwoot: ChatwootHandle, user: str, bot: str | None, field: str) -> None:
    """The caller learns which of its two tokens it is."""
    token = chatwoot.administrator_token if user == "right" else user
    with pytest.raises(InvalidInput) as raised:
        connect_check(client(chatwoot, token, bot))
    assert [wrong.field for wrong in raised.value.fields] == [field]


def test_an_account_that_the_token_is_not_in_is_named(chatwoot: ChatwootHandle) -> None:
    """For the user's and for the bot's token."""
    other = chatwoot.add_account("Other company").account_id
    for user, bot in ((chatwoot.administrator_token, None), (None, chatwoot.bot_token)):
        with pytest.raises(InvalidInput) as raised:
            connect_check(client(chatwoot, user, bot, account_id=other))
        assert [wrong.field for wrong in raised.value.fields] == ["account_id"]


@pytest.mark.parametrize("path", ["/desk", "/nothing/here"])
def test_a_server_that_is_not_chatwoot_is_named(chatwoot: ChatwootHandle, path: str) -> None:
    """A wrong base URL is the caller's mistake, not an outage."""
    with pytest.raises(InvalidInput) as raised:
        connect_check(client(chatwoot, "any", base_url=chatwoot.base_url + path))
    assert [wrong.field for wrong in raised.value.fields] == ["base_url"]


def test_a_server_that_is_not_there_is_named(chatwoot: ChatwootHandle) -> None:
    """The same."""
    with pytest.raises(InvalidInput) as raised:
        connect_check(client(chatwoot, "any", base_url="http://127.0.0.1:9"))
    assert raised.value.reason == "unreachable"


def test_an_outage_is_not_the_callers_mistake(chatwoot: ChatwootHandle) -> None:
    """Another try may work."""
    chatwoot.faults({"method": "GET", "path": "/api/v1/profile", "times": 1, "status": 503})
    with pytest.raises(RetryLater):
        connect_check(client(chatwoot, chatwoot.administrator_token))


def test_the_webhook_is_registered_once(chatwoot: ChatwootHandle) -> None:
    """Connecting again finds it and gets the same secret."""
    one = client(chatwoot, chatwoot.administrator_token)
    first = ensure_webhook(one, OURS)
    assert ensure_webhook(one, OURS + "/") == first
    (webhook,) = one.list_webhooks()
    assert set(webhook.subscriptions) == set(SUBSCRIPTIONS)
    assert webhook.secret is not None
    assert first == (webhook.id, webhook.secret)


def test_other_webhooks_are_left_alone(chatwoot: ChatwootHandle) -> None:
    """Only the exact address is ours."""
    one = client(chatwoot, chatwoot.administrator_token)
    one.register_webhook("https://other.example/hook", ["message_created"])
    assert webhook_of(one.list_webhooks(), OURS) is None
    number, _ = ensure_webhook(one, OURS)
    assert remove_webhook(one, number) is True
    assert remove_webhook(one, number) is False
    assert [webhook.url for webhook in one.list_webhooks()] == ["https://other.example/hook"]


def test_an_agent_is_denied_the_webhook(chatwoot: ChatwootHandle) -> None:
    """It takes an administrator's token."""
    with pytest.raises(ChatwootDenied):
        ensure_webhook(client(chatwoot, chatwoot.agent_token), OURS)
