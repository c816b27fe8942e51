"""Connecting a company with its Chatwoot account: check, claim, store, and have deliveries sent to us.

The order is chosen so that a crash in between leaves nothing that answers wrongly: tokens are checked before
anything is written; inboxes are claimed before tokens are replaced; a webhook is registered last, when its
deliveries can be verified. Connecting once more finishes what was left open.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from shared.chatwoot.client import ChatwootClient
from shared.chatwoot.connecting import (
    MISSING,
    connect_check,
    ensure_webhook,
    remove_webhook,
    shortcomings,
)
from shared.companies.connection import ChatwootConnection, origin_of
from shared.companies.names import is_company_id
from shared.integrations.chatwoot_values import Connected, Farewell
from shared.platform.clock import epoch_milliseconds, from_epoch_milliseconds
from shared.platform.errors import FieldError, FrontdeskError, InvalidInput, NotFound
from shared.platform.http import HttpClient
from shared.platform.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.chatwoot.connecting import ConnectReport
    from shared.companies.store import CompanyStore
    from shared.credentials.store import Credentials
    from shared.integrations.chatwoot_values import ConnectRequest
    from shared.platform.addresses import AddressGuard
    from shared.platform.clock import Clock

WEBHOOK_PATH = "/api/webhook/chatwoot"
PATH_TOKEN_BYTES = 24
# Together below the 29 seconds that API Gateway waits.
CHECK_SECONDS = 14.0
WEBHOOK_SECONDS = 8.0
FAREWELL_SECONDS = 5.0

UNSIGNED = (
    "This Chatwoot signs no webhooks (it is older than 4.12): connect again with signature "
    '"token", else every delivery is refused.'
)
UNVERIFIABLE = (
    "No webhook secret is stored, so every delivery is refused: add the webhook in Chatwoot with the "
    "webhook_url above and connect again with its secret, or with register_webhook."
)


class ChatwootIntegration:
    """Connects companies with Chatwoot.

    Args:
        companies: documents, connections and claims.
        credentials: tokens and secrets.
        guard: which servers may be called.
        clock: for times and deadlines.
    """

    def __init__(
        self, companies: CompanyStore, credentials: Credentials, guard: AddressGuard, clock: Clock
    ) -> None:
        self._companies = companies
        self._credentials = credentials
        self._guard = guard
        self._clock = clock

    def connect(self, request: ConnectRequest, public_url: str) -> Connected:
        """Check the tokens, claim the company's inboxes, store everything, register the webhook if wished.

        Args:
            request: what the caller gave.
            public_url: the base of our own API's address.

        Raises:
            NotFound: there is no such company.
            InvalidInput: server, account or a token is wrong.
            Conflict: an inbox belongs to another company.
            RetryLater: Chatwoot, or a service of ours, does not answer now.
        """
        self._companies.read(request.company_id)
        base_url = _server(request.base_url, self._guard)
        client = self._client(base_url, request.account_id, request.tokens(), CHECK_SECONDS)
        report = self._checked(client)
        if request.register_webhook and not report.capabilities.get("register_webhook"):
            problem = MISSING["register_webhook"]
            raise InvalidInput(problem, fields=(FieldError("register_webhook", problem),), status=422)
        before = self._companies.connection(request.company_id)
        connection = _described(request, base_url, report, epoch_milliseconds(self._clock.now()))
        connection = replace(connection, installation=_installation(before, connection))
        if before is not None and _same_account(before, connection):
            connection = replace(connection, webhook_id=before.webhook_id)
        self._companies.connect(request.company_id, connection)
        warnings = [*report.warnings, *self._leave(request.company_id, before, connection)]
        self._keep_tokens(request)
        url = self._webhook_url(request, public_url)
        connection, more = self._prove(request, connection, client, url)
        return Connected(connection, url, report, (*warnings, *more, *self._unseen(request, report)))

    def status(self, company_id: str, public_url: str) -> dict[str, Any]:
        """Whether and how a company is connected. Holds no secret and no path token.

        Raises:
            NotFound: there is no such company.
        """
        self._companies.read(company_id)
        connection = self._companies.connection(company_id)
        if connection is None or not connection.connected:
            return {"connected": False}
        proofs = self._credentials.names(company_id, "chatwoot_webhook")
        return {
            "connected": True,
            "base_url": connection.base_url,
            "account_id": connection.account_id,
            "signature": connection.signature,
            "webhook_url": _webhook_url(public_url, company_id),
            "webhook_registered": connection.webhook_id is not None,
            "can_verify": ("path_token" if connection.signature == "token" else "secret") in proofs,
            "has_user_token": connection.has_user_token,
            "has_bot_token": connection.has_bot_token,
            "capabilities": dict(connection.capabilities),
            "finds_lost_webhooks": connection.finds_lost_webhooks,
            "warnings": shortcomings(connection.capabilities),
            "connected_at": from_epoch_milliseconds(connection.connected_at).isoformat(),
        }

    def disconnect(self, company_id: str) -> Farewell:
        """Stop working for a company's account: free its inboxes, take back the webhook, forget the tokens.

        Doing it twice is fine. What Chatwoot does not let us take back is told, and does not stop the rest.

        Raises:
            NotFound: there is no such company.
        """
        self._companies.read(company_id)
        before = self._companies.connection(company_id)
        self._companies.disconnect(company_id)
        removed, warnings = self._take_back(company_id, before)
        if before is not None:
            # Taken back or told: without the tokens there is no second try.
            self._companies.connect(company_id, replace(before.disconnected(), webhook_id=None))
        for provider in ("chatwoot", "chatwoot_webhook"):
            self._credentials.delete(company_id, provider)
        return Farewell(removed, tuple(warnings))

    # -- steps of connecting --------------------------------------------------------------------------

    def _checked(self, client: ChatwootClient) -> ConnectReport:
        try:
            return connect_check(client, timeout_seconds=CHECK_SECONDS, clock=self._clock)
        except InvalidInput as error:
            # What the caller wrote may be right: it is the other server that is not there.
            status = HTTPStatus.BAD_GATEWAY if error.reason == "unreachable" else 422
            raise InvalidInput(str(error), reason=error.reason, fields=error.fields, status=status) from error

    def _client(
        self, base_url: str, account_id: int, tokens: Mapping[str, Secret], seconds: float
    ) -> ChatwootClient:
        return ChatwootClient(
            HttpClient(self._guard),
            base_url,
            account_id,
            user_token=tokens.get("user_token"),
            bot_token=tokens.get("bot_token"),
            timeout_seconds=seconds,
            clock=self._clock,
        )

    def _leave(
        self, company_id: str, before: ChatwootConnection | None, now: ChatwootConnection
    ) -> list[str]:
        """Take leave of an earlier account: its webhook, and the secrets that only it knows."""
        if before is None or _same_account(before, now):
            return []
        _removed, warnings = self._take_back(company_id, before)
        for provider in ("chatwoot", "chatwoot_webhook"):
            self._credentials.delete(company_id, provider)
        return warnings

    def _take_back(
        self, company_id: str, connection: ChatwootConnection | None
    ) -> tuple[bool | None, list[str]]:
        if connection is None or connection.webhook_id is None:
            return None, []
        try:
            tokens = self._credentials.fields(company_id, "chatwoot")
            client = self._client(connection.base_url, connection.account_id, tokens, FAREWELL_SECONDS)
            remove_webhook(client, connection.webhook_id, timeout_seconds=FAREWELL_SECONDS)
        except FrontdeskError as error:
            left = (
                f"The webhook {connection.webhook_id} of account {connection.account_id} at "
                f"{connection.origin} could not be removed ({error.reason}): delete it there by hand."
            )
            return False, [left]
        return True, []

    def _keep_tokens(self, request: ConnectRequest) -> None:
        tokens = request.tokens()
        for field in ("user_token", "bot_token"):
            if field in tokens:
                self._credentials.put(request.company_id, "chatwoot", field, tokens[field])
            else:
                self._credentials.delete(request.company_id, "chatwoot", field)

    def _webhook_url(self, request: ConnectRequest, public_url: str) -> str:
        """The URL for Chatwoot; a path token lives on over connecting again, so that the URL stays valid."""
        plain = _webhook_url(public_url, request.company_id)
        if request.signature != "token":
            return plain
        token = self._credentials.get(request.company_id, "chatwoot_webhook", "path_token")
        if token is None:
            token = Secret(secrets.token_urlsafe(PATH_TOKEN_BYTES))
            self._credentials.put(request.company_id, "chatwoot_webhook", "path_token", token)
        return f"{plain}/{token.reveal()}"

    def _prove(
        self, request: ConnectRequest, connection: ChatwootConnection, client: ChatwootClient, url: str
    ) -> tuple[ChatwootConnection, list[str]]:
        """See to it that deliveries can be verified, and say so where they cannot."""
        secret = Secret(request.webhook_secret) if request.webhook_secret else None
        earlier: ChatwootConnection | None = None
        if request.register_webhook:
            webhook_id, secret = ensure_webhook(client, url, timeout_seconds=WEBHOOK_SECONDS)
            connection, earlier = replace(connection, webhook_id=webhook_id), connection
        if secret is not None:
            self._keep_secret(request.company_id, secret)
        self._companies.connect(request.company_id, connection)
        warnings = self._unproven(request, secret)
        if earlier is not None and earlier.webhook_id != connection.webhook_id:
            # The URL is another one now: two webhooks would deliver everything twice.
            warnings += self._take_back(request.company_id, earlier)[1]
        return connection, warnings

    def _keep_secret(self, company_id: str, secret: Secret) -> None:
        """Store a webhook secret. The earlier one stays valid: deliveries on their way carry it."""
        old = self._credentials.get(company_id, "chatwoot_webhook", "secret")
        if old is not None and old != secret:
            self._credentials.put(company_id, "chatwoot_webhook", "previous_secret", old)
        self._credentials.put(company_id, "chatwoot_webhook", "secret", secret)

    def _unproven(self, request: ConnectRequest, secret: Secret | None) -> list[str]:
        if request.signature == "token" or secret is not None:
            return []
        if request.register_webhook:
            return [UNSIGNED]
        if self._credentials.get(request.company_id, "chatwoot_webhook", "secret") is not None:
            return []
        return [UNVERIFIABLE]

    def _unseen(self, request: ConnectRequest, report: ConnectReport) -> list[str]:
        inboxes = self._companies.get(request.company_id).inboxes
        if inboxes == "all" or not report.inboxes:
            return []
        seen = {inbox.id for inbox in report.inboxes}
        missing = ", ".join(str(rule.id) for rule in inboxes if rule.id not in seen)
        return [f"The user of this token does not see the company's inboxes {missing}."] if missing else []


def _server(base_url: str, guard: AddressGuard) -> str:
    """The server's address in one spelling.

    Raises:
        InvalidInput: it is none, or one that Frontdesk does not call.
    """
    try:
        guard.check_url(base_url)
    except InvalidInput as error:
        field = FieldError("base_url", str(error))
        raise InvalidInput(f"base_url: {error}", reason=error.reason, fields=(field,), status=422) from None
    parts = urlsplit(base_url)
    if parts.query or parts.fragment:
        problem = "must not have a query or a fragment"
        raise InvalidInput(f"base_url {problem}", fields=(FieldError("base_url", problem),), status=422)
    return origin_of(base_url) + parts.path.rstrip("/")


def _described(
    request: ConnectRequest, base_url: str, report: ConnectReport, now_ms: int
) -> ChatwootConnection:
    return ChatwootConnection(
        base_url=base_url,
        account_id=request.account_id,
        signature=request.signature,
        user_id=report.user_id,
        bot_id=report.bot_id,
        has_user_token=request.api_key is not None,
        has_bot_token=request.bot_token is not None,
        capabilities=report.capabilities,
        auto_assignment={str(inbox.id): inbox.auto_assignment for inbox in report.inboxes},
        inbox_channels={str(inbox.id): inbox.channel_type for inbox in report.inboxes},
        connected_at=now_ms,
    )


def _installation(before: ChatwootConnection | None, now: ChatwootConnection) -> int:
    """A number of its own for each account that a company was ever connected to, one after another."""
    if before is None:
        return 1
    return before.installation if _same_account(before, now) else before.installation + 1


def _same_account(one: ChatwootConnection, other: ChatwootConnection) -> bool:
    return (one.origin, one.account_id) == (other.origin, other.account_id)


def _webhook_url(public_url: str, company_id: str) -> str:
    if not is_company_id(company_id):
        raise NotFound("there is no such company")
    return f"{public_url}{WEBHOOK_PATH}/{company_id}"
