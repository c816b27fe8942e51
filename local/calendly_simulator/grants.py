"""Users, and the tokens that stand for them: pairs of an access token and a refresh token that works once.

Facts: Calendly's developer documentation, "How to handle single-use refresh tokens", "Scopes" and the rate
limits of OAuth tokens (eight for a user and minute).
"""

from __future__ import annotations

import json
import secrets
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.oauth_server import TokenRefused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from local.movable_clock import MovableClock

FACTS: dict[str, Any] = json.loads(Path(__file__).with_name("calendly.json").read_text("utf-8"))
ACCESS_TOKEN_SECONDS = 7200
TOKENS_PER_MINUTE = 8
MINUTE_SECONDS = 60.0

JsonDict = dict[str, Any]


@dataclass
class User:
    """Somebody's Calendly account; ``plan`` is ``free``, ``standard`` or ``enterprise``."""

    email: str
    name: str
    zone: str = "Etc/UTC"
    organization: str = "ORGANIZATION"
    plan: str = "standard"
    number: str = field(default_factory=lambda: secrets.token_hex(8).upper())


@dataclass(eq=False)
class Pair:
    """An access token and its refresh token, from one consent or one refresh."""

    user: User
    client_id: str
    scopes: frozenset[str]
    expires_at: float | None
    access_token: str = field(default_factory=lambda: f"eyJ.{secrets.token_urlsafe(48)}", repr=False)
    refresh_token: str = field(default_factory=lambda: secrets.token_urlsafe(40), repr=False)


class Grants:
    """Users and living tokens.

    Args:
        clock: by which tokens expire and minutes pass.
    """

    def __init__(self, clock: MovableClock) -> None:
        self.access_token_seconds = ACCESS_TOKEN_SECONDS
        self.reuse_ends_all = False
        self.users = {one["email"]: User(**one) for one in FACTS["users"]}
        self.token_calls: Counter[str] = Counter()
        self.reuses = self.revocations = 0
        self._clock = clock
        self.every_token: list[str] = []
        self._living: list[Pair] = []
        self._spent: dict[str, Pair] = {}
        self._given: defaultdict[str, list[float]] = defaultdict(list)

    def require_room(self, user: User) -> None:
        """Make sure that the user gets no ninth token within a minute.

        Raises:
            TokenRefused: this would be it. Nothing is spent.
        """
        now = self._clock.now()
        recent = [one for one in self._given[user.email] if one > now - MINUTE_SECONDS]
        self._given[user.email] = recent
        if len(recent) >= TOKENS_PER_MINUTE:
            raise TokenRefused("rate_limit_exceeded", "Too many tokens for this user: wait a minute.", 429)

    def give(self, user: User, client_id: str, scopes: Iterable[str]) -> Pair:
        """A new pair."""
        now = self._clock.now()
        self._given[user.email].append(now)
        pair = Pair(user, client_id, frozenset(scopes), now + self.access_token_seconds)
        self._living.append(pair)
        self.every_token += [pair.access_token, pair.refresh_token]
        return pair

    def refresh(self, token: str, client_id: str) -> Pair:
        """A new pair for a refresh token, which is dead from then on; its access token lives to its end.

        Raises:
            TokenRefused: it was used before, has ended, or is another client's, or it is the ninth call.
        """
        pair = next((one for one in self._living if token and one.refresh_token == token), None)
        if pair is None or pair.client_id != client_id:
            raise self._refused(token)
        self.require_room(pair.user)
        self._spent[token], pair.refresh_token = pair, ""
        return self.give(pair.user, client_id, pair.scopes)

    def _refused(self, token: str) -> TokenRefused:
        spent = self._spent.get(token)
        self.reuses += spent is not None
        if spent is not None and self.reuse_ends_all:
            self.end(spent.user.email)
        return invalid_grant()

    def living(self, token: str) -> Pair | None:
        """What a living access token, or a personal access token, stands for."""
        for pair in self._living:
            if (
                token
                and pair.access_token == token
                and (pair.expires_at or self._clock.now() + 1) > self._clock.now()
            ):
                return pair
        return None

    def personal_token(self, email: str, scopes: Iterable[str]) -> str:
        """A personal access token, which does not expire."""
        pair = Pair(self.users[email], "", frozenset(scopes), None, refresh_token="")
        self._living.append(pair)
        self.every_token.append(pair.access_token)
        return pair.access_token

    def revoke(self, token: str, client_id: str) -> None:
        """End the pair that a token, access or refresh, belongs to. Unknown ones are ended already."""
        for pair in [one for one in self._living if one.client_id == client_id]:
            if token and token in (pair.access_token, pair.refresh_token):
                self._living.remove(pair)
                self.revocations += 1

    def end(self, email: str = "") -> None:
        """End every pair of one user or of all, as a changed password does."""
        self._living = [one for one in self._living if email not in ("", one.user.email)]

    def expire_access(self) -> None:
        """Every access token that expires has expired."""
        for pair in self._living:
            pair.expires_at = pair.expires_at and 1.0

    def shown(self) -> JsonDict:
        """What tests read: token calls of each kind, refresh tokens used again, revocations, living pairs."""
        rows = [
            {"account": one.user.email, "client_id": one.client_id, "scopes": sorted(one.scopes)}
            for one in self._living
            if one.refresh_token
        ]
        counts = {"reuses": self.reuses, "revocations": self.revocations}
        return {"token_calls": dict(self.token_calls), **counts, "grants": rows}


def invalid_grant() -> TokenRefused:
    """What the token endpoint says of a code or refresh token that is not good (any more)."""
    return TokenRefused(
        "invalid_grant", "The grant is invalid, expired, revoked, or was issued to another client."
    )


def covers(scopes: frozenset[str], needed: str) -> bool:
    """Whether scopes allow a call: ``x:write`` includes ``x:read``."""
    return needed in scopes or needed.replace(":read", ":write") in scopes
