"""How a company's outside services do, as the working paths meet them: noted now and then, read by health.

Notes are cheap: while nothing changes, a process writes at most one a minute for each company and service.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.companies.names import SCHEMA_VERSION, company_pk
from shared.platform.clock import epoch_milliseconds, from_epoch_milliseconds
from shared.platform.observability import log
from shared.platform.tables import Key

if TYPE_CHECKING:
    from datetime import datetime

    from shared.platform.clock import Clock
    from shared.platform.tables import Item, Table

MODEL, CHATWOOT = "model", "chatwoot"
NOTED_EVERY_SECONDS = 60.0
MAX_KNOWN = 10_000
# What nobody has met for so long says nothing about today.
KEPT = timedelta(days=7)


@dataclass(frozen=True)
class Beat:
    """How a service did when it was met last.

    Args:
        failing_since: the first failure after the last success; ``None`` where it works.
        reason: the last failure's slug; empty where it works.
        failures: how many were noted in a row.
        worked_at: the last noted success; ``None`` where none is known.
    """

    failing_since: datetime | None = None
    reason: str = ""
    failures: int = 0
    worked_at: datetime | None = None


@dataclass
class _Noted:
    failing: bool
    at: float
    unwritten: int = 0


class Pulse:
    """Notes and tells.

    Args:
        table: the conversations table, where turns may write.
        clock: for times.
    """

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock
        self._noted: OrderedDict[tuple[str, str], _Noted] = OrderedDict()
        self._lock = threading.Lock()

    def worked(self, company_id: str, service: str) -> None:
        """Note that a service answered. A note that cannot be written harms nothing."""
        if self._due(company_id, service, failing=False):
            self._write(
                _key(company_id, service),
                "SET worked_at_ms = :now, expires_at = :expires, v = :v "
                "REMOVE failing_since_ms, reason, failures",
                {},
            )

    def failed(self, company_id: str, service: str, reason: str) -> None:
        """Note that a service failed; ``reason`` is a slug."""
        number = self._due(company_id, service, failing=True)
        if number:
            self._write(
                _key(company_id, service),
                "SET reason = :reason, failing_since_ms = if_not_exists(failing_since_ms, :now), "
                "expires_at = :expires, v = :v ADD failures :number",
                {":reason": reason, ":number": number},
            )

    def of(self, company_id: str, service: str) -> Beat:
        """How a service did; an empty beat where nothing is known."""
        item = self._table.get(_key(company_id, service)) or {}
        if item.get("expires_at", 0) <= self._clock.now().timestamp():
            return Beat()
        return Beat(
            _moment(item, "failing_since_ms"),
            item.get("reason", ""),
            item.get("failures", 0),
            _moment(item, "worked_at_ms"),
        )

    def _due(self, company_id: str, service: str, *, failing: bool) -> int:
        """How many beats a note now would stand for; 0 where it is too early for one."""
        now = self._clock.monotonic()
        with self._lock:
            noted = self._noted.get((company_id, service))
            same = noted is not None and noted.failing == failing
            if noted is not None and same and now - noted.at < NOTED_EVERY_SECONDS:
                noted.unwritten += 1
                return 0
            number = 1 + (noted.unwritten if noted is not None and same else 0)
            self._noted[(company_id, service)] = _Noted(failing, now)
            self._noted.move_to_end((company_id, service))
            while len(self._noted) > MAX_KNOWN:
                self._noted.popitem(last=False)
            return number

    def _write(self, key: Key, expression: str, values: Item) -> None:
        now = self._clock.now()
        values = values | {
            ":now": epoch_milliseconds(now),
            ":expires": int((now + KEPT).timestamp()),
            ":v": SCHEMA_VERSION,
        }
        try:
            self._table.update(key, expression, values=values)
        except Exception as failed:  # noqa: BLE001 - customers wait for what comes after this
            log.warning("how a service does could not be noted", error=type(failed).__name__)


def _key(company_id: str, service: str) -> Key:
    return Key(f"{company_pk(company_id)}#health", service)


def _moment(item: Item, name: str) -> datetime | None:
    return from_epoch_milliseconds(item[name]) if name in item else None
