"""Calendars in memory, kept as the contract's own JSON. Callers hold the simulator's lock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

JsonDict = dict[str, Any]
# What others may not set.
_OURS = ("id", "etag", "status", "updated_at")


class Refused(Exception):
    """The calendar says no.

    Args:
        status: of the answer.
        reason: a slug for programs.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


@dataclass
class Calendar:
    """One calendar.

    Args:
        zone: in which its days begin.
        guards: whether it refuses an event at a taken time.
        keeps_changes: whether it can tell what changed.
    """

    zone: str = "Europe/Madrid"
    guards: bool = False
    keeps_changes: bool = True
    events: dict[str, JsonDict] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    first_known: int = 0
    _numbers: count[int] = field(default_factory=lambda: count(1), repr=False)

    def moment(self, text: str) -> datetime:
        """A moment, or the beginning of a day.

        Raises:
            Refused: it is neither.
        """
        try:
            if len(text) == len("2030-01-01"):
                return datetime.combine(date.fromisoformat(text), time(), ZoneInfo(self.zone)).astimezone(UTC)
            found = datetime.fromisoformat(text)
        except ValueError:
            raise Refused(422, "wrong_time") from None
        if found.tzinfo is None:
            raise Refused(422, "wrong_time")
        return found.astimezone(UTC)

    def overlaps(self, event: JsonDict, start: str, end: str) -> bool:
        """Whether an event and a window share a moment."""
        first, last = self.moment(event["start"]), self.moment(event["end"])
        return first < self.moment(end) and self.moment(start) < last

    def during(self, start: str, end: str) -> list[JsonDict]:
        """What takes place in a window, by start."""
        found = [one for one in self.events.values() if one["status"] == "confirmed"]
        within = [one for one in found if self.overlaps(one, start, end)]
        return sorted(within, key=lambda one: self.moment(one["start"]))

    def named(self, event_id: str) -> JsonDict:
        """An event, also a cancelled one.

        Raises:
            Refused: there never was one.
        """
        if event_id not in self.events:
            raise Refused(404, "not_found")
        return self.events[event_id]

    def create(self, event_id: str, given: JsonDict) -> JsonDict:
        """A new event; an id is taken for ever.

        Raises:
            Refused: the id, or the time where the calendar guards it, is taken.
        """
        if event_id in self.events:
            raise Refused(409, "event_exists")
        self._require_time(given, "")
        kept = {name: value for name, value in given.items() if name not in _OURS}
        return self._written({"id": event_id, "busy": True, **kept, "status": "confirmed"})

    def change(self, event_id: str, given: JsonDict, etag: str) -> JsonDict:
        """Change an event that takes place.

        Raises:
            Refused: it is gone, is not the one that was read, or the time is taken.
        """
        event = self._current(event_id, etag)
        changed = event | {name: value for name, value in given.items() if name not in _OURS}
        self._require_time(changed, event_id)
        return self._written(changed)

    def cancel(self, event_id: str, etag: str) -> JsonDict:
        """Cancel an event that takes place; it is remembered.

        Raises:
            Refused: it is gone, or is not the one that was read.
        """
        return self._written(self._current(event_id, etag) | {"status": "cancelled"})

    def since(self, token: str) -> list[JsonDict]:
        """What changed since a token, each event once.

        Raises:
            Refused: the token is too old, or none.
        """
        if not token.isdigit() or not self.first_known <= int(token) <= len(self.changed):
            raise Refused(410, "since_too_old")
        return [self.events[one] for one in dict.fromkeys(self.changed[int(token) :])]

    def _current(self, event_id: str, etag: str) -> JsonDict:
        event = self.named(event_id)
        if event["status"] == "cancelled":
            raise Refused(410, "cancelled")
        if etag and etag != event["etag"]:
            raise Refused(412, "event_changed")
        return event

    def _require_time(self, given: JsonDict, event_id: str) -> None:
        start, end = str(given.get("start", "")), str(given.get("end", ""))
        if not self.moment(start) < self.moment(end):
            raise Refused(422, "wrong_time")
        others = [one for one in self.during(start, end) if one["id"] != event_id and one["busy"]]
        if self.guards and others:
            raise Refused(409, "slot_taken")

    def _written(self, event: JsonDict) -> JsonDict:
        number, now = next(self._numbers), datetime.now(UTC)
        written = event | {"etag": f'"{number}"', "updated_at": now.isoformat()}
        self.events[event["id"]] = written
        self.changed.append(event["id"])
        return written
