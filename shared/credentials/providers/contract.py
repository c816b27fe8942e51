"""What an OAuth provider is: data. Security steps live in the flow, where no vendor can leave them out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

ClientAuthentication = Literal["body", "basic", "none"]
# In an issuer: the tenant of the account, where each has an issuer of its own.
TENANT = "{tenant}"
_TENANT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Endpoints:
    """Where a provider's calls go, as whole URLs.

    Args:
        authorize: the page where people consent; a browser goes there, never we.
        token: exchanges codes and refresh tokens (RFC 6749 section 3.2).
        revoke: ends a grant (RFC 7009); empty: only people can end one.
        account: tells whose account an access token is for; empty: the id token tells.
    """

    authorize: str
    token: str
    revoke: str = ""
    account: str = ""

    def below(self, base_url: str) -> Endpoints:
        """The same paths at another host."""
        base = base_url.rstrip("/")
        return Endpoints(*(base + urlsplit(url).path if url else "" for url in self._all()))

    def _all(self) -> tuple[str, str, str, str]:
        return self.authorize, self.token, self.revoke, self.account


@dataclass(frozen=True)
class AccountFields:
    """Where the account's answer says what; each a path of keys.

    Args:
        account_id: what stays the same when the address changes.
        email: the account's e-mail address.
        other_email: where to look if that is no address.
        settings: what else later calls need, by the name under which it is kept.
    """

    account_id: tuple[str, ...]
    email: tuple[str, ...]
    other_email: tuple[str, ...] = ()
    settings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class OAuthProvider:
    """A provider.

    Args:
        name: as credentials and routes call it.
        title: as people call it.
        endpoints: see `Endpoints`.
        issuer: the ``iss`` of its authorization responses (RFC 9207) and id tokens; may hold `TENANT`.
        asked: the scopes that are asked for, in this order.
        required: those of them without which the connection is of no use.
        account: see `AccountFields`.
        mail: scopes that are asked for as well where the account is to send the company's e-mails.
        implies: what a scope contains besides itself.
        aliases: other spellings under which the provider names a scope it granted.
        authorize_parameters: parameters of the authorization request beyond the standard's.
        token_authentication: how the client proves itself at the token endpoint (RFC 6749 section 2.3.1).
        revoke_authentication: the same at the revocation endpoint.
        rotates: a refresh token is good for one use; each answer brings the next.
        access_token_seconds: how long its access tokens live where an answer does not say.
        service_account_scopes: what a service account's tokens are made for; empty: there are none.
        api_keys: companies may connect with an API key instead.
        boxes: its page lets people allow some of the scopes only.
        remove_at: where people end access themselves, for sentences.
    """

    name: str
    title: str
    endpoints: Endpoints
    issuer: str
    asked: tuple[str, ...]
    required: frozenset[str]
    account: AccountFields
    mail: tuple[str, ...] = ()
    implies: Mapping[str, frozenset[str]] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    authorize_parameters: Mapping[str, str] = field(default_factory=dict)
    token_authentication: ClientAuthentication = "body"  # noqa: S105 - a way, not a secret
    revoke_authentication: ClientAuthentication = "none"
    rotates: bool = False
    access_token_seconds: int = 3600
    service_account_scopes: tuple[str, ...] = ()
    api_keys: bool = False
    boxes: bool = True
    remove_at: str = ""

    def below(self, base_url: str) -> OAuthProvider:
        """The same provider at another host, for tests and the local run; its issuer is there, too."""
        issuer = base_url.rstrip("/") + urlsplit(self.issuer).path
        return replace(self, endpoints=self.endpoints.below(base_url), issuer=issuer)

    def is_issuer(self, told: str, tenant: str = "") -> bool:
        """Whether an ``iss`` is this provider's.

        Args:
            told: the ``iss``.
            tenant: whose it must be, where each tenant has its own; empty: any tenant's.
        """
        start, varies, rest = self.issuer.partition(TENANT)
        if not varies:
            return told == self.issuer
        middle = told.removeprefix(start).removesuffix(rest)
        known = _TENANT_ID.fullmatch(middle) is not None and tenant in {"", middle}
        return known and told == f"{start}{middle}{rest}"

    def asking(self, *, mail: bool) -> OAuthProvider:
        """The same provider, asked for what a company needs of it."""
        return replace(self, asked=(*self.asked, *self.mail)) if mail else self

    def covered(self, granted: frozenset[str]) -> frozenset[str]:
        """Every scope that a grant amounts to: what it names, by its usual name, and what that contains."""
        named = {self.aliases.get(scope, scope) for scope in granted}
        return frozenset(named | {inner for scope in named for inner in self.implies.get(scope, ())})

    def missing(self, granted: frozenset[str], needed: frozenset[str] | None = None) -> frozenset[str]:
        """Which of the needed scopes (by default the required ones) a grant does not amount to."""
        return (self.required if needed is None else needed) - self.covered(granted)
