"""Webhook bodies of every version and kind are read without surprises."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.chatwoot.events import Event, parse
from shared.platform.errors import InvalidInput
from tests.support import webhooks


def _message_event(body: dict[str, Any]) -> Event:
    event = parse(body)
    assert event is not None
    assert event.message is not None
    return event


def test_a_customers_message_is_read_whole() -> None:
    """The everyday case."""
    event = _message_event(webhooks.message_created("hola"))
    message, found = event.message, event.conversation
    assert message is not None
    assert (message.id, message.direction, message.private, message.text) == (
        70011,
        "incoming",
        False,
        "hola",
    )
    assert (found.account_id, found.inbox_id, found.id, found.contact_id) == (3, 12, 214, 481)
    assert (found.status, found.contact_name, found.channel) == ("open", "Ana Pérez", "Channel::Whatsapp")
    assert found.updated_at_us == 1_795_400_000_500_000


@pytest.mark.parametrize("private", [None, "false", 0, 1, True, []])
def test_what_is_not_plainly_public_counts_as_private(private: object) -> None:
    """A private note answered in public would be worse than silence."""
    message = _message_event(webhooks.message_created(private=private)).message
    assert message is not None
    assert message.private


def test_a_missing_private_counts_as_private() -> None:
    """The same for a body without the key."""
    body = webhooks.message_created()
    del body["private"]
    message = _message_event(body).message
    assert message is not None
    assert message.private


@pytest.mark.parametrize(
    ("value", "direction"),
    [(0, "incoming"), (1, "outgoing"), (2, "activity"), (3, "template"), ("incoming", "incoming"), (9, "")],
)
def test_the_direction_comes_as_a_number_or_as_a_word(value: object, direction: str) -> None:
    """Webhooks send words, lists send numbers, and forks mix them."""
    message = _message_event(webhooks.message_created(message_type=value)).message
    assert message is not None
    assert message.direction == direction


def test_the_snapshots_text_is_used_only_when_it_is_the_same_message() -> None:
    """Its first message is often another one (#14023), and raw where ours is HTML (#13896)."""
    newest = {"id": 70011, "content": "¿cuánto *cuesta*?"}
    body = webhooks.message_created("<p>¿cuánto <em>cuesta</em>?</p>")
    body["conversation"]["messages"] = [newest]
    message = _message_event(body).message
    assert message is not None
    assert message.text == "¿cuánto *cuesta*?"
    body["conversation"]["messages"] = [newest | {"id": 70012}]
    other = _message_event(body).message
    assert other is not None
    assert other.text == "<p>¿cuánto <em>cuesta</em>?</p>"


def test_the_account_is_found_in_older_bodies_in_the_newest_message() -> None:
    """Conversation events name it only since 4.14.2."""
    body = webhooks.conversation_updated(messages=[{"id": 1, "account_id": 8}])
    del body["account"]
    event = parse(body)
    assert event is not None
    assert event.conversation.account_id == 8


def test_ids_as_text_are_ids() -> None:
    """Automation tools send them so."""
    body = webhooks.message_created()
    body["id"], body["account"]["id"] = "70011", "3"
    event = _message_event(body)
    assert event.message is not None
    assert (event.message.id, event.conversation.account_id) == (70011, 3)


@pytest.mark.parametrize("identity", [None, 0, -1, True, 1.5, "x", "\uff11\uff12", 2**63, [1], {"id": 1}])
def test_what_is_no_id_is_refused_with_words(identity: object) -> None:
    """Nothing works without a message's id."""
    with pytest.raises(InvalidInput):
        parse(webhooks.message_created() | {"id": identity})


def test_our_marker_deletion_and_failure_are_found() -> None:
    """What a turn in flight must learn."""
    attributes = {"frontdesk": {"marker": "m1"}, "external_error": "window closed", "deleted": True}
    message = _message_event(webhooks.message_created(content_attributes=attributes)).message
    assert message is not None
    assert (message.marker, message.external_error, message.deleted) == ("m1", "window closed", True)


def test_changes_are_read_from_the_list_of_one_key_objects() -> None:
    """And a null, which status events carry in practice, is no change."""
    event = parse(
        webhooks.conversation_updated(changed={"status": {"previous_value": "a", "current_value": "b"}})
    )
    assert event is not None
    assert event.conversation.changes == {"status": ("a", "b")}
    without = parse(webhooks.conversation_updated("conversation_status_changed"))
    assert without is not None
    assert without.conversation.changes == {}


@pytest.mark.parametrize(
    "name", ["webwidget_triggered", "contact_created", "automation_event.contact_created", "", None, 7]
)
def test_other_events_tell_nothing_of_a_conversation(name: object) -> None:
    """They are ignored, whatever else stands in them."""
    assert parse({"event": name, "id": 5}) is None


@pytest.mark.parametrize("body", [[], "x", 1, None, {}, [{"event": "message_created"}]])
def test_what_is_no_object_is_refused(body: object) -> None:
    """JSON can be anything."""
    with pytest.raises(InvalidInput):
        parse(body)


_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_FIELDS = (
    "id",
    "account",
    "inbox",
    "conversation",
    "message_type",
    "content",
    "content_attributes",
    "private",
    "sender",
    "attachments",
    "created_at",
)
_INNER = (
    "id",
    "meta",
    "messages",
    "contact_inbox",
    "labels",
    "updated_at",
    "status",
    "can_reply",
    "inbox_id",
)


@given(st.dictionaries(st.sampled_from(_FIELDS), _JSON), st.dictionaries(st.sampled_from(_INNER), _JSON))
def test_odd_bodies_are_read_or_refused_and_never_break(outer: dict[str, Any], inner: dict[str, Any]) -> None:
    """Any field may hold anything."""
    body = webhooks.message_created()
    body["conversation"] |= inner
    try:
        parse(body | outer)
    except InvalidInput as refused:
        assert refused.reason  # noqa: PT017 - refusing and reading are both right; breaking is not


@pytest.mark.parametrize("name", ["automation_event.message_created", "macro.executed"])
def test_of_a_rule_or_macro_the_newest_message_is_read(name: str) -> None:
    """Their bodies are a conversation, with nothing about the message they ran for but this."""
    newest = {
        "id": 70011,
        "content": "hola",
        "message_type": 0,
        "private": False,
        "created_at": 1_795_400_000,
        "content_attributes": {},
        "sender": {"id": 481, "type": "contact"},
    }
    body = webhooks.conversation(messages=[newest]) | {"event": name}
    event = _message_event(body)
    assert (event.name, event.conversation.id, event.conversation.account_id) == ("message_created", 214, 3)
    assert event.message is not None
    assert (event.message.id, event.message.direction, event.message.private) == (70011, "incoming", False)
    assert (event.message.text, event.message.sender.kind) == ("hola", "contact")
    without = parse(webhooks.conversation(messages=[]) | {"event": name})
    assert without is not None
    assert (without.name, without.message) == ("conversation_updated", None)
