"""Health says what is broken, since when, and what mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.integration.integrations_api.test_chatwoot import connect

if TYPE_CHECKING:
    from tests.support.api import Api, Told
    from tests.support.chatwoot import ChatwootHandle


def _health(api: Api) -> Told:
    return api("GET", "/api/integrations/health?company_id=sol", key=api.operator)


def test_a_company_that_is_not_connected_is_broken_with_503(api: Api) -> None:
    """For monitors that look at the status only."""
    api.company("sol")
    answer = _health(api)
    assert answer.status == 503
    told = answer.json["integrations"]["chatwoot"]
    assert (answer.json["status"], told["status"]) == ("broken", "broken")
    assert "frontdesk chatwoot connect" in told["remedy"]


def test_a_connected_company_is_healthy(api: Api, chatwoot: ChatwootHandle) -> None:
    """With a user's token that may look for what was lost."""
    api.company("sol")
    connect(api, chatwoot, register_webhook=True)
    answer = _health(api)
    assert (answer.status, answer.json["status"]) == (200, "healthy"), answer.text
    assert answer.json["integrations"]["chatwoot"]["since"]


def test_without_a_secret_every_delivery_is_refused_and_that_is_broken(
    api: Api, chatwoot: ChatwootHandle
) -> None:
    """Customers are not answered until somebody stores one."""
    api.company("sol")
    connect(api, chatwoot)
    answer = _health(api)
    assert answer.status == 503
    assert "refused" in answer.json["integrations"]["chatwoot"]["reason"]


def test_a_bots_token_alone_is_degraded_because_lost_webhooks_cannot_be_found(
    api: Api, chatwoot: ChatwootHandle
) -> None:
    """It may not list messages."""
    api.company("sol")
    answer = connect(
        api, chatwoot, api_key=None, bot_token=chatwoot.bot_token, webhook_secret="a-secret-of-20-letters"
    )
    assert answer.status == 200, answer.text
    told = _health(api)
    assert (told.status, told.json["status"]) == (200, "degraded")
    assert "lost" in told.json["integrations"]["chatwoot"]["reason"]
