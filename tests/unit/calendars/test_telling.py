"""Customers are told what became of their appointments: each change, also where a worker died in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from shared.calendars.appointments import Customer, News, Status
from shared.calendars.intervals import Interval
from shared.platform.errors import RetryLater
from tests.fakes.calendar import FakeCalendars
from tests.fakes.clock import FakeClock
from tests.fakes.table import MemoryTable
from tests.support.bookings import COMPANY, Desk, at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.calendars.appointments import Appointment
    from shared.companies.model import Company
    from shared.platform.tables import TransactionPart

Around = Callable[[], None]


class Died(BaseException):
    """The process is gone: nothing catches this."""


class KeptNews:
    """Keeps what it is to tell.

    Args:
        around: called before and after.
    """

    def __init__(self, around: Around = lambda: None) -> None:
        self.around = around
        self.calls: list[tuple[Status, int, News]] = []
        self.problem: RetryLater | None = None

    @property
    def told(self) -> list[str]:
        """What customers know, each thing once, in order."""
        return list(dict.fromkeys(f"{news.kind} {number}" for _, number, news in self.calls))

    def wants(self, company: Company, appointment: Appointment) -> bool:
        """Whoever left an address."""
        del company
        return bool(appointment.customer.email)

    def invites_as(self, company: Company, appointment: Appointment) -> str:
        """See `Teller`."""
        assert company.language
        return f"desk of {appointment.id}"

    def tell(self, company: Company, appointment: Appointment, news: News) -> None:
        """See `Teller`."""
        del company
        self.around()
        if self.problem:
            raise self.problem
        self.calls.append((appointment.status, appointment.sequence, news))
        self.around()


class Counted(MemoryTable):
    """A table whose writes are counted.

    Args:
        around: called before and after each.
    """

    def __init__(self, around: Around) -> None:
        super().__init__()
        self.around = around

    def transact(self, parts: Sequence[TransactionPart]) -> None:
        """See `Table`."""
        self.around()
        super().transact(parts)
        self.around()


class Scene:
    """A desk whose process may die."""

    def __init__(self) -> None:
        self.left = -1
        self.seen = 0
        self.news = KeptNews(self.step)
        self.desk = Desk(table=Counted(self.step), vendor=FakeCalendars(), teller=self.news)

    def step(self) -> None:
        """Die, where it is time."""
        self.seen += 1
        self.left -= 1
        if self.left == 0:
            raise Died

    def wait(self, minutes: float) -> None:
        """Let time pass."""
        assert isinstance(self.desk.clock, FakeClock)
        self.desk.clock.advance(minutes * 60)


def book(desk: Desk) -> None:
    """On two calendars."""
    desk.book(at(9), "laser", "b")


def move(desk: Desk) -> None:
    """Three hours later."""
    desk.move(desk.all()[0].id, at(12), key="m")


def cancel(desk: Desk) -> None:
    """For good."""
    desk.cancel(desk.all()[0].id, key="x")


ACTS = {"book": book, "move": move, "cancel": cancel}
TOLD = {"book": "confirmed 0", "move": "moved 1", "cancel": "cancelled 0"}


def scene_for(act: str) -> Scene:
    """What goes before an act, already told."""
    scene = Scene()
    if act != "book":
        book(scene.desk)
        scene.news.calls.clear()
    return scene


def steps_of(act: str) -> int:
    """How often an act may die."""
    scene = scene_for(act)
    scene.seen = 0
    ACTS[act](scene.desk)
    return scene.seen


CASES = [(act, step) for act in ACTS for step in range(1, steps_of(act) + 1)]


@pytest.mark.parametrize("act", ACTS)
def test_each_change_is_told_once_and_nothing_is_left_to_do(act: str) -> None:
    """The sweeper finds nothing afterwards."""
    scene = scene_for(act)
    ACTS[act](scene.desk)
    assert [f"{news.kind} {number}" for _, number, news in scene.news.calls] == [TOLD[act]]
    [one] = scene.desk.all()
    assert (one.news, one.due_at) == (None, None)
    scene.wait(5)
    scene.desk.sweep()
    assert len(scene.news.calls) == 1


@pytest.mark.parametrize("minutes", [2, 30])
@pytest.mark.parametrize(("act", "step"), CASES)
def test_whoever_dies_the_customer_is_told_what_is_true(act: str, step: int, minutes: int) -> None:
    """Of what was taken back nobody is told; of what came to be everybody is."""
    scene = scene_for(act)
    scene.left = step
    with pytest.raises(Died):
        ACTS[act](scene.desk)
    before = {one.id: one.sequence for one in scene.desk.all()}
    for _ in range(3):
        scene.wait(minutes)
        scene.desk.sweep()
    came_to_be = {
        "book": [one for one in scene.desk.all() if one.status == Status.CONFIRMED],
        "move": [one for one in scene.desk.all() if one.sequence == 1],
        "cancel": [one for one in scene.desk.all() if one.status == Status.CANCELLED],
    }[act]
    assert scene.news.told == [TOLD[act] for _ in came_to_be], before
    assert all(one.news is None for one in scene.desk.all())


def test_a_move_tells_where_the_appointment_stood() -> None:
    """Both times."""
    scene = scene_for("move")
    move(scene.desk)
    [(_, _, news)] = scene.news.calls
    assert news.was == Interval(at(9), at(10))


def test_who_cannot_be_told_now_is_told_later() -> None:
    """The booking does not wait for it."""
    scene = Scene()
    scene.news.problem = RetryLater("no queue")
    book(scene.desk)
    [one] = scene.desk.all()
    assert (one.status, scene.news.calls) == (Status.CONFIRMED, [])
    scene.wait(2)
    scene.desk.sweep()
    scene.news.problem = None
    scene.desk.sweep()
    assert scene.news.told == ["confirmed 0"]
    assert scene.desk.found(one.id).due_at is None


def test_what_staff_does_in_the_calendar_is_told_as_well() -> None:
    """Dragged, and then deleted."""
    scene = scene_for("move")
    [one] = scene.desk.all()
    scene.desk.vendor.staff_moves("ana@g", one.events[0].event_id, Interval(at(11), at(12)))
    scene.desk.compare()
    scene.desk.vendor.staff_cancels("ana@g", one.events[0].event_id)
    scene.desk.compare()
    assert scene.news.told == ["moved 1", "cancelled 1"]


def test_newer_news_take_the_place_of_those_nobody_was_told_of() -> None:
    """Two e-mails at once, of which the first is wrong by now, help nobody."""
    scene = Scene()
    scene.news.problem = RetryLater("no queue")
    book(scene.desk)
    scene.news.problem = None
    move(scene.desk)
    assert scene.news.told == ["moved 1"]


def test_of_what_has_begun_and_of_lost_times_nobody_is_told() -> None:
    """Staff tidies up the calendar of last week; somebody else was quicker; no address is known."""
    scene = scene_for("cancel")
    [one] = scene.desk.all()
    scene.wait(60 * 24 * 2)
    scene.desk.vendor.staff_cancels("ana@g", one.events[0].event_id)
    scene.desk.compare()
    assert scene.desk.found(one.id).status == Status.CANCELLED
    other = Scene()
    other.desk.book(at(9), "laser", "b", Customer("contact-2"))
    other.desk.book(at(9), "laser", "c")
    assert scene.news.calls == other.news.calls == []


def test_news_are_kept_with_the_appointment() -> None:
    """Written and read back."""
    scene = scene_for("move")
    scene.news.problem = RetryLater("no queue")
    move(scene.desk)
    found = scene.desk.calendars.appointments.find(COMPANY, scene.desk.all()[0].id)
    assert found is not None
    assert found.news == News("moved", scene.desk.clock.now(), Interval(at(9), at(10)))
