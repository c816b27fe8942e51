"""Rotation: new data keys for every company and purpose, while work goes on.

1. *Sealing.* Each purpose gets a newer data key. From then on whoever seals uses it, because the newest key
   is looked up in the table at each sealing. Every stored value is sealed again, item by item, on condition
   that it is still the value that was read: a refresh that came between wins, and is looked at again.
2. *Settling.* Somebody may have looked up the old key just before, and write what it seals now. Such a writer
   is an invocation of a function, and none lives longer than 15 minutes. So the table is scanned again after
   that time; if it finds anything old, that is sealed again and the time begins anew.
3. *Destroying.* Only then the old wrapped keys are deleted, and a last scan finds none of the old.

Until the third step old and new open. Where a run stopped stands in one item of the table and in the keys
themselves, so that running it again goes on from there. Why it is built so: docs/decisions.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from shared.companies.names import OPERATOR, SCHEMA_VERSION, company_pk
from shared.credentials.sealed_places import places, unknown_places
from shared.credentials.vault import KEYS_PREFIX, CredentialUnreadable, key_row, version_of
from shared.platform.clock import epoch_milliseconds, from_epoch_milliseconds
from shared.platform.errors import Conflict
from shared.platform.tables import ConditionFailed, Key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from shared.credentials.sealed_places import SealedPlace
    from shared.credentials.vault import Vault
    from shared.platform.clock import Clock
    from shared.platform.tables import Item, Table

# Lambda's longest run time; also longer than any process keeps an opened data key (`CACHE_SECONDS`).
SETTLING = timedelta(minutes=15)
RECORD = Key(OPERATOR, "rotation")
_TRIES = 5

Phase = Literal["sealing", "settling", "destroying", "done"]


@dataclass(frozen=True)
class Progress:
    """What to show while it runs.

    Args:
        phase: which step.
        done: companies that this step has been through.
        total: companies that it has to go through.
        resealed: values sealed again so far in this run.
        until: while it waits: until when.
    """

    phase: Phase
    done: int
    total: int
    resealed: int
    until: datetime | None = None


@dataclass
class Outcome:
    """What a run did.

    Args:
        rotation_id: which rotation it was part of.
        finished: whether nothing old is left.
        keys_made: new data keys.
        resealed: values sealed again.
        keys_destroyed: old wrapped keys deleted.
        problems: what stands in the way, as sentences that name rows and no values.
        go_on_at: when to run it again, where it did not wait.
    """

    rotation_id: str
    finished: bool = False
    keys_made: int = 0
    resealed: int = 0
    keys_destroyed: int = 0
    problems: list[str] = field(default_factory=list)
    go_on_at: datetime | None = None


@dataclass(frozen=True)
class _Record:
    """Which rotation is under way, and how far it is."""

    rotation_id: str
    company_id: str
    kms_key: str
    phase: Phase
    started_ms: int
    settled_from_ms: int


class Rotation:
    """Rotates the data keys of one company, or of all.

    Args:
        table: the credentials table.
        vault: opens what is old, and seals and makes keys under the KMS key that shall be used from now on.
        kms_key: that KMS key.
        clock: for times, and for waiting.
    """

    def __init__(self, table: Table, vault: Vault, kms_key: str, clock: Clock) -> None:
        self._table = table
        self._vault = vault
        self._kms_key = kms_key
        self._clock = clock

    def run(
        self, company_id: str, show: Callable[[Progress], None] = lambda _: None, *, wait: bool = True
    ) -> Outcome:
        """Begin a rotation, or go on with the one that was begun.

        Args:
            company_id: whose keys; empty: everybody's.
            show: called as it goes.
            wait: wait for the table to settle; otherwise say when to run it again.

        Raises:
            Conflict: another rotation is unfinished.
            RetryLater: KMS or the table do not answer now; run it again.
            KeyServiceRefused: KMS will not do it.
        """
        record = self._begin(company_id)
        outcome = Outcome(record.rotation_id)
        while record.phase != "done" and outcome.go_on_at is None:
            if record.phase == "sealing":
                self._seal_everything(record, outcome, show)
                record = self._note(record, "settling")
            elif record.phase == "settling":
                record = self._settle(record, outcome, show, wait=wait)
            else:
                self._destroy(record, outcome, show)
                if outcome.problems:
                    self._note(record, "settling")  # the next run looks at everything again
                    return outcome
                record = self._note(record, "done")
        outcome.finished = record.phase == "done"
        return outcome

    # -- where it stands ------------------------------------------------------------------------------

    def _begin(self, company_id: str) -> _Record:
        item = self._table.get(RECORD, consistent=True)
        if item is not None and item["phase"] != "done":
            if (item["company_id"], item["kms_key"]) != (company_id, self._kms_key):
                whose = item["company_id"] or "all companies"
                raise Conflict(
                    f"a rotation of {whose} under the KMS key {item['kms_key']} is unfinished: end it first",
                    reason="rotation_unfinished",
                )
            return _record(item)
        now = epoch_milliseconds(self._clock.now())
        record = _Record(secrets.token_hex(8), company_id, self._kms_key, "sealing", now, now)
        self._write(record)
        return record

    def _note(self, record: _Record, phase: Phase) -> _Record:
        """Write down that a step is over. Its time counts from now: whatever was read before is old."""
        now = epoch_milliseconds(self._clock.now())
        noted = _Record(record.rotation_id, record.company_id, record.kms_key, phase, record.started_ms, now)
        self._write(noted)
        return noted

    def _write(self, record: _Record) -> None:
        self._table.put({**RECORD.as_item(), "v": SCHEMA_VERSION, **vars(record)})

    # -- the three steps ------------------------------------------------------------------------------

    def _seal_everything(self, record: _Record, outcome: Outcome, show: Callable[[Progress], None]) -> int:
        """One pass over all companies; gives how many keys and values it had to make new."""
        before = outcome.keys_made + outcome.resealed
        outcome.problems.clear()
        companies = self._companies(record)
        for number, company_id in enumerate(companies, 1):
            self._seal_company(record, company_id, outcome)
            show(Progress(record.phase, number, len(companies), outcome.resealed))
        return outcome.keys_made + outcome.resealed - before

    def _settle(
        self, record: _Record, outcome: Outcome, show: Callable[[Progress], None], *, wait: bool
    ) -> _Record:
        until = from_epoch_milliseconds(record.settled_from_ms) + SETTLING
        left_seconds = (until - self._clock.now()).total_seconds()
        if left_seconds > 0:
            show(Progress("settling", 0, 0, outcome.resealed, until))
            if not wait:
                outcome.go_on_at = until
                return record
            self._clock.sleep(left_seconds)
        found = self._seal_everything(record, outcome, show)
        return self._note(record, "settling" if found else "destroying")

    def _destroy(self, record: _Record, outcome: Outcome, show: Callable[[Progress], None]) -> None:
        """Delete the old keys of every purpose of which nothing is sealed under an old one any more."""
        outcome.problems.clear()
        companies = self._companies(record)
        for number, company_id in enumerate(companies, 1):
            items = self._items(company_id)
            newest = _newest_versions(items)
            blocked, problems = _standing_in_the_way(items, newest)
            outcome.problems += problems
            for item in _older_keys(items, newest):
                if _key_of(item)[0] not in blocked:
                    self._table.delete(Key(item["pk"], item["sk"]))
                    outcome.keys_destroyed += 1
            show(Progress("destroying", number, len(companies), outcome.resealed))
        outcome.problems += [] if outcome.problems else self._left_over(companies)

    def _left_over(self, companies: list[str]) -> list[str]:
        """The last scan: every old key and every value under one, none where all is well."""
        left = []
        for company_id in companies:
            items = self._items(company_id)
            newest = _newest_versions(items)
            left += _standing_in_the_way(items, newest)[1]
            left += [f"{item['pk']} {item['sk']} is still there" for item in _older_keys(items, newest)]
        return left

    # -- one company ----------------------------------------------------------------------------------

    def _companies(self, record: _Record) -> list[str]:
        if record.company_id:
            return [record.company_id]
        own = company_pk("")
        found = {item["pk"] for item in self._table.scan() if item["pk"].startswith(own)}
        return sorted(pk.removeprefix(own) for pk in found)

    def _items(self, company_id: str) -> list[Item]:
        return self._table.query(company_pk(company_id), consistent=True)

    def _seal_company(self, record: _Record, company_id: str, outcome: Outcome) -> None:
        items = self._items(company_id)
        newest = _newest_versions(items)
        for purpose, version in newest.items():
            if not self._is_new(record, key_row(company_id, purpose, version), items):
                try:
                    self._vault.add_key(company_id, purpose, version + 1, rotation=record.rotation_id)
                except CredentialUnreadable:
                    continue  # the company was forgotten meanwhile
                newest[purpose] = version + 1
                outcome.keys_made += 1
        for item in items:
            for attribute in unknown_places(item):
                outcome.problems.append(_unknown(item, attribute))
            self._seal_item(company_id, item, newest, outcome)

    def _is_new(self, record: _Record, key: Key, items: list[Item]) -> bool:
        """Whether a purpose's newest key needs no successor.

        After the first pass also a key is new that a company got which came meanwhile; in the first pass only
        the rotation's own mark counts, because clocks of different machines differ.
        """
        item = next(item for item in items if item["sk"] == key.sk)
        if item.get("rotation") == record.rotation_id:
            return True
        made_since = item["created_at"] >= record.started_ms and item.get("kms_key") == record.kms_key
        return record.phase != "sealing" and made_since

    def _seal_item(self, company_id: str, item: Item, newest: dict[str, int], outcome: Outcome) -> None:
        for _ in range(_TRIES):
            old = [place for place in places(item) if _is_old(item, place, newest)]
            if not old:
                return
            try:
                self._rewrite(company_id, item, old)
            except ConditionFailed:
                # A refresh, a new connection or a disconnect came between: look at what stands there now.
                again = self._table.get(Key(item["pk"], item["sk"]), consistent=True)
                if again is None:
                    return
                item = again
            except CredentialUnreadable as error:
                outcome.problems.append(f"{item['pk']} {item['sk']} does not open: {error}")
                return
            else:
                outcome.resealed += len(old)
                return

    def _rewrite(self, company_id: str, item: Item, old: list[SealedPlace]) -> None:
        """Seal values again. Nothing else of the item changes, and only if none of them changed meanwhile."""
        values = {}
        for number, place in enumerate(old):
            opened = self._vault.open(company_id, place.provider, place.field, item[place.attribute])
            values[f":old{number}"] = item[place.attribute]
            values[f":new{number}"] = self._vault.seal(company_id, place.provider, place.field, opened)
        names = {f"#a{number}": place.attribute for number, place in enumerate(old)}
        self._table.update(
            Key(item["pk"], item["sk"]),
            "SET " + ", ".join(f"#a{number} = :new{number}" for number in range(len(old))),
            " AND ".join(f"#a{number} = :old{number}" for number in range(len(old))),
            values=values,
            names=names,
        )


def unfinished(table: Table) -> str:
    """Which rotation is under way, for people; empty where none is."""
    item = table.get(RECORD, consistent=True)
    if item is None or item["phase"] == "done":
        return ""
    return f"{item['rotation_id']} of {item['company_id'] or 'all companies'}: {item['phase']}"


def _record(item: Item) -> _Record:
    return _Record(
        item["rotation_id"],
        item["company_id"],
        item["kms_key"],
        item["phase"],
        item["started_ms"],
        item["settled_from_ms"],
    )


def _key_of(item: Item) -> tuple[str, int]:
    """A data key's purpose and version; an empty purpose for every other item."""
    if not item["sk"].startswith(KEYS_PREFIX):
        return "", 0
    purpose, version = item["sk"].removeprefix(KEYS_PREFIX).split("#")
    return purpose, int(version)


def _newest_versions(items: list[Item]) -> dict[str, int]:
    newest: dict[str, int] = defaultdict(int)
    for item in items:
        purpose, version = _key_of(item)
        if purpose:
            newest[purpose] = max(newest[purpose], version)
    return dict(newest)


def _is_old(item: Item, place: SealedPlace, newest: dict[str, int]) -> bool:
    version = version_of(item[place.attribute])
    return version is None or version < newest.get(place.purpose, 0)


def _standing_in_the_way(items: list[Item], newest: dict[str, int]) -> tuple[set[str], list[str]]:
    """Purposes whose old keys are still needed, and why."""
    blocked: set[str] = set()
    problems = []
    for item in items:
        for attribute in unknown_places(item):
            blocked |= set(newest)  # nobody knows whose it is
            problems.append(_unknown(item, attribute))
        for place in places(item):
            if _is_old(item, place, newest):
                blocked.add(place.purpose)
                problems.append(
                    f"{item['pk']} {item['sk']} is under an old data key and was not sealed again"
                )
    return blocked, problems


def _unknown(item: Item, attribute: str) -> str:
    return f"{item['pk']} {item['sk']} holds a sealed value in {attribute}, where none is known to stand"


def _older_keys(items: list[Item], newest: dict[str, int]) -> Iterator[Item]:
    for item in items:
        purpose, version = _key_of(item)
        if purpose and version < newest[purpose]:
            yield item
