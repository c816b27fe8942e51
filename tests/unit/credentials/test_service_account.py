"""Google service accounts: a signed statement, made for nobody but Google, and tokens that are kept."""

from __future__ import annotations

import base64
import json
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from shared.credentials.connections import NewConnection
from shared.credentials.oauth_calls import GrantDead
from shared.credentials.providers.registry import provider_named
from shared.credentials.service_account import (
    AUDIENCE,
    DelegationMissing,
    ServiceAccountRefused,
    mint,
    read_service_account,
)
from shared.credentials.tokens import ReconnectRequired
from shared.platform.errors import GiveUp, InvalidInput, RetryLater
from shared.platform.http import HttpAnswer
from shared.platform.secret import Secret
from tests.fakes.oauth_provider import FakeOAuthProvider
from tests.support.tokens import TokenWorld

ACCOUNT = "desk@project.iam.gserviceaccount.com"


@cache
def private_key() -> rsa.RSAPrivateKey:
    """One for all tests: making it takes a moment."""
    return rsa.generate_private_key(65537, 2048)


def key_file(**changes: object) -> Secret:
    """What a company uploads."""
    pem = private_key().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    info = {
        "type": "service_account",
        "client_email": ACCOUNT,
        "private_key_id": "key-7",
        "private_key": pem.decode(),
        # Where an attacker would like the statement to be sent.
        "token_uri": "https://attacker.example/token",
    }
    return Secret(json.dumps(info | changes))


def decoded(part: str) -> Any:  # noqa: ANN401 - JSON
    """A part of a JSON web token."""
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


class Refusing(FakeOAuthProvider):
    """Answers every call with one error."""

    code = "unauthorized_client"

    def answer(self, path: str, headers: Any, body: bytes) -> HttpAnswer:  # noqa: ANN401 - as it comes
        """See `FakeOAuthProvider`."""
        super().answer(path, headers, body)
        return HttpAnswer(401, {}, json.dumps({"error": self.code}).encode())


@pytest.fixture
def world() -> TokenWorld:
    """A company that uploaded its key file."""
    world = TokenWorld("google")
    scopes = frozenset(provider_named("google").service_account_scopes)
    new = NewConnection(
        "service_account",
        ACCOUNT,
        scopes=scopes,
        service_account=key_file(),
        settings={"subject": "a@b.example"},
    )
    world.connections.store("sol", "google", new)
    return world


def test_the_statement_is_signed_and_says_what_google_wants(world: TokenWorld) -> None:
    """RFC 7523 section 3; whom it is for is never taken from the file."""
    assert world.worker().access_token("sol", "google").secret == Secret("access-1")
    [form] = world.provider.forms
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert "client_secret" not in form
    header, claims, signature = form["assertion"].split(".")
    assert decoded(header) == {"alg": "RS256", "typ": "JWT", "kid": "key-7"}
    said = decoded(claims)
    assert said["iss"] == ACCOUNT
    assert said["aud"] == AUDIENCE
    assert said["sub"] == "a@b.example"
    assert said["scope"].split() == list(provider_named("google").service_account_scopes)
    now = world.clock.now().timestamp()
    assert said["iat"] <= now < said["exp"] <= now + 3600
    raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    signed = f"{header}.{claims}".encode()
    private_key().public_key().verify(raw, signed, padding.PKCS1v15(), hashes.SHA256())


def test_a_token_is_kept_for_all_processes(world: TokenWorld) -> None:
    """A cold start mints none while one is good; nothing is renewed that nobody uses."""
    assert {world.worker().access_token("sol", "google").secret for _ in range(5)} == {Secret("access-1")}
    assert len(world.provider.forms) == 1
    world.advance(minutes=50)
    assert world.rounds().send_out() == 0
    assert world.worker().access_token("sol", "google").secret == Secret("access-2")


def test_missing_delegation_is_told_in_words_that_help(world: TokenWorld) -> None:
    """Who may mend it, where, and with what; the account stays connected until then."""
    right, world.provider = world.provider, Refusing(world.clock)
    with pytest.raises(DelegationMissing, match=r"a@b\.example.*Admin console.*calendar\.freebusy"):
        world.worker().access_token("sol", "google")
    with pytest.raises(GiveUp):
        world.worker().access_token("sol", "google")
    assert len(world.provider.forms) == 1
    assert world.last_error() == "delegation_missing"
    world.provider = right
    world.advance(minutes=5)
    assert world.worker().access_token("sol", "google").secret == Secret("access-1")


def test_a_deleted_key_needs_the_company(world: TokenWorld) -> None:
    """A new key file, that is."""
    world.provider.revoked = True
    with pytest.raises(ReconnectRequired):
        world.worker().access_token("sol", "google")
    world.round()
    assert world.notices == ["sol google invalid_grant"]


def test_an_outage_passes(world: TokenWorld) -> None:
    """As with any other token."""
    world.provider.next.append(503)
    with pytest.raises(RetryLater):
        world.worker().access_token("sol", "google")
    world.advance(minutes=1)
    assert world.worker().access_token("sol", "google").secret == Secret("access-1")


def test_a_refused_token_of_a_service_account_is_made_anew(world: TokenWorld) -> None:
    """Once."""
    worker = world.worker()
    refused = worker.access_token("sol", "google")
    world.advance(minutes=2)
    assert worker.rejected("sol", "google", refused).secret == Secret("access-2")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (Secret("no json"), "not JSON"),
        (Secret("[]"), "service_account"),
        (Secret('{"type": "authorized_user"}'), "service_account"),
        (key_file(private_key=""), "lacks private_key"),
        (key_file(client_email=5), "lacks client_email"),
    ],
)
def test_a_file_that_is_no_key_is_refused_in_words(text: Secret, words: str) -> None:
    """Before anything is stored, and without quoting it."""
    with pytest.raises(InvalidInput, match=words):
        read_service_account(text)


def test_a_private_key_that_is_none_is_refused_without_being_quoted(world: TokenWorld) -> None:
    """It might be one, cut short."""
    provider, text = provider_named("google"), key_file(private_key="-----BEGIN PRIVATE KEY-----\nplanted")
    with pytest.raises(InvalidInput) as refused:
        mint(world.provider.http(), provider, text, subject="", clock=world.clock)
    assert "planted" not in str(refused.value)
    assert world.provider.forms == []


def test_other_refusals_alarm_nobody_but_are_told(world: TokenWorld) -> None:
    """It is the company's file, not our client."""
    refusing = Refusing(world.clock)
    refusing.code = "invalid_scope"
    with pytest.raises(ServiceAccountRefused, match="invalid_scope"):
        mint(refusing.http(), provider_named("google"), key_file(), subject="", clock=world.clock)
    refusing.code = "invalid_grant"
    with pytest.raises(GrantDead):
        mint(refusing.http(), provider_named("google"), key_file(), subject="", clock=world.clock)
