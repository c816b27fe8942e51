"""API keys: who gets in, and what shows of a key afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.companies.api_keys import MAX_KEYS_OF_AN_OWNER, ApiKeys, Caller
from shared.platform.errors import InvalidInput, NotFound, TooMany, Untrusted
from tests.support.aws import make_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from shared.platform.secret import Secret
    from shared.platform.tables import Table
    from tests.fakes.clock import FakeClock


@pytest.fixture
def table(dynamodb: DynamoDBClient) -> Table:
    """The companies table."""
    return make_table(dynamodb, "companies")


@pytest.fixture
def keys(table: Table, clock: FakeClock) -> ApiKeys:
    """The keys under test."""
    return ApiKeys(table, clock)


def bearer(text: Secret) -> str:
    """The header of a caller with this key."""
    return f"Bearer {text.reveal()}"


def test_a_key_lets_its_owner_in_with_its_scopes(keys: ApiKeys) -> None:
    """The text says whose it is; what it may do stands in the table."""
    key, text = keys.create("sol", "dashboard", ["act", "read", "read"])
    assert text.reveal().startswith(f"fd_sol.{key.key_id}.")
    caller = keys.authenticate(bearer(text))
    assert (caller.owner, sorted(caller.scopes), caller.is_operator) == ("sol", ["act", "read"], False)
    assert caller.actor == f"sol/{key.key_id}"
    assert keys.authenticate(f"bearer   {text.reveal()} ").owner == "sol"  # RFC 9110: schemes know no case


def test_the_text_of_a_key_stands_nowhere(keys: ApiKeys, table: Table) -> None:
    """Only its hash does; who reads the table gets in nowhere."""
    _, text = keys.create("sol", "dashboard", ["read"])
    secret = text.reveal().rsplit(".", 1)[1]
    stored = repr(list(table.scan()))
    assert secret not in stored
    assert secret not in repr(keys.list("sol"))


def test_what_is_no_key_is_refused(keys: ApiKeys) -> None:
    """Wrong scheme, owner, id, secret, length, alphabet: all the same."""
    _, text = keys.create("sol", "dashboard", ["read"])
    good = text.reveal()
    owner_and_id, secret = good.rsplit(".", 1)
    others = keys.create("luna", "x", ["admin"])[1].reveal()
    changed = ("A" if secret[0] != "A" else "B") + secret[1:]
    for wrong in [
        None,
        "",
        "Bearer",
        good,
        f"Basic {good}",
        f"Bearer {good}x",
        f"Bearer {good[:-1]}",
        f"Bearer {owner_and_id}.{changed}",
        f"Bearer {good.replace('fd_sol', 'fd_luna')}",
        f"Bearer {good.replace('fd_sol', 'fd_operator')}",
        f"Bearer {owner_and_id}.{others.rsplit('.', 1)[1]}",
        "Bearer fd_ñandú.000000000000." + "x" * 43,
        "Bearer \udcff",
    ]:
        with pytest.raises(Untrusted):
            keys.authenticate(wrong)


def test_a_revoked_key_ends_at_once_and_for_good(keys: ApiKeys, clock: FakeClock) -> None:
    """Revoking again changes nothing; an unknown key is not found."""
    key, text = keys.create("sol", "dashboard", ["read"])
    keys.revoke("sol", key.key_id)
    clock.advance(60)
    keys.revoke("sol", key.key_id)
    with pytest.raises(Untrusted) as refused:
        keys.authenticate(bearer(text))
    assert refused.value.reason == "api_key_revoked"
    assert keys.list("sol") == []
    with pytest.raises(NotFound):
        keys.revoke("luna", key.key_id)


def test_all_keys_of_a_company_end_together_and_nobody_elses(keys: ApiKeys) -> None:
    """A deleted company's keys must not open the next one of that name."""
    texts = [keys.create("sol", str(number), ["read"])[1] for number in range(3)]
    _, other = keys.create("sola", "x", ["read"])
    keys.revoke_all("sol")
    for text in texts:
        with pytest.raises(Untrusted):
            keys.authenticate(bearer(text))
    assert keys.authenticate(bearer(other)).owner == "sola"


def test_the_day_of_the_last_use_is_noted_once_a_day(keys: ApiKeys, clock: FakeClock) -> None:
    """Enough to find keys that nobody uses, without a write per request."""
    _, text = keys.create("operator", "ops", ["admin"])
    assert keys.list("operator")[0].last_used is None
    keys.authenticate(bearer(text))
    assert keys.list("operator")[0].last_used == "2026-11-23"
    clock.advance(86_400)
    keys.authenticate(bearer(text))
    assert keys.list("operator")[0].last_used == "2026-11-24"


@pytest.mark.parametrize(
    ("owner", "name", "scopes", "field"),
    [
        ("Not An Id", "x", ["read"], "company_id"),
        ("sol", " ", ["read"], "name"),
        ("sol", "x" * 101, ["read"], "name"),
        ("sol", "x", [], "scopes"),
        ("sol", "x", ["read", "everything"], "scopes"),
    ],
)
def test_a_wrong_wish_for_a_key_is_refused(
    keys: ApiKeys, owner: str, name: str, scopes: list[str], field: str
) -> None:
    """The error names the field."""
    with pytest.raises(InvalidInput) as refused:
        keys.create(owner, name, scopes)
    assert [one.field for one in refused.value.fields] == [field]


def test_an_owner_has_a_bounded_number_of_keys(keys: ApiKeys) -> None:
    """A program that makes keys in a loop is stopped."""
    for number in range(MAX_KEYS_OF_AN_OWNER):
        keys.create("sol", str(number), ["read"])
    with pytest.raises(InvalidInput, match="too many"):
        keys.create("sol", "one more", ["read"])


def test_a_scope_that_is_missing_is_named() -> None:
    """``admin`` includes the others; nothing else includes anything."""
    Caller("sol", frozenset({"admin"})).require("read:text")
    Caller("sol", frozenset({"read"})).require("read")
    for missing in ("read:text", "act", "admin"):
        with pytest.raises(InvalidInput, match=missing) as refused:
            Caller("sol", frozenset({"read"})).require(missing)
        assert refused.value.status == 403


def test_another_company_looks_like_none_at_all() -> None:
    """The operator may act for every company, a company for itself."""
    Caller("operator", frozenset()).require_company("sol")
    Caller("sol", frozenset()).require_company("sol")
    with pytest.raises(NotFound):
        Caller("sol", frozenset({"admin"})).require_company("luna")
    with pytest.raises(NotFound):
        Caller("sol", frozenset({"admin"})).require_operator()


def test_a_key_ends_by_itself_where_it_was_given_a_time(keys: ApiKeys, clock: FakeClock) -> None:
    """To the moment, and it leaves the list."""
    key, text = keys.create("sol", "trial", ["read"], lives_days=2)
    clock.advance(2 * 86_400 - 1)
    assert keys.authenticate(bearer(text)).key_id == key.key_id
    clock.advance(1)
    with pytest.raises(Untrusted) as refused:
        keys.authenticate(bearer(text))
    assert refused.value.reason == "api_key_ended"
    assert keys.list("sol") == []


def test_a_key_may_ask_as_often_as_it_was_made_to(keys: ApiKeys) -> None:
    """And one that is wrong is not counted: nobody can use up another's limit."""
    key, text = keys.create("sol", "x", ["read"], requests_per_minute=3)
    assert keys.list("sol")[0].requests_per_minute == 3
    forged = f"Bearer fd_sol.{key.key_id}.{'x' * 43}"
    for _ in range(9):
        with pytest.raises(Untrusted):
            keys.authenticate(forged)
    for _ in range(3):
        keys.authenticate(bearer(text))
    with pytest.raises(TooMany):
        keys.authenticate(bearer(text))


def test_what_is_usual_depends_on_the_owner(keys: ApiKeys) -> None:
    """The operator's programs ask for many companies."""
    assert keys.create("operator", "x", ["read"])[0].requests_per_minute == 600
    assert keys.create("sol", "x", ["read"])[0].requests_per_minute == 120


@pytest.mark.parametrize(
    "wrong", [{"requests_per_minute": -1}, {"requests_per_minute": 6_001}, {"lives_days": -1}]
)
def test_limits_beyond_all_measure_are_refused(keys: ApiKeys, wrong: dict[str, int]) -> None:
    """By the field's name."""
    with pytest.raises(InvalidInput) as refused:
        keys.create("sol", "x", ["read"], **wrong)
    assert [field.field for field in refused.value.fields] == list(wrong)
