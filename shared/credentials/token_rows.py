"""How a refresh changes a connection's item: under a lease, at the version it began with, tokens only.

The lease keeps others from asking the provider at the same time; the version and the fence are what keeps a
worker that was too slow from writing. A lease that ended is taken over by whoever comes next.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from shared.credentials.connections import connection_key, due_keys, margin_ms, token_times
from shared.platform.clock import epoch_milliseconds
from shared.platform.errors import RetryLater
from shared.platform.tables import ConditionFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.platform.clock import Clock
    from shared.platform.errors import FrontdeskError
    from shared.platform.tables import Item, Key, Table

# Longer than a refresh may take: two calls of the provider, and the writes.
LEASE_SECONDS = 30
_STATUS = {"#status": "status"}
_HELD = "version = :version AND lease_owner = :owner AND lease_fence = :fence"
_NO_LEASE = "REMOVE lease_owner, lease_until_ms"
_WRITE_PAUSES_SECONDS = (0.2, 1.0)


@dataclass(frozen=True)
class Lease:
    """The right to renew a connection's token at one version.

    Args:
        key: the connection.
        version: the version that may be replaced.
        owner: who holds it.
        fence: grows with each lease of the connection.
        connected_at: when the company connected (milliseconds since 1970): versions begin anew after a
            disconnect, and what is connected then may be another account.
    """

    key: Key
    version: int
    owner: str
    fence: int
    connected_at: int

    def values(self) -> dict[str, Any]:
        """For the condition that it is held."""
        return {":version": self.version, ":owner": self.owner, ":fence": self.fence}


class TokenRows:
    """Connections' items, as a refresh reads and writes them.

    Args:
        table: the credentials table.
        clock: for times.
    """

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return epoch_milliseconds(self._clock.now())

    def read(self, company_id: str, provider: str) -> Item | None:
        """A connection's item, as it is now."""
        return self._table.get(connection_key(company_id, provider), consistent=True)

    def lease(self, item: Item) -> Lease | None:
        """The right to renew, or ``None`` while another has it or where the item has changed.

        A lease that claims to end later than any lease can is one of a worker with a wrong clock: it counts
        as ended.
        """
        key, owner, now_ms = connection_key_of(item), uuid.uuid4().hex, self.now_ms()
        until_ms = now_ms + LEASE_SECONDS * 1000
        try:
            leased = self._table.update(
                key,
                "SET lease_owner = :owner, lease_until_ms = :until ADD lease_fence :one",
                "version = :version AND connected_at = :connected"
                " AND (attribute_not_exists(lease_until_ms) OR lease_until_ms < :now"
                " OR lease_until_ms > :longest)",
                values={
                    ":owner": owner,
                    ":until": until_ms,
                    ":one": 1,
                    ":version": item["version"],
                    ":connected": item["connected_at"],
                    ":now": now_ms,
                    ":longest": until_ms + LEASE_SECONDS * 1000,
                },
            )
        except ConditionFailed:
            return None
        return Lease(key, leased["version"], owner, leased["lease_fence"], leased["connected_at"])

    def is_held(self, lease: Lease, item: Item | None) -> bool:
        """Whether an item, read just now, is still at the lease's version and under it."""
        return item is not None and (
            (item["version"], item.get("lease_owner"), item.get("lease_fence"))
            == (lease.version, lease.owner, lease.fence)
        )

    def is_replaced(self, lease: Lease, item: Item | None) -> bool:
        """Whether an item, read just now, is gone, has newer tokens, or is another connection."""
        return item is None or (item["version"], item["connected_at"]) != (lease.version, lease.connected_at)

    def store_tokens(
        self, lease: Lease, sealed: Mapping[str, bytes], *, began_ms: int, lifetime_seconds: int, kind: str
    ) -> bool:
        """Write new tokens, and end the lease.

        Args:
            lease: the right to.
            sealed: ``access_token`` and, where the provider gave a new one, ``refresh_token``.
            began_ms: when the provider was asked, which is when the token's life is counted from.
            lifetime_seconds: how long it lives.
            kind: the connection's.

        Returns:
            ``False``: the lease was lost, and nothing was written.

        Raises:
            RetryLater: the table does not answer; the tokens may be lost.
        """
        expression, values = _token_update(lease, sealed, began_ms, lifetime_seconds, kind)
        return self._written(lease, sealed, expression, _HELD, {**lease.values(), **values})

    def store_late(
        self,
        lease: Lease,
        sealed: Mapping[str, bytes],
        *,
        began_ms: int,
        lifetime_seconds: int,
        kind: str,
    ) -> bool:
        """Write tokens after the lease was lost, while nobody holds one and the version is still the same.

        Nobody has got newer tokens then; if the connection was taken for dead meanwhile, it is not.
        """
        expression, values = _token_update(lease, sealed, began_ms, lifetime_seconds, kind)
        values |= {":version": lease.version, ":connected": lease.connected_at, ":now": self.now_ms()}
        free = (
            "version = :version AND connected_at = :connected"
            " AND (attribute_not_exists(lease_until_ms) OR lease_until_ms < :now)"
        )
        item = self._table.get(lease.key, consistent=True) or {}
        status = {":status": item.get("status_before", item.get("status", "connected"))}
        expression = expression.replace("SET ", "SET #status = :status, ", 1)
        expression += ", status_before, notice_due"
        return self._written(lease, sealed, expression, free, values | status, _STATUS)

    def note_failure(self, lease: Lease, item: Item, error: FrontdeskError, *, next_attempt_ms: int) -> None:
        """Note that it did not work now, and when the next attempt comes; ends the lease."""
        values = {**lease.values(), ":error": self._error(item, error.reason), ":next": next_attempt_ms}
        values[":error"]["passes"] = isinstance(error, RetryLater)
        expression = "SET last_error = :error, next_attempt_ms = :next"
        if item["kind"] == "oauth":
            due, values = _due(lease.key, next_attempt_ms, values)
            expression += due
        self._unless_lost(lease.key, f"{expression} {_NO_LEASE}", values)

    def mark_reconnect(self, lease: Lease, item: Item, reason: str) -> bool:
        """Only the company can mend it. The index shows it as due until a notice was given.

        Returns:
            Whether it was this call that marked it.
        """
        values = {
            **lease.values(),
            ":error": self._error(item, reason),
            ":status": "reconnect_required",
            ":before": item["status"],
            ":true": True,
        }
        due, values = _due(lease.key, self.now_ms(), values)
        expression = (
            "SET #status = :status, status_before = :before, last_error = :error, notice_due = :true"
            f"{due} {_NO_LEASE}, next_attempt_ms"
        )
        return self._unless_lost(lease.key, expression, values, _STATUS)

    def notice_given(self, item: Item) -> None:
        """The company was told: nothing is due any more, unless it has connected again meanwhile."""
        self._change(
            connection_key_of(item),
            "REMOVE notice_due, refresh_due_pk, refresh_due_sk",
            "version = :version AND attribute_exists(notice_due)",
            {":version": item["version"]},
        )

    def _written(
        self,
        lease: Lease,
        sealed: Mapping[str, bytes],
        expression: str,
        condition: str,
        values: dict[str, Any],
        names: Mapping[str, str] | None = None,
    ) -> bool:
        for pause_seconds in (*_WRITE_PAUSES_SECONDS, 0.0):
            try:
                self._table.update(lease.key, expression, condition, values=values, names=names)
            except ConditionFailed:
                # An earlier try may have been written although its answer never came.
                now = self._table.get(lease.key, consistent=True) or {}
                return bool(now.get("access_token") == sealed["access_token"])
            except (ClientError, BotoCoreError):
                self._clock.sleep(pause_seconds)
            else:
                return True
        raise RetryLater("the table does not take the new tokens", reason="tokens_not_stored")

    def _unless_lost(
        self, key: Key, expression: str, values: dict[str, Any], names: Mapping[str, str] | None = None
    ) -> bool:
        return self._change(key, expression, _HELD, values, names)

    def _change(
        self,
        key: Key,
        expression: str,
        condition: str,
        values: dict[str, Any],
        names: Mapping[str, str] | None = None,
    ) -> bool:
        try:
            self._table.update(key, expression, condition, values=values, names=names)
        except ConditionFailed:
            return False
        return True

    def _error(self, item: Item, reason: str) -> dict[str, Any]:
        before = item.get("last_error") or {"count": 0}
        return {"reason": reason, "at": self.now_ms(), "count": before["count"] + 1}


def connection_key_of(item: Item) -> Key:
    """Where an item stands."""
    company_id, provider = item["pk"].removeprefix("company#"), item["sk"].removeprefix("connection#")
    return connection_key(company_id, provider)


def _due(key: Key, due_ms: int, values: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    keys = due_keys(key, due_ms)
    named = {f":{name}": value for name, value in keys.items()}
    return "".join(f", {name} = :{name}" for name in keys), values | named


def _token_update(
    lease: Lease, sealed: Mapping[str, bytes], began_ms: int, lifetime_seconds: int, kind: str
) -> tuple[str, dict[str, Any]]:
    changed: dict[str, Any] = {**sealed, **token_times(began_ms, lifetime_seconds)}
    changed["version"] = lease.version + 1
    if kind == "oauth":
        changed |= due_keys(lease.key, changed["access_expires_ms"] - margin_ms(changed))
    assignments = ", ".join(f"{name} = :new_{name}" for name in changed)
    values = {f":new_{name}": value for name, value in changed.items()}
    return f"SET {assignments} {_NO_LEASE}, last_error, next_attempt_ms", values
