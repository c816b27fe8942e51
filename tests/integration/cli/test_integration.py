"""``frontdesk integration``, against the API on a real socket."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from shared.credentials.providers.registry import PROVIDERS
from tests.integration.cli.test_frontdesk import Desk
from tests.support.api import Api
from tests.support.api_server import ApiServer
from tests.support.oauth_keys import a_service_account

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient


@pytest.fixture
def desk(dynamodb: DynamoDBClient, kms: KMSClient) -> Iterator[Desk]:
    """A terminal, with an API that runs and has one company."""
    api = Api(dynamodb, kms)
    api.company("sol")
    with ApiServer(api) as server:
        yield Desk(api, server.url)


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
def test_connecting_prints_a_link_to_hand_on(desk: Desk, provider: str) -> None:
    """Alone on its line."""
    shown = desk.run("integration", "connect", provider, "sol").stdout.splitlines()
    assert shown[-1].startswith(f"https://desk.example.com/api/integrations/{provider}/start?link=sol.")
    assert "connected: no" in desk.run("integration", "status", provider, "sol").stdout
    assert "Disconnected." in desk.run("integration", "disconnect", provider, "sol").stdout


def test_a_calendly_key_comes_from_standard_input(desk: Desk) -> None:
    """It is never an argument."""
    words = ("integration", "connect", "calendly", "sol", "--key-from", "-")
    assert "recepcion@sol.example" in desk.run(*words, typed="calendly-key-1\n").stdout
    told = desk.json("integration", "status", "calendly", "sol")
    assert (told["connected"], told["kind"]) == (True, "api_key")
    gone = desk.run("integration", "disconnect", "calendly", "sol")
    assert "delete it there" in gone.stdout
    refused = desk.run(*words, typed="nonsense\n")
    assert (refused.exit_code, "api_key is not accepted" in refused.stderr) == (1, True)


def test_a_service_account_comes_from_a_file(desk: Desk, tmp_path: Path) -> None:
    """As Google's console gave it out; what is none is not quoted."""
    file = tmp_path / "key.json"
    file.write_text(json.dumps(a_service_account()), "utf-8")
    words = ("integration", "connect", "google", "sol", "--subject", "citas@sol.example", "--service-account")
    assert "citas@sol.example" in desk.run(*words, str(file)).stdout
    file.write_text('{"private_key": "planted', "utf-8")
    refused = desk.run(*words, str(file))
    assert (refused.exit_code, "planted" in refused.output) == (2, False)


def test_another_provider_is_a_typing_mistake(desk: Desk) -> None:
    """Told before anything is called."""
    assert desk.run("integration", "status", "outlook", "sol").exit_code == 2
