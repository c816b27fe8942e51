"""The vault on KMS and DynamoDB: what opens, what does not, and what it costs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.credentials.key_cache import CACHE_KEYS, CACHE_SECONDS, CACHE_USES
from shared.credentials.vault import CredentialUnreadable, KeyServiceRefused
from shared.platform.errors import RetryLater
from shared.platform.secret import Secret
from shared.platform.tables import Key
from tests.support.vault import World

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

    from tests.fakes.clock import FakeClock

TOKEN = Secret("a-token-of-the-company")


@pytest.fixture
def world(dynamodb: DynamoDBClient, kms: KMSClient, clock: FakeClock) -> World:
    """An empty vault."""
    return World(dynamodb, kms, clock)


def test_a_credential_is_read_back_by_another_process(world: World) -> None:
    """What is stored is stored for good, and replaced by a later one."""
    world.credentials.put("sol", "chatwoot", "user_token", Secret("old"))
    world.credentials.put("sol", "chatwoot", "user_token", TOKEN)
    assert world.fresh_credentials().get("sol", "chatwoot", "user_token") == TOKEN
    assert world.credentials.get("sol", "chatwoot", "bot_token") is None


def test_nothing_stored_shows_the_text(world: World) -> None:
    """Neither the value nor a plain data key stands in the table."""
    world.credentials.put("sol", "chatwoot", "user_token", TOKEN)
    everything = repr(list(world.table.scan()))
    assert TOKEN.reveal() not in everything


def test_the_same_text_never_looks_the_same_twice(world: World) -> None:
    """Each sealing has a nonce of its own."""
    sealed = {world.vault.seal("sol", "chatwoot", "user_token", TOKEN) for _ in range(20)}
    assert len(sealed) == 20
    assert {one[0] for one in sealed} == {1}  # the version byte leads


@pytest.mark.parametrize(
    ("company_id", "provider", "field"),
    [
        ("luna", "chatwoot", "user_token"),
        ("sol", "chatwoot_webhook", "user_token"),
        ("sol", "google", "user_token"),
        ("sol", "calendly", "user_token"),
        ("sol", "chatwoot", "bot_token"),
    ],
)
def test_a_ciphertext_moved_to_another_row_does_not_open(
    world: World, company_id: str, provider: str, field: str
) -> None:
    """Another company's, provider's or field's row refuses it, even where a data key is there for it."""
    world.credentials.put("sol", "google", "user_token", TOKEN)
    stolen = world.vault.seal("sol", "chatwoot", "user_token", TOKEN)
    world.credentials.put(company_id, provider, field, Secret("its own"))
    row = Key(f"company#{company_id}", f"credential#{provider}#{field}")
    world.table.update(row, "SET sealed = :s", values={":s": stolen})
    for credentials in (world.credentials, world.fresh_credentials()):
        with pytest.raises(CredentialUnreadable, match="belongs elsewhere"):
            credentials.get(company_id, provider, field)


def test_a_ciphertext_of_google_does_not_open_as_calendlys_though_they_share_a_key(world: World) -> None:
    """The purpose's data key is the same: only the associated data tells them apart."""
    sealed = world.vault.seal("sol", "google", "refresh_token", TOKEN)
    assert world.vault.open("sol", "google", "refresh_token", sealed) == TOKEN
    with pytest.raises(CredentialUnreadable):
        world.vault.open("sol", "calendly", "refresh_token", sealed)


@pytest.mark.parametrize(
    ("thief", "purpose"), [("luna", "chatwoot"), ("sol", "webhook")], ids=["company", "purpose"]
)
def test_a_data_key_moved_along_with_its_ciphertext_does_not_open_either(
    world: World, thief: str, purpose: str
) -> None:
    """KMS itself refuses it: the context of its wrapping names company and purpose."""
    provider = {"chatwoot": "chatwoot", "webhook": "chatwoot_webhook"}[purpose]
    sealed = world.vault.seal("sol", "chatwoot", "user_token", TOKEN)
    key_item = world.row("sol", "datakey#chatwoot#0000000001")
    world.table.put({**key_item, "pk": f"company#{thief}", "sk": f"datakey#{purpose}#0000000001"})
    with pytest.raises(CredentialUnreadable, match="another company or purpose"):
        world.fresh_vault().open(thief, provider, "user_token", sealed)


def test_a_ciphertext_that_names_another_key_version_does_not_open(world: World) -> None:
    """The version in front of it is authenticated as well."""
    sealed = world.vault.seal("sol", "chatwoot", "user_token", TOKEN)
    first = world.row("sol", "datakey#chatwoot#0000000001")
    world.table.put({**first, "sk": "datakey#chatwoot#0000000002"})
    renumbered = sealed[:1] + (2).to_bytes(4, "big") + sealed[5:]
    with pytest.raises(CredentialUnreadable):
        world.vault.open("sol", "chatwoot", "user_token", renumbered)
    missing = sealed[:1] + (3).to_bytes(4, "big") + sealed[5:]
    with pytest.raises(CredentialUnreadable, match="data key 3"):
        world.vault.open("sol", "chatwoot", "user_token", missing)


def test_a_newer_data_key_seals_and_the_older_still_opens(world: World) -> None:
    """How rotation will look to readers."""
    old = world.vault.seal("sol", "chatwoot", "user_token", TOKEN)
    first = world.row("sol", "datakey#chatwoot#0000000001")
    world.table.put({**first, "sk": "datakey#chatwoot#0000000002"})
    new = world.vault.seal("sol", "chatwoot", "user_token", TOKEN)
    assert (old[1:5], new[1:5]) == (b"\0\0\0\1", b"\0\0\0\2")
    assert world.vault.open("sol", "chatwoot", "user_token", old) == TOKEN
    assert world.vault.open("sol", "chatwoot", "user_token", new) == TOKEN


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=300), data=st.data())
def test_every_text_comes_back_and_no_changed_byte_goes_unnoticed(
    world: World, text: str, data: st.DataObject
) -> None:
    """Any text round-trips; any single changed bit anywhere is refused."""
    sealed = world.vault.seal("sol", "email", "api_key", Secret(text))
    assert world.vault.open("sol", "email", "api_key", sealed) == Secret(text)
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    changed = bytearray(sealed)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(CredentialUnreadable):
        world.vault.open("sol", "email", "api_key", bytes(changed))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.binary(max_size=80))
def test_rubbish_in_the_row_is_refused_in_words(world: World, rubbish: bytes) -> None:
    """Not with an index error."""
    with pytest.raises(CredentialUnreadable):
        world.vault.open("sol", "chatwoot", "user_token", rubbish)


def test_warm_reads_cost_no_kms_call(world: World) -> None:
    """A hundred reads of three fields: one call, when the key is first opened."""
    for field in ("secret", "previous_secret", "path_token"):
        world.credentials.put("sol", "chatwoot_webhook", field, TOKEN)
    reader = world.fresh_credentials()
    world.kms.calls.clear()
    for _ in range(100):
        assert reader.get("sol", "chatwoot_webhook", "secret") == TOKEN
        assert set(reader.fields("sol", "chatwoot_webhook")) == {"secret", "previous_secret", "path_token"}
    assert world.kms.calls == ["decrypt"]


def test_a_data_key_is_forgotten_after_five_minutes_and_after_a_thousand_uses(world: World) -> None:
    """Bounded in age and in uses: a grant withdrawn takes effect within minutes."""
    sealed = world.vault.seal("sol", "chatwoot", "user_token", TOKEN)
    world.kms.calls.clear()
    world.clock.advance(CACHE_SECONDS - 1)
    world.vault.open("sol", "chatwoot", "user_token", sealed)
    assert world.kms.calls == []
    world.clock.advance(1)
    world.vault.open("sol", "chatwoot", "user_token", sealed)
    assert world.kms.calls == ["decrypt"]
    for _ in range(CACHE_USES):
        world.vault.open("sol", "chatwoot", "user_token", sealed)
    assert world.kms.calls == ["decrypt", "decrypt"]


def test_the_number_of_remembered_keys_is_bounded(world: World) -> None:
    """A process that meets many companies does not grow without end."""
    cache = world.vault._cache
    for number in range(CACHE_KEYS + 10):
        cache.keep((f"c{number}", "chatwoot", 1), b"wrapped", b"k" * 32)
    assert len(cache._keys) == CACHE_KEYS
    assert cache.take(("c0", "chatwoot", 1)) is None


def test_two_processes_that_make_the_first_key_at_once_agree_on_one(world: World) -> None:
    """What either of them sealed opens for everybody."""
    vaults = [world.fresh_vault() for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        sealed = list(pool.map(lambda vault: vault.seal("sol", "chatwoot", "user_token", TOKEN), vaults))
    assert len(world.table.query("company#sol", prefix="datakey#")) == 1
    for one in sealed:
        assert world.fresh_vault().open("sol", "chatwoot", "user_token", one) == TOKEN


def refused_with(code: str) -> ClientError:
    """An answer of KMS."""
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Decrypt")


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (refused_with("ThrottlingException"), RetryLater),
        (refused_with("KMSInternalException"), RetryLater),
        (EndpointConnectionError(endpoint_url="https://kms"), RetryLater),
        (refused_with("AccessDeniedException"), KeyServiceRefused),
        (refused_with("DisabledException"), KeyServiceRefused),
    ],
)
def test_without_kms_warm_work_goes_on_and_cold_work_stops(
    world: World, failure: Exception, error: type[Exception]
) -> None:
    """Within the cache's bound nothing is noticed; beyond it nothing opens or is stored in plain."""
    sealed = world.vault.seal("sol", "chatwoot", "user_token", TOKEN)
    world.kms.failure = failure
    assert world.vault.open("sol", "chatwoot", "user_token", sealed) == TOKEN
    world.clock.advance(CACHE_SECONDS)
    with pytest.raises(error):
        world.vault.open("sol", "chatwoot", "user_token", sealed)
    with pytest.raises(error):
        world.credentials.put("luna", "chatwoot", "user_token", TOKEN)
    assert world.table.query("company#luna") == []


@pytest.mark.parametrize(
    ("company_id", "provider", "field"),
    [("", "chatwoot", "x"), ("sol", "unknown", "x"), ("sol", "chatwoot", "a#b"), ("a#b", "chatwoot", "x")],
)
def test_names_that_could_blur_rows_are_no_names(
    world: World, company_id: str, provider: str, field: str
) -> None:
    """A mistake of ours, so it is told as one."""
    with pytest.raises(ValueError, match="known provider"):
        world.vault.seal(company_id, provider, field, TOKEN)


def test_deleting_a_provider_leaves_the_others(world: World) -> None:
    """``chatwoot`` is not a prefix of ``chatwoot_webhook`` here."""
    world.credentials.put("sol", "chatwoot", "user_token", TOKEN)
    world.credentials.put("sol", "chatwoot", "bot_token", TOKEN)
    world.credentials.put("sol", "chatwoot_webhook", "secret", TOKEN)
    world.credentials.delete("sol", "chatwoot", "bot_token")
    assert set(world.credentials.fields("sol", "chatwoot")) == {"user_token"}
    world.credentials.delete("sol", "chatwoot")
    assert world.credentials.fields("sol", "chatwoot") == {}
    assert set(world.credentials.fields("sol", "chatwoot_webhook")) == {"secret"}


def test_a_forgotten_company_has_neither_keys_nor_values(world: World) -> None:
    """Without the wrapped keys, copies of the values are worthless."""
    world.credentials.put("sol", "chatwoot", "user_token", TOKEN)
    world.credentials.put("luna", "chatwoot", "user_token", TOKEN)
    world.credentials.forget("sol")
    assert world.table.query("company#sol") == []
    assert world.fresh_credentials().get("luna", "chatwoot", "user_token") == TOKEN
