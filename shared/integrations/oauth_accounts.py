"""Accounts at OAuth providers: how they are, how they come without consent, how they go."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shared.credentials import oauth_calls
from shared.credentials.connections import NewConnection
from shared.credentials.oauth_calls import ClientRefused, GrantDead
from shared.credentials.service_account import AUDIENCE, DelegationMissing, mint
from shared.platform.errors import FieldError, FrontdeskError, GiveUp, InvalidInput
from shared.platform.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from shared.companies.store import CompanyStore
    from shared.credentials.clients import OAuthClients
    from shared.credentials.connections import Connection, Connections
    from shared.credentials.oauth_calls import Account
    from shared.credentials.providers.contract import OAuthProvider
    from shared.platform.clock import Clock
    from shared.platform.http import HttpClient


@dataclass(frozen=True)
class Grant:
    """What ends a grant at the provider.

    Args:
        who: whose account it is, in words.
        token: ends it; ``None`` where it cannot be read.
        unreadable: why it cannot.
    """

    who: str
    token: Secret | None = field(repr=False)
    unreadable: str = ""


class OAuthAccounts:
    """Shows, adds and removes connections.

    Args:
        companies: tells which companies there are.
        connections: what is connected.
        clients: who we are at the providers.
        http: makes a client for one request.
        clock: for a service account's statements.
    """

    def __init__(
        self,
        companies: CompanyStore,
        connections: Connections,
        clients: OAuthClients,
        http: Callable[[], HttpClient],
        clock: Clock,
    ) -> None:
        self._companies = companies
        self._connections = connections
        self._clients = clients
        self._http = http
        self._clock = clock

    def status(self, company_id: str, name: str) -> dict[str, Any]:
        """Whether and how a company is connected. Asks nobody outside and holds no token.

        Raises:
            NotFound: there is no such company.
        """
        self._companies.read(company_id)
        provider = self._clients.provider(name)
        told: dict[str, Any] = {"connected": False, "available": self._clients.available()[name]}
        connection = self._connections.get(company_id, name)
        if connection is None:
            return told | {"status": "not_connected"}
        missing = provider.missing(frozenset(connection.scopes)) if connection.kind == "oauth" else ()
        return told | {
            "connected": connection.status == "connected",
            "status": connection.status,
            "kind": connection.kind,
            "account_email": connection.account_email,
            "scopes": list(connection.scopes),
            "missing_scopes": sorted(missing),
            "connected_at": _time(connection.connected_at),
            "expires_at": _time(connection.access_expires_at),
            "last_refresh": _time(connection.refreshed_at),
            "last_error": _last_error(connection),
            **connection.settings,
        }

    def disconnect(self, company_id: str, name: str) -> dict[str, Any]:
        """End the grant at the provider, then delete the connection with its tokens.

        Doing it twice is fine. A provider that does not confirm stops nothing: without the tokens nobody can
        use what it still lists, and the warning says where the person can take it off that list.

        Raises:
            NotFound: there is no such company.
        """
        self._companies.read(company_id)
        before = self._connections.get(company_id, name)
        warnings = self.end(name, self.grant_of(company_id, name))
        self._connections.delete(company_id, name)
        revoked = None if before is None or before.kind != "oauth" else not warnings
        if before is not None and before.kind != "oauth":
            what = "API key" if before.kind == "api_key" else "service account's key"
            warnings = [f"The {what} stays valid at {self._clients.provider(name).title}: delete it there."]
        return {"status": "disconnected", "revoked": revoked, "warnings": warnings}

    def grant_of(self, company_id: str, name: str) -> Grant | None:
        """The grant that stands now, to be ended once nothing needs it; ``None`` where there is none."""
        connection = self._connections.get(company_id, name)
        if connection is None or connection.kind != "oauth":
            return None
        who = connection.account_email or "that account"
        try:
            return Grant(who, self._connections.token_to_revoke(company_id, name))
        except FrontdeskError as error:
            return Grant(who, None, error.reason)

    def end(self, name: str, grant: Grant | None) -> list[str]:
        """End a grant at the provider.

        Returns:
            What is left to do by hand, in sentences.
        """
        if grant is None:
            return []
        provider = self._clients.provider(name)
        where = f"{grant.who} can remove it at {provider.remove_at or provider.title}"
        if not provider.endpoints.revoke:
            return [f"{provider.title} lets only people end access: {where}."]
        reason = grant.unreadable or "refused"
        try:
            client = self._clients.of(name)
            if grant.token is not None and oauth_calls.revoke(self._http(), client, grant.token):
                return []
        except FrontdeskError as error:
            reason = error.reason
        return [f"{provider.title} did not confirm that access has ended ({reason}): {where}."]

    def connect_api_key(
        self, company_id: str, name: str, api_key: Secret, organization_uri: str | None
    ) -> dict[str, Any]:
        """Check an API key with the provider, then store it.

        Args:
            company_id: whose.
            name: the provider.
            api_key: the key.
            organization_uri: the organization that it must belong to; ``None``: whichever it is.

        Raises:
            NotFound: there is no such company.
            InvalidInput: (422) the provider does not accept the key, or it belongs elsewhere; (502) the
                provider does not answer as it should.
            RetryLater: not now.
        """
        self._companies.read(company_id)
        provider = self._clients.provider(name)
        account = self._account_of(provider, api_key)
        if organization_uri is not None and account.settings.get("organization_uri") != organization_uri:
            problem = "is not the organization that this key belongs to"
            raise _wrong("organization_uri", problem, "other_organization")
        new = NewConnection(
            kind="api_key",
            account_id=account.account_id,
            account_email=account.email,
            api_key=api_key,
            settings=account.settings,
        )
        return self._replaced(company_id, name, new)

    def connect_service_account(
        self, company_id: str, name: str, info: Mapping[str, Any], subject: str | None
    ) -> dict[str, Any]:
        """Get a token with a service account's key, then store the key.

        Args:
            company_id: whose.
            name: the provider.
            info: the JSON key, as the provider's console gives it out.
            subject: the Workspace user to act for; ``None``: the service account itself.

        Raises:
            NotFound: there is no such company.
            InvalidInput: (422) it is no such key, or the provider gives no token for it.
            RetryLater: not now.
        """
        self._companies.read(company_id)
        provider = self._clients.provider(name)
        _require_own_endpoint(info, provider)
        text = Secret(json.dumps(info))
        try:
            mint(self._http(), provider, text, subject=subject or "", clock=self._clock)
        except InvalidInput as error:
            raise _wrong("service_account", f"is not usable: {error}", error.reason) from None
        except GiveUp as error:
            field = "subject" if isinstance(error, DelegationMissing) else "service_account"
            raise _wrong(field, f"is not accepted: {error}", error.reason) from None
        new = NewConnection(
            kind="service_account",
            account_id=info["client_email"],
            account_email=subject or info["client_email"],
            scopes=frozenset(provider.service_account_scopes),
            service_account=text,
            settings={"subject": subject} if subject else {},
        )
        return self._replaced(company_id, name, new)

    def _replaced(self, company_id: str, name: str, new: NewConnection) -> dict[str, Any]:
        """Store what was checked; only then end the grant whose place it takes."""
        before = self.grant_of(company_id, name)
        self._connections.store(company_id, name, new)
        warnings = self.end(name, before)
        return self.status(company_id, name) | {"warnings": warnings}

    def _account_of(self, provider: OAuthProvider, api_key: Secret) -> Account:
        if not api_key.reveal().isascii() or not api_key.reveal().isprintable():
            raise _wrong("api_key", "holds characters that no key has", "bad_api_key")
        try:
            return oauth_calls.account(self._http(), provider, api_key)
        except GrantDead:
            raise _wrong("api_key", f"is not accepted by {provider.title}", "api_key_refused") from None
        except ClientRefused as error:
            if error.reason in {"status_403", "status_404"}:
                problem = f"may not read its own account at {provider.title}: it lacks the scope users:read"
                raise _wrong("api_key", problem, "api_key_too_narrow") from None
            raise InvalidInput(str(error), reason=error.reason, status=502) from None


def _require_own_endpoint(info: Mapping[str, Any], provider: OAuthProvider) -> None:
    """A key that names another token endpoint was tampered with; it would not be asked anyway.

    Raises:
        InvalidInput: (422) it does.
    """
    named = info.get("token_uri", AUDIENCE)
    if named not in {AUDIENCE, provider.endpoints.token}:
        raise _wrong("service_account", f"must have the token_uri {AUDIENCE}", "bad_service_account")


def _wrong(field: str, problem: str, reason: str) -> InvalidInput:
    return InvalidInput(f"{field} {problem}", reason=reason, fields=(FieldError(field, problem),), status=422)


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None


def _last_error(connection: Connection) -> dict[str, Any] | None:
    error = connection.last_error
    return {"reason": error.reason, "at": _time(error.at), "count": error.count} if error else None
