"""One refresh, by the one worker that holds the lease.

What an answer means for the connection: a dead grant is believed only after the item was read again, because
another worker may have used up the refresh token and stored the next one; a refusal of our client is the
operator's matter; anything else passes, and the next attempt's moment is stored. Where a refresh token is
good for one use and the answer to it was lost, one more try with it decides.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from shared.credentials import oauth_calls
from shared.credentials.connections import names_in
from shared.credentials.oauth_calls import ClientRefused, GrantDead
from shared.credentials.service_account import mint
from shared.platform.errors import AnswerLost, FrontdeskError, RetryLater
from shared.platform.observability import count, log
from shared.platform.secret import Secret
from shared.platform.secrets import SecretMissing

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.credentials.clients import OAuthClients
    from shared.credentials.oauth_calls import TokenAnswer
    from shared.credentials.token_rows import Lease, TokenRows
    from shared.credentials.vault import Vault
    from shared.platform.clock import Clock
    from shared.platform.http import HttpClient
    from shared.platform.tables import Item

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 15.0, 300.0
_LONGEST_ASKED_PAUSE_SECONDS = 900.0
# How long a worker that lost its lease waits for the next holder's result before it offers its own.
_LATE_TRIES, _LATE_PAUSE_SECONDS = 20, 1.0


class Outcome(StrEnum):
    """How a refresh ended."""

    REFRESHED = "refreshed"
    OVERTAKEN = "overtaken"
    RECONNECT = "reconnect_required"
    CLIENT_REFUSED = "client_refused"
    PASSING = "passing"
    FAILED = "failed"


_NOT_NOW = {Outcome.PASSING, Outcome.FAILED, Outcome.CLIENT_REFUSED}


@dataclass(frozen=True)
class Result:
    """See `Outcome`.

    Args:
        outcome: how it ended.
        error: why there is no new token; ``None`` where there is one, or another worker has it.
    """

    outcome: Outcome
    error: FrontdeskError | None = None


@dataclass(frozen=True)
class Tools:
    """What a refresh works with.

    Args:
        rows: reads and writes items.
        vault: seals and opens tokens.
        clients: who we are at the providers.
        http: a new client for outside calls.
        clock: for times.
    """

    rows: TokenRows
    vault: Vault
    clients: OAuthClients
    http: Callable[[], HttpClient]
    clock: Clock


class Refresher:
    """Renews tokens.

    Args:
        tools: see `Tools`.
        jitter: a number from 0 to 1, so that many connections do not come back at the same moment.
    """

    def __init__(self, tools: Tools, jitter: Callable[[], float] = random.random) -> None:
        self._tools = tools
        self._jitter = jitter

    def run(self, item: Item, lease: Lease) -> Result:
        """Renew a connection's token. The lease is over afterwards, unless the process dies.

        Args:
            item: the connection as it was read before the lease was taken.
            lease: the right to.
        """
        _, provider = names_in(item)
        result = self._tried(item, lease)
        count("TokenRefreshes", provider=provider, outcome=result.outcome)
        if result.outcome in {Outcome.PASSING, Outcome.FAILED} and result.error is not None:
            count("TokenRefreshesFailed", reason=result.error.reason)
            log.warning("a token could not be renewed", provider=provider, reason=result.error.reason)
        if result.outcome in _NOT_NOW and item.get("access_expires_ms", 0) <= self._tools.rows.now_ms():
            count("TokensEnded", provider=provider)
        return result

    def refused_key(self, item: Item, lease: Lease) -> Result:
        """A key that a company made itself was refused: nothing renews it."""
        return self._dead(item, lease, GrantDead("the API key is no longer honoured", reason="key_refused"))

    def _tried(self, item: Item, lease: Lease) -> Result:
        began_ms = self._tools.rows.now_ms()
        try:
            answer = self._asked(item)
            return self._stored(item, lease, answer, began_ms)
        except GrantDead as dead:
            return self._dead(item, lease, dead)
        except (ClientRefused, SecretMissing) as refused:
            _, provider = names_in(item)
            count("OAuthClientRefused", provider=provider, reason=refused.reason)
            log.error("the provider refuses this deployment", provider=provider, reason=refused.reason)
            error = RetryLater(str(refused), reason="oauth_client_refused")
            return self._failed(item, lease, error, Outcome.CLIENT_REFUSED)
        except RetryLater as passing:
            return self._failed(item, lease, passing, Outcome.PASSING)
        except FrontdeskError as other:
            return self._failed(item, lease, other, Outcome.FAILED)

    # -- asking -----------------------------------------------------------------------------------------

    def _asked(self, item: Item) -> TokenAnswer:
        company_id, provider_name = names_in(item)
        tools = self._tools
        # Shows that the answer can be sealed before a token that is good for one use is spent for it.
        tools.vault.seal(company_id, provider_name, "access_token", Secret("-"))
        if item["kind"] == "service_account":
            key = tools.vault.open(company_id, provider_name, "service_account", item["service_account"])
            provider, subject = tools.clients.provider(provider_name), item["settings"].get("subject", "")
            return mint(tools.http(), provider, key, subject=subject, clock=tools.clock)
        client = tools.clients.of(provider_name)
        token = tools.vault.open(company_id, provider_name, "refresh_token", item["refresh_token"])
        try:
            return oauth_calls.refresh(tools.http(), client, token)
        except AnswerLost:
            if not client.provider.rotates:
                raise
        log.warning("the answer to a refresh was lost: one more try decides", provider=provider_name)
        try:
            return oauth_calls.refresh(tools.http(), client, token)
        except GrantDead as dead:
            raise GrantDead(str(dead), reason="answer_lost") from None

    # -- what becomes of it -----------------------------------------------------------------------------

    def _stored(self, item: Item, lease: Lease, answer: TokenAnswer, began_ms: int) -> Result:
        company_id, provider = names_in(item)
        vault, rows = self._tools.vault, self._tools.rows
        sealed = {"access_token": vault.seal(company_id, provider, "access_token", answer.access_token)}
        if answer.refresh_token is not None:
            sealed["refresh_token"] = vault.seal(company_id, provider, "refresh_token", answer.refresh_token)
        times = {"began_ms": began_ms, "lifetime_seconds": answer.lifetime_seconds}
        if rows.store_tokens(lease, sealed, **times, kind=item["kind"]):
            return Result(Outcome.REFRESHED)
        log.warning("a refresh came back after its lease had ended", provider=provider)
        for _ in range(_LATE_TRIES if "refresh_token" in sealed else 0):
            now = rows.read(company_id, provider)
            if rows.is_replaced(lease, now):
                break
            if rows.store_late(lease, sealed, **times, kind=item["kind"]):
                return Result(Outcome.REFRESHED)
            self._tools.clock.sleep(_LATE_PAUSE_SECONDS)
        return Result(Outcome.OVERTAKEN)

    def _dead(self, item: Item, lease: Lease, dead: GrantDead) -> Result:
        company_id, provider = names_in(item)
        rows = self._tools.rows
        now = rows.read(company_id, provider)
        if not rows.is_held(lease, now) or not rows.mark_reconnect(lease, item, dead.reason):
            return Result(Outcome.OVERTAKEN)
        count("ReconnectRequired", provider=provider, reason=dead.reason)
        log.warning("a company must connect again", provider=provider, reason=dead.reason)
        return Result(Outcome.RECONNECT, dead)

    def _failed(self, item: Item, lease: Lease, error: FrontdeskError, outcome: Outcome) -> Result:
        before = (item.get("last_error") or {"count": 0})["count"]
        pause_seconds = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(before, 10))
        pause_seconds *= 0.75 + self._jitter() / 2
        asked = error.after_seconds if isinstance(error, RetryLater) else None
        pause_seconds = max(pause_seconds, min(asked or 0.0, _LONGEST_ASKED_PAUSE_SECONDS))
        next_attempt_ms = self._tools.rows.now_ms() + int(pause_seconds * 1000)
        if isinstance(error, RetryLater):
            error.after_seconds = pause_seconds
        self._tools.rows.note_failure(lease, item, error, next_attempt_ms=next_attempt_ms)
        return Result(outcome, error)
