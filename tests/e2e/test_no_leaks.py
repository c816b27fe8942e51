"""After everything else: no secret of the whole run stands anywhere where people or programs can read it."""

from __future__ import annotations

import base64
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shared.credentials.providers.calendly import CALENDLY
from tests.e2e.consent import PROVIDERS, Clinic
from tests.support.leaks import Search, places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import RunningWorld
    from tests.support.browsing import Person

    Somebody = Callable[[], Person]

pytestmark = pytest.mark.e2e

PLANTED = f"planted-{secrets.token_urlsafe(24)}"
NAME = "frontdesk-planted"


@pytest.fixture
def connected(world: RunningWorld, somebody: Somebody) -> list[Clinic]:
    """Companies connected in every way, so that there is something to look for whatever ran before."""
    clinics = [Clinic.opened(world, provider) for provider in PROVIDERS]
    for clinic in clinics:
        person = somebody()
        person.opens(clinic.link())
        person.presses(f"Continue to {clinic.title}")
        person.consents(clinic.account)
        assert clinic.status()["connected"]
    google, calendly, _ = clinics
    key = google.simulator("POST", "/simulator/service-accounts", {"name": google.id, "delegated": []})
    world.api("POST", "/api/integrations/google/connect", {"company_id": calendly.id, "service_account": key})
    asked = {"account": calendly.account, "scopes": list(CALENDLY.asked)}
    token = calendly.simulator("POST", "/simulator/personal-access-tokens", asked)["token"]
    world.api("POST", "/api/integrations/calendly/connect", {"company_id": google.id, "api_key": token})
    return clinics


@pytest.fixture
def known(world: RunningWorld, connected: list[Clinic]) -> dict[str, list[str]]:
    """Every secret of the run, by its kind: what providers, Chatwoot and the deployment ever gave out."""
    known: dict[str, list[str]] = {}
    for clinic in connected:
        for kind, texts in clinic.simulator("GET", "/simulator/secrets").items():
            known[f"{clinic.provider} {kind}"] = texts
    accounts = world.chatwoot("GET", "/simulator/accounts")
    known["Chatwoot's tokens"] = [
        one["token"] for account in accounts for one in (*account["users"], *account["bots"])
    ]
    made = world.api("POST", f"/api/companies/{connected[0].id}/api-keys", {"name": "x", "scopes": ["read"]})
    keys = (world.world.operator_api_key, made["api_key"])
    known["API keys"] = [key.rpartition(".")[2] for key in keys]
    return known


def test_no_secret_of_the_run_stands_anywhere(world: RunningWorld, known: dict[str, list[str]]) -> None:
    """Tables, queues, logs, settings and our own answers, item by item: none of the values is in them."""
    assert all(known.values()), "there is a kind of secret that was never given out, so nothing is proved"
    assert len(known["google token"]) >= 2
    seen = list(places(world.aws, Path(world.world.logs)))
    kinds = {place.partition(" ")[0] for place, _ in seen}
    assert kinds >= {"table", "log", "settings"}
    assert any(place.startswith("log group") for place, _ in seen)

    assert Search(known).among(seen) == []

    # A new API key is told once, in the answer to whoever made it.
    elsewhere = [one for one in world.answers.heard if not one[0].endswith("/api-keys")]
    assert any("/callback" in place for place, _ in elsewhere)
    assert Search(known).among(elsewhere) == []


@pytest.fixture
def planted(world: RunningWorld) -> Iterator[None]:
    """A secret in a table, sealed and in a list; in a queue; in a log group: each of their own."""
    dynamodb, sqs, logs = world.aws("dynamodb"), world.aws("sqs"), world.aws("logs")
    dynamodb.create_table(
        TableName=NAME,
        KeySchema=[{"AttributeName": "sk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "sk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    inner = {"M": {"deep": {"L": [{"S": f"Bearer {PLANTED}"}]}}}
    dynamodb.put_item(TableName=NAME, Item={"sk": {"S": "text#1"}, "map": inner})
    dynamodb.put_item(TableName=NAME, Item={"sk": {"S": "bytes#1"}, "sealed": {"B": b"x" + PLANTED.encode()}})
    url = sqs.create_queue(QueueName=NAME)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody=base64.b64encode(f"a token: {PLANTED}.".encode()).decode())
    logs.create_log_group(logGroupName=f"/{NAME}")
    logs.create_log_stream(logGroupName=f"/{NAME}", logStreamName="one")
    event = {"timestamp": 1, "message": f'{{"path": "/callback?code={PLANTED}"}}'}
    logs.put_log_events(logGroupName=f"/{NAME}", logStreamName="one", logEvents=[event])
    yield
    logs.delete_log_group(logGroupName=f"/{NAME}")
    sqs.delete_queue(QueueUrl=url)
    dynamodb.delete_table(TableName=NAME)


@pytest.mark.usefixtures("planted")
def test_the_search_finds_what_was_planted(world: RunningWorld, tmp_path: Path) -> None:
    """A search that cannot fail proves nothing: it finds a secret in each kind of place, however wrapped."""
    (tmp_path / "api.log").write_text(f"GET /callback?code={PLANTED}")
    search = Search({"token": [PLANTED]})

    found = {one.place for one in search.among(places(world.aws, tmp_path))}

    table, queue, group = f"table {NAME}", f"queue {NAME}", f"log group /{NAME}"
    assert found == {f"{table}, text", f"{table}, bytes", queue, group, "log api.log"}
    path = f"/api/companies/planted-{secrets.token_hex(4)}"
    world.api("PUT", path, {"name": PLANTED, "zone": "Europe/Madrid", "language": "en"})
    world.api("GET", path)
    told = f"answer to GET {world.world.api_url}{path}"
    assert told in [one.place for one in search.among(world.answers.heard)]
    world.api("DELETE", path)
