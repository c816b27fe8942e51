"""Addresses that a company does not write to any more: they bounced for good, complained, or unsubscribed.

    suppressed#<address>       on the list
    unsuppressed#<digest>      when a person took it off; kept while older reports may still come

One address has many spellings: our own e-mails hold its domain in Unicode, providers report it in ASCII. It
stands here as it travels: the domain in ASCII, everything in small letters and in Unicode's form C.
"""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.companies.names import SCHEMA_VERSION, company_pk
from shared.email.addresses import checked, wire
from shared.email.records import KEPT_SECONDS
from shared.platform.clock import epoch_milliseconds, from_epoch_milliseconds
from shared.platform.tables import Check, ConditionFailed, Delete, Key, Put

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from shared.platform.tables import Item, Table

_PREFIX = "suppressed#"
_TAKEN_OFF = "unsuppressed#"


@dataclass(frozen=True)
class Suppressed:
    """An address that is not written to.

    Args:
        address: as it travels, in small letters.
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
        """Put an address on the list, because a person says so; the reason takes the place of any other."""
        self._table.put(_item(company_id, address, reason, at, email_id))

    def reported(self, company_id: str, address: str, reason: str, at: datetime, email_id: str = "") -> bool:
        """Put an address on the list, because a provider says what happened at a moment.

        What happened before a person took the address off is settled, however often and late it is told;
        and an old report says nothing about an address that is on the list for a newer reason.

        Returns:
            Whether it stands there for this reason now.
        """
        happened = {":at": epoch_milliseconds(at)}
        item = _item(company_id, address, reason, at, email_id)
        try:
            self._table.transact(
                [
                    Put(item, "attribute_not_exists(pk) OR since_ms <= :at", happened),
                    Check(
                        _taken_off_key(company_id, address),
                        "attribute_not_exists(pk) OR removed_ms <= :at",
                        happened,
                    ),
                ]
            )
        except ConditionFailed:
            return False
        return True

    def remove(self, company_id: str, address: str, at: datetime) -> bool:
        """Take an address off the list. Returns whether it stood there.

        Args:
            company_id: whose list.
            address: in any spelling.
            at: now: no report of anything earlier puts it back.
        """
        keys = _keys(company_id, address)
        found = [self._table.get(key, consistent=True) is not None for key in keys]
        milliseconds = epoch_milliseconds(at)
        taken_off = {
            **_taken_off_key(company_id, address).as_item(),
            "v": SCHEMA_VERSION,
            "removed_ms": milliseconds,
            "expires_at": milliseconds // 1000 + KEPT_SECONDS,
        }
        self._table.transact([*(Delete(key) for key in keys), Put(taken_off)])
        return any(found)

    def among(self, company_id: str, addresses: Iterable[str], *, own: str | None = None) -> dict[str, str]:
        """Those of some addresses that are on the list, as they were given, with the reason.

        Args:
            company_id: whose list.
            addresses: which.
            own: that of the company's own people: who puts it on the list is not silenced.
        """
        others = (one for one in addresses if own is None or one.lower() != own.lower())
        found = {one: self._find(company_id, one) for one in others}
        return {address: item["reason"] for address, item in found.items() if item}

    def _find(self, company_id: str, address: str) -> Item | None:
        read = (self._table.get(key, consistent=True) for key in _keys(company_id, address))
        return next((item for item in read if item), None)

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


def canonical(address: str) -> str:
    """The one spelling of an address; of what is no address, which providers report as well, small letters.

    The part before the @ is the receiving server's business by the standard (RFC 5321 section 2.4), but no
    server that matters tells capitals apart, and a bounced address must not come back in other letters.
    """
    return _spellings(address)[0]


def _spellings(address: str) -> list[str]:
    """The canonical one, and where lists stood when domains were kept in Unicode."""
    written = address.strip()
    try:
        written = checked(written)
        return list(dict.fromkeys([_small(wire(written)), _small(written)]))
    except ValueError:
        return [_small(written)]


def _small(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())


def _item(company_id: str, address: str, reason: str, at: datetime, email_id: str) -> Item:
    return {
        **_keys(company_id, address)[0].as_item(),
        "v": SCHEMA_VERSION,
        "reason": reason,
        "since_ms": epoch_milliseconds(at),
        "email_id": email_id,
    }


def _keys(company_id: str, address: str) -> list[Key]:
    """Where an address stands, and then where it may have been put earlier."""
    return [Key(company_pk(company_id), f"{_PREFIX}{one}") for one in _spellings(address)]


def _taken_off_key(company_id: str, address: str) -> Key:
    # A digest: who was taken off the list need not stay readable.
    digest = hashlib.sha256(canonical(address).encode()).hexdigest()[:32]
    return Key(company_pk(company_id), f"{_TAKEN_OFF}{digest}")
