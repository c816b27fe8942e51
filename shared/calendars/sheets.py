"""Day sheets: who has taken which time of a calendar, one item per calendar and UTC day.

A sheet holds every appointment whose time with buffers overlaps the day, whole, so an appointment stands on
as many sheets as it touches: over midnight, with buffers of any length, on each of its calendars. Sheets are
read, judged by the rule of `shared.calendars.availability`, and written back only where none of them changed
since, all in one transaction. A hold ends by its expiry, which is compared here: DynamoDB's TTL is only a
broom and may be days late.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from shared.calendars.intervals import Interval
from shared.calendars.keys import sheet_key
from shared.companies.names import SCHEMA_VERSION
from shared.platform.clock import epoch_milliseconds, from_epoch_milliseconds
from shared.platform.tables import Put

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shared.platform.clock import Clock
    from shared.platform.tables import Table

# A sheet is of no use once its day is over everywhere and nobody works on its appointments any more.
KEPT_AFTER = timedelta(days=8)


@dataclass(frozen=True)
class Entry:
    """One appointment's claim on a calendar's time.

    Args:
        appointment_id: whose.
        number: which claim of it: while an appointment moves it has two.
        interval: the appointment without buffers.
        buffered: with them.
        until: when a hold ends; ``None``: it does not end by itself.
    """

    appointment_id: str
    number: int
    interval: Interval
    buffered: Interval
    until: datetime | None = None

    def counts(self, now: datetime) -> bool:
        """Whether the claim stands at a moment."""
        return self.until is None or now < self.until


@dataclass
class _Sheet:
    version: int
    entries: list[Entry]
    changed: bool = False


class SheetSet:
    """The sheets of some calendars and days as they were read, and what shall become of them.

    Args:
        company_id: whose.
        now: by which holds are judged.
        sheets: by calendar and day.
    """

    def __init__(self, company_id: str, now: datetime, sheets: dict[tuple[str, date], _Sheet]) -> None:
        self._company_id = company_id
        self._now = now
        self._sheets = sheets

    def entries(self, calendar_id: str, *, but: str = "") -> list[Entry]:
        """The claims on a calendar that stand, each once.

        Args:
            calendar_id: ours.
            but: leave this appointment's out.
        """
        found = {
            (entry.appointment_id, entry.number): entry
            for (calendar, _), sheet in self._sheets.items()
            if calendar == calendar_id
            for entry in sheet.entries
            if entry.counts(self._now) and entry.appointment_id != but
        }
        return list(found.values())

    def claim(self, calendar_id: str, entry: Entry) -> None:
        """Add a claim, or give it another expiry; whether there is a place is asked before."""
        for day in days_of(entry.buffered):
            sheet = self._sheets[calendar_id, day]
            sheet.entries = [one for one in sheet.entries if not _same(one, entry)] + [entry]
            sheet.changed = True

    def release(self, appointment_id: str, number: int | None = None) -> None:
        """Take away an appointment's claims, or one of them."""
        for sheet in self._sheets.values():
            kept = [
                one
                for one in sheet.entries
                if one.appointment_id != appointment_id or number not in {None, one.number}
            ]
            sheet.changed = sheet.changed or len(kept) != len(sheet.entries)
            sheet.entries = kept

    def parts(self) -> list[Put]:
        """What writes the changes back; each fails where its sheet changed since it was read."""
        return [self._put(*place, sheet) for place, sheet in sorted(self._sheets.items()) if sheet.changed]

    def _put(self, calendar_id: str, day: date, sheet: _Sheet) -> Put:
        end = datetime.combine(day, time(), UTC) + KEPT_AFTER
        item = {
            **sheet_key(self._company_id, calendar_id, day).as_item(),
            "v": SCHEMA_VERSION,
            "version": sheet.version + 1,
            "entries": [_as_item(one) for one in sheet.entries if one.counts(self._now)],
            "expires_at": int(end.timestamp()),
        }
        if sheet.version == 0:
            return Put(item, "attribute_not_exists(pk)")
        return Put(item, "version = :read", {":read": sheet.version})


class Sheets:
    """Reads day sheets.

    Args:
        table: the calendars table.
        clock: by which holds are judged.
    """

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    def read(self, company_id: str, wanted: Iterable[tuple[str, Interval]]) -> SheetSet:
        """The sheets that some stretches of calendars' time touch, as they are now.

        Args:
            company_id: whose.
            wanted: pairs of a calendar's id and a stretch, which includes buffers.
        """
        places = {(calendar, day) for calendar, interval in wanted for day in days_of(interval)}
        sheets = {place: self._sheet(company_id, *place) for place in sorted(places)}
        return SheetSet(company_id, self._clock.now(), sheets)

    def span(self, company_id: str, calendar_ids: Iterable[str], interval: Interval) -> SheetSet:
        """Many days of some calendars, with one query each: for looking, not for writing."""
        first, last = interval.start.date(), (interval.end - timedelta.resolution).date()
        sheets = {}
        for calendar in calendar_ids:
            low, high = (sheet_key(company_id, calendar, day) for day in (first, last))
            for item in self._table.query(low.pk, between=(low.sk, high.sk), consistent=True):
                sheets[calendar, date.fromisoformat(item["sk"].removeprefix("day#"))] = _sheet_of(item)
        return SheetSet(company_id, self._clock.now(), sheets)

    def _sheet(self, company_id: str, calendar_id: str, day: date) -> _Sheet:
        item = self._table.get(sheet_key(company_id, calendar_id, day), consistent=True)
        return _sheet_of(item) if item else _Sheet(0, [])


def days_of(interval: Interval) -> Iterator[date]:
    """The UTC days that an interval touches."""
    day, last = interval.start.date(), (interval.end - timedelta.resolution).date()
    while day <= last:
        yield day
        day += timedelta(days=1)


def _same(one: Entry, other: Entry) -> bool:
    return (one.appointment_id, one.number) == (other.appointment_id, other.number)


def _as_item(entry: Entry) -> dict[str, Any]:
    return {
        "appointment": entry.appointment_id,
        "number": entry.number,
        "start": epoch_milliseconds(entry.interval.start),
        "end": epoch_milliseconds(entry.interval.end),
        "from": epoch_milliseconds(entry.buffered.start),
        "to": epoch_milliseconds(entry.buffered.end),
        "until": 0 if entry.until is None else epoch_milliseconds(entry.until),
    }


def _sheet_of(item: dict[str, Any]) -> _Sheet:
    entries = [
        Entry(
            one["appointment"],
            one["number"],
            _interval(one["start"], one["end"]),
            _interval(one["from"], one["to"]),
            from_epoch_milliseconds(one["until"]) if one["until"] else None,
        )
        for one in item["entries"]
    ]
    return _Sheet(item["version"], entries)


def _interval(start: int, end: int) -> Interval:
    return Interval(from_epoch_milliseconds(start), from_epoch_milliseconds(end))
