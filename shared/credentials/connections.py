"""A company's connections to OAuth providers: one item each, its tokens sealed by the vault.

An item changes in two ways. Connecting writes it whole. A refresh changes token attributes only, and only
while the version is the one that it began with and it still holds the item's lease.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from shared.companies.names import SCHEMA_VERSION, company_pk
from shared.credentials.providers.registry import provider_named
from shared.platform.clock import epoch_milliseconds, from_epoch_milliseconds
from shared.platform.errors import Conflict, GiveUp, RetryLater
from shared.platform.tables import ConditionFailed, Key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from shared.credentials.vault import Vault
    from shared.platform.clock import Clock
    from shared.platform.secret import Secret
    from shared.platform.tables import Item, Table

Kind = Literal["oauth", "service_account", "api_key"]
Status = Literal["connected", "insufficient", "reconnect_required"]

PREFIX = "connection#"
# The attributes that the vault seals, each under its own name; whoever re-wraps values needs them.
SEALED = ("access_token", "refresh_token", "service_account", "api_key")

# The index of what is due: more than one partition, so that thousands of connections do not share one.
DUE_INDEX = "refresh_due"
DUE_SHARDS = 4
_MILLISECOND_DIGITS = 14
_STORE_TRIES = 5
LONGEST_MARGIN_MS = 15 * 60 * 1000


class RefreshTokenMissing(GiveUp):
    """The provider gave no refresh token, and none of the same account is stored to go on with."""

    default_reason = "no_refresh_token"


@dataclass(frozen=True)
class LastError:
    """The last thing that went wrong with the tokens, and still is.

    Args:
        reason: a slug such as ``status_503`` or ``invalid_grant``.
        at: when it last happened.
        count: how often in a row.
    """

    reason: str
    at: datetime
    count: int


@dataclass(frozen=True)
class NewConnection:
    """What a company connected with.

    Args:
        kind: how.
        account_id: whose account, as the provider's own id.
        account_email: its address; empty where unknown.
        scopes: what was granted.
        access_token: for OAuth.
        refresh_token: for OAuth; ``None`` where the provider gave none this time.
        service_account: Google's JSON key.
        api_key: a key that companies make themselves.
        access_lifetime_seconds: how long the access token lives from now.
        settings: what later calls need, such as ``organization_uri`` or ``subject``.
    """

    kind: Kind
    account_id: str
    account_email: str = ""
    scopes: frozenset[str] = frozenset()
    access_token: Secret | None = None
    refresh_token: Secret | None = None
    service_account: Secret | None = None
    api_key: Secret | None = None
    access_lifetime_seconds: int = 0
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Connection:
    """A connection as it is; holds no token.

    Args:
        company_id: whose.
        provider: with whom.
        kind: how.
        status: whether it can be used.
        account_id: whose account it is, as the provider's own id.
        account_email: its address; empty where unknown.
        scopes: what was granted, in the provider's words, sorted.
        version: grows with each new token.
        connected_at: when the company connected.
        access_expires_at: until when the access token is good; ``None`` where it does not expire or is made
            when it is first needed.
        refreshed_at: when the access token was last renewed.
        last_error: what goes wrong at the moment.
        has_refresh_token: whether it can be renewed without the company.
        settings: what calls need.
    """

    company_id: str
    provider: str
    kind: Kind
    status: Status
    account_id: str
    account_email: str
    scopes: tuple[str, ...]
    version: int
    connected_at: datetime
    access_expires_at: datetime | None = None
    refreshed_at: datetime | None = None
    last_error: LastError | None = None
    has_refresh_token: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)


class Connections:
    """Reads and writes connections.

    Args:
        table: the credentials table.
        vault: seals and opens tokens.
        clock: for times.
    """

    def __init__(self, table: Table, vault: Vault, clock: Clock) -> None:
        self._table = table
        self._vault = vault
        self._clock = clock

    def get(self, company_id: str, provider: str) -> Connection | None:
        """One connection, or ``None`` where there is none."""
        item = self._table.get(connection_key(company_id, provider), consistent=True)
        return as_connection(item) if item else None

    def of(self, company_id: str) -> list[Connection]:
        """All connections of a company, by the provider's name."""
        items = self._table.query(company_pk(company_id), prefix=PREFIX, consistent=True)
        return [as_connection(item) for item in items]

    def store(
        self, company_id: str, provider: str, new: NewConnection, *, only_new: bool = False
    ) -> Connection:
        """Connect, in place of any earlier connection with the same provider.

        A refresh that is on its way meanwhile cannot write any more. Where the provider gave no refresh token
        because the same account had consented before, the stored one stays.

        Args:
            company_id: who connects.
            provider: with whom.
            new: what with.
            only_new: write only if there is no connection yet.

        Raises:
            Conflict: there is one, and only a new one was wanted.
            RefreshTokenMissing: it gave none, and none of this account is stored.
            RetryLater: the connection keeps changing, or KMS does not answer now.
            KeyServiceRefused: KMS will not seal the tokens.
        """
        key, sealed = connection_key(company_id, provider), self._sealed(company_id, provider, new)
        for _ in range(_STORE_TRIES):
            before = self._table.get(key, consistent=True)
            if before and only_new:
                raise Conflict("a connection stands here already", reason="connected_already")
            item = self._item(key, provider, new, sealed, before)
            same = "version = :version" if before else "attribute_not_exists(pk)"
            try:
                self._table.put(item, same, {":version": before["version"]} if before else {})
            except ConditionFailed:
                continue
            return as_connection(item)
        raise RetryLater("the connection keeps changing", reason="connection_busy")

    def delete(self, company_id: str, provider: str) -> None:
        """Remove a connection with its tokens; one that is not there is fine."""
        self._table.delete(connection_key(company_id, provider))

    def token_to_revoke(self, company_id: str, provider: str) -> Secret | None:
        """What ends the grant at the provider: the refresh token, or the access token where there is none.

        Raises:
            CredentialUnreadable: it does not open for this row.
            RetryLater: KMS does not answer now.
        """
        item = self._table.get(connection_key(company_id, provider), consistent=True) or {}
        for name in ("refresh_token", "access_token"):
            if item.get("kind") == "oauth" and name in item:
                return self._vault.open(company_id, provider, name, item[name])
        return None

    def _sealed(self, company_id: str, provider: str, new: NewConnection) -> dict[str, bytes]:
        given = {name: getattr(new, name) for name in SEALED}
        return {
            name: self._vault.seal(company_id, provider, name, value)
            for name, value in given.items()
            if value is not None
        }

    def _item(
        self, key: Key, provider: str, new: NewConnection, sealed: Mapping[str, bytes], before: Item | None
    ) -> Item:
        now_ms = epoch_milliseconds(self._clock.now())
        sealed = dict(sealed)
        if new.kind == "oauth" and "refresh_token" not in sealed:
            sealed["refresh_token"] = _kept_refresh_token(before, new)
        missing = provider_named(provider).missing(new.scopes) if new.kind == "oauth" else frozenset()
        item: Item = {
            **key.as_item(),
            "v": SCHEMA_VERSION,
            "kind": new.kind,
            "status": "insufficient" if missing else "connected",
            "account_id": new.account_id,
            "account_email": new.account_email,
            "scopes": sorted(new.scopes),
            "version": before["version"] + 1 if before else 1,
            "connected_at": now_ms,
            "settings": dict(new.settings),
            **sealed,
        }
        if new.access_token is not None:
            item |= token_times(now_ms, new.access_lifetime_seconds)
        if new.kind == "oauth":
            item |= due_keys(key, item["access_expires_ms"] - margin_ms(item))
        return item


def connection_key(company_id: str, provider: str) -> Key:
    """Where a connection stands."""
    return Key(company_pk(company_id), f"{PREFIX}{provider}")


def token_times(now_ms: int, lifetime_seconds: int) -> Item:
    """How long a token got now is good. Not ``expires_at``: TTL would delete the item."""
    return {
        "access_expires_ms": now_ms + lifetime_seconds * 1000,
        "access_lifetime_ms": lifetime_seconds * 1000,
        "refreshed_at": now_ms,
    }


def margin_ms(item: Item) -> int:
    """How long before its end a token is renewed: 15 minutes, of short-lived ones a quarter of their life."""
    return min(LONGEST_MARGIN_MS, int(item.get("access_lifetime_ms", 0)) // 4)


def due_keys(key: Key, due_ms: int) -> Item:
    """The attributes that let the index of due connections show this one from a moment on."""
    who = f"{key.pk}#{key.sk}"
    return {
        f"{DUE_INDEX}_pk": due_shard(zlib.crc32(who.encode()) % DUE_SHARDS),
        f"{DUE_INDEX}_sk": f"{max(0, due_ms):0{_MILLISECOND_DIGITS}d}#{who}",
    }


def due_shard(number: int) -> str:
    """A partition of the index of due connections."""
    return f"refresh#{number}"


def due_until(now_ms: int) -> tuple[str, str]:
    """The sort keys of everything that is due at a moment."""
    return "0", f"{now_ms:0{_MILLISECOND_DIGITS}d}~"


def names_in(item: Item) -> tuple[str, str]:
    """Company and provider of an item."""
    return item["pk"].removeprefix("company#"), item["sk"].removeprefix(PREFIX)


def as_connection(item: Item) -> Connection:
    """An item as others see it."""
    company_id, provider = names_in(item)
    return Connection(
        company_id,
        provider,
        kind=item["kind"],
        status=item["status"],
        account_id=item["account_id"],
        account_email=item["account_email"],
        scopes=tuple(item["scopes"]),
        version=item["version"],
        connected_at=from_epoch_milliseconds(item["connected_at"]),
        access_expires_at=_moment(item.get("access_expires_ms")),
        refreshed_at=_moment(item.get("refreshed_at")),
        last_error=_last_error(item.get("last_error")),
        has_refresh_token="refresh_token" in item,
        settings=item["settings"],
    )


def _kept_refresh_token(before: Item | None, new: NewConnection) -> Any:  # noqa: ANN401 - DynamoDB's binary
    kept = (before or {}).get("refresh_token")
    # One that the provider no longer honours would only fail again.
    usable = before is not None and before["status"] != "reconnect_required"
    if kept is None or not usable or before is None or before["account_id"] != new.account_id:
        raise RefreshTokenMissing(
            "the provider gave no refresh token: remove our access there, and connect again"
        )
    return kept


def _moment(value: int | None) -> datetime | None:
    return None if value is None else from_epoch_milliseconds(value)


def _last_error(value: Mapping[str, Any] | None) -> LastError | None:
    if not value:
        return None
    return LastError(value["reason"], from_epoch_milliseconds(value["at"]), value["count"])
