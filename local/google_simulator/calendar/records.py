"""Calendars and their events, kept as the API's own JSON; every change of an event has a number.

Callers hold the simulator's lock.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.google_simulator.calendar import times
from local.google_simulator.calendar.refusals import missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.google_simulator.grants import Account, Grants
    from local.movable_clock import MovableClock

FACTS: dict[str, Any] = json.loads(Path(__file__).with_name("calendar.json").read_text("utf-8"))
FOREVER = datetime.max.replace(tzinfo=UTC)
ROLES = ("none", "freeBusyReader", "reader", "writer", "owner")

JsonDict = dict[str, Any]


@dataclass
class Calendar:
    """One calendar.

    ``shared`` are the roles of others than the owner; ``broken`` is the reason why free/busy cannot be read,
    if it cannot; ``generation`` grows when every sync token becomes too old.
    """

    id: str
    summary: str
    owner: str
    zone: str
    shared: dict[str, str] = field(default_factory=dict)
    broken: str = ""
    generation: int = 0
    events: dict[str, JsonDict] = field(default_factory=dict)
    changes: dict[str, int] = field(default_factory=dict)

    def role(self, email: str) -> str:
        """What somebody may do with it."""
        return "owner" if email == self.owner else self.shared.get(email, "none")

    def found(self, event_id: str) -> JsonDict:
        """An event, or an occurrence of one that was never changed on its own.

        Raises:
            ApiRefused: there is none.
        """
        if event_id in self.events:
            return self.events[event_id]
        series = self.events.get(event_id.rpartition("_")[0])
        for one in self.expanded(series, None, None) if series else ():
            if one["id"] == event_id:
                return one
        raise missing()

    def expanded(self, event: JsonDict, start: datetime | None, end: datetime | None) -> Iterator[JsonDict]:
        """Every occurrence of a series in a window, the changed ones as they were changed; else the event."""
        if not event.get("recurrence"):
            if self._within(event, start, end):
                yield event
            return
        for when in times.occurrences(event, self.zone, end or FOREVER):
            number = times.instance_id(event["id"], when["start"])
            one = self.events.get(number) or _occurrence(event, number, when)
            if event["status"] == "cancelled":
                one = {**one, "status": "cancelled"}
            if self._within(one, start, end):
                yield one

    def _within(self, event: JsonDict, start: datetime | None, end: datetime | None) -> bool:
        """Both bounds are exclusive: the event ends after the one and begins before the other."""
        when = times.span(event, self.zone)
        return (start is None or when.end > start) and (end is None or when.start < end)


def _occurrence(series: JsonDict, number: str, when: JsonDict) -> JsonDict:
    one = {name: value for name, value in series.items() if name != "recurrence"}
    return copy.deepcopy({**one, **when, "id": number}) | {
        "recurringEventId": series["id"],
        "originalStartTime": when["start"],
    }


class Calendars:
    """Every calendar; each account has one of its own under its address.

    Args:
        grants: whose accounts they are.
        clock: by which changes are dated.
    """

    def __init__(self, grants: Grants, clock: MovableClock) -> None:
        self.page_limit: int | None = None
        self.conference = "success"
        self.told: Callable[[Calendar], None] = lambda _: None
        self._grants = grants
        self._clock = clock
        self._numbers = 0
        self._known: dict[str, Calendar] = {}
        for one in FACTS["calendars"]:
            self.add(Calendar(**one, zone=grants.accounts[one["owner"]].zone))

    def add(self, calendar: Calendar) -> None:
        """A new one, or another in its place."""
        self._known[calendar.id] = calendar

    def every(self) -> list[Calendar]:
        """All, each account's own first."""
        own = [self.named(email) for email in self._grants.accounts]
        return [*own, *(one for one in self._known.values() if one not in own)]

    def named(self, calendar_id: str) -> Calendar:
        """A calendar by its id.

        Raises:
            ApiRefused: there is none.
        """
        account = self._grants.accounts.get(calendar_id)
        if calendar_id not in self._known and account:
            self.add(Calendar(account.email, account.name, account.email, account.zone))
        if calendar_id not in self._known:
            raise missing()
        return self._known[calendar_id]

    def of(self, account: Account, calendar_id: str, role: str = "reader") -> Calendar:
        """A calendar for somebody who needs a role in it; ``primary`` is their own.

        Raises:
            ApiRefused: there is none that they may see.
        """
        calendar = self.named(account.email if calendar_id == "primary" else calendar_id)
        if ROLES.index(calendar.role(account.email)) < ROLES.index(role):
            raise missing()
        return calendar

    def number(self) -> int:
        """The number of the last change."""
        return self._numbers

    def now(self) -> datetime:
        """By the simulator's clock."""
        return datetime.fromtimestamp(self._clock.now(), UTC)

    def write(self, calendar: Calendar, event: JsonDict) -> JsonDict:
        """Keep an event as it is now, and tell those who watch."""
        self._numbers += 1
        event |= {"updated": times.written(self.now()), "etag": f'"{self._numbers:016d}"'}
        calendar.events[event["id"]] = event
        calendar.changes[event["id"]] = self._numbers
        self.told(calendar)
        return event
