"""What is known of a calendar: its taken time, until when and how fresh, and how the last look went.

Two items in the calendar's partition: ``cache#state`` (small, written with each look) and ``cache#taken``
(written only when something changed). Both carry the number of the look that wrote them, and what is read is
only believed when the numbers fit together. A look that began before another one had ended writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from shared.calendars.intervals import Interval
from shared.calendars.keys import DUE_INDEX, KNOWN_CALENDARS, calendar_pk
from shared.calendars.sync.packing import Taken, pack, pack_moments, unpack, unpack_moments
from shared.companies.names import SCHEMA_VERSION
from shared.platform.clock import epoch_milliseconds, from_epoch_milliseconds
from shared.platform.tables import Key, Put

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shared.companies.calendars import CalendarSettings
    from shared.platform.tables import Item, Table, TransactionPart

CACHE, STATE, TAKEN = "cache#", "cache#state", "cache#taken"
# A calendar that nobody looks at any more is forgotten.
KEPT = timedelta(days=14)
_TRIES = 3

Way = Literal["events", "free_busy"]


@dataclass(frozen=True)
class Look:
    """One look at a calendar that went well.

    Args:
        provider: the vendor that was asked.
        calendar: the vendor's name of the calendar.
        way: whether events were read, or only when the calendar is taken.
        window: what is known: nothing is said about other times.
        taken: when the calendar is taken.
        offered: the only possible starts (seconds since 1970), for vendors that tell those.
        sync_token: for the next look; empty: it must read everything.
        synced_at: when the vendor was asked: what it did not know then is not in here.
        full_at: when everything was read.
        compared_at: when events were last held against appointments.
        unreconciled: this look saw events of ours that were not yet held against appointments.
        version: the number of the look.
        taken_version: the number of the look that wrote ``taken``.
    """

    provider: str
    calendar: str
    way: Way
    window: Interval
    taken: Taken = field(repr=False)
    synced_at: datetime
    full_at: datetime
    offered: Sequence[int] | None = field(default=None, repr=False)
    sync_token: str = field(default="", repr=False)
    compared_at: datetime | None = None
    unreconciled: bool = False
    version: int = 0
    taken_version: int = 0

    def fits(self, calendar: CalendarSettings) -> bool:
        """Whether it is a look at what the company's document names today."""
        return (self.provider, self.calendar) == (calendar.provider, calendar.calendar)


@dataclass(frozen=True)
class Condition:
    """How a calendar is, without what it holds.

    Args:
        calendar_id: ours.
        provider: the vendor.
        synced_at: when it was last read well; ``None``: never.
        failures: how often it could not be read since then.
        reason: why not, the last time.
    """

    calendar_id: str
    provider: str
    synced_at: datetime | None
    failures: int
    reason: str


class Cache:
    """Reads and writes what is known of calendars.

    Args:
        table: the calendars table.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def read(self, company_id: str, calendar_id: str) -> Look | None:
        """The last look that went well; ``None`` where there is none."""
        return self.numbered(company_id, calendar_id)[0]

    def numbered(self, company_id: str, calendar_id: str) -> tuple[Look | None, int]:
        """The last look, and its number, which is known also where the rest cannot be read."""
        version = 0
        for _ in range(_TRIES):
            found = self._table.query(calendar_pk(company_id, calendar_id), prefix=CACHE, consistent=True)
            items = {item["sk"]: item for item in found}
            state, taken = items.get(STATE), items.get(TAKEN)
            if state is None or "synced_at" not in state:
                return None, 0
            version = state["version"]
            if taken is not None and taken["version"] == state["taken_version"]:
                return _look(state, taken), version
            # Written between the two halves of our reading: once more.
        return None, version

    def store(
        self, company_id: str, calendar_id: str, look: Look, *, after: Look | None, version: int
    ) -> Look:
        """Write a look.

        Args:
            company_id: whose.
            calendar_id: ours.
            look: what was seen.
            after: the look that was the last one; ``None``: there was none, or it could not be read.
            version: its number, 0 where there was none.

        Raises:
            ConditionFailed: another look was written meanwhile.
            TooManyEvents: the calendar holds too much.
        """
        same = after is not None and (after.taken, after.offered) == (look.taken, look.offered)
        # What is not written again must not be forgotten before the rest.
        number = version + 1
        rewrite = after is None or not same or look.full_at != after.full_at
        kept_version = after.taken_version if after else 0
        look = replace(look, version=number, taken_version=number if rewrite else kept_version)
        state = _state_item(company_id, calendar_id, look)
        unchanged = "version = :before" if version else "attribute_not_exists(version)"
        parts: list[TransactionPart] = [Put(state, unchanged, {":before": version} if version else {})]
        if rewrite:
            parts.append(Put(_taken_item(company_id, calendar_id, look)))
        self._table.transact(parts)
        return look

    def reconciled(self, company_id: str, calendar_id: str, look: Look, compared_at: datetime | None) -> None:
        """Note that a look's events were held against appointments.

        Raises:
            ConditionFailed: there is a newer look, which says for itself.
        """
        at = compared_at or look.compared_at
        self._table.update(
            Key(calendar_pk(company_id, calendar_id), STATE),
            "SET unreconciled = :no, compared_at = :at",
            "version = :mine",
            values={":no": False, ":at": epoch_milliseconds(at) if at else 0, ":mine": look.version},
        )

    def failed(
        self, company_id: str, calendar_id: str, calendar: CalendarSettings, reason: str, now: datetime
    ) -> int:
        """Note that a calendar could not be read; what is known of it stays. Returns how often in a row."""
        item = self._table.update(
            Key(calendar_pk(company_id, calendar_id), STATE),
            "SET v = :v, failed_at = :now, failed_provider = :provider, reason = :reason, "
            "due_pk = :due, due_sk = :here, expires_at = :until ADD failures :one",
            values={
                ":v": SCHEMA_VERSION,
                ":now": epoch_milliseconds(now),
                ":provider": calendar.provider,
                ":reason": reason,
                ":due": KNOWN_CALENDARS,
                ":here": f"{company_id}#{calendar_id}",
                ":until": int((now + KEPT).timestamp()),
                ":one": 1,
            },
        )
        return int(item["failures"])

    def condition(self, company_id: str, calendar_id: str) -> Condition | None:
        """How a calendar is; ``None`` where nobody looked yet."""
        item = self._table.get(Key(calendar_pk(company_id, calendar_id), STATE))
        if item is None:
            return None
        return Condition(
            calendar_id,
            item.get("provider") or item.get("failed_provider", ""),
            from_epoch_milliseconds(item["synced_at"]) if "synced_at" in item else None,
            item.get("failures", 0),
            item.get("reason", ""),
        )

    def known(self) -> list[tuple[str, str]]:
        """Company and calendar of everything that is known, of the whole deployment."""
        found = self._table.query(KNOWN_CALENDARS, index=DUE_INDEX)
        return [(one, two) for one, _, two in (item["due_sk"].partition("#") for item in found)]

    def known_of(self, company_id: str) -> list[str]:
        """A company's calendars of which something is known."""
        found = self._table.query(
            KNOWN_CALENDARS, between=(f"{company_id}#", f"{company_id}#~"), index=DUE_INDEX
        )
        return [item["due_sk"].partition("#")[2] for item in found]

    def forget(self, company_id: str, calendar_id: str) -> None:
        """Forget everything of a calendar."""
        found = self._table.query(calendar_pk(company_id, calendar_id), consistent=True)
        # The state goes last: it is what leads here again.
        for item in sorted(found, key=lambda one: bool(one["sk"] == STATE)):
            self._table.delete(Key(item["pk"], item["sk"]))


def _state_item(company_id: str, calendar_id: str, look: Look) -> Item:
    return {
        **Key(calendar_pk(company_id, calendar_id), STATE).as_item(),
        "v": SCHEMA_VERSION,
        "version": look.version,
        "taken_version": look.taken_version,
        "provider": look.provider,
        "calendar": look.calendar,
        "way": look.way,
        "sync_token": look.sync_token,
        "from": epoch_milliseconds(look.window.start),
        "until": epoch_milliseconds(look.window.end),
        "synced_at": epoch_milliseconds(look.synced_at),
        "full_at": epoch_milliseconds(look.full_at),
        "compared_at": epoch_milliseconds(look.compared_at) if look.compared_at else 0,
        "unreconciled": look.unreconciled,
        "failures": 0,
        f"{DUE_INDEX}_pk": KNOWN_CALENDARS,
        f"{DUE_INDEX}_sk": f"{company_id}#{calendar_id}",
        "expires_at": int((look.synced_at + KEPT).timestamp()),
    }


def _taken_item(company_id: str, calendar_id: str, look: Look) -> Item:
    return {
        **Key(calendar_pk(company_id, calendar_id), TAKEN).as_item(),
        "v": SCHEMA_VERSION,
        "version": look.taken_version,
        "taken": pack(look.taken),
        "offered": None if look.offered is None else pack_moments(look.offered),
        "expires_at": int((look.synced_at + KEPT).timestamp()),
    }


def _look(state: Item, taken: Item) -> Look:
    compared = state["compared_at"]
    return Look(
        provider=state["provider"],
        calendar=state["calendar"],
        way=state["way"],
        window=Interval(from_epoch_milliseconds(state["from"]), from_epoch_milliseconds(state["until"])),
        taken=unpack(taken["taken"]),
        synced_at=from_epoch_milliseconds(state["synced_at"]),
        full_at=from_epoch_milliseconds(state["full_at"]),
        offered=None if taken["offered"] is None else unpack_moments(taken["offered"]),
        sync_token=state["sync_token"],
        compared_at=from_epoch_milliseconds(compared) if compared else None,
        unreconciled=state["unreconciled"],
        version=state["version"],
        taken_version=state["taken_version"],
    )
