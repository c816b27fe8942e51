"""The audit trail: who did which administrative act, and when. Written once, never changed."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

from shared.companies.names import SCHEMA_VERSION, owner_pk
from shared.platform.errors import InvalidInput
from shared.platform.tables import Key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.platform.clock import Clock
    from shared.platform.tables import Item, Table

KEPT = timedelta(days=400)
_PREFIX = "audit#"
_CURSOR = re.compile(r"[0-9TZ:.-]{24}#[0-9a-f]{12}")


@dataclass(frozen=True)
class AuditRecord:
    """One act.

    Args:
        at: when, ISO 8601 in UTC with milliseconds.
        actor: the key that did it, as ``owner/key id``.
        action: what, such as ``company.put``.
        detail: to what; never a secret.
    """

    at: str
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
        item: Item = {
            **Key(owner_pk(owner), f"{_PREFIX}{at}#{secrets.token_hex(6)}").as_item(),
            "v": SCHEMA_VERSION,
            "at": at,
            "actor": actor,
            "action": action,
            "detail": dict(detail or {}),
            "expires_at": int((now + KEPT).timestamp()),
        }
        self._table.put(item, "attribute_not_exists(pk)")

    def list(self, owner: str, limit: int, cursor: str | None = None) -> tuple[list[AuditRecord], str | None]:
        """The newest acts first, and where to go on, ``None`` at the end.

        Raises:
            InvalidInput: the cursor is none of ours.
        """
        newest = _PREFIX + (cursor or "~")
        if cursor is not None and not _CURSOR.fullmatch(cursor):
            raise InvalidInput("the cursor is not one that this list gave out", reason="bad_cursor")
        items = self._table.query(
            owner_pk(owner), between=(_PREFIX, newest), newest_first=True, limit=limit + 1
        )
        now = self._clock.now().timestamp()
        kept = [item for item in items if item["expires_at"] > now]
        following = kept[limit]["sk"].removeprefix(_PREFIX) if len(kept) > limit else None
        return [_record(item) for item in kept[:limit]], following


def _record(item: Item) -> AuditRecord:
    return AuditRecord(item["at"], item["actor"], item["action"], item["detail"])
