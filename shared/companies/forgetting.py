"""Forgetting a company: all that tables and files hold of it goes, and a receipt says what and what remains.

The company has been taken leave of before (`DELETE /api/companies/{id}`): its webhook and grants are revoked,
its wrapped data keys destroyed, its document gone. What is left are items in partitions that bear its name.
They are found by reading each table whole: an index of everything by company would cost a second write with
every message of every day, for an act that comes once (docs/decisions/0017-forgetting-a-company.md).

What was begun before the company was gone may still write. So the tables are read again after the longest
time that an invocation of a function lives, until they hold nothing. How far it is stands in one item, so
that running it again goes on.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from shared.companies.audit import KEPT, Audit
from shared.companies.names import OPERATOR, SCHEMA_VERSION, company_pk
from shared.companies.receipt import Receipt, Remains, remains_everywhere, removed_lines
from shared.platform.clock import epoch_milliseconds, from_epoch_milliseconds
from shared.platform.tables import Key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from shared.platform.clock import Clock
    from shared.platform.tables import Item, Table

# Lambda's longest run time, and the upload of a file that begins in the last of the fifteen minutes for which
# its place is good.
SETTLING = timedelta(minutes=20)
# As many as one BatchWriteItem takes; after each of them it is written down what is gone.
_AT_ONCE = 25
_WHILE_IT_LASTS = timedelta(days=35)


@dataclass(frozen=True)
class Leave:
    """What taking leave of a company did.

    Args:
        removed: how many of what.
        by_hand: what is left to do by hand, in sentences.
    """

    removed: Mapping[str, int] = field(default_factory=dict)
    by_hand: Sequence[str] = ()


@dataclass
class _Record:
    """How far a forgetting is."""

    company_id: str
    begun_ms: int
    removed: Counter[str] = field(default_factory=Counter)
    by_hand: list[str] = field(default_factory=list)
    # When a reading of all tables was over that found something, or was the first; 0 before.
    swept_ms: int = 0


class Forgetting:
    """Forgets companies.

    Args:
        tables: every table, by our name for it; the first is emptied first.
        remove_files: deletes a company's files, and calls back with how many are gone, as often as it likes.
        companies: the companies table, which also keeps how far it is, and the audit trail.
        clock: for times, and for waiting.
    """

    def __init__(
        self,
        tables: Mapping[str, Table],
        remove_files: Callable[[str, Callable[[int], None]], object],
        companies: Table,
        clock: Clock,
    ) -> None:
        self._tables = tables
        self._remove_files = remove_files
        self._companies = companies
        self._clock = clock

    def run(
        self,
        company_id: str,
        take_leave: Callable[[], Leave],
        actor: str,
        show: Callable[[str], None] = lambda _: None,
        *,
        wait: bool = True,
    ) -> Receipt:
        """Forget a company, or go on with it.

        Args:
            company_id: which.
            take_leave: revokes its grants, and deletes its credentials and its document.
            actor: who does it, for the operator's audit trail.
            show: called with a sentence for each step.
            wait: wait for the tables to settle; otherwise the receipt is incomplete and says so.

        Raises:
            RetryLater: a table or the store of files does not take writes now; run it again.
        """
        record = self._begin(company_id)
        # Each time: somebody may have put the company again in between.
        left = take_leave()
        record.by_hand = sorted({*record.by_hand, *left.by_hand})
        record.removed.update(left.removed)
        self._write(record)
        while not self._empty(record, show):
            if not wait:
                return self._receipt(record, complete=False)
            until = self._settled_at(record)
            show(f"waiting until {until.isoformat(timespec='seconds')}, then looking again")
            self._clock.sleep(max(0.0, (until - self._clock.now()).total_seconds()))
        receipt = self._receipt(record, complete=True)
        Audit(self._companies, self._clock).record(OPERATOR, actor, "company.forget", receipt.as_dict())
        self._companies.delete(_row(company_id))
        return receipt

    def _empty(self, record: _Record, show: Callable[[str], None]) -> bool:
        """Empty the tables; whether they were empty already, at a time when that can be believed."""
        began = self._clock.now()
        found = self._sweep(record, show)
        if not found and record.swept_ms and began >= self._settled_at(record):
            return True
        if found or not record.swept_ms:
            record.swept_ms = epoch_milliseconds(self._clock.now())
            self._write(record)
        return False

    def _settled_at(self, record: _Record) -> datetime:
        return from_epoch_milliseconds(record.swept_ms) + SETTLING

    def _sweep(self, record: _Record, show: Callable[[str], None]) -> int:
        """Read every table and the files, and delete what is the company's; gives how many that were."""
        before = record.removed.total()

        def files_gone(number: int) -> None:
            record.removed["files of e-mails"] += number
            self._write(record)

        for name, table in self._tables.items():
            for keys in _batches(_of(table, record.company_id)):
                table.delete_many(keys)
                record.removed.update(f"{name}: {_kind(key)}" for key in keys)
                self._write(record)
            show(f"{name}: read, {record.removed.total()} items deleted so far")
        self._remove_files(record.company_id, files_gone)
        return record.removed.total() - before

    # -- how far it is --------------------------------------------------------------------------------

    def _begin(self, company_id: str) -> _Record:
        item = self._companies.get(_row(company_id), consistent=True)
        if item is None:
            return _Record(company_id, epoch_milliseconds(self._clock.now()))
        removed = Counter({what: int(count) for what, count in item["removed"].items()})
        return _Record(company_id, item["begun_ms"], removed, list(item["by_hand"]), item["swept_ms"])

    def _write(self, record: _Record) -> None:
        item: Item = {
            **_row(record.company_id).as_item(),
            "v": SCHEMA_VERSION,
            "begun_ms": record.begun_ms,
            "removed": dict(record.removed),
            "by_hand": record.by_hand,
            "swept_ms": record.swept_ms,
            "expires_at": int((self._clock.now() + _WHILE_IT_LASTS).timestamp()),
        }
        self._companies.put(item)

    def _receipt(self, record: _Record, *, complete: bool) -> Receipt:
        now = self._clock.now().astimezone(UTC)
        trail = Remains(
            "the operator's audit trail: which key did what, no customer's data",
            (now + KEPT).isoformat(timespec="seconds"),
        )
        vendors = Remains(
            "what Chatwoot, the calendars, mail and model providers keep", "their own terms end it"
        )
        return Receipt(
            f"company {record.company_id}",
            now.isoformat(timespec="seconds"),
            complete=complete,
            removed=removed_lines(dict(sorted(record.removed.items()))),
            remains=(*remains_everywhere(now), trail, vendors),
            by_hand=tuple(record.by_hand),
        )


def _row(company_id: str) -> Key:
    return Key(OPERATOR, f"forget#{company_id}")


def _of(table: Table, company_id: str) -> list[Key]:
    """What a table holds of a company; its wrapped data keys first, because without them nothing opens."""
    own = company_pk(company_id)
    found = [key for key in table.keys_below(own) if key.pk == own or key.pk.startswith(f"{own}#")]
    return sorted(found, key=lambda key: (not key.sk.startswith("datakey#"), key.pk, key.sk))


def _batches(keys: Sequence[Key]) -> Iterator[list[Key]]:
    rest = iter(keys)
    while batch := list(islice(rest, _AT_ONCE)):
        yield batch


def _kind(key: Key) -> str:
    """What an item is, without ids: the third part of its partition and the first of its place."""
    parts = key.pk.split("#")
    return " ".join([*parts[2:3], key.sk.partition("#")[0]])
