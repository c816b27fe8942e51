"""Id tokens: what is believed of them, and what is not."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest

from shared.credentials.accounts import LEEWAY_SECONDS, account_in
from shared.credentials.clients import OAuthClient
from shared.credentials.oauth_calls import ClientRefused
from shared.credentials.providers.registry import provider_named
from shared.platform.secret import Secret
from tests.fakes.clock import FakeClock
from tests.fakes.oauth_provider import CLIENT_ID, EMAIL, TENANT, FakeOAuthProvider, id_token

CLOCK = FakeClock()
CLIENT = OAuthClient(provider_named("microsoft"), CLIENT_ID, FakeOAuthProvider(CLOCK, "microsoft"))


def told(**changes: object) -> Secret:
    """An id token with other claims than usual."""
    return Secret(id_token(CLOCK.now(), CLIENT_ID, EMAIL, **changes))


def test_an_account_is_known_by_its_subject_and_named_by_what_it_signs_in_with() -> None:
    """The claim ``email`` is whatever a tenant's administrator wrote there: it names nobody."""
    found = account_in(CLIENT, told(sub="S-1", email="somebody@else.example"), CLOCK.now())
    assert (found.account_id, found.email, found.settings) == ("S-1", EMAIL, {})


@pytest.mark.parametrize(
    ("username", "email", "shown"),
    [
        ("+34 600 000 000", "ana@outlook.example", "ana@outlook.example"),
        ("+34 600", None, "+34 600"),
        (None, None, ""),
    ],
)
def test_a_name_that_is_no_address_is_only_the_last_resort(
    username: str | None, email: str | None, shown: str
) -> None:
    """Personal accounts may sign in with a telephone number."""
    found = account_in(CLIENT, told(preferred_username=username, email=email), CLOCK.now())
    assert found.email == shown


def test_a_token_for_several_is_for_us_as_well() -> None:
    """``aud`` may be a list (OpenID Connect Core 1.0 section 2)."""
    assert account_in(CLIENT, told(aud=["another", CLIENT_ID]), CLOCK.now()).email == EMAIL


def test_clocks_may_differ_a_little() -> None:
    """And no more than that."""
    ended = CLOCK.now().timestamp() - LEEWAY_SECONDS
    assert account_in(CLIENT, told(exp=ended + 1), CLOCK.now()).email == EMAIL
    with pytest.raises(ClientRefused):
        account_in(CLIENT, told(exp=ended), CLOCK.now())
    begins = CLOCK.now().timestamp() + LEEWAY_SECONDS
    assert account_in(CLIENT, told(nbf=begins), CLOCK.now()).email == EMAIL


def test_where_there_is_one_issuer_no_tenant_is_asked_for() -> None:
    """Only Microsoft's tokens have one."""
    client = replace(CLIENT, provider=replace(CLIENT.provider, issuer="https://one.example"))
    told_by_one = told(iss="https://one.example", tid=None)
    assert account_in(client, told_by_one, CLOCK.now()).email == EMAIL


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"aud": "another-client"}, "id_token_not_for_us"),
        ({"aud": None}, "id_token_not_for_us"),
        ({"iss": "https://login.evil.example/v2.0"}, "id_token_of_others"),
        ({"iss": None}, "id_token_of_others"),
        ({"tid": "9188040d-6c67-4c5b-b112-36a304b66dad"}, "id_token_of_others"),
        ({"tid": ""}, "id_token_of_others"),
        ({"tid": None}, "id_token_of_others"),
        ({"tid": [TENANT]}, "id_token_of_others"),
        ({"exp": 1}, "id_token_over"),
        ({"exp": float("nan")}, "id_token_over"),
        ({"exp": float("inf")}, "id_token_over"),
        ({"exp": 10**400}, "id_token_over"),
        ({"exp": True}, "id_token_over"),
        ({"nbf": CLOCK.now().timestamp() + LEEWAY_SECONDS + 1}, "id_token_early"),
        ({"nbf": float("nan")}, "id_token_early"),
        ({"nbf": float("-inf")}, "id_token_early"),
        ({"nbf": None}, "id_token_early"),
        ({"nbf": "now"}, "id_token_early"),
        ({"exp": "tomorrow"}, "id_token_over"),
        ({"sub": ""}, "id_token_nameless"),
        ({"sub": 7}, "id_token_nameless"),
    ],
)
def test_what_must_not_be_believed_is_refused(changes: dict[str, object], reason: str) -> None:
    """It was made for another program, by somebody else, long ago, or says nothing."""
    with pytest.raises(ClientRefused) as refused:
        account_in(CLIENT, told(**changes), CLOCK.now())
    assert refused.value.reason == reason


def _around(claims: bytes) -> str:
    return f"a.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.c"


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "a.b",
        "a.b.c.d",
        "a.%%%.c",
        "a.é.c",
        _around(b"[1]"),
        _around(b"{"),
        _around(b"\xff"),
    ],
)
def test_what_is_no_id_token_is_refused(text: str | None) -> None:
    """An answer without one, or with something else in its place."""
    with pytest.raises(ClientRefused) as refused:
        account_in(CLIENT, Secret(text) if text is not None else None, CLOCK.now())
    assert refused.value.reason == "id_token_unreadable"


def test_a_refusal_quotes_nothing_of_the_token() -> None:
    """Logs are no place for who somebody is."""
    with pytest.raises(ClientRefused) as refused:
        account_in(CLIENT, told(aud="x", name="Ana"), CLOCK.now())
    assert EMAIL not in str(refused.value)
    assert json.dumps("Ana") not in str(refused.value)
