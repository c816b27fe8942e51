"""What connecting makes of servers that a simulator does not play."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.chatwoot.client import ChatwootClient
from shared.chatwoot.connecting import SUBSCRIPTIONS, connect_check, ensure_webhook
from shared.platform.addresses import AddressRefused
from shared.platform.errors import InvalidInput, RetryLater
from shared.platform.secret import Secret
from tests.fakes.clock import FakeClock
from tests.fakes.scripted_http import ScriptedHttp, answer

if TYPE_CHECKING:
    from shared.platform.http import HttpAnswer

OURS = "https://desk.example/api/webhook/chatwoot/clinica"
PROFILE = answer(200, {"id": 7, "accounts": [{"id": 3, "role": "administrator"}]})
CLOSED = answer(401, {"error": "Access to this endpoint is not authorized for bots"})
MISSING = answer(404, {"error": "Resource could not be found"})
EMPTY_LIST = answer(200, {"payload": [], "data": {"payload": []}})


def client(http: ScriptedHttp, *, bot: str | None = None) -> ChatwootClient:
    """An administrator's client of account 3."""
    return ChatwootClient(
        http,
        "https://chat.example",
        3,
        user_token=Secret("user"),
        bot_token=Secret(bot) if bot else None,
        clock=FakeClock(),
    )


def webhook(*subscriptions: str) -> dict[str, object]:
    """A webhook of ours."""
    return {"id": 5, "url": OURS, "subscriptions": list(subscriptions), "secret": "s3cret"}


def test_a_webhook_that_misses_events_gets_them_and_keeps_its_secret_and_others() -> None:
    """Somebody added it by hand."""
    listed = answer(200, {"payload": {"webhooks": [webhook("message_created", "contact_created")]}})
    changed = answer(200, {"payload": {"webhook": webhook("contact_created", *SUBSCRIPTIONS)}})
    http = ScriptedHttp(listed, changed)
    assert ensure_webhook(client(http), OURS) == (5, Secret("s3cret"))
    assert (http.made[1].method, http.made[1].path) == ("PATCH", "/api/v1/accounts/3/webhooks/5")
    assert set(http.made[1].body["subscriptions"]) == {*SUBSCRIPTIONS, "contact_created"}


def test_a_server_before_4_14_knows_the_bot_although_it_may_not_read() -> None:
    """The refusal of the call means that the token is a bot's."""
    http = ScriptedHttp(
        PROFILE,  # the user
        CLOSED,  # the bot, looking for a conversation that is not there
        answer(200, {"payload": []}),  # inboxes
        answer(200, {"data": {"payload": []}}),  # conversations
        answer(200, {"payload": {"webhooks": []}}),
        MISSING,  # read_conversation, with the user's token
        MISSING,  # list_messages
        answer(200, []),  # agent bots
    )
    report = connect_check(client(http, bot="bot"))
    assert report.capabilities == dict.fromkeys(
        ["list_inboxes", "list_conversations", "register_webhook", "read_conversation", "list_messages"], True
    )
    assert report.bot_id is None
    assert any("could not be seen" in warning for warning in report.warnings)


@pytest.mark.parametrize(
    ("given", "field", "reason"),
    [
        (answer(401, {"errors": ["You need to sign in or sign up"]}), "base_url", "token_not_received"),
        (answer(401, {"error": "Invalid Access Token"}), "api_key", "token_invalid"),
        (answer(401, {"error": "Account is suspended"}), "account_id", "account_suspended"),
        (answer(200, "<html>"), "base_url", "not_chatwoot"),
        (answer(302, ""), "base_url", "not_chatwoot"),
        (answer(200, {"id": 7, "accounts": []}), "account_id", "user_outside_account"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(given: HttpAnswer, field: str, reason: str) -> None:
    """As the connect request calls it."""
    with pytest.raises(InvalidInput) as raised:
        connect_check(client(ScriptedHttp(given)))
    assert ([wrong.field for wrong in raised.value.fields], raised.value.reason) == ([field], reason)


def test_an_address_that_we_do_not_call_is_named() -> None:
    """The guard's own words are for the caller."""
    with pytest.raises(InvalidInput) as raised:
        connect_check(client(ScriptedHttp(AddressRefused("the address is not a public one"))))
    assert raised.value.fields[0].as_dict() == {
        "field": "base_url",
        "problem": "the address is not a public one",
    }


def test_an_outage_in_the_middle_is_no_missing_capability() -> None:
    """A 503 says nothing about what the token may do."""
    with pytest.raises(RetryLater):
        connect_check(client(ScriptedHttp(PROFILE, answer(503, ""))))
