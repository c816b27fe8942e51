"""Health says what is broken, since when, and what mends it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from shared.chatwoot.errors import ChatwootDenied
from shared.companies.pulse import Pulse
from shared.credentials.connections import Connections, NewConnection, connection_key
from shared.credentials.key_cache import CACHE_SECONDS
from shared.credentials.providers.registry import provider_named
from shared.credentials.vault import ASK_AGAIN_SECONDS
from shared.platform.errors import GiveUp, RetryLater
from shared.platform.secret import Secret
from tests.integration.integrations_api.test_chatwoot import connect
from tests.support.api import Api
from tests.support.desk import World
from tests.support.vault import CountingKms

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

    from shared.agent.values import AgentResponse
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


class Sick:
    """A connected company, and the desk that works for it."""

    def __init__(self, api: Api, chatwoot: ChatwootHandle) -> None:
        self.api = api
        api.company("sol")
        connect(api, chatwoot, register_webhook=True)
        self.world = World(api.conversations_table)
        self.world.desk = replace(self.world.desk, pulse=Pulse(api.conversations_table, self.world.clock))
        self.world.worker = self.world.new_worker()
        self.numbers = iter(range(70_000, 80_000))

    def customer_writes(self) -> None:
        """And whatever becomes of it."""
        number = next(self.numbers)
        self.world.customer_writes("hola", number, number - 69_000)
        self.world.work_until_done()

    def told(self, name: str) -> dict[str, Any]:
        """What health says of an integration, once it looks again."""
        self.api.clock.advance(31)
        told: dict[str, Any] = _health(self.api).json["integrations"][name]
        return told


@pytest.fixture
def sick(api: Api, chatwoot: ChatwootHandle) -> Sick:
    """A company to which things happen."""
    return Sick(api, chatwoot)


def test_a_model_that_fails_is_told_with_reason_and_remedy_until_it_works_again(sick: Sick) -> None:
    """A refused key is broken at once, and the operator's to mend."""

    def denied(_question: str) -> AgentResponse:
        raise GiveUp("no", reason="model_denied")

    usual, sick.world.mind.answer = sick.world.mind.answer, denied
    began = sick.world.clock.now()
    sick.customer_writes()
    told = sick.told("model")
    assert (told["status"], "model_denied" in told["reason"]) == ("broken", True)
    assert "secret set openai_api_key" in told["remedy"]
    assert told["since"] >= began.isoformat()
    assert _health(sick.api).status == 503
    sick.world.mind.answer = usual
    sick.customer_writes()
    assert sick.told("model") == {"status": "ok", "reason": "", "since": "", "remedy": ""}
    assert _health(sick.api).status == 200


def test_a_model_that_stumbled_is_degraded_and_one_that_goes_on_so_is_broken(sick: Sick) -> None:
    """One slow answer is no outage."""
    left = [1]
    usual = sick.world.mind.answer

    def slow(question: str) -> AgentResponse:
        if left[0]:
            left[0] -= 1
            raise RetryLater("slow", reason="model_timeout")
        return usual(question)

    sick.world.mind.answer = slow
    sick.world.customer_writes("hola", 69_999, 1)
    sick.world.clock.advance(5)
    sick.world.work_once()
    assert sick.told("model")["status"] == "degraded"
    sick.world.work_until_done()
    assert sick.told("model")["status"] == "ok"
    left[0] = 1_000
    sick.customer_writes()
    assert sick.told("model")["status"] == "broken"


def test_a_chatwoot_that_refuses_the_token_is_broken(sick: Sick) -> None:
    """Found by the turn that could not answer, not by asking Chatwoot."""

    def refuse(*_: object, **__: object) -> None:
        raise ChatwootDenied("no")

    usual, sick.world.chatwoot.post_message = sick.world.chatwoot.post_message, refuse  # type: ignore[assignment, method-assign]
    sick.customer_writes()
    told = sick.told("chatwoot")
    assert (told["status"], "chatwoot_denied" in told["reason"]) == ("broken", True)
    assert "frontdesk chatwoot connect" in told["remedy"]
    sick.world.chatwoot.post_message = usual  # type: ignore[method-assign]
    sick.customer_writes()
    assert sick.told("chatwoot")["status"] == "ok"


def test_a_connection_is_told_by_what_refreshes_have_noted(sick: Sick) -> None:
    """Good, failing for now, failing for good: each with words; a company without one has no line."""
    api = sick.api
    assert "google" not in _health(api).json["integrations"]
    scopes = frozenset(provider_named("google").asked)
    new = NewConnection(
        "oauth",
        "g-1",
        scopes=scopes,
        access_token=Secret("planted-token"),
        refresh_token=Secret("planted-token"),
        access_lifetime_seconds=3600,
    )
    connections = Connections(api.credentials_table, api.credentials.vault, api.clock)
    connections.store("sol", "google", new)
    assert sick.told("google")["status"] == "ok"
    key = connection_key("sol", "google")
    now_ms = int(api.clock.now().timestamp() * 1000)
    error = {"reason": "status_503", "at": now_ms, "count": 4}
    api.credentials_table.update(key, "SET last_error = :error", values={":error": error})
    told = sick.told("google")
    assert (told["status"], "status_503" in told["reason"]) == ("degraded", True)
    api.clock.advance(3600)
    assert sick.told("google")["status"] == "broken"
    api.credentials_table.update(
        key, "SET #s = :s", values={":s": "reconnect_required"}, names={"#s": "status"}
    )
    told = sick.told("google")
    assert (told["status"], told["remedy"]) == (
        "broken",
        "connect again: POST /api/integrations/google/connect",
    )
    assert "planted" not in _health(api).text


def test_health_is_looked_up_once_in_half_a_minute(api: Api) -> None:
    """A monitor that asks all the time costs next to nothing."""
    api.company("sol")
    reads: list[str] = []
    usual = api.conversations_table.get

    def get(key: Any, **rest: Any) -> Any:  # noqa: ANN401 - passed through
        reads.append(key.sk)
        return usual(key, **rest)

    api.conversations_table.get = get  # type: ignore[method-assign]
    for _ in range(10):
        _health(api)
    assert sorted(reads) == ["chatwoot", "model"]
    api.clock.advance(31)
    _health(api)
    assert len(reads) == 4
