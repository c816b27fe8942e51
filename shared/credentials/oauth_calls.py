"""The calls to OAuth providers, and what their answers mean.

An answer is one of four: a dead grant (only the company can give a new one), a refusal of our client (only
the operator can mend it), something passing, or lost (`AnswerLost`: it may have had its effect, which matters
where refresh tokens are good for one use). Error codes: RFC 6749 section 5.2, OpenID Connect Core section
3.1.2.6 (Microsoft's token endpoint uses them as well), and the providers' own.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from shared.platform.errors import AnswerLost, GiveUp, RetryLater
from shared.platform.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.credentials.clients import OAuthClient
    from shared.credentials.providers.contract import ClientAuthentication, OAuthProvider
    from shared.platform.http import HttpAnswer, HttpClient

TOKEN_CALL_SECONDS = 8.0
_LONGEST_ANSWER_BYTES = 64 * 1024
_OK, _BAD_REQUEST, _UNAUTHORIZED = 200, 400, 401
_TOO_MANY, _SERVER_ERROR = 429, 500
_LONGEST_LIFETIME_SECONDS = 30 * 24 * 3600

_DEAD = {
    "invalid_grant",
    "admin_policy_enforced",
    "access_denied",
    "org_internal",
    "consent_required",
    "interaction_required",
    "login_required",
}
_PASSING = {
    "temporarily_unavailable",
    "server_error",
    "internal_failure",
    "internal_error",
    "slow_down",
    "rate_limit_exceeded",
    "backend_error",
}
# Answers name them with these words; any other word stays out of logs and pages.
_KNOWN = _DEAD | {
    "invalid_client",
    "unauthorized_client",
    "invalid_request",
    "invalid_scope",
    "unsupported_grant_type",
    "disabled_client",
    "deleted_client",
    "redirect_uri_mismatch",
}


class GrantDead(GiveUp):
    """The provider no longer honours the grant: revoked, expired, used up, forbidden by an administrator."""

    default_reason = "invalid_grant"


class ClientRefused(GiveUp):
    """The provider refuses us, whatever the company does: a wrong client secret, a wrong request."""

    default_reason = "client_refused"


@dataclass(frozen=True)
class TokenAnswer:
    """Tokens as the provider gave them.

    Args:
        access_token: for calls.
        refresh_token: the next one; ``None``: the one that was used stays good.
        lifetime_seconds: how long the access token lives, counted from before the call.
        scopes: what was granted, as far as the answer says.
        id_token: who consented (OpenID Connect), where it was asked for.
    """

    access_token: Secret
    refresh_token: Secret | None
    lifetime_seconds: int
    scopes: frozenset[str]
    id_token: Secret | None = None


@dataclass(frozen=True)
class Account:
    """Whose account it is.

    Args:
        account_id: stays the same when the address changes.
        email: the address; empty where the provider does not tell.
        settings: what later calls need.
    """

    account_id: str
    email: str
    settings: Mapping[str, str] = field(default_factory=dict)


def exchange(
    http: HttpClient, client: OAuthClient, *, code: str, verifier: str, redirect_uri: str
) -> TokenAnswer:
    """Turn a code into tokens (RFC 6749 section 4.1.3, RFC 7636 section 4.5). The code is spent either way.

    Raises:
        GrantDead: the code is used, too old, or was meant for another redirect or verifier.
        ClientRefused: the provider refuses us.
        RetryLater: it certainly or perhaps did not happen; `AnswerLost`: perhaps it did.
    """
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }
    return token_call(http, client.provider, form, client)


def refresh(http: HttpClient, client: OAuthClient, refresh_token: Secret) -> TokenAnswer:
    """A new access token (RFC 6749 section 6). No scopes are sent: the grant keeps those that it has.

    Raises:
        GrantDead: the grant is over.
        ClientRefused: the provider refuses us.
        RetryLater: not now; `AnswerLost`: perhaps the refresh token has been used up.
    """
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token.reveal()}
    return token_call(http, client.provider, form, client)


def revoke(http: HttpClient, client: OAuthClient, token: Secret) -> bool:
    """End a grant at the provider (RFC 7009).

    Args:
        http: makes the call.
        client: who we are.
        token: the refresh token, or the access token where there is none.

    Returns:
        Whether the grant is over for certain: the provider confirmed it, or knew no such token. Where it has
        no such call nobody is asked.

    Raises:
        RetryLater: not now.
    """
    if not client.provider.endpoints.revoke:
        return False
    form, headers = _proof(client, client.provider.revoke_authentication)
    answer = _post(http, client.provider.endpoints.revoke, {"token": token.reveal(), **form}, headers)
    if answer.status == _TOO_MANY or answer.status >= _SERVER_ERROR:
        raise _passing(client.provider, answer)
    return answer.status == _OK or _error_code(answer) in {"invalid_token", "invalid_grant"}


def account(http: HttpClient, provider: OAuthProvider, access_token: Secret) -> Account:
    """Whose account an access token, or an API key, is for, where the provider has a call that tells.

    Raises:
        GrantDead: the provider does not accept the token.
        ClientRefused: it answers what we do not understand.
        RetryLater: not now.
    """
    answer = http.send(
        "GET",
        provider.endpoints.account,
        timeout_seconds=TOKEN_CALL_SECONDS,
        headers={"Authorization": f"Bearer {access_token.reveal()}", "Accept": "application/json"},
        max_bytes=_LONGEST_ANSWER_BYTES,
    )
    if answer.status == _TOO_MANY or answer.status >= _SERVER_ERROR:
        raise _passing(provider, answer)
    if answer.status == _UNAUTHORIZED:
        raise GrantDead(f"{provider.title} does not accept the token", reason="token_refused")
    found = account_from(provider, answer.json())
    if answer.status != _OK or found is None:
        raise ClientRefused(
            f"{provider.title} answered {answer.status} and no account", reason=f"status_{answer.status}"
        )
    return found


def account_from(provider: OAuthProvider, data: Any) -> Account | None:  # noqa: ANN401 - any JSON value
    """The account that an answer, or an id token's claims, tell of; ``None``: of none."""
    found = provider.account
    account_id, email = _text_at(data, found.account_id), _text_at(data, found.email)
    if not account_id:
        return None
    if "@" not in email:
        email = _text_at(data, found.other_email) or email
    settings = {name: _text_at(data, path) for name, path in found.settings.items()}
    return Account(account_id, email, {name: text for name, text in settings.items() if text})


def token_call(
    http: HttpClient, provider: OAuthProvider, form: Mapping[str, str], client: OAuthClient | None = None
) -> TokenAnswer:
    """One call of the token endpoint.

    Args:
        http: makes the call.
        provider: whose endpoint.
        form: the grant.
        client: who we are; ``None`` where the grant itself proves it (RFC 7523).

    Raises:
        GrantDead: see `refresh`.
        ClientRefused: see `refresh`.
        RetryLater: see `refresh`.
    """
    proof, headers = _proof(client, provider.token_authentication) if client else ({}, {})
    answer = _post(http, provider.endpoints.token, {**form, **proof}, headers)
    if answer.status == _OK:
        return _tokens(provider, answer)
    raise _refusal(provider, answer)


def _post(http: HttpClient, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> HttpAnswer:
    return http.send(
        "POST",
        url,
        timeout_seconds=TOKEN_CALL_SECONDS,
        headers={
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
            **headers,
        },
        content=urlencode(form).encode(),
        max_bytes=_LONGEST_ANSWER_BYTES,
    )


def _proof(client: OAuthClient, how: ClientAuthentication) -> tuple[dict[str, str], dict[str, str]]:
    """Form fields and headers that prove who we are."""
    if how == "none":
        return {}, {}
    secret = client.secret().reveal()
    if how == "body":
        return {"client_id": client.client_id, "client_secret": secret}, {}
    # RFC 6749 section 2.3.1: both are form-encoded before they are joined.
    pair = f"{quote(client.client_id, safe='')}:{quote(secret, safe='')}"
    return {}, {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def _tokens(provider: OAuthProvider, answer: HttpAnswer) -> TokenAnswer:
    data = answer.json()
    access_token = _text_at(data, ("access_token",))
    if not access_token:
        # It says 200: the old refresh token may be used up, and what replaces it cannot be read.
        raise AnswerLost(f"{provider.title} answered 200 without a token", reason="unreadable_answer")
    refresh_token, id_token = _text_at(data, ("refresh_token",)), _text_at(data, ("id_token",))
    return TokenAnswer(
        access_token=Secret(access_token),
        refresh_token=Secret(refresh_token) if refresh_token else None,
        lifetime_seconds=_lifetime(provider, data.get("expires_in")),
        scopes=frozenset(_text_at(data, ("scope",)).split()),
        id_token=Secret(id_token) if id_token else None,
    )


def _lifetime(provider: OAuthProvider, told: object) -> int:
    try:
        seconds = int(str(told))
    except ValueError:
        return provider.access_token_seconds
    return min(seconds, _LONGEST_LIFETIME_SECONDS) if seconds > 0 else provider.access_token_seconds


def _refusal(provider: OAuthProvider, answer: HttpAnswer) -> GiveUp | RetryLater:
    code = _error_code(answer)
    plain_refusal = _BAD_REQUEST <= answer.status < _SERVER_ERROR and answer.status != _TOO_MANY
    if not plain_refusal or not code or code in _PASSING:
        # Without an OAuth error it came from something in between: a proxy, a gateway, a login page.
        return _passing(provider, answer)
    known = code if code in _KNOWN else "refused"
    if code in _DEAD:
        subtype = _text_at(answer.json(), ("error_subtype",))
        reason = "invalid_rapt" if subtype == "invalid_rapt" else known
        return GrantDead(f"{provider.title} no longer honours the grant ({reason})", reason=reason)
    return ClientRefused(f"{provider.title} refuses the request ({known})", reason=known)


def _passing(provider: OAuthProvider, answer: HttpAnswer) -> RetryLater:
    after = answer.headers.get("retry-after", "")
    return RetryLater(
        f"{provider.title} answered {answer.status}",
        reason=f"status_{answer.status}",
        after_seconds=float(after) if after.isdecimal() else None,
    )


def _error_code(answer: HttpAnswer) -> str:
    return _text_at(answer.json(), ("error",))


def _text_at(data: Any, path: tuple[str, ...]) -> str:  # noqa: ANN401 - any JSON value
    for step in path:
        data = data.get(step) if isinstance(data, dict) else None
    return data if isinstance(data, str) else ""
