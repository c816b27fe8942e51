"""Access tokens for a Google service account: a signed statement instead of a refresh token (RFC 7523).

Source: Google, "Using OAuth 2.0 for Server to Server Applications". google-auth signs; the call is ours, so
that it has a total deadline, and goes to the provider that the settings name, never to the ``token_uri`` of
the file that a company uploads.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from shared.credentials.oauth_calls import ClientRefused, TokenAnswer, token_call
from shared.platform.errors import GiveUp, InvalidInput

if TYPE_CHECKING:
    from shared.credentials.providers.contract import OAuthProvider
    from shared.platform.clock import Clock
    from shared.platform.http import HttpClient
    from shared.platform.secret import Secret

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
# Google takes no other audience, wherever the statement is sent.
AUDIENCE = "https://oauth2.googleapis.com/token"
_LIFETIME_SECONDS = 3600
# Against a clock that runs ahead of Google's by a little: statements from the future are refused.
_BACKDATED_SECONDS = 30
_NEEDED = ("client_email", "private_key", "private_key_id")


class ServiceAccountRefused(GiveUp):
    """The provider does not let this service account do what is asked, whatever we do."""

    default_reason = "service_account_refused"


class DelegationMissing(ServiceAccountRefused):
    """The Workspace's administrator has not let the service account act for its people."""

    default_reason = "delegation_missing"


def read_service_account(text: Secret) -> dict[str, Any]:
    """The JSON key as Google's console gives it.

    Raises:
        InvalidInput: it is something else; the message never quotes it.
    """
    try:
        info = json.loads(text.reveal())
    except (ValueError, RecursionError):
        raise InvalidInput("the service account's key is not JSON", reason="bad_service_account") from None
    if not isinstance(info, dict) or info.get("type") != "service_account":
        raise InvalidInput(
            'this is no service account\'s key: its "type" is not "service_account"',
            reason="bad_service_account",
        )
    missing = [name for name in _NEEDED if not isinstance(info.get(name), str) or not info[name]]
    if missing:
        raise InvalidInput(
            f"the service account's key lacks {', '.join(missing)}", reason="bad_service_account"
        )
    return info


def mint(
    http: HttpClient, provider: OAuthProvider, text: Secret, *, subject: str, clock: Clock
) -> TokenAnswer:
    """A new access token.

    Args:
        http: makes the call.
        provider: whose endpoint, and for which scopes.
        text: the JSON key.
        subject: the Workspace user to act for; empty: the service account itself.
        clock: for the statement's times.

    Raises:
        InvalidInput: the key is none.
        DelegationMissing: it may not act for this user.
        ServiceAccountRefused: the provider refuses for another reason that does not pass.
        GrantDead: the key was deleted, or there is no such user.
        RetryLater: not now.
    """
    info = read_service_account(text)
    form = {"grant_type": GRANT, "assertion": _statement(info, provider, subject, clock)}
    try:
        return token_call(http, provider, form)
    except ClientRefused as refused:
        raise _in_words(refused, info["client_email"], provider, subject) from None


def _statement(info: dict[str, Any], provider: OAuthProvider, subject: str, clock: Clock) -> str:
    # Only companies with a service account pay for the import.
    from google.auth import crypt, jwt  # noqa: PLC0415 - as said above

    issued = int(clock.now().timestamp()) - _BACKDATED_SECONDS
    claims = {
        "iss": info["client_email"],
        "aud": AUDIENCE,
        "scope": " ".join(provider.service_account_scopes),
        "iat": issued,
        "exp": issued + _LIFETIME_SECONDS,
    }
    if subject:
        claims["sub"] = subject
    try:
        signer = crypt.RSASigner.from_service_account_info(info)  # type: ignore[no-untyped-call]
        return str(jwt.encode(signer, claims), "ascii")  # type: ignore[no-untyped-call]
    except ValueError:
        raise InvalidInput(
            "the private key of the service account cannot be read", reason="bad_service_account"
        ) from None


def _in_words(
    refused: ClientRefused, account: str, provider: OAuthProvider, subject: str
) -> ServiceAccountRefused:
    if refused.reason == "unauthorized_client":
        scopes = ", ".join(provider.service_account_scopes)
        return DelegationMissing(
            f"{account} may not act for {subject or 'anybody'}: in the Google Admin console, under Security, "
            f"API controls, Domain-wide delegation, add its client id with the scopes {scopes}"
        )
    return ServiceAccountRefused(f"{provider.title} refuses the service account ({refused.reason})")
