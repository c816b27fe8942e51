"""The vault with many readers at once, and while KMS fails."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from shared.credentials.key_cache import CACHE_SECONDS
from shared.credentials.vault import ASK_AGAIN_SECONDS, CredentialUnreadable, KeyServiceRefused
from shared.platform.errors import RetryLater
from shared.platform.secret import Secret
from tests.support.vault import World

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

    from tests.fakes.clock import FakeClock

TOKEN = Secret("a-token-of-the-company")
READERS = 50


@pytest.fixture
def world(dynamodb: DynamoDBClient, kms: KMSClient, clock: FakeClock) -> World:
    """A vault with one value of the company sol, and nothing in memory."""
    made = World(dynamodb, kms, clock)
    made.credentials.put("sol", "chatwoot", "user_token", TOKEN)
    return made


def refused_with(code: str) -> ClientError:
    """An answer of KMS."""
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Decrypt")


def at_once(world: World, work: Callable[[], object]) -> list[object]:
    """Have many threads do the same; KMS answers when all are under way."""
    world.kms.calls.clear()
    world.kms.answers.clear()
    begun = threading.Semaphore(0)

    def answer_when_all_wait() -> None:
        for _ in range(READERS):
            begun.acquire()
        time.sleep(1)  # from here to the vault is a step of microseconds
        world.kms.answers.set()

    threading.Thread(target=answer_when_all_wait).start()

    def outcome() -> object:
        begun.release()
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - it is what is looked at
            return error

    with ThreadPoolExecutor(READERS) as pool:
        return [one.result() for one in [pool.submit(outcome) for _ in range(READERS)]]


def test_fifty_cold_readers_make_one_call(world: World) -> None:
    """The first asks KMS, the others get its answer; KMS quotas are shared by the whole account."""
    reader = world.fresh_credentials()
    found = at_once(world, lambda: reader.get("sol", "chatwoot", "user_token"))
    assert found == [TOKEN] * READERS
    assert world.kms.calls == ["decrypt"]


def test_fifty_cold_readers_of_an_outage_wait_for_one_call(world: World) -> None:
    """Not one after another for fifty time-outs."""
    reader = world.fresh_credentials()
    world.kms.failure = refused_with("ThrottlingException")
    found = at_once(world, lambda: reader.get("sol", "chatwoot", "user_token"))
    assert [type(one) for one in found] == [RetryLater] * READERS
    assert world.kms.calls == ["decrypt"]
    world.kms.failure = None
    assert reader.get("sol", "chatwoot", "user_token") == TOKEN


def test_two_companies_do_not_wait_for_each_other(world: World) -> None:
    """One call each: the answer for one is not the other's."""
    world.credentials.put("luna", "chatwoot", "user_token", Secret("lunas"))
    reader = world.fresh_credentials()
    companies = iter(["sol", "luna"] * (READERS // 2))
    found = at_once(world, lambda: reader.get(next(companies), "chatwoot", "user_token"))
    assert sorted(str(one.reveal()) for one in found if isinstance(one, Secret)) == sorted(
        [TOKEN.reveal(), "lunas"] * (READERS // 2)
    )
    assert world.kms.calls == ["decrypt", "decrypt"]


def test_a_company_made_anew_is_not_sealed_under_the_key_of_the_forgotten_one(world: World) -> None:
    """A process that still remembers the destroyed key of the same name must not use it for new values."""
    remembering = world.fresh_credentials()
    assert remembering.get("sol", "chatwoot", "user_token") == TOKEN
    world.fresh_credentials().forget("sol")
    with pytest.raises(CredentialUnreadable):
        world.fresh_vault().open("sol", "chatwoot", "user_token", b"\1\0\0\0\1" + bytes(40))
    world.fresh_credentials().put("sol", "chatwoot", "user_token", Secret("second"))
    assert remembering.get("sol", "chatwoot", "user_token") == Secret("second")
    remembering.put("sol", "chatwoot", "bot_token", Secret("third"))
    assert world.fresh_credentials().get("sol", "chatwoot", "bot_token") == Secret("third")


def test_a_data_key_is_opened_by_the_kms_key_that_wrapped_it(world: World, kms: KMSClient) -> None:
    """While the deployment changes to another KMS key both are in use: new values under the new one."""
    old_arn, new_arn = world.key_arn, kms.create_key()["KeyMetadata"]["Arn"]
    world.key_arn = new_arn
    after = world.fresh_credentials()
    assert after.get("sol", "chatwoot", "user_token") == TOKEN
    after.put("luna", "chatwoot", "user_token", TOKEN)
    rows = {pk: world.row(pk, "datakey#chatwoot#0000000001")["kms_key"] for pk in ("sol", "luna")}
    assert rows == {"sol": old_arn, "luna": new_arn}


@pytest.mark.parametrize(
    ("code", "error"), [("ThrottlingException", RetryLater), ("DisabledException", KeyServiceRefused)]
)
def test_the_condition_tells_an_outage_when_warm_work_ends(
    world: World, code: str, error: type[Exception]
) -> None:
    """Not before: until then nothing is broken for anybody."""
    world.vault.open(
        "sol", "chatwoot", "user_token", world.row("sol", "credential#chatwoot#user_token")["sealed"]
    )
    world.kms.failure = refused_with(code)
    world.kms.calls.clear()
    assert world.vault.condition("sol").reason == ""
    assert world.kms.calls == []
    world.clock.advance(CACHE_SECONDS)
    began = world.clock.now()
    assert world.vault.condition("sol").reason == f"KMS answered {code}"
    with pytest.raises(error):
        world.credentials.get("sol", "chatwoot", "user_token")
    world.clock.advance(ASK_AGAIN_SECONDS)
    still = world.vault.condition("sol")
    assert (still.reason, still.since) == (f"KMS answered {code}", began)


def test_looking_at_the_condition_costs_one_call_a_minute_while_it_is_bad(world: World) -> None:
    """However often somebody looks; and it notices by itself when KMS works again."""
    vault = world.fresh_vault()
    world.kms.failure = refused_with("DisabledException")
    world.kms.calls.clear()
    for _ in range(20):
        assert vault.condition("sol").reason
    assert world.kms.calls == ["decrypt"]
    world.kms.failure = None
    world.clock.advance(ASK_AGAIN_SECONDS - 1)
    assert vault.condition("sol").reason
    world.clock.advance(1)
    assert (vault.condition("sol").reason, vault.condition("sol").since) == ("", None)
    assert world.kms.calls == ["decrypt", "decrypt"]


def test_the_condition_of_a_company_without_credentials_costs_nothing(world: World) -> None:
    """There is no key to try."""
    world.kms.calls.clear()
    assert world.fresh_vault().condition("luna").reason == ""
    assert world.kms.calls == []
