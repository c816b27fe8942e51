"""Calls to OAuth providers: what goes over the wire, and what each answer means."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from shared.credentials import oauth_calls
from shared.credentials.accounts import account_of
from shared.credentials.clients import OAuthClient, OAuthClients, ProviderOff
from shared.credentials.oauth_calls import ClientRefused, GrantDead
from shared.credentials.providers.registry import PROVIDERS, provider_named
from shared.platform.addresses import AddressGuard
from shared.platform.errors import AnswerLost, NotFound, RetryLater
from shared.platform.http import HttpAnswer, HttpClient
from shared.platform.secret import Secret
from shared.platform.settings import Environment, SettingError
from tests.fakes.oauth_provider import CLIENT_ID, EMAIL, SCOPES, TENANT, FakeOAuthProvider

if TYPE_CHECKING:
    from tests.fakes.clock import FakeClock


class Says(HttpClient):
    """Always gives the same answer.

    Args:
        status: its status.
        body: its body.
        headers: its headers.
    """

    def __init__(self, status: int, body: bytes, **headers: str) -> None:
        super().__init__(AddressGuard())
        self._answer = HttpAnswer(status, {k.replace("_", "-"): v for k, v in headers.items()}, body)

    def send(self, *_: Any, **__: Any) -> HttpAnswer:  # noqa: ANN401 - whatever it is asked
        """See `HttpClient`."""
        return self._answer


@pytest.fixture(params=sorted(PROVIDERS))
def fake(request: pytest.FixtureRequest, clock: FakeClock) -> FakeOAuthProvider:
    """Each provider in turn."""
    return FakeOAuthProvider(clock, request.param, rotates=PROVIDERS[request.param].rotates)


def client_of(fake: FakeOAuthProvider) -> OAuthClient:
    """Who we are there."""
    return OAuthClient(provider_named(fake.name), CLIENT_ID, fake)


def test_a_code_becomes_tokens(fake: FakeOAuthProvider) -> None:
    """With what was granted, and the verifier sent along."""
    answer = oauth_calls.exchange(
        fake.http(), client_of(fake), code="a-code", verifier="v" * 43, redirect_uri="https://d.example/cb"
    )
    assert answer.access_token == Secret("access-1")
    assert answer.refresh_token == Secret("refresh-1")
    assert answer.lifetime_seconds == 3600
    assert answer.scopes == set(SCOPES[fake.name].split())
    [form] = fake.forms
    assert form["code_verifier"] == "v" * 43
    assert form["redirect_uri"] == "https://d.example/cb"


def test_a_code_is_good_once(fake: FakeOAuthProvider) -> None:
    """The second try is told so."""
    call = {"code": "a-code", "verifier": "v", "redirect_uri": "https://d.example/cb"}
    oauth_calls.exchange(fake.http(), client_of(fake), **call)
    with pytest.raises(GrantDead):
        oauth_calls.exchange(fake.http(), client_of(fake), **call)


def test_a_refresh_sends_no_scopes(fake: FakeOAuthProvider) -> None:
    """A grant that is narrower than what was asked would be refused for them."""
    answer = oauth_calls.refresh(fake.http(), client_of(fake), Secret("refresh-0"))
    assert answer.access_token == Secret("access-1")
    assert (answer.refresh_token is not None) == (fake.name != "google")
    assert "scope" not in fake.forms[0]


def test_a_revoked_grant_is_dead_whatever_it_is_revoked_with(fake: FakeOAuthProvider) -> None:
    """And revoking is confirmed; where there is no such call nobody is asked, and nothing claimed."""
    ended = oauth_calls.revoke(fake.http(), client_of(fake), Secret("refresh-0"))
    if fake.name == "microsoft":
        assert (ended, fake.forms) == (False, [])
        fake.revoked = True
    else:
        assert ended
    with pytest.raises(GrantDead):
        oauth_calls.refresh(fake.http(), client_of(fake), Secret("refresh-0"))


def test_the_account_is_told(fake: FakeOAuthProvider, clock: FakeClock) -> None:
    """By an id that stays, and with what later calls need: by a call, or in the answer itself."""
    answer = oauth_calls.refresh(fake.http(), client_of(fake), Secret("refresh-0"))
    found = account_of(fake.http(), client_of(fake), answer, clock.now())
    assert found.email == EMAIL
    assert found.account_id
    assert ("organization_uri" in found.settings) == (fake.name == "calendly")


@pytest.mark.parametrize("name", [name for name, one in PROVIDERS.items() if one.endpoints.account])
def test_a_token_that_is_not_taken_tells_no_account(clock: FakeClock, name: str) -> None:
    """It was made up, or has ended."""
    fake = FakeOAuthProvider(clock, name)
    with pytest.raises(GrantDead):
        oauth_calls.account(fake.http(), provider_named(fake.name), Secret("another"))


REFUSALS: list[tuple[int, dict[str, str], type[Exception], str]] = [
    (400, {"error": "invalid_grant"}, GrantDead, "invalid_grant"),
    (401, {"error": "invalid_grant"}, GrantDead, "invalid_grant"),
    (400, {"error": "invalid_grant", "error_subtype": "invalid_rapt"}, GrantDead, "invalid_rapt"),
    (400, {"error": "admin_policy_enforced"}, GrantDead, "admin_policy_enforced"),
    (400, {"error": "interaction_required"}, GrantDead, "interaction_required"),
    (400, {"error": "consent_required"}, GrantDead, "consent_required"),
    (
        400,
        {"error": "invalid_grant", "error_description": "AADSTS700082: made up"},
        GrantDead,
        "invalid_grant",
    ),
    (401, {"error": "invalid_client"}, ClientRefused, "invalid_client"),
    (401, {"error": "unauthorized_client"}, ClientRefused, "unauthorized_client"),
    (400, {"error": "invalid_request"}, ClientRefused, "invalid_request"),
    (400, {"error": "something the provider made up"}, ClientRefused, "refused"),
    (400, {"error": "temporarily_unavailable"}, RetryLater, "status_400"),
    (403, {"error": "rate_limit_exceeded"}, RetryLater, "status_403"),
    (429, {"error": "invalid_grant"}, RetryLater, "status_429"),
    (503, {"error": "invalid_grant"}, RetryLater, "status_503"),
    (302, {}, RetryLater, "status_302"),
]


@pytest.mark.parametrize(("status", "body", "error", "reason"), REFUSALS)
def test_each_refusal_is_told_apart(
    clock: FakeClock, status: int, body: dict[str, str], error: type[Exception], reason: str
) -> None:
    """A dead grant is the company's matter, our client the operator's, all else passes."""
    http = Says(status, json.dumps(body).encode())
    with pytest.raises(error) as refused:
        oauth_calls.refresh(http, client_of(FakeOAuthProvider(clock)), Secret("refresh-0"))
    assert refused.value.reason == reason  # type: ignore[attr-defined]
    assert "made up" not in str(refused.value)


@pytest.mark.parametrize("body", [b"<html>403 Forbidden</html>", b"", b"[]", b'{"error": {"code": 403}}'])
def test_a_refusal_of_something_in_between_passes(clock: FakeClock, body: bytes) -> None:
    """A proxy's page must not cost a company its connection."""
    with pytest.raises(RetryLater):
        oauth_calls.refresh(Says(403, body), client_of(FakeOAuthProvider(clock)), Secret("refresh-0"))


@pytest.mark.parametrize("body", [b"", b"{}", b'{"access_token": 5}', b'{"access_token": "cut of'])
def test_an_answer_of_200_without_a_token_is_lost(clock: FakeClock, body: bytes) -> None:
    """The refresh token may be used up: that is not the same as an outage."""
    with pytest.raises(AnswerLost):
        oauth_calls.refresh(Says(200, body), client_of(FakeOAuthProvider(clock)), Secret("refresh-0"))


def test_the_wait_that_a_provider_asks_for_is_kept(clock: FakeClock) -> None:
    """As seconds."""
    http = Says(429, b"", retry_after="17")
    with pytest.raises(RetryLater) as refused:
        oauth_calls.refresh(http, client_of(FakeOAuthProvider(clock)), Secret("refresh-0"))
    assert refused.value.after_seconds == 17


@pytest.mark.parametrize(
    ("told", "seconds"), [("60", 60), (60, 60), (None, 3600), (-1, 3600), (10**9, 30 * 86400)]
)
def test_a_lifetime_that_makes_no_sense_is_not_believed(clock: FakeClock, told: object, seconds: int) -> None:
    """It decides when the next refresh comes."""
    http = Says(200, json.dumps({"access_token": "a", "expires_in": told}).encode())
    answer = oauth_calls.refresh(http, client_of(FakeOAuthProvider(clock)), Secret("refresh-0"))
    assert answer.lifetime_seconds == seconds


# -- providers and clients -------------------------------------------------------------------------------


def test_a_wider_grant_is_enough_and_a_narrower_one_is_not() -> None:
    """The whole calendar contains its parts; events do not contain free and busy."""
    google, base = provider_named("google"), "https://www.googleapis.com/auth/"
    assert google.missing(frozenset({f"{base}calendar"})) == frozenset()
    assert google.missing(frozenset({f"{base}calendar.events"})) == {f"{base}calendar.freebusy"}
    assert google.missing(frozenset(SCOPES["google"].split())) == frozenset()
    assert google.missing(frozenset({f"{base}userinfo.email"}), frozenset({"email"})) == frozenset()
    calendly = provider_named("calendly")
    assert calendly.missing(frozenset(SCOPES["calendly"].split())) == frozenset()
    assert "scheduled_events:write" in calendly.missing(frozenset({"scheduled_events:read"}))


def test_another_host_takes_all_of_a_providers_paths() -> None:
    """So that one server on loopback can stand for several hosts."""
    there = provider_named("google").below("http://127.0.0.1:9/")
    assert there.endpoints.authorize == "http://127.0.0.1:9/o/oauth2/v2/auth"
    assert there.endpoints.token == "http://127.0.0.1:9/token"
    assert there.endpoints.account == "http://127.0.0.1:9/v1/userinfo"
    assert there.issuer == "http://127.0.0.1:9"
    microsoft = provider_named("microsoft").below("http://127.0.0.1:9/")
    assert microsoft.endpoints.token == "http://127.0.0.1:9/common/oauth2/v2.0/token"
    assert (microsoft.endpoints.revoke, microsoft.endpoints.account) == ("", "")
    assert microsoft.is_issuer(f"http://127.0.0.1:9/{TENANT}/v2.0")


@pytest.mark.parametrize(
    ("told", "tenant", "right"),
    [
        (f"https://login.microsoftonline.com/{TENANT}/v2.0", "", True),
        (f"https://login.microsoftonline.com/{TENANT}/v2.0", TENANT, True),
        (f"https://login.microsoftonline.com/{TENANT}/v2.0", TENANT.replace("6", "7"), False),
        (f"https://login.microsoftonline.com/{TENANT}", "", False),
        (f"https://login.evil.example/{TENANT}/v2.0", "", False),
        (f"{TENANT}", "", False),
        ("https://login.microsoftonline.com/{tenant}/v2.0", "", False),
        (f"https://login.microsoftonline.com/x/../{TENANT}/v2.0", "", False),
        ("https://login.microsoftonline.com/common/v2.0", "", False),
    ],
)
def test_each_tenant_of_microsoft_is_an_issuer_and_nobody_else(told: str, tenant: str, right: bool) -> None:  # noqa: FBT001 - a row
    """The whole of it counts."""
    assert provider_named("microsoft").is_issuer(told, tenant) is right
    assert not provider_named("google").is_issuer(told, tenant)


def test_a_provider_without_client_id_is_off(clock: FakeClock) -> None:
    """And says in words who can switch it on."""
    fake = FakeOAuthProvider(clock)
    clients = OAuthClients(Environment({"FRONTDESK_GOOGLE_CLIENT_ID": CLIENT_ID}), fake)
    assert clients.available() == {"google": True, "calendly": False, "microsoft": False}
    assert clients.of("google").client_id == CLIENT_ID
    assert clients.provider("calendly").title == "Calendly"
    with pytest.raises(ProviderOff, match="calendly_client_id"):
        clients.of("calendly")
    with pytest.raises(NotFound):
        clients.of("yahoo")


def test_a_base_url_that_is_none_is_refused_by_name(clock: FakeClock) -> None:
    """Before anything is called."""
    with pytest.raises(SettingError, match="FRONTDESK_CALENDLY_BASE_URL"):
        OAuthClients(Environment({"FRONTDESK_CALENDLY_BASE_URL": "calendly"}), FakeOAuthProvider(clock))
