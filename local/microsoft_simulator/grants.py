"""Accounts, what they let which client do, and the tokens that stand for it.

Facts: Microsoft identity platform, "Refresh tokens" (90 days each; one that was used stays good), "OAuth 2.0
authorization code flow" (answers and errors), "Microsoft Entra authentication and authorization error codes".
"""

from __future__ import annotations

import json
import secrets
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.oauth_server import TokenRefused

if TYPE_CHECKING:
    from local.movable_clock import MovableClock

FACTS: dict[str, Any] = json.loads(Path(__file__).with_name("microsoft.json").read_text("utf-8"))
ACCESS_TOKEN_SECONDS = 3599
REFRESH_TOKEN_SECONDS = 90 * 86400

JsonDict = dict[str, Any]


@dataclass(frozen=True)
class Account:
    """Somebody's account; ``email`` is what they sign in with, ``tenant`` their organization's id."""

    email: str
    name: str
    tenant: str = field(default_factory=lambda: str(uuid.uuid4()))
    object_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    subject: str = field(default_factory=lambda: secrets.token_urlsafe(32))


@dataclass(eq=False)
class Grant:
    """What an account lets a client do, until it is ended in one of the ways of ``microsoft.json``."""

    account: Account
    client_id: str
    scopes: frozenset[str] = frozenset()
    ended: str = ""


@dataclass(frozen=True)
class Living:
    """What a token stands for."""

    grant: Grant
    scopes: frozenset[str]
    expires_at: float


class Grants:
    """Accounts, grants and tokens.

    Args:
        clock: by which tokens expire.
    """

    def __init__(self, clock: MovableClock) -> None:
        self.access_token_seconds = ACCESS_TOKEN_SECONDS
        self.accounts = {one["email"]: Account(**one) for one in FACTS["accounts"]}
        self.token_calls: Counter[str] = Counter()
        self.every_token: list[str] = []
        self._clock = clock
        self._grants: list[Grant] = []
        self._refreshing: dict[str, Living] = {}
        self._access: dict[str, Living] = {}

    def of(self, email: str, client_id: str) -> Grant:
        """The living grant of an account for a client; a new one that allows nothing yet."""
        for grant in self._grants:
            if (grant.account.email, grant.client_id, grant.ended) == (email, client_id, ""):
                return grant
        grant = Grant(self.accounts[email], client_id)
        self._grants.append(grant)
        return grant

    def give(self, grant: Grant, scopes: frozenset[str]) -> JsonDict:
        """New tokens as the token endpoint answers them: of the scopes only those of the mail server."""
        now = self._clock.now()
        access = f"eyJ0{secrets.token_urlsafe(60)}"
        self._access[access] = Living(grant, scopes, now + self.access_token_seconds)
        answer: JsonDict = {
            "token_type": "Bearer",
            "scope": " ".join(sorted(scopes & FACTS["scopes"].keys())),
            "expires_in": self.access_token_seconds,
            "ext_expires_in": self.access_token_seconds,
            "access_token": access,
        }
        if "offline_access" in scopes:
            answer["refresh_token"] = f"1.A{secrets.token_urlsafe(60)}"
            self._refreshing[answer["refresh_token"]] = Living(grant, scopes, now + REFRESH_TOKEN_SECONDS)
        self.every_token += [answer[name] for name in ("access_token", "refresh_token") if name in answer]
        return answer

    def refreshing(self, token: str, client_id: str) -> Living:
        """What a refresh token stands for; using it leaves it as it is.

        Raises:
            TokenRefused: the grant has ended, the token is over, or it is none.
        """
        found = self._refreshing.get(token)
        if found is None or found.grant.client_id != client_id:
            raise refused("invalid_grant", 9002313, "Invalid request. Request is malformed or invalid.")
        if found.grant.ended:
            raise _dead(found.grant.ended)
        if found.expires_at <= self._clock.now():
            raise refused("invalid_grant", 700082, "The refresh token has expired due to inactivity.")
        return found

    def living(self, token: str) -> Living | None:
        """What a living access token stands for."""
        found = self._access.get(token)
        if found is None or found.grant.ended or found.expires_at <= self._clock.now():
            return None
        return found

    def end(self, email: str, how: str) -> None:
        """End the grants of one account, or of all."""
        for grant in self._grants:
            if not grant.ended and email in ("", grant.account.email):
                grant.ended = how

    def expire_access(self) -> None:
        """Every access token is refused from now on, without its hour having passed."""
        self._access.clear()

    def shown(self) -> JsonDict:
        """What tests read: how many token calls of each kind, and the living grants."""
        rows = [
            {"account": one.account.email, "client_id": one.client_id, "scopes": sorted(one.scopes)}
            for one in self._grants
            if not one.ended
        ]
        return {"token_calls": dict(self.token_calls), "grants": rows}


def _dead(how: str) -> TokenRefused:
    """What the token endpoint says of a grant that has ended."""
    facts = FACTS["ends"][how]
    return refused(facts["error"], facts["code"], facts["text"], suberror=facts["suberror"])


def refused(error: str, code: int, text: str, status: int = 400, **more: str) -> TokenRefused:
    """A refusal in the shape that Microsoft's have: a number of its own, and what to look it up by."""
    answer = TokenRefused(error, f"AADSTS{code}: {text}", status, **more)
    answer.body |= {
        "error_codes": [code],  # type: ignore[dict-item]
        "timestamp": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ"),
        "trace_id": str(uuid.uuid4()),
        "correlation_id": str(uuid.uuid4()),
    }
    return answer
