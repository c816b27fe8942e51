"""Whose account new tokens are for: the provider is asked, or its id token says it.

An id token (OpenID Connect Core 1.0) is taken from the token endpoint's own answer, over TLS: that vouches
for it in place of its signature (section 3.1.3.7, rule 6), and PKCE for its belonging to this consent, in
place of a nonce (RFC 9700 section 2.1.1). That it is for us, from this provider, and neither
over nor of later is checked here.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

from shared.credentials import oauth_calls
from shared.credentials.oauth_calls import ClientRefused
from shared.credentials.providers.contract import TENANT

if TYPE_CHECKING:
    from datetime import datetime

    from shared.credentials.clients import OAuthClient
    from shared.credentials.oauth_calls import Account, TokenAnswer
    from shared.credentials.providers.contract import OAuthProvider
    from shared.platform.http import HttpClient
    from shared.platform.secret import Secret

# Clocks differ; Microsoft's own libraries allow as much.
LEEWAY_SECONDS = 300
_END_OF_TIME = 253_402_300_800  # the year 10000, in seconds since 1970


def account_of(http: HttpClient, client: OAuthClient, answer: TokenAnswer, now: datetime) -> Account:
    """Whose account it is.

    Args:
        http: makes the call, where there is one to make.
        client: who we are.
        answer: the token endpoint's, to a code.
        now: the current moment.

    Raises:
        GrantDead: the provider does not accept its own token.
        ClientRefused: it tells no account, or in a way that must not be believed.
        RetryLater: not now.
    """
    if client.provider.endpoints.account:
        return oauth_calls.account(http, client.provider, answer.access_token)
    return account_in(client, answer.id_token, now)


def account_in(client: OAuthClient, id_token: Secret | None, now: datetime) -> Account:
    """Whose account an id token of the token endpoint names.

    Raises:
        ClientRefused: there is none, it is not for us, of somebody else, over, or names nobody.
    """
    claims = _claims(id_token)
    wrong = _wrong(client, claims, now)
    found = oauth_calls.account_from(client.provider, claims)
    if wrong or found is None:
        reason = wrong or "id_token_nameless"
        raise ClientRefused(f"{client.provider.title} tells no account ({reason})", reason=reason)
    return found


def _wrong(client: OAuthClient, claims: dict[str, Any], now: datetime) -> str:
    """Why claims must not be believed; empty where they may be."""
    if not claims:
        return "id_token_unreadable"
    audience = claims.get("aud")
    if client.client_id not in (audience if isinstance(audience, list) else [audience]):
        return "id_token_not_for_us"
    if not _is_issuer(client.provider, claims):
        return "id_token_of_others"
    if not _is_moment(claims.get("exp")) or claims["exp"] + LEEWAY_SECONDS <= now.timestamp():
        return "id_token_over"
    begins = claims.get("nbf", 0)
    early = not _is_moment(begins) or begins - LEEWAY_SECONDS > now.timestamp()
    return "id_token_early" if early else ""


def _is_issuer(provider: OAuthProvider, claims: dict[str, Any]) -> bool:
    """Where each tenant has an issuer of its own, the token names the tenant as well, and the same one."""
    tenant = claims.get("tid")
    if TENANT in provider.issuer and not (isinstance(tenant, str) and tenant):
        return False
    return provider.is_issuer(str(claims.get("iss")), tenant if isinstance(tenant, str) else "")


def _is_moment(value: object) -> bool:
    """Whether it is a NumericDate (RFC 7519 section 2). Python's JSON knows ``NaN`` and ``Infinity`` too."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _END_OF_TIME


def _claims(id_token: Secret | None) -> dict[str, Any]:
    """The middle part of a JWT (RFC 7519); empty where it is none."""
    parts = id_token.reveal().split(".") if id_token is not None else []
    if len(parts) != 3:  # noqa: PLR2004 - header, claims, signature
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}
