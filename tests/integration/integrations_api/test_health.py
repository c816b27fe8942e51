"""Health says what is broken, since when, and what mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from shared.credentials.key_cache import CACHE_SECONDS
from shared.credentials.vault import ASK_AGAIN_SECONDS
from tests.integration.integrations_api.test_chatwoot import connect
from tests.support.api import Api
from tests.support.vault import CountingKms

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

    from tests.support.api import Told
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


def test_credentials_that_cannot_be_opened_are_broken_until_kms_works_again(
    dynamodb: DynamoDBClient, kms: KMSClient, chatwoot: ChatwootHandle
) -> None:
    """Told when the data keys in memory are too old to work on, with since when and what mends it."""
    failing = CountingKms(kms)
    api = Api(dynamodb, failing)  # type: ignore[arg-type]
    api.company("sol")
    connect(api, chatwoot, register_webhook=True)
    refusal = {"Error": {"Code": "DisabledException", "Message": "no"}}
    failing.failure = ClientError(refusal, "Decrypt")  # type: ignore[arg-type]
    assert _health(api).status == 200
    api.clock.advance(CACHE_SECONDS)
    broken = _health(api)
    told = broken.json["integrations"]["credentials"]
    assert (broken.status, told["status"], told["since"]) == (503, "broken", api.clock.now().isoformat())
    assert "KMS key" in told["remedy"]
    failing.failure = None
    api.clock.advance(ASK_AGAIN_SECONDS)
    assert _health(api).json["integrations"]["credentials"]["status"] == "ok"
