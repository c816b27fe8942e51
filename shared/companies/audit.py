"""The audit trail: who did which administrative act, and when. Written once, never changed.

Each record stands twice, written together: in the partition of the company it concerns, and in the month's
partition of everybody, which the operator reads (docs/decisions/0013-audit-trail.md).
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

from shared.companies.names import SCHEMA_VERSION, owner_pk, trail_pk
from shared.platform.errors import InvalidInput
from shared.platform.tables import Key, Put

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.platform.clock import Clock
    from shared.platform.tables import Item, Table

KEPT = timedelta(days=400)
_PREFIX = "audit#"
# Everybody's records stand by month; so many months hold what is kept.
_MONTHS = 15
_CURSOR = re.compile(r"[0-9TZ:.-]{24}#[0-9a-f]{12}")


@dataclass(frozen=True)
class AuditRecord:
    """One act.

    Args:
        at: when, ISO 8601 in UTC with milliseconds.
        owner: the company it concerns, or ``operator``.
        actor: the key that did it, as ``owner/key id``.
        action: what, such as ``company.put``.
        detail: to what; never a secret.
    """

    at: str
    owner: str
    actor: str
    action: str
    detail: Mapping[str, Any]


class Audit:
    """Writes and reads the trail.

    Args:
        table: the companies table.
        clock: for times.
    """

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    def record(self, owner: str, actor: str, action: str, detail: Mapping[str, Any] | None = None) -> None:
        """Write an act down, in the trail of the company it concerns or of the operator."""
        now = self._clock.now().astimezone(UTC)
        at = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        place = f"{at}#{secrets.token_hex(6)}"
        record: Item = {
            "v": SCHEMA_VERSION,
            "at": at,
            "owner": owner,
            "actor": actor,
            "action": action,
            "detail": dict(detail or {}),
            "expires_at": int((now + KEPT).timestamp()),
        }
        keys = (Key(owner_pk(owner), _PREFIX + place), Key(trail_pk(at[:7]), place))
        self._table.transact([Put(key.as_item() | record, "attribute_not_exists(pk)") for key in keys])

    def list(
        self, owner: str, limit: int, cursor: str | None = None
    ) -> tuple[Sequence[AuditRecord], str | None]:
        """The newest acts first, and where to go on, ``None`` at the end.

        Raises:
            InvalidInput: the cursor is none of ours.
        """
        _check_cursor(cursor)
        newest = _PREFIX + (cursor or "~")
        items = self._table.query(
            owner_pk(owner), between=(_PREFIX, newest), newest_first=True, limit=limit + 1
        )
        return self._page(items, limit, owner)

    def list_all(self, limit: int, cursor: str | None = None) -> tuple[Sequence[AuditRecord], str | None]:
        """Everybody's acts, the newest first, and where to go on, ``None`` at the end.

        Raises:
            InvalidInput: the cursor is none of ours.
        """
        _check_cursor(cursor)
        items: list[Item] = []
        month = cursor[:7] if cursor else self._clock.now().astimezone(UTC).strftime("%Y-%m")
        for _ in range(_MONTHS):
            items += self._table.query(
                trail_pk(month), between=("0", cursor or "~"), newest_first=True, limit=limit + 1
            )
            if len(items) > limit:
                break
            month = _month_before(month)
        return self._page(items, limit)

    def _page(
        self, items: Sequence[Item], limit: int, owner: str = ""
    ) -> tuple[Sequence[AuditRecord], str | None]:
        now = self._clock.now().timestamp()
        kept = [item for item in items if item["expires_at"] > now]
        following = kept[limit]["sk"].removeprefix(_PREFIX) if len(kept) > limit else None
        return [_record(item, owner) for item in kept[:limit]], following


def _check_cursor(cursor: str | None) -> None:
    if cursor is not None and not _CURSOR.fullmatch(cursor):
        raise InvalidInput("the cursor is not one that this list gave out", reason="bad_cursor")


def _month_before(month: str) -> str:
    year, number = int(month[:4]), int(month[5:])
    return f"{year - 1}-12" if number == 1 else f"{year}-{number - 1:02d}"


def _record(item: Item, owner: str) -> AuditRecord:
    return AuditRecord(item["at"], item.get("owner", owner), item["actor"], item["action"], item["detail"])
