"""What the API shows reads like the webhook that would have told it."""

from __future__ import annotations

from typing import Any

from shared.chatwoot import reading
from shared.chatwoot.events import parse
from shared.chatwoot.shown import event_of
from tests.support import webhooks

ROW: dict[str, Any] = {
    "id": 214,
    "inbox_id": 12,
    "status": "open",
    "can_reply": True,
    "labels": ["vip"],
    "updated_at": 1781688900.512873,
    "last_activity_at": 1781688900,
    "account_id": 3,
    "meta": {
        "channel": "Channel::Whatsapp",
        "sender": {"id": 481, "name": "Sam Sample", "blocked": False, "type": "contact"},
        "assignee": {"id": 21, "name": "Rosa"},
        "assignee_type": "User",
    },
}
MESSAGE: dict[str, Any] = {
    "id": 70011,
    "content": "¿Cuánto cuesta?",
    "message_type": 0,
    "private": False,
    "content_type": "text",
    "content_attributes": {"in_reply_to": 70001},
    "created_at": 1781688900,
    "sender": {"id": 481, "name": "Sam Sample", "type": "contact"},
    "attachments": [{"id": 9, "file_type": "image", "data_url": "https://chat.example/9.png"}],
    "conversation": {"contact_inbox": {"source_id": "12025550143"}},
}


def told(message: dict[str, Any] | None = None, **changes: object) -> Any:  # noqa: ANN401 - an Event, sure to be there here
    """The event made of a row and a message."""
    row = ROW | {"last_non_activity_message": MESSAGE} | changes
    conversation = reading.conversation_state(row)
    shown = reading.api_message(message or MESSAGE)
    assert conversation is not None
    assert shown is not None
    return event_of(3, conversation, shown)


def test_everything_that_a_turn_needs_is_there() -> None:
    """Who wrote what, where, and the conversation's state by now."""
    event = told()
    assert event.name == "message_created"
    found, message = event.conversation, event.message
    assert (found.id, found.account_id, found.inbox_id, found.channel) == (214, 3, 12, "Channel::Whatsapp")
    assert (found.contact_id, found.contact_name, found.contact_source_id) == (
        481,
        "Sam Sample",
        "12025550143",
    )
    assert (found.status, found.labels, found.updated_at_us) == ("open", ("vip",), 1781688900512873)
    assert (found.assignee_id, found.assignee_kind) == (21, "User")
    assert (message.id, message.direction, message.private) == (70011, "incoming", False)
    assert (message.text, message.in_reply_to) == ("¿Cuánto cuesta?", 70001)
    assert message.created_at == "2026-06-17T09:35:00.000Z"
    assert [one["id"] for one in message.attachments] == [9]


def test_it_is_the_same_event_as_the_webhooks() -> None:
    """Field by field, for a message of which both are known."""
    body = webhooks.message_created("¿Cuánto cuesta?", message_id=70011)
    delivered = parse(body)
    assert delivered is not None
    inner = body["conversation"]
    row = {
        **{name: value for name, value in inner.items() if name not in {"channel", "contact_inbox"}},
        "meta": {**inner["meta"], "channel": inner["channel"]},
        "last_non_activity_message": {
            "id": 70011,
            "message_type": 0,
            "private": False,
            "conversation": {"contact_inbox": {"source_id": inner["contact_inbox"]["source_id"]}},
        },
    }
    conversation = reading.conversation_state(row)
    message = reading.api_message({**body, "message_type": 0, "created_at": 1781688900})
    assert conversation is not None
    assert message is not None
    found = event_of(body["account"]["id"], conversation, message)
    assert found is not None
    assert found.conversation == delivered.conversation
    assert found.message is not None
    assert delivered.message is not None
    same = {"created_at": delivered.message.created_at}
    assert found.message.__dict__ | same == delivered.message.__dict__


def test_persons_bots_and_automations_are_told_apart() -> None:
    """By their sender, as in webhooks."""
    outgoing = MESSAGE | {"message_type": 1}
    kinds = [
        told(outgoing | {"sender": sender}).message.sender.kind
        for sender in ({"id": 1, "type": "user"}, {"id": 4, "type": "agent_bot"}, None)
    ]
    assert kinds == ["user", "agent_bot", ""]


def test_the_newest_message_of_a_row_is_no_activity_line() -> None:
    """Old servers show other messages than the newest that counts."""
    lines = [{"id": 70013, "message_type": 2, "private": False}, {"id": 70012, "message_type": 0}]
    showing: list[dict[str, Any]] = [
        {"last_non_activity_message": MESSAGE},
        {"messages": lines},
        {"messages": []},
    ]
    newest = [reading.conversation_state(ROW | shown) for shown in showing]
    assert [row.newest.id if row and row.newest else None for row in newest] == [70011, 70012, None]


def test_what_has_no_usable_id_or_time_is_no_event_and_no_crash() -> None:
    """Whatever stands behind the address."""
    assert told(MESSAGE | {"id": 2**80}) is None
    assert told(MESSAGE | {"created_at": 10**18}).message.created_at == ""
