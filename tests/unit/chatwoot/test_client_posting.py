"""Posting a message: what is certain about it, and in whose name it is."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.chatwoot.client import ChatwootClient
from shared.chatwoot.errors import MessageNotStored, MessagePerhapsStored, MessageRefused
from shared.platform.addresses import AddressRefused
from shared.platform.errors import AnswerLost, FrontdeskError, GiveUp, RequestNotSent, RetryLater
from shared.platform.secret import Secret
from tests.fakes.clock import FakeClock
from tests.fakes.scripted_http import ScriptedHttp, answer

if TYPE_CHECKING:
    from shared.platform.http import HttpAnswer

STORED = {
    "id": 70021,
    "content": "Hola",
    "conversation_id": 214,
    "message_type": 1,
    "status": "sent",
    "content_attributes": {"frontdesk": {"part": 1}},
    "private": False,
    "sender": {"id": 21, "type": "agent_bot"},
    "something_new": {"a": [1]},
}
CUSTOMERS_WORDS = "el texto secreto del cliente"


def client(http: ScriptedHttp, **tokens: str) -> ChatwootClient:
    """A client of account 3."""
    secrets = {name: Secret(value) for name, value in (tokens or {"user_token": "usertoken"}).items()}
    return ChatwootClient(http, "https://chat.example/", 3, clock=FakeClock(), **secrets)  # type: ignore[arg-type]


def post(given: HttpAnswer | Exception) -> Any:  # noqa: ANN401 - what the client gives back
    """One post that gets this answer."""
    return client(ScriptedHttp(given)).post_message(214, CUSTOMERS_WORDS)


def failure(given: HttpAnswer | Exception) -> FrontdeskError:
    """The error of a post that gets this answer."""
    with pytest.raises(FrontdeskError) as raised:
        post(given)
    return raised.value


def refused(text: str) -> HttpAnswer:
    """Chatwoot's 422."""
    return answer(422, {"error": text})


def test_a_200_with_a_messages_number_is_stored() -> None:
    """The stored text and attributes come back to be compared with what was sent."""
    posted = post(answer(200, STORED))
    assert (posted.id, posted.content, posted.status) == (70021, "Hola", "sent")
    assert posted.content_attributes == {"frontdesk": {"part": 1}}


@pytest.mark.parametrize(
    ("given", "kind", "reason"),
    [
        (answer(401, {"error": "Invalid Access Token"}), MessageRefused, "token_invalid"),
        (answer(401, {"errors": ["You need to sign in or sign up"]}), MessageRefused, "token_not_received"),
        (answer(401, {"error": "Account is suspended"}), MessageRefused, "account_suspended"),
        (answer(401, "<html>"), MessageRefused, "denied"),
        (answer(404, {"error": "Resource could not be found"}), MessageRefused, "conversation_missing"),
        (answer(404, "404 page not found"), MessageNotStored, "not_chatwoot"),
        (answer(429, "Retry later\n"), MessageNotStored, "rate_limited"),
        (refused("Validation failed: Too many messages"), MessageNotStored, "too_many_messages"),
        (refused("Validation failed: Content is too long (maximum is …)"), MessageRefused, "too_long"),
        (
            refused("Incoming messages are only allowed in Api inboxes"),
            MessageRefused,
            "incoming_not_allowed",
        ),
    ],
)
def test_what_is_certainly_not_stored(given: HttpAnswer, kind: type[FrontdeskError], reason: str) -> None:
    """These may be posted again, or never, without a look at the conversation."""
    error = failure(given)
    assert (type(error), error.reason) == (kind, reason)
    assert not isinstance(error, AnswerLost)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (answer(200, "<html>sign in</html>"), "odd_answer"),
        (answer(200, {}), "odd_answer"),
        (answer(200, {"id": "70021", "content": "Hola"}), "odd_answer"),
        (answer(200, {"id": True, "content": "Hola"}), "odd_answer"),
        (answer(200, {"id": 5}), "odd_answer"),
        (answer(200, [STORED]), "odd_answer"),
        (answer(201, STORED), "odd_answer"),
        (answer(204, ""), "odd_answer"),
        (answer(302, ""), "redirected"),
        (answer(400, {"error": "bad"}), "status_400"),
        (answer(403, {"error": "no"}), "status_403"),
        (answer(408, ""), "status_408"),
        (answer(422, {"error": "Net::ReadTimeout"}), "unknown_422"),
        (answer(422, {"error": "La validación falló"}), "unknown_422"),
        (answer(422, "<html>"), "unknown_422"),
        (answer(500, "<html>"), "status_500"),
        (answer(502, ""), "status_502"),
        (answer(504, ""), "status_504"),
    ],
)
def test_everything_else_is_perhaps(given: HttpAnswer, reason: str) -> None:
    """Posting again could be a second message."""
    error = failure(given)
    assert (type(error), error.reason) == (MessagePerhapsStored, reason)


@given(
    st.integers(100, 599),
    st.one_of(st.none(), st.text(), st.dictionaries(st.text(), st.integers() | st.text())),
)
def test_no_answer_is_taken_for_certain_that_is_not_in_the_table(status: int, body: object) -> None:
    """Only 401, 404, 429 and known texts of a 422 are."""
    try:
        posted = post(answer(status, body))
    except MessagePerhapsStored:
        return
    except (MessageNotStored, MessageRefused):
        assert status in (401, 404, 422, 429)
    else:
        assert (status, posted.id) == (200, body["id"] if isinstance(body, dict) else None)


def test_a_lost_answer_and_an_unsent_request_stay_what_they_are() -> None:
    """The network's own certainty is kept."""
    assert type(failure(AnswerLost("x"))) is AnswerLost
    assert type(failure(RequestNotSent("x"))) is RequestNotSent


def test_a_forbidden_address_is_certain_and_final() -> None:
    """The server's name leads somewhere that nothing was sent to."""
    assert failure(AddressRefused("x")).reason == "address_refused"
    assert isinstance(failure(AddressRefused("x")), MessageRefused)


def test_the_wait_that_chatwoot_asks_for_is_kept_within_reason() -> None:
    """Seconds only, at most a quarter of an hour; anything else is no wait."""
    waits = []
    for text in ("7", "86400", "Wed, 21 Oct 2026 07:28:00 GMT", "-3", "9" * 40):
        error = failure(answer(429, "", retry_after=text))
        assert isinstance(error, RetryLater)
        waits.append(error.after_seconds)
    assert waits == [7.0, 900.0, None, None, 900.0]


@pytest.mark.parametrize("status", [200, 401, 404, 422, 429, 500])
def test_no_error_repeats_the_answer_or_the_token(status: int) -> None:
    """Chatwoot's errors can hold a customer's words, and logs are read by many."""
    error = failure(answer(status, {"error": f"cannot store {CUSTOMERS_WORDS}"}))
    shown = "".join(traceback.format_exception(error)) + repr(vars(error))
    assert CUSTOMERS_WORDS not in shown.replace("CUSTOMERS_WORDS", "")
    assert "usertoken" not in shown
    assert isinstance(error, RetryLater | GiveUp)


def test_a_post_carries_text_marker_and_token_and_never_a_source_id() -> None:
    """Chatwoot does not deliver what has a source id."""
    http = ScriptedHttp(answer(200, STORED))
    client(http).post_message(214, "Hola", private=True, content_attributes={"frontdesk": {"part": 1}})
    (made,) = http.made
    assert (made.method, made.path) == ("POST", "/api/v1/accounts/3/conversations/214/messages")
    assert made.body == {
        "content": "Hola",
        "message_type": "outgoing",
        "private": True,
        "content_attributes": {"frontdesk": {"part": 1}},
    }
    assert made.headers == {"Api-Access-Token": "usertoken", "Accept": "application/json"}


def test_the_bot_posts_where_there_is_one() -> None:
    """Its messages do not count as a person's."""
    http = ScriptedHttp(answer(200, STORED))
    client(http, user_token="user", bot_token="bot").post_message(214, "Hola", sender_bot_id=21)
    assert [made.token for made in http.made] == ["bot"]
    assert "sender_type" not in http.made[0].body


def test_a_user_token_can_post_in_a_bots_name() -> None:
    """Then the message does not count as a person's either."""
    http = ScriptedHttp(answer(200, STORED))
    client(http, user_token="user").post_message(214, "Hola", sender_bot_id=21)
    assert (http.made[0].body["sender_type"], http.made[0].body["sender_id"]) == ("AgentBot", 21)


def test_a_bot_that_is_denied_does_not_become_a_person() -> None:
    """A second post with the user's token would look like a takeover; the mistake must be seen."""
    http = ScriptedHttp(answer(401, {"error": "Invalid Access Token"}))
    with pytest.raises(MessageRefused):
        client(http, user_token="user", bot_token="bot").post_message(214, "Hola")
    assert len(http.made) == 1


def test_without_any_token_nothing_is_sent() -> None:
    """That is certain."""
    http = ScriptedHttp(answer(200, STORED))
    with pytest.raises(MessageRefused, match="no token"):
        client(http, user_token="").post_message(214, "Hola")
    assert http.made == []


@pytest.mark.parametrize(("asked", "given"), [(None, 20.0), (5.0, 5.0), (60.0, 20.0)])
def test_the_smaller_time_limit_wins(asked: float | None, given: float) -> None:
    """The client's own, or what is left of the turn."""
    http = ScriptedHttp(answer(200, STORED))
    client(http).post_message(214, "Hola", timeout_seconds=asked)
    assert http.made[0].timeout_seconds == pytest.approx(given)
