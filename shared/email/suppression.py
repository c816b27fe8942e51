"""Addresses that a company does not write to any more: they bounced for good, complained, or unsubscribed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.companies.names import SCHEMA_VERSION, company_pk
from shared.platform.clock import epoch_milliseconds, from_epoch_milliseconds
from shared.platform.tables import Key

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from shared.platform.tables import Table

_PREFIX = "suppressed#"


@dataclass(frozen=True)
class Suppressed:
    """An address that is not written to.

    Args:
        address: in small letters.
        reason: ``bounced``, ``complained``, ``unsubscribed``, ``dropped`` or ``asked``.
        since: since when.
        email_id: the e-mail that led to it; empty where a person put it here.
    """

    address: str
    reason: str
    since: datetime
    email_id: str = ""


class Suppressions:
    """The list of one deployment's companies, each its own.

    Args:
        table: the e-mails' table.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, company_id: str, address: str, reason: str, at: datetime, email_id: str = "") -> None:
        """Put an address on the list; the newest reason stays."""
        item = {
            **_key(company_id, address).as_item(),
            "v": SCHEMA_VERSION,
            "reason": reason,
            "since_ms": epoch_milliseconds(at),
            "email_id": email_id,
        }
        self._table.put(item)

    def remove(self, company_id: str, address: str) -> bool:
        """Take an address off the list. Returns whether it stood there."""
        key = _key(company_id, address)
        found = self._table.get(key, consistent=True) is not None
        self._table.delete(key)
        return found

    def among(self, company_id: str, addresses: Iterable[str]) -> dict[str, str]:
        """Those of some addresses that are on the list, as they were given, with the reason."""
        found = {one: self._table.get(_key(company_id, one), consistent=True) for one in addresses}
        return {address: item["reason"] for address, item in found.items() if item}

    def all(self, company_id: str, limit: int, after: str = "") -> list[Suppressed]:
        """The list by address, at most so many, after an address."""
        low = f"{_PREFIX}{after.lower()}\x00" if after else _PREFIX
        found = self._table.query(company_pk(company_id), between=(low, f"{_PREFIX}\U0010ffff"), limit=limit)
        return [
            Suppressed(
                item["sk"].removeprefix(_PREFIX),
                item["reason"],
                from_epoch_milliseconds(item["since_ms"]),
                item.get("email_id", ""),
            )
            for item in found
        ]


def _key(company_id: str, address: str) -> Key:
    # The part before the @ is the receiving server's business by the standard (RFC 5321 section 2.4), but no
    # server that matters tells capitals apart, and a bounced address must not come back in other letters.
    return Key(company_pk(company_id), f"{_PREFIX}{address.strip().lower()}")
