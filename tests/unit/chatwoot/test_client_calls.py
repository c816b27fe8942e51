"""Every call but posting: tokens, shapes, errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shared.chatwoot.client import ChatwootClient
from shared.chatwoot.errors import ChatwootDenied, ChatwootMissing, ChatwootRefused, ChatwootUnclear
from shared.platform.errors import RetryLater
from shared.platform.secret import Secret
from tests.fakes.clock import FakeClock
from tests.fakes.scripted_http import ScriptedHttp, answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.platform.errors import FrontdeskError
    from shared.platform.http import HttpAnswer

CONVERSATION = {
    "id": 214,
    "status": "pending",
    "inbox_id": 12,
    "can_reply": True,
    "labels": ["vip"],
    "updated_at": 1781688900.5,
    "meta": {
        "channel": "Channel::Whatsapp",
        "assignee": {"id": 21},
        "assignee_type": "AgentBot",
        "sender": {"id": 481},
    },
    "messages": [{"conversation": {"contact_inbox": {"source_id": "12025550143"}}}],
}
CLOSED = answer(401, {"error": "Access to this endpoint is not authorized for bots"})
DENIED = answer(401, {"error": "You are not authorized to do this action"})
EMPTY = answer(200, "")
READS: list[Callable[[ChatwootClient], object]] = [
    lambda client: client.conversation(214),
    lambda client: client.messages(214),
    lambda client: client.conversations(),
    lambda client: client.inboxes(),
    lambda client: client.profile(),
    lambda client: client.list_webhooks(),
    lambda client: client.own_bot_id(),
    lambda client: client.add_label(214, "bot"),
    lambda client: client.set_status(214, "open"),
    lambda client: client.register_webhook("https://a.b", ["message_created"]),
    lambda client: client.change_webhook(5, "https://a.b", ["message_created"]),
]


def client(http: ScriptedHttp, user: str | None = "user", bot: str | None = "bot") -> ChatwootClient:
    """A client of account 3 with these tokens."""
    return ChatwootClient(
        http,
        "https://chat.example",
        3,
        user_token=Secret(user) if user else None,
        bot_token=Secret(bot) if bot else None,
        clock=FakeClock(),
    )


def tokens_used(http: ScriptedHttp) -> list[str]:
    """Whose token each request carried."""
    return [made.token for made in http.made]


def test_a_conversation_is_read_with_everything_that_a_turn_asks_for() -> None:
    """Who is in charge, whether an answer is possible, and how the contact is reached."""
    state = client(ScriptedHttp(answer(200, CONVERSATION))).conversation(214)
    assert (state.id, state.status, state.inbox_id, state.can_reply) == (214, "pending", 12, True)
    assert (state.assignee_id, state.assignee_type, state.labels) == (21, "AgentBot", ("vip",))
    assert (state.updated_at, state.channel) == (1781688900.5, "Channel::Whatsapp")
    assert (state.source_id, state.contact_id) == ("12025550143", 481)


def test_an_old_servers_conversation_is_read_with_what_it_has() -> None:
    """Before 4.8 there is no kind of assignee, before 4.0.2 no time of change."""
    old = {"id": 214, "status": "open", "meta": {"assignee": {"id": 7}}, "labels": None}
    state = client(ScriptedHttp(answer(200, old))).conversation(214)
    assert (state.assignee_type, state.updated_at, state.can_reply, state.labels) == ("User", 0.0, True, ())


def test_reading_goes_with_the_users_token_first_and_with_the_bots_where_that_is_denied() -> None:
    """The user's works with every version, the bot's since 4.14.2."""
    http = ScriptedHttp(DENIED, answer(200, CONVERSATION))
    client(http).conversation(214)
    assert tokens_used(http) == ["user", "bot"]


def test_typing_goes_to_the_user_where_bots_may_not_and_is_remembered() -> None:
    """Before 4.12 a bot's typing is denied; asking once is enough."""
    http = ScriptedHttp(CLOSED, EMPTY)
    one = client(http)
    one.typing(214, on=True)
    one.typing(214, on=False)
    assert tokens_used(http) == ["bot", "user", "user"]
    assert [made.body["typing_status"] for made in http.made] == ["on", "on", "off"]


def test_a_wrong_bot_token_is_seen_and_not_covered_by_the_users() -> None:
    """Setting a status in a person's name has other effects than in a bot's."""
    http = ScriptedHttp(answer(401, {"error": "Invalid Access Token"}))
    with pytest.raises(ChatwootDenied) as raised:
        client(http).set_status(214, "open")
    assert raised.value.reason == "token_invalid"
    assert tokens_used(http) == ["bot"]


def test_what_bots_may_never_do_is_not_even_asked_with_a_bots_token() -> None:
    """Listing messages needs a user."""
    http = ScriptedHttp(EMPTY)
    with pytest.raises(ChatwootDenied) as raised:
        client(http, user=None).messages(214)
    assert raised.value.reason == "needs_user_token"
    assert http.made == []


@pytest.mark.parametrize("call", READS)
@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (answer(401, {"error": "Invalid Access Token"}), ChatwootDenied),
        (answer(404, {"error": "Resource could not be found"}), ChatwootMissing),
        (answer(422, {"message": "Url has already been taken"}), ChatwootRefused),
        (answer(403, ""), ChatwootRefused),
        (answer(429, "Retry later"), RetryLater),
        (answer(500, "<html>"), RetryLater),
        (answer(503, ""), RetryLater),
        (answer(404, "404 page not found"), ChatwootUnclear),
        (answer(301, ""), ChatwootUnclear),
        (answer(200, "<html>welcome</html>"), ChatwootUnclear),
        (answer(200, ""), ChatwootUnclear),
        (answer(200, {}), ChatwootUnclear),
        (answer(200, [{}]), ChatwootUnclear),
        (answer(200, {"payload": "x", "data": 3, "id": None}), ChatwootUnclear),
        (answer(200, {"payload": [{"content": "no number"}]}), ChatwootUnclear),
    ],
)
def test_every_answer_that_is_not_chatwoots_is_an_error_of_the_right_kind(
    call: Callable[[ChatwootClient], object], given: HttpAnswer, kind: type[FrontdeskError]
) -> None:
    """A look-up that cannot tell never says "not there"."""
    with pytest.raises(kind) as raised:
        call(client(ScriptedHttp(given)))
    assert kind is not RetryLater or raised.type is RetryLater


def message(**fields: object) -> dict[str, Any]:
    """A row of a list."""
    return {"id": 1, "content": "a", "message_type": 0, "private": False, **fields}


def listed(*rows: dict[str, Any]) -> list[Any]:
    """What the client makes of rows."""
    return client(ScriptedHttp(answer(200, {"meta": {}, "payload": list(rows)}))).messages(214)


def test_messages_are_read_whoever_wrote_them() -> None:
    """Customers, people, bots, and activity without a sender."""
    sender = {"id": 481, "type": "contact", "name": "Sam"}
    rows = listed(
        message(sender=sender, created_at=1781688900),
        message(id=2, message_type=1, sender={"id": 21, "type": "agent_bot"}, content_attributes={"m": 1}),
        message(id=3, message_type="outgoing", sender_type="User", sender_id=7, private=True, content=None),
        message(id=4, message_type=2, content_attributes="odd", status="failed"),
        message(id=5, message_type="new kind", private="maybe"),
    )
    assert [(row.sender_type, row.sender_id) for row in rows[:4]] == [
        ("contact", 481),
        ("agent_bot", 21),
        ("user", 7),
        (None, None),
    ]
    assert [row.message_type for row in rows] == [0, 1, 1, 2, -1]
    assert [row.private for row in rows] == [False, False, True, False, True]
    assert (rows[1].content_attributes, rows[2].content, rows[3].content_attributes) == ({"m": 1}, None, {})
    assert (rows[3].status, rows[0].created_at) == ("failed", 1781688900)


def test_one_row_that_cannot_be_read_spoils_the_list() -> None:
    """It could be the message that is looked for."""
    with pytest.raises(ChatwootUnclear):
        listed(message(), message(id=None))


def test_a_list_can_begin_and_end_somewhere() -> None:
    """As look-ups need it."""
    http = ScriptedHttp(answer(200, {"payload": []}))
    client(http).messages(214, after=70, before=90)
    client(http).messages(214)
    assert [made.query for made in http.made] == [{"after": "70", "before": "90"}, {}]


def test_a_label_is_added_to_those_that_are_there() -> None:
    """Chatwoot replaces all of them at once."""
    http = ScriptedHttp(answer(200, {"payload": ["vip"]}), answer(200, {"payload": ["vip", "bot"]}))
    assert client(http).add_label(214, "bot") == ("vip", "bot")
    assert http.made[1].body == {"labels": ["vip", "bot"]}


def test_a_label_that_is_there_is_not_written_again() -> None:
    """Each write comes back as an event."""
    http = ScriptedHttp(answer(200, {"payload": ["bot"]}))
    assert client(http).add_label(214, "bot") == ("bot",)
    assert len(http.made) == 1


@pytest.mark.parametrize("success", [True, None])
def test_a_status_is_named_and_what_the_conversation_has_now_comes_back(success: object) -> None:
    """Without a name Chatwoot toggles; a bot's hand-off has no "success"."""
    payload = {"success": success, "conversation_id": 214, "current_status": "open"}
    http = ScriptedHttp(answer(200, {"meta": {}, "payload": payload}))
    assert client(http).set_status(214, "open") == "open"
    assert http.made[0].body == {"status": "open"}


def test_a_registered_webhook_gives_its_secret() -> None:
    """Chatwoot chooses it; before 4.12 there is none."""
    for secret, found in (("abc", Secret("abc")), (None, None)):
        webhook = {"id": 5, "url": "https://a.b", "subscriptions": ["message_created"], "secret": secret}
        http = ScriptedHttp(answer(200, {"payload": {"webhook": webhook}}))
        assert client(http).register_webhook("https://a.b", ["message_created"]) == (5, found)


def test_the_bot_of_the_bot_token_is_found_by_its_token() -> None:
    """Where the user may see the bots' tokens."""
    bots = [{"id": 20, "name": "a", "access_token": "other"}, {"id": 21, "name": "b", "access_token": "bot"}]
    assert client(ScriptedHttp(answer(200, bots))).own_bot_id() == 21
    assert client(ScriptedHttp(answer(200, [{"id": 21, "name": "b"}]))).own_bot_id() is None


def test_all_requests_of_one_call_share_its_time() -> None:
    """Two tokens are not twice the time."""
    clock = FakeClock()

    class Slow(ScriptedHttp):
        def send(self, *args: Any, **kwargs: Any) -> HttpAnswer:  # noqa: ANN401 - as they come
            clock.advance(12.0)
            return super().send(*args, **kwargs)

    http = Slow(DENIED, answer(200, CONVERSATION))
    one = ChatwootClient(
        http, "https://a.b", 3, user_token=Secret("user"), bot_token=Secret("bot"), clock=clock
    )
    one.conversation(214)
    assert [made.timeout_seconds for made in http.made] == [20.0, 8.0]


@pytest.mark.parametrize("token", ["two\nlines", "with space", "naïve", "tab\t"])
def test_a_token_that_no_header_can_hold_is_refused_without_being_quoted(token: str) -> None:
    """The library would put it into its error's text."""
    with pytest.raises(ChatwootDenied) as raised:
        client(ScriptedHttp(EMPTY), user=token)
    assert raised.value.reason == "token_malformed"
    assert token not in str(raised.value)
