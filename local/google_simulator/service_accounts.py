"""Service accounts: programs with a key of their own, which sign for their tokens (RFC 7523)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from google.auth import exceptions, jwt

from local.google_simulator.grants import Account, Grant, Grants, full_names
from local.oauth_server import TokenRefused
from local.signing_keys import SigningKey

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCE = "https://oauth2.googleapis.com/token"
LONGEST_SECONDS = 3600
LEEWAY_SECONDS = 300

JsonDict = dict[str, Any]


@dataclass(frozen=True)
class ServiceAccount:
    """A service account, its key's public half, and what an administrator lets it do for people."""

    account: Account
    public_pem: bytes
    delegated: frozenset[str]


class ServiceAccounts:
    """Every service account.

    Args:
        grants: where their tokens live.
    """

    def __init__(self, grants: Grants) -> None:
        self._grants = grants
        self._known: dict[str, ServiceAccount] = {}

    def owns(self, email: str) -> bool:
        """Whether this address is a service account's."""
        return email in self._known

    def create(self, name: str, delegated: list[str]) -> JsonDict:
        """A new one.

        Args:
            name: the first part of its address.
            delegated: the scopes for which it may act for people of the domain (domain-wide delegation).

        Returns:
            Its key file, as Google's console gives it out.
        """
        key = SigningKey()
        account = Account(f"{name}@frontdesk-local.iam.gserviceaccount.example", name)
        self._grants.accounts[account.email] = account
        self._known[account.email] = ServiceAccount(account, key.public_pem, frozenset(delegated))
        return {
            "type": "service_account",
            "project_id": "frontdesk-local",
            "private_key_id": secrets.token_hex(20),
            "private_key": key.private_pem.decode(),
            "client_email": account.email,
            "client_id": account.sub,
            "token_uri": AUDIENCE,
        }

    def token(self, assertion: str) -> JsonDict:
        """An access token for a signed assertion.

        Raises:
            TokenRefused: the signature, the times or the audience are wrong, or nobody lets it act for the
                person it names.
        """
        claims = self._verified(assertion)
        service = self._known[claims["iss"]]
        scopes = frozenset(full_names(str(claims.get("scope", "")).split()))
        if not scopes:
            raise TokenRefused("invalid_scope", "Empty or missing scope not allowed.")
        subject = claims.get("sub") or service.account.email
        if subject != service.account.email and not self._may_act_for(service, subject, scopes):
            sentence = "Client is unauthorized to retrieve access tokens using this method."
            raise TokenRefused("unauthorized_client", sentence, 401)
        grant = Grant(self._grants.accounts[subject], service.account.email, scopes)
        answer = self._grants.access_token(grant, scopes)
        return {name: answer[name] for name in ("access_token", "expires_in", "token_type")}

    def _may_act_for(self, service: ServiceAccount, subject: str, scopes: frozenset[str]) -> bool:
        return subject in self._grants.accounts and scopes <= service.delegated

    def _verified(self, assertion: str) -> JsonDict:
        """The claims, judged by the real clock: whoever signs reads its own."""
        try:
            known = self._known.get(str(_decoded(assertion, verify=False).get("iss")))
            if known is None:
                raise TokenRefused("invalid_grant", "Invalid grant: account not found")
            claims = _decoded(
                assertion, certs=known.public_pem, audience=AUDIENCE, clock_skew_in_seconds=LEEWAY_SECONDS
            )
        except exceptions.InvalidValue as error:
            raise TokenRefused("invalid_grant", f"Invalid JWT: {error.args[0]}") from error
        except ValueError as error:  # also what google-auth calls malformed
            raise TokenRefused("invalid_grant", "Invalid JWT Signature.") from error
        if claims["exp"] - claims["iat"] > LONGEST_SECONDS:
            raise TokenRefused("invalid_grant", "Invalid JWT: Token must be short-lived (60 minutes).")
        return claims


def _decoded(assertion: str, **how: object) -> JsonDict:
    claims: JsonDict = jwt.decode(assertion, **how)  # type: ignore[no-untyped-call]  # google-auth has no annotations
    return claims
