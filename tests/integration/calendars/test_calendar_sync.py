"""What is kept of Google calendars is what Google says, whatever people do there: against the simulator."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shared.calendars.intervals import Interval
from shared.calendars.sync.channels import PATH
from tests.integration.calendars.test_google_calendar import by_hand, provider
from tests.support.bookings import COMPANY
from tests.support.calendar_sync import SyncWorld, clipped
from tests.support.simulators import google

if TYPE_CHECKING:
    from shared.calendars.providers.contract import CalendarProvider
    from shared.companies.calendars import CalendarSettings
    from tests.support.simulators import RunningVendor

__all__ = ["google"]

OWNER = "owner@clinic.example"


class Google:
    """Finds the one provider."""

    def __init__(self, found: CalendarProvider) -> None:
        self._found = found

    def of(self, company_id: str, calendar: CalendarSettings) -> CalendarProvider:
        """See `CalendarProviders`."""
        assert (company_id, calendar.provider) == (COMPANY, "google")
        return self._found


class World(SyncWorld):
    """A company whose only calendar is the simulator's."""

    def __init__(self, google: RunningVendor, base_url: str = "", calendar: str = "primary") -> None:
        self.google = google
        self.real = provider(google)
        calendars = [{"id": "ana", "provider": "google", "calendar": calendar}]
        changes = {"calendars": calendars, "services": []}
        super().__init__(providers=Google(self.real), changes=changes, base_url=base_url)

    def check(self, window: Interval) -> None:
        """What is kept is what Google says when it is asked; and it was not asked."""
        before = len(self.calls("freeBusy"))
        kept = self.taken(window)
        assert len(self.calls("freeBusy")) == before, "the vendor was asked"
        live = self.real.free_busy(["primary"], window.start, window.end).busy["primary"]
        assert kept == clipped(live, window)

    def calls(self, what: str = "events") -> list[dict[str, Any]]:
        """Calls that the simulator had, by the last part of their path."""
        return [one for one in self.google.control("GET", "calls") if one["path"].endswith(f"/{what}")]


@pytest.fixture
def world(google: RunningVendor) -> World:
    """See `World`."""
    return World(google)


def moment(now: datetime, hours: float) -> dict[str, str]:
    """So many hours from now, as Google writes it."""
    return {"dateTime": (now + timedelta(hours=hours)).isoformat(), "timeZone": "Europe/Madrid"}


class Person:
    """Does anything to a calendar that a person can do there."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self.world, self.chance = world, chance
        self.single: list[str] = []
        self.series: list[str] = []

    def act(self) -> None:
        """One thing."""
        self.chance.choice(
            [self.adds, self.adds, self.repeats, self.moves, self.hides, self.deletes,
             self.moves_series, self.moves_one_of, self.deletes_one_of, self.deletes_series]
        )()  # fmt: skip

    def adds(self) -> None:
        """An event: some hours, whole days, free time, now and then beyond what is kept."""
        if self.chance.random() < 0.2:
            day = (self.world.clock.now() + timedelta(days=self.chance.randrange(-3, 40))).date()
            until = day + timedelta(days=self.chance.randrange(1, 4))
            event: dict[str, Any] = {"start": {"date": f"{day}"}, "end": {"date": f"{until}"}}
        else:
            event = self._times()
        if self.chance.random() < 0.2:
            event["transparency"] = "transparent"
        self.single.append(by_hand(self.world.google, OWNER, **event))

    def repeats(self) -> None:
        """A series, with and without an end."""
        rule = self.chance.choice(
            ["FREQ=DAILY;COUNT=5", "FREQ=WEEKLY", "FREQ=DAILY;INTERVAL=9", "FREQ=WEEKLY;BYDAY=MO,TH"]
        )
        self.series.append(by_hand(self.world.google, OWNER, **self._times(), recurrence=[f"RRULE:{rule}"]))

    def moves(self) -> None:
        """An event to another time."""
        self._change(self.single, self._times())

    def hides(self) -> None:
        """An event takes time no more, or again."""
        self._change(self.single, {"transparency": self.chance.choice(["transparent", "opaque"])})

    def moves_series(self) -> None:
        """All of it."""
        self._change(self.series, self._times())

    def deletes(self) -> None:
        """An event."""
        if self.single:
            self._delete(self.single.pop(self.chance.randrange(len(self.single))))

    def deletes_series(self) -> None:
        """All of it."""
        if self.series:
            self._delete(self.series.pop(self.chance.randrange(len(self.series))))

    def moves_one_of(self) -> None:
        """One event of a series."""
        one = self._one_of_a_series()
        if one:
            self._change([one], self._times())

    def deletes_one_of(self) -> None:
        """One event of a series."""
        one = self._one_of_a_series()
        if one:
            self._delete(one)

    def _one_of_a_series(self) -> str:
        now = self.world.clock.now()
        listed = self.world.real.events("primary", now, now + timedelta(days=30))
        found = [one.id for one in listed if one.id.rpartition("_")[0] in self.series]
        return self.chance.choice(found) if found else ""

    def _times(self) -> dict[str, Any]:
        start = self.chance.randrange(-48, 24 * 45) + self.chance.choice([0, 0.25, 0.5])
        now = self.world.clock.now()
        return {"start": moment(now, start), "end": moment(now, start + self.chance.choice([0.5, 1, 26]))}

    def _change(self, events: list[str], fields: dict[str, Any]) -> None:
        if events:
            path = f"calendars/{OWNER}/events/{self.chance.choice(events)}"
            self.world.google.control("PATCH", path, fields)

    def _delete(self, event: str) -> None:
        self.world.google.control("DELETE", f"calendars/{OWNER}/events/{event}")


@pytest.mark.parametrize("seed", range(12))
def test_what_is_kept_is_what_google_says_whatever_people_do(google: RunningVendor, seed: int) -> None:
    """Random edits, rounds at random, tokens that grow too old, short pages, days that pass."""
    world, chance = World(google), random.Random(seed)  # noqa: S311 - not for secrets
    person = Person(world, chance)
    google.control("PATCH", "calendar", {"page_limit": chance.choice([2, 7, 2500])})
    for _ in range(12):
        for _ in range(chance.randrange(4)):
            person.act()
        if chance.random() < 0.15:
            google.control("PATCH", f"calendars/{OWNER}", {"full_sync": True})
        world.later(minutes=15, days=chance.choice([0, 0, 0.3, 4]))
        assert world.sync().failed == {}
        now = world.clock.now()
        for _ in range(3):
            start = now + timedelta(minutes=chance.randrange(-60, 29 * 24 * 60))
            longest = (now + timedelta(days=30) - start).total_seconds() // 60
            world.check(Interval(start, start + timedelta(minutes=chance.randrange(1, int(longest)))))
        world.check(Interval(now, now + timedelta(days=30)))


def test_days_that_come_into_sight_show_what_stood_there_all_along(world: World) -> None:
    """An event forty days ahead that nobody ever touches again, and one of a series without end."""
    now = world.clock.now()
    by_hand(world.google, OWNER, start=moment(now, 40 * 24), end=moment(now, 40 * 24 + 1))
    rule = ["RRULE:FREQ=WEEKLY"]
    by_hand(world.google, OWNER, start=moment(now, -50), end=moment(now, -49), recurrence=rule)
    for _ in range(42 * 4):
        assert world.sync().failed == {}
        today = world.clock.now()
        window = Interval(today, today + timedelta(days=30))
        assert world.look().window.start <= window.start
        assert window.end <= world.look().window.end
        world.later(hours=6)
    world.sync()
    start = now + timedelta(days=40)
    assert (start.timestamp(), start.timestamp() + 3600) in world.taken(
        Interval(start - timedelta(hours=1), start + timedelta(hours=2))
    )
    world.check(Interval(world.clock.now(), world.clock.now() + timedelta(days=30)))


def test_a_round_without_changes_costs_one_call(world: World) -> None:
    """And one write of the small item."""
    world.sync()
    before = len(world.calls())
    for _ in range(4):
        world.later(minutes=15)
        world.sync()
    assert len(world.calls()) - before == 4


def test_a_calendar_whose_events_are_not_for_our_eyes_is_kept_by_its_free_busy(google: RunningVendor) -> None:
    """Shared as "free/busy only": the list is refused, the times are not."""
    room = "room@group.calendar.example"
    shared = {OWNER: "freeBusyReader"}
    google.control(
        "POST", "calendars", {"id": room, "summary": "Room", "owner": "x@y.example", "shared": shared}
    )
    google.control("POST", "accounts", {"email": "x@y.example", "name": "X"})
    world = World(google, calendar=room)
    now = world.clock.now()
    by_hand(google, room, start=moment(now, 5), end=moment(now, 6))
    assert world.sync().synced == ("ana",)
    assert world.look().way == "free_busy"
    assert len(world.taken(Interval(now, now + timedelta(days=2)))) == 1


def test_google_tells_of_a_change_through_a_channel_that_is_ours(google: RunningVendor) -> None:
    """The headers that the simulator sends are taken, once; with another token they are not."""
    world = World(google, base_url="http://127.0.0.1:9")  # nobody listens: the test carries the message
    world.sync()
    [channel] = google.control("GET", "channels")["channels"]
    assert channel["address"] == "http://127.0.0.1:9" + PATH.format(provider="google", company_id=COMPANY)
    by_hand(google, OWNER, start=moment(datetime.now(UTC), 1), end=moment(datetime.now(UTC), 2))
    headers = {
        "x-goog-channel-id": channel["id"],
        "x-goog-channel-token": channel["token"],
        "x-goog-resource-id": next(iter(_resource_ids(world))),
        "x-goog-resource-state": "exists",
        "x-goog-message-number": "2",
    }
    assert world.pushes.take(COMPANY, headers) == "queued"
    assert world.pushes.take(COMPANY, headers) == "old"


def _resource_ids(world: World) -> set[str]:
    return {item["resource_id"] for item in world.table.scan() if item["sk"].startswith("channel#")}
