"""Liquid on outgoing messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local.chatwoot_simulator.rules import liquid

if TYPE_CHECKING:
    from tests.support.chatwoot import ChatwootHandle

KNOWN = {"contact": {"name": "Ana", "phone_number": "+1202", "token": "secret"}}


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("Hola {{contact.name}}", "Hola Ana"),
        ("Hola {{ contact.name | strip }}!", "Hola Ana!"),
        ("call {{contact.phone_number}}", "call +1202"),
        ("a {{unknown}} b {{ agent.email }} c", "a  b  c"),
        ("a {{contact.token}} b", "a  b"),
        ("code `{{contact.name}}` stays", "code `{{contact.name}}` stays"),
        ("{% assign a = 1 %}z", "z"),
        ("broken {{contact.name", "broken {{contact.name"),
        ("broken {{contact.name} too {{contact.name}}", "broken {{contact.name} too {{contact.name}}"),
        ("{% never closed {{contact.name}}", "{% never closed {{contact.name}}"),
        ("{\u200b{contact.name}} is plain", "{\u200b{contact.name}} is plain"),
        ('{"json": {"a": 1}} and } alone', '{"json": {"a": 1}} and } alone'),
    ],
)
def test_templates_are_run(written: str, stored: str) -> None:
    """Known values expand, unknown ones vanish, backticks protect, broken syntax leaves the text alone."""
    assert liquid(written, KNOWN) == stored


def test_an_outgoing_message_is_stored_as_liquid_made_it(chatwoot: ChatwootHandle) -> None:
    """The answer's content is not what was posted, and a value of the contact has leaked."""
    conversation = chatwoot.customer_writes("Hola {{contact.name}}", contact="Ana Paz").conversation_id
    path = f"/conversations/{conversation}/messages"
    answer = chatwoot.api("POST", path, {"content": "Hola {{contact.name}} {{x}}."}).json()
    messages = chatwoot.api("GET", path).json()["payload"]
    assert answer["content"] == "Hola Ana Paz ."
    assert messages[0]["content"] == "Hola {{contact.name}}"
