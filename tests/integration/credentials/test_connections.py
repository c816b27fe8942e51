"""Connections in DynamoDB, sealed by the vault."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from shared.credentials.connections import (
    DUE_INDEX,
    DUE_SHARDS,
    SEALED,
    Connections,
    NewConnection,
    RefreshTokenMissing,
    connection_key,
    due_shard,
    due_until,
)
from shared.credentials.vault import Vault
from shared.platform.clock import epoch_milliseconds
from shared.platform.secret import Secret
from tests.fakes.oauth_provider import SCOPES
from tests.support.aws import make_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

    from shared.platform.tables import Table
    from tests.fakes.clock import FakeClock

NEW = NewConnection(
    kind="oauth",
    account_id="12345",
    account_email="owner@example.com",
    scopes=frozenset(SCOPES["google"].split()),
    access_token=Secret("an-access-token"),
    refresh_token=Secret("a-refresh-token"),
    access_lifetime_seconds=3600,
)


@pytest.fixture
def table(dynamodb: DynamoDBClient) -> Table:
    """The credentials table."""
    return make_table(dynamodb, "credentials")


@pytest.fixture
def vault(table: Table, kms: KMSClient, clock: FakeClock) -> Vault:
    """The vault."""
    return Vault(kms, table, kms.create_key()["KeyMetadata"]["Arn"], clock)


@pytest.fixture
def connections(table: Table, vault: Vault, clock: FakeClock) -> Connections:
    """The connections."""
    return Connections(table, vault, clock)


def due(table: Table, now_ms: int) -> list[str]:
    """The sort keys of what the index shows as due."""
    shards = (due_shard(number) for number in range(DUE_SHARDS))
    found = [table.query(shard, between=due_until(now_ms), index=DUE_INDEX) for shard in shards]
    return [item["sk"] for items in found for item in items]


def test_a_connection_is_read_as_it_was_stored(connections: Connections, clock: FakeClock) -> None:
    """With the times that follow from the token's life."""
    stored = connections.store("sol", "google", NEW)
    assert stored == connections.get("sol", "google")
    assert stored.status == "connected"
    assert stored.version == 1
    assert stored.has_refresh_token
    assert stored.access_expires_at == clock.now() + timedelta(hours=1)
    assert connections.of("sol") == [stored]
    assert connections.get("luna", "google") is None


def test_nothing_readable_of_a_token_reaches_the_table(connections: Connections, table: Table) -> None:
    """Whoever reads the table reads no token; each opens under its own name only."""
    access, refresh, account, key = (Secret(f"planted-{name}") for name in SEALED)
    every = replace(NEW, access_token=access, refresh_token=refresh, service_account=account, api_key=key)
    connections.store("sol", "google", every)
    assert not any("planted" in str(item) for item in table.scan())
    item = table.get(connection_key("sol", "google"))
    assert item is not None
    assert all(isinstance(item[name], bytes) for name in SEALED)
    assert "expires_at" not in item  # TTL would delete the connection


def test_a_grant_that_lacks_a_box_is_insufficient(connections: Connections) -> None:
    """The granted scopes are the truth, not the asked ones."""
    narrower = frozenset(one for one in NEW.scopes if not one.endswith("freebusy"))
    assert connections.store("sol", "google", replace(NEW, scopes=narrower)).status == "insufficient"


def test_a_second_consent_without_refresh_token_keeps_the_stored_one(
    connections: Connections, table: Table, vault: Vault
) -> None:
    """Google gives one at the first consent only; of the same account it is still good."""
    connections.store("sol", "google", NEW)
    again = connections.store("sol", "google", replace(NEW, refresh_token=None, access_token=Secret("next")))
    assert again.version == 2
    assert again.has_refresh_token
    item = table.get(connection_key("sol", "google"))
    assert item is not None
    assert vault.open("sol", "google", "refresh_token", item["refresh_token"]) == NEW.refresh_token
    assert vault.open("sol", "google", "access_token", item["access_token"]) == Secret("next")
    assert connections.token_to_revoke("sol", "google") == NEW.refresh_token


def test_without_any_refresh_token_nothing_is_stored(connections: Connections) -> None:
    """A connection that ends within the hour is none; another account's token is no help."""
    with pytest.raises(RefreshTokenMissing):
        connections.store("sol", "google", replace(NEW, refresh_token=None))
    assert connections.get("sol", "google") is None
    connections.store("sol", "google", NEW)
    with pytest.raises(RefreshTokenMissing):
        connections.store("sol", "google", replace(NEW, refresh_token=None, account_id="another"))


def test_a_connection_is_due_a_quarter_of_an_hour_before_its_token_ends(
    connections: Connections, table: Table, clock: FakeClock
) -> None:
    """Not a moment earlier, and only those whose tokens are renewed."""
    connections.store("sol", "google", NEW)
    connections.store("sol", "calendly", NewConnection("api_key", "u", api_key=Secret("key")))
    at_ms = epoch_milliseconds(clock.now() + timedelta(minutes=45))
    assert due(table, at_ms - 1) == []
    assert due(table, at_ms) == ["connection#google"]


def test_a_short_lived_token_is_due_at_three_quarters_of_its_life(
    connections: Connections, table: Table, clock: FakeClock
) -> None:
    """Fifteen minutes would be always."""
    connections.store("sol", "google", replace(NEW, access_lifetime_seconds=480))
    at_ms = epoch_milliseconds(clock.now()) + 360_000
    assert due(table, at_ms - 1) == []
    assert due(table, at_ms) == ["connection#google"]


def test_a_deleted_connection_is_gone_from_everywhere(connections: Connections, table: Table) -> None:
    """Also from what is due; deleting it again does no harm."""
    connections.store("sol", "google", NEW)
    connections.delete("sol", "google")
    connections.delete("sol", "google")
    assert connections.get("sol", "google") is None
    assert due(table, 10**13) == []
    assert connections.token_to_revoke("sol", "google") is None
