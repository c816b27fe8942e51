"""Who lets which program do what: grants, and the tokens that stand for them.

Facts: Google Identity, "Using OAuth 2.0 to Access Google APIs" (expiry of refresh tokens, 100 of them for an
account and client), "OAuth 2.0 for Web Server Applications" (offline access, granular consent).
"""

from __future__ import annotations

import json
import secrets
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.oauth_server import TokenRefused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from local.movable_clock import MovableClock

FACTS: dict[str, Any] = json.loads(Path(__file__).with_name("google.json").read_text("utf-8"))
ACCESS_TOKEN_SECONDS = 3599
LIVE_REFRESH_TOKENS = 100

JsonDict = dict[str, Any]


@dataclass(frozen=True)
class Account:
    """Somebody's Google account, or a service account acting as itself or for somebody."""

    email: str
    name: str
    zone: str = "Etc/UTC"
    sub: str = field(default_factory=lambda: str(10**20 + secrets.randbelow(10**20)))


@dataclass
class Grant:
    """What an account lets a client do, until it is ended in one of the ways of ``google.json``.

    ``scopes`` is all that was ever consented to; ``refresh_tokens`` are the living ones, oldest first, each
    with the scopes of its own consent.
    """

    account: Account
    client_id: str
    scopes: frozenset[str] = frozenset()
    refresh_tokens: dict[str, frozenset[str]] = field(default_factory=dict)
    ended: str = ""


@dataclass(frozen=True)
class Access:
    """What an access token stands for."""

    grant: Grant
    scopes: frozenset[str]
    expires_at: float


class Grants:
    """Accounts, grants, and living tokens.

    Args:
        clock: by which tokens expire.
    """

    def __init__(self, clock: MovableClock) -> None:
        self.access_token_seconds = ACCESS_TOKEN_SECONDS
        self.accounts = {one["email"]: Account(**one) for one in FACTS["accounts"]}
        self.token_calls: Counter[str] = Counter()
        self.revocations = 0
        self._clock = clock
        self._grants: list[Grant] = []
        self._refreshing: dict[str, Grant] = {}
        self._access: dict[str, Access] = {}
        self.every_token: list[str] = []

    def of(self, email: str, client_id: str) -> Grant:
        """The living grant of an account for a client; a new one that allows nothing yet."""
        for grant in self._grants:
            if (grant.account.email, grant.client_id, grant.ended) == (email, client_id, ""):
                return grant
        grant = Grant(self.accounts[email], client_id)
        self._grants.append(grant)
        return grant

    def allow(self, email: str, client_id: str, scopes: Iterable[str]) -> None:
        """The person lets the client do these things, beside what it may do already."""
        self.of(email, client_id).scopes |= frozenset(scopes)

    def refresh_token(self, grant: Grant, scopes: Iterable[str]) -> str:
        """A new refresh token. The 101st ends the oldest without a word."""
        token = f"1//{secrets.token_urlsafe(48)}"
        grant.refresh_tokens[token] = frozenset(scopes)
        if len(grant.refresh_tokens) > LIVE_REFRESH_TOKENS:
            del grant.refresh_tokens[next(iter(grant.refresh_tokens))]
        self._refreshing[token] = grant
        self.every_token.append(token)
        return token

    def access_token(self, grant: Grant, scopes: Iterable[str]) -> JsonDict:
        """A new access token, as the token endpoint answers it."""
        token, granted = f"ya29.{secrets.token_urlsafe(60)}", frozenset(scopes)
        self._access[token] = Access(grant, granted, self._clock.now() + self.access_token_seconds)
        self.every_token.append(token)
        body = {"access_token": token, "expires_in": self.access_token_seconds, "token_type": "Bearer"}
        return body | {"scope": " ".join(sorted(granted))}

    def refresh(self, token: str, client_id: str, scopes: Iterable[str]) -> JsonDict:
        """A new access token for a refresh token, which stays as it is.

        Raises:
            TokenRefused: the grant has ended, or never held these scopes.
        """
        grant = self._refreshing.get(token)
        if grant is None or grant.client_id != client_id:
            raise TokenRefused("invalid_grant", "Bad Request")
        if grant.ended:
            raise _dead(grant.ended)
        if token not in grant.refresh_tokens:
            raise _dead("revoked")
        granted = grant.refresh_tokens[token]
        wanted = frozenset(scopes) or granted
        if not wanted <= granted:
            raise TokenRefused("invalid_scope", "Some requested scopes were not granted.")
        return self.access_token(grant, wanted)

    def living(self, token: str) -> Access | None:
        """What a living access token stands for."""
        access = self._access.get(token)
        if access is None or access.grant.ended or self._clock.now() >= access.expires_at:
            return None
        return access

    def revoke(self, token: str) -> None:
        """End the grant that a token, access or refresh, belongs to.

        Raises:
            TokenRefused: there is none that lives.
        """
        access = self.living(token)
        grant = access.grant if access else self._refreshing.get(token)
        if grant is None or grant.ended:
            raise TokenRefused("invalid_token", "Token expired or revoked")
        self.end(grant, "revoked")
        self.revocations += 1

    def end(self, grant: Grant, how: str) -> None:
        """End a grant: every token of it is dead, the next consent begins anew."""
        grant.ended, grant.refresh_tokens = how, {}

    def expire_access(self) -> None:
        """Every access token is refused from now on, without its hour having passed."""
        self._access.clear()

    def every(self, email: str = "") -> list[Grant]:
        """The living grants, of one account or of all."""
        return [one for one in self._grants if not one.ended and email in ("", one.account.email)]

    def shown(self) -> JsonDict:
        """What tests read: how many token calls of each kind, how many revocations, the living grants."""
        rows = [
            {
                "account": one.account.email,
                "client_id": one.client_id,
                "scopes": sorted(one.scopes),
                "refresh_tokens": len(one.refresh_tokens),
            }
            for one in self.every()
        ]
        return {"token_calls": dict(self.token_calls), "revocations": self.revocations, "grants": rows}


def _dead(how: str) -> TokenRefused:
    """What the token endpoint says of a grant that has ended."""
    facts = FACTS["ends"][how]
    return TokenRefused("invalid_grant", facts["description"], **facts["more"])


def full_names(scopes: Iterable[str]) -> list[str]:
    """Scopes as Google writes them in answers: ``email`` has a longer name there."""
    return [FACTS["aliases"].get(one, one) for one in scopes]
