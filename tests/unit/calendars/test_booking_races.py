"""Many at once: no overlap, no loss, no orphan event."""

from __future__ import annotations

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from shared.calendars.appointments import Customer, Status
from shared.platform.clock import Deadline
from shared.platform.errors import RetryLater
from tests.fakes.calendar import FakeCalendars
from tests.fakes.clock import FakeClock
from tests.support.atomic import AtomicTable
from tests.support.aws import make_table
from tests.support.bookings import TUESDAY, Desk, at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shared.platform.tables import Table

MANY = 200
# Cutting takes Ana for three quarters of an hour with its buffer; others take a room with her, or a place.
SERVICES = ("cut", "talk", "laser", "course")


class Patient(FakeClock):
    """Time stands still however many wait; threads do not wait at all."""

    def sleep(self, seconds: float) -> None:
        """See `Clock`."""
        self.slept_seconds.append(seconds)


@pytest.fixture
def moto_table() -> Iterator[Table]:
    """The calendars table in moto."""
    with mock_aws():
        yield AtomicTable(make_table(boto3.client("dynamodb", region_name="eu-west-1"), "calendars"))


def until_it_answers(act: Callable[[], str]) -> str:
    """As a caller does: the same request again, while it says that it may work later."""
    for _ in range(100):
        try:
            return act()
        except RetryLater:
            continue
    return "never"


def race(desk: Desk, wishes: list[tuple[str, int]], threads: int) -> Counter[str]:
    """Everybody books at once: wishes are a service and a minute after nine."""

    def one(number: int) -> str:
        service, minute = wishes[number]
        return until_it_answers(
            lambda: desk.book(at(8, minute), service, f"key-{number}", Customer(f"contact-{number}")).kind
        )

    with ThreadPoolExecutor(threads) as pool:
        return Counter(pool.map(one, range(len(wishes))))


def test_two_hundred_bookings_of_overlapping_times() -> None:
    """Every free time is given away once, and everybody gets an answer."""
    chance = random.Random(5)  # noqa: S311 - the test's data
    desk = Desk(clock=Patient())
    wishes = [(chance.choice(SERVICES), chance.randrange(0, 36) * 15) for _ in range(MANY)]
    kinds = race(desk, wishes, MANY)
    assert set(kinds) == {"confirmed", "taken"}
    assert sum(kinds.values()) == MANY
    confirmed = [one for one in desk.all() if one.status == Status.CONFIRMED]
    assert len(confirmed) == kinds["confirmed"] > 20
    desk.sweep()
    desk.check()


def test_two_hundred_want_the_same_time() -> None:
    """One gets it, three where there are three places."""
    for service, places in (("cut", 1), ("course", 3), ("talk", 2)):
        desk = Desk(clock=Patient())
        kinds = race(desk, [(service, 60)] * MANY, MANY)
        assert kinds == {"confirmed": places, "taken": MANY - places}, service
        desk.check()


def test_two_hundred_get_a_place_each_where_there_is_one_for_each() -> None:
    """All write the same sheet, and none is turned away for that."""
    calendars = [{"id": "hall", "provider": "google", "calendar": "hall@g", "role": "room", "capacity": 500}]
    services = [{"id": "course", "name": "Curso", "duration_minutes": 60, "rooms": ["hall"]}]
    desk = Desk(clock=Patient(), changes={"calendars": calendars, "services": services})
    assert race(desk, [("course", 60)] * MANY, 32) == {"confirmed": MANY}
    desk.check()


def test_the_same_request_many_times_at_once_is_one_appointment() -> None:
    """A webhook that is delivered twice, a button that is pressed ten times."""
    desk = Desk(clock=Patient())
    with ThreadPoolExecutor(20) as pool:
        kinds = list(pool.map(lambda _: until_it_answers(lambda: desk.book(at(9)).kind), range(20)))
    assert "confirmed" in kinds
    assert set(kinds) <= {"confirmed", "never"}
    assert len(desk.vendor.created) == 1
    desk.check()


def test_bookings_moves_and_cancellations_at_once_with_staff_at_work() -> None:
    """Whatever order they come in, calendars, sheets and records agree when all is quiet."""
    chance = random.Random(7)  # noqa: S311 - the test's data
    desk = Desk(clock=Patient())
    race(desk, [(chance.choice(SERVICES), chance.randrange(0, 36) * 15) for _ in range(60)], 20)
    standing = [one for one in desk.all() if one.status == Status.CONFIRMED]

    def change(number: int) -> str:
        one = standing[number % len(standing)]
        dice = random.Random(number)  # noqa: S311 - the test's data
        start = TUESDAY + timedelta(hours=8, minutes=15 * dice.randrange(36))
        who = one.customer.contact_id
        try:
            if dice.random() < 0.3:
                return desk.cancel(one.id, f"x{number}", who).kind
            return desk.move(one.id, start, f"m{number}", who).kind
        except RetryLater:
            return "later"
        except Exception as problem:  # noqa: BLE001 - what is no longer there cannot be changed
            return type(problem).__name__

    with ThreadPoolExecutor(30) as pool:
        kinds = Counter(pool.map(change, range(150)))
    assert kinds["moved"] > 5
    assert kinds["cancelled"] > 3
    assert set(kinds) <= {"moved", "cancelled", "taken", "later", "Conflict"}
    desk.clock.advance(3600)  # type: ignore[attr-defined]
    desk.sweep()
    desk.check()


def test_a_race_on_dynamodb(moto_table: Table) -> None:
    """The same conditions and transactions as the service checks them."""
    chance = random.Random(9)  # noqa: S311 - the test's data
    desk = Desk(table=moto_table, clock=Patient(), vendor=FakeCalendars())
    wishes = [(chance.choice(SERVICES), chance.randrange(0, 36) * 15) for _ in range(40)]
    kinds = race(desk, wishes, 8)
    assert sum(kinds.values()) == 40
    assert kinds["confirmed"] > 10
    one = next(one for one in desk.all() if one.status == Status.CONFIRMED)
    deadline = Deadline(desk.clock, 30)
    found = desk.calendars.appointments.of_contact("clinic", one.customer.contact_id, desk.clock.now())
    assert [each.id for each in found] == [one.id]
    assert desk.cancel(one.id, contact=one.customer.contact_id).kind == "cancelled"
    desk.clock.advance(3600)  # type: ignore[attr-defined]
    swept = desk.calendars.reconciling.sweep("clinic", desk.company, deadline)
    assert swept.left == {}
    desk.check()
