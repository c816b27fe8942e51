"""Access tokens, always fresh: what calendars and other outside calls of a company are made with.

A token is renewed when it is used within its margin (`shared.credentials.connections.margin_ms`), by one
worker; others wait for the result up to `WAIT_SECONDS`, then use the old token while it is good. In memory a
token stays for `WARM_SECONDS`, per company and provider, and never into its margin: a warm reading costs no
call at all.
Why it is built so: docs/decisions/0019-token-refresh.md.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.credentials.connections import as_connection, margin_ms
from shared.credentials.refreshing import Outcome
from shared.platform.clock import Deadline
from shared.platform.errors import GiveUp, InvalidInput, RetryLater

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from shared.credentials.connections import Connection
    from shared.credentials.refreshing import Refresher, Result, Tools
    from shared.platform.errors import FrontdeskError
    from shared.platform.secret import Secret
    from shared.platform.tables import Item

WAIT_SECONDS = 5.0
WARM_SECONDS = 30.0
WARM_TOKENS = 512
# A token that ends this soon is not worth a call any more.
LEAST_LIFE_MS = 5_000
# A token this new that is refused is not refused for its age: another one would not help.
JUST_RENEWED_MS = 60_000
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.1, 0.8


class NotConnected(GiveUp):
    """The company is not connected with this provider."""

    default_reason = "not_connected"


class ReconnectRequired(GiveUp):
    """The company must connect again: the provider no longer honours what it gave us."""

    default_reason = "reconnect_required"


class InsufficientScopes(GiveUp):
    """The company has not let us do this: boxes were left unticked when it connected."""

    default_reason = "insufficient_scopes"


@dataclass(frozen=True)
class AccessToken:
    """A token to call the provider with.

    Args:
        secret: the token itself.
        scopes: what was granted, in the provider's words.
        expires_at: until when it is good; ``None``: it does not expire.
        version: which of the connection's tokens it is.
        settings: what calls need besides, such as ``organization_uri``.
    """

    secret: Secret
    scopes: frozenset[str]
    expires_at: datetime | None
    version: int
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Warm:
    token: AccessToken
    connection: Connection
    until: float
    good_until_ms: float


class _WarmTokens:
    """Tokens in memory, bounded in age and number; shared by all threads, never between companies."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tokens: OrderedDict[tuple[str, str], _Warm] = OrderedDict()

    def take(self, company_id: str, provider: str, now: float, now_ms: int) -> _Warm | None:
        with self._lock:
            found = self._tokens.get((company_id, provider))
            if found is None or found.until <= now or found.good_until_ms <= now_ms:
                self._tokens.pop((company_id, provider), None)
                return None
            self._tokens.move_to_end((company_id, provider))
            return found

    def keep(self, warm: _Warm) -> None:
        with self._lock:
            self._tokens[warm.connection.company_id, warm.connection.provider] = warm
            while len(self._tokens) > WARM_TOKENS:
                self._tokens.popitem(last=False)

    def drop(self, company_id: str, provider: str) -> None:
        with self._lock:
            self._tokens.pop((company_id, provider), None)


class Tokens:
    """Gives access tokens; see the module.

    Args:
        tools: what tokens are read and renewed with.
        refresher: renews them.
    """

    def __init__(self, tools: Tools, refresher: Refresher) -> None:
        self._tools = tools
        self._refresher = refresher
        self._warm = _WarmTokens()

    def access_token(
        self, company_id: str, provider: str, *, needs: frozenset[str] = frozenset()
    ) -> AccessToken:
        """A token that is good now.

        Args:
            company_id: whose.
            provider: for which provider.
            needs: the scopes that the calls need; none: those without which the provider is of no use.

        Raises:
            NotConnected: there is no connection.
            ReconnectRequired: the company must connect again.
            InsufficientScopes: the company did not grant what is needed.
            RetryLater: no token that is good can be had now.
            GiveUp: another reason that does not pass.
        """
        clock = self._tools.clock
        warm = self._warm.take(company_id, provider, clock.monotonic(), self._tools.rows.now_ms())
        if warm is None:
            warm = self._current(company_id, provider, None)
        self._require(warm.connection, needs)
        return warm.token

    def rejected(self, company_id: str, provider: str, token: AccessToken) -> AccessToken:
        """The provider answered 401 to a token: get another.

        However many calls were refused with the same token, it is renewed once.

        Raises:
            NotConnected: see `access_token`.
            ReconnectRequired: see `access_token`.
            RetryLater: see `access_token`; the refused token is not given again.
        """
        self._warm.drop(company_id, provider)
        return self._current(company_id, provider, token.version).token

    # -- one token --------------------------------------------------------------------------------------

    def _current(self, company_id: str, provider: str, refused: int | None) -> _Warm:
        deadline, pause_seconds = Deadline(self._tools.clock, WAIT_SECONDS), _FIRST_PAUSE_SECONDS
        while True:
            item = self._read(company_id, provider)
            if not self._is_due(item, refused):
                return self._opened(item)
            waits = self._backing_off(item)
            if waits is None and deadline.passed():
                waits = RetryLater("another worker is renewing the token", reason="token_busy")
            if waits is not None:
                return self._old(item, refused, waits)
            result = self._renewed(item, refused)
            if result is None:
                self._tools.clock.sleep(deadline.within(pause_seconds))
                pause_seconds = min(_LONGEST_PAUSE_SECONDS, 2 * pause_seconds)
            elif result.error is not None:
                return self._old(item, refused, _for_caller(result, provider))

    def _read(self, company_id: str, provider: str) -> Item:
        item = self._tools.rows.read(company_id, provider)
        if item is None:
            raise NotConnected(f"the company is not connected with {provider}")
        if item["status"] == "reconnect_required":
            reason = (item.get("last_error") or {}).get("reason", "unknown")
            raise ReconnectRequired(f"{provider} must be connected again ({reason})")
        return item

    def _is_due(self, item: Item, refused: int | None) -> bool:
        if refused == item["version"]:
            return True
        if item["kind"] == "api_key":
            return False
        if "access_token" not in item:
            return True
        return bool(item["access_expires_ms"] - margin_ms(item) <= self._tools.rows.now_ms())

    def _backing_off(self, item: Item) -> FrontdeskError | None:
        left_ms = item.get("next_attempt_ms", 0) - self._tools.rows.now_ms()
        if left_ms <= 0:
            return None
        last = item.get("last_error") or {}
        words, reason = "the token cannot be renewed at the moment", last.get("reason", "")
        if not last.get("passes", True):
            return GiveUp(words, reason=reason)
        return RetryLater(words, reason=reason, after_seconds=left_ms / 1000)

    def _renewed(self, item: Item, refused: int | None) -> Result | None:
        """Renew it now; ``None`` while another worker does."""
        age_ms = self._tools.rows.now_ms() - item.get("refreshed_at", 0)
        if refused == item["version"] and age_ms < JUST_RENEWED_MS:
            raise RetryLater("the provider refuses a token it has just given", reason="token_refused")
        lease = self._tools.rows.lease(item)
        if lease is None:
            return None
        if item["kind"] == "api_key":
            return self._refresher.refused_key(item, lease)
        return self._refresher.run(item, lease)

    def _old(self, item: Item, refused: int | None, error: FrontdeskError) -> _Warm:
        """The token as it is, where it is still good for something; else the error."""
        left_ms = item.get("access_expires_ms", 0) - self._tools.rows.now_ms()
        unusable = isinstance(error, ReconnectRequired) or refused == item["version"]
        if unusable or left_ms < LEAST_LIFE_MS or "access_token" not in item:
            raise error
        return self._opened(item)

    def _opened(self, item: Item) -> _Warm:
        connection = as_connection(item)
        name = "api_key" if connection.kind == "api_key" else "access_token"
        secret = self._tools.vault.open(connection.company_id, connection.provider, name, item[name])
        expires_at = None if connection.kind == "api_key" else connection.access_expires_at
        scopes = frozenset(connection.scopes)
        token = AccessToken(secret, scopes, expires_at, connection.version, connection.settings)
        ends_ms = item["access_expires_ms"] - margin_ms(item) if expires_at else float("inf")
        warm = _Warm(token, connection, self._tools.clock.monotonic() + WARM_SECONDS, ends_ms)
        self._warm.keep(warm)
        return warm

    def _require(self, connection: Connection, needs: frozenset[str]) -> None:
        if connection.kind != "oauth":
            return  # what a key may do shows when it is used
        provider = self._tools.clients.provider(connection.provider)
        missing = provider.missing(frozenset(connection.scopes), needs or None)
        if missing:
            way = "tick every box" if provider.boxes else "accept everything that it asks for"
            raise InsufficientScopes(
                f"{provider.title} was connected without {', '.join(sorted(missing))}: "
                f"connect again and {way}"
            )


def _for_caller(result: Result, provider: str) -> FrontdeskError:
    if result.outcome is Outcome.RECONNECT:
        reason = result.error.reason if result.error else "unknown"
        return ReconnectRequired(f"{provider} must be connected again ({reason})")
    if isinstance(result.error, InvalidInput):  # nobody's request is wrong here: what was stored is
        return GiveUp(str(result.error), reason=result.error.reason)
    return result.error or RetryLater("no token", reason="token_busy")
