"""The search for missed messages through the real client, at a Chatwoot on the loopback interface."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shared.chatwoot.client import ChatwootClient
from shared.platform.addresses import AddressGuard
from shared.platform.http import HttpClient
from shared.platform.secret import Secret
from tests.support.desk import World
from tests.support.missed import Sweeping

if TYPE_CHECKING:
    from shared.platform.tables import Table
    from tests.support.chatwoot import ChatwootHandle

OLD_ENOUGH = timedelta(seconds=100)


@pytest.fixture
def sweeping(table: Table, chatwoot: ChatwootHandle) -> Sweeping:
    """A company whose account stands in the simulator, which has no webhook: nothing tells us of messages."""
    sweeping = Sweeping(World(table))
    sweeping.clock.set(datetime.now(UTC))
    sweeping.connected(
        base_url=chatwoot.base_url,
        account_id=chatwoot.account_id,
        user_id=chatwoot.administrator_id,
        bot_id=chatwoot.bot_id,
    )
    client: Any = ChatwootClient(
        HttpClient(AddressGuard(loopback_allowed=True)),
        chatwoot.base_url,
        chatwoot.account_id,
        user_token=Secret(chatwoot.administrator_token),
        bot_token=Secret(chatwoot.bot_token),
    )
    sweeping.shown = client
    return sweeping


def swept(sweeping: Sweeping) -> list[str]:
    """What a run enqueues a hundred seconds after now; the simulator goes by the machine's clock."""
    sweeping.clock.set(max(datetime.now(UTC) + OLD_ENOUGH, sweeping.clock.now()))
    return sweeping.sweep()


def test_what_no_webhook_told_is_found_and_what_was_answered_is_not(
    sweeping: Sweeping, chatwoot: ChatwootHandle
) -> None:
    """Bots, persons and greetings as Chatwoot shows them."""
    first = chatwoot.customer_writes("¿Cuánto cuesta?")
    chatwoot.customer_writes("¿Y mañana?")
    answered = chatwoot.customer_writes("hola", contact="Another One")
    chatwoot.api("POST", f"/conversations/{answered.conversation_id}/messages", {"content": "respuesta"},
                 token=chatwoot.bot_token)  # fmt: skip
    taken = chatwoot.customer_writes("buenas", contact="A Third")
    chatwoot.agent_replies(taken.conversation_id, "Le atiende Rosa")
    chatwoot.agent_replies(first.conversation_id, "¿quién responde?", private=True)
    assert swept(sweeping) == ["¿Cuánto cuesta?", "¿Y mañana?"]
    (message, _) = sweeping.queued()
    assert (message.message_id, message.inbox_id) == (first.message_id, chatwoot.inboxes["WhatsApp"])
    assert (message.channel, message.contact_name) == ("Channel::Whatsapp", "Sam Sample")
    assert message.contact_source_id
    assert swept(sweeping) == []


def test_a_person_is_told_from_our_own_bot(sweeping: Sweeping, chatwoot: ChatwootHandle) -> None:
    """The pause is the person's; a reply of ours is none."""
    written = chatwoot.customer_writes("hola")
    path = f"/conversations/{written.conversation_id}/messages"
    ours = {"content": "respuesta", "content_attributes": {"frontdesk": {"marker": "m"}}}
    chatwoot.api("POST", path, ours, token=chatwoot.bot_token)
    chatwoot.customer_writes("otra cosa")
    assert swept(sweeping) == ["otra cosa"]
    key = sweeping.queued()[0].key
    assert sweeping.world.table.get(key.people()) is None
    chatwoot.agent_replies(written.conversation_id, "Le atiende Rosa")
    chatwoot.customer_writes("gracias")
    assert swept(sweeping) == ["gracias"]
    assert (sweeping.world.table.get(key.people()) or {})["human_message_id"] > 0


def test_a_rate_limit_and_a_server_that_fails_end_the_run_quietly(
    sweeping: Sweeping, chatwoot: ChatwootHandle
) -> None:
    """And the run after the pause finds everything."""
    chatwoot.customer_writes("hola")
    for status in (429, 503):
        chatwoot.faults({"path": "/api/v1/accounts/*/conversations", "method": "GET", "status": status})
        assert swept(sweeping) == []
        sweeping.rounds = sweeping.new_rounds()
    sweeping.clock.advance(61)
    assert sweeping.sweep() == ["hola"]


def test_a_list_that_is_not_chatwoots_is_no_reason_to_act(
    sweeping: Sweeping, chatwoot: ChatwootHandle
) -> None:
    """A proxy's page in between: nothing is known, so nothing is lost."""
    chatwoot.customer_writes("hola")
    chatwoot.faults({"path": "/api/v1/accounts/*/conversations/*/messages", "method": "GET", "status": 302})
    assert swept(sweeping) == []
    assert sweeping.queued() == []
