"""A worker dies at every single effect of every act, and somebody else goes on."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import pytest

from shared.calendars.appointments import Status
from shared.calendars.intervals import Interval
from shared.calendars.providers.contract import Capabilities
from shared.platform.errors import AnswerLost, Conflict, RetryLater
from tests.fakes.calendar import FakeCalendars
from tests.fakes.clock import FakeClock
from tests.fakes.table import MemoryTable
from tests.support.bookings import Desk, at

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.platform.tables import TransactionPart


class Died(BaseException):
    """The process is gone: nothing catches this."""


class Faults:
    """Counts effects, and lets something happen at one of them.

    Args:
        at_effect: which; 0: none.
        when: ``before`` or ``after``.
        lost: the answer is lost instead of the process, where the effect is a vendor's.
    """

    def __init__(self, at_effect: int = 0, when: str = "before", *, lost: bool = False) -> None:
        self.at_effect = at_effect
        self.when = when
        self.lost = lost
        self.seen: list[str] = []

    def __call__(self, effect: str, when: str) -> None:
        """Around every effect."""
        if when == "before":
            self.seen.append(effect)
        if len(self.seen) == self.at_effect and when == self.when:
            self.at_effect = -1
            if self.lost and not effect.startswith("write"):
                raise AnswerLost("the line went dead")
            raise Died


class FaultyTable(MemoryTable):
    """A table whose writes are effects as well."""

    def __init__(self) -> None:
        super().__init__()
        self.around: Callable[[str, str], None] = lambda _effect, _when: None

    def transact(self, parts: Sequence[TransactionPart]) -> None:
        """See `Table`."""
        self.around("write", "before")
        super().transact(parts)
        self.around("write", "after")


class Stage:
    """A desk on which one act is to be played.

    Args:
        vendor: its calendars.
        surprise: whether staff takes the room at the last moment.
    """

    def __init__(self, vendor: FakeCalendars, *, surprise: bool = False) -> None:
        self.surprise = surprise
        self.table = FaultyTable()
        self.desk = Desk(table=self.table, vendor=vendor)

    def play(self, act: Callable[[Desk], str], faults: Faults) -> str:
        """Play an act until it ends or the process does."""
        self.table.around = faults
        self.desk.vendor.around = partial(self._with_surprise, faults)
        try:
            return act(self.desk)
        except Died:
            return "died"
        except RetryLater:
            return "later"
        finally:
            self.table.around = lambda _effect, _when: None
            self.desk.vendor.around = lambda _effect, _when: None

    def _with_surprise(self, faults: Faults, effect: str, when: str) -> None:
        """Staff goes into the room at three, right after our event came there."""
        vendor = self.desk.vendor
        events = vendor.standing("cabin@g")
        three = any(one.interval is not None and one.interval.start == at(15) for one in events)
        if when == "after" and effect in {"create cabin@g", "move cabin@g"} and self.surprise and three:
            vendor.staff_adds("cabin@g", Interval(at(15, 30), at(16, 30)))
        faults(effect, when)

    def wait(self, minutes: float) -> None:
        """Let time pass."""
        assert isinstance(self.desk.clock, FakeClock)
        self.desk.clock.advance(minutes * 60)


def book(desk: Desk) -> str:
    """Two calendars."""
    return desk.book(at(12), "laser", "booked").kind


def lose(desk: Desk) -> str:
    """Two calendars, and staff is in the room by the time that its event is made."""
    return desk.book(at(15), "laser", "booked").kind


def confirm(desk: Desk) -> str:
    """A hold."""
    found = [one.id for one in desk.all()]
    return desk.confirm(found[0], key="confirmed").kind


def move(desk: Desk) -> str:
    """The same calendars, another time."""
    return desk.move(desk.all()[0].id, at(13), key="moved").kind


def move_over(desk: Desk) -> str:
    """To another person."""
    return desk.move(desk.all()[0].id, at(13), key="moved", calendars=("bea",)).kind


def move_lost(desk: Desk) -> str:
    """To a time at which staff is in the room by the time that its event has moved there."""
    return desk.move(desk.all()[0].id, at(15), key="moved").kind


def move_late(desk: Desk) -> str:
    """After staff has dragged one of the events."""
    return desk.move(desk.all()[0].id, at(15), key="moved").kind


def cancel(desk: Desk) -> str:
    """An appointment on two calendars."""
    return desk.cancel(desk.all()[0].id, key="cancelled").kind


def with_hold(desk: Desk) -> None:
    """Held."""
    desk.hold(at(12), "laser", "first")


def with_laser(desk: Desk) -> None:
    """Booked on two calendars."""
    desk.book(at(9), "laser", "first")


def with_talk(desk: Desk) -> None:
    """Booked with Ana."""
    desk.book(at(9), "talk", "first")


def with_dragged(desk: Desk) -> None:
    """Booked, and staff moved the room's event."""
    with_laser(desk)
    ref = desk.all()[0].events[1]
    desk.vendor.staff_moves("cabin@g", ref.event_id, Interval(at(10), at(11)))


def nothing(_desk: Desk) -> None:
    """An empty calendar."""


ACTS = {
    "book": (nothing, book, "confirmed"),
    "lose": (nothing, lose, "taken"),
    "confirm": (with_hold, confirm, "confirmed"),
    "move": (with_laser, move, "moved"),
    "move over": (with_talk, move_over, "moved"),
    "move lost": (with_laser, move_lost, "taken"),
    "move after staff": (with_dragged, move_late, "changed_by_staff"),
    "cancel": (with_laser, cancel, "cancelled"),
}
# A vendor that cannot be told where an event stands, and that lists nothing, cannot play these.
GOOGLE_ONLY = {"lose", "move lost", "move after staff"}
SURPRISES = {"lose", "move lost"}
KINDS = {
    "google": Capabilities(),
    "calendly": Capabilities(
        chooses_ids=False, lists_events=False, moves=False, etags=False, guards_times=True
    ),
}


def stage_for(name: str, kind: str) -> Stage:
    """A stage for an act."""
    return Stage(FakeCalendars(capabilities=KINDS[kind]), surprise=name in SURPRISES)


def effects_of(name: str, kind: str) -> int:
    """How many effects an act has without a fault."""
    setting, act, expected = ACTS[name]
    stage, faults = stage_for(name, kind), Faults()
    setting(stage.desk)
    assert stage.play(act, faults) == expected
    stage.desk.check()
    return len(faults.seen)


def cases() -> list[tuple[str, str, int, str, bool]]:
    """Every act, vendor, effect and fault."""
    found = []
    for name in ACTS:
        for kind in KINDS:
            if kind == "calendly" and name in GOOGLE_ONLY:
                continue
            for effect in range(1, effects_of(name, kind) + 1):
                found += [
                    (name, kind, effect, when, lost) for when in ("before", "after") for lost in (False, True)
                ]
    return found


CASES = cases()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_same_request_again_ends_what_was_begun(case: tuple[str, str, int, str, bool]) -> None:
    """The customer's turn is run again: the same answer as without the fault, each event once."""
    name, kind, effect, when, lost = case
    setting, act, expected = ACTS[name]
    stage = stage_for(name, kind)
    setting(stage.desk)
    answer = stage.play(act, Faults(effect, when, lost=lost))
    for _ in range(3):
        if answer not in {"died", "later"}:
            break
        stage.wait(0.8)
        answer = stage.play(act, Faults())
    assert answer == expected
    stage.wait(5)
    stage.desk.sweep()
    stage.desk.check()
    made = Counter(new.id for new in stage.desk.vendor.created)
    assert set(made.values()) <= {1}


@pytest.mark.parametrize("minutes", [2, 30])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_sweeper_ends_what_nobody_asks_for_again(
    case: tuple[str, str, int, str, bool], minutes: int
) -> None:
    """Soon it completes the work; when nobody can be waiting any more it takes that back. Nothing is half."""
    name, kind, effect, when, lost = case
    setting, act, _ = ACTS[name]
    stage = stage_for(name, kind)
    setting(stage.desk)
    before = {one.id for one in stage.desk.all()}
    stage.play(act, Faults(effect, when, lost=lost))
    for _ in range(3):
        stage.wait(minutes)
        stage.desk.sweep()
        stage.desk.compare()
    stage.desk.check()
    assert before <= {one.id for one in stage.desk.all()}
    assert not stage.desk.calendars.appointments.unsettled("clinic", stage.desk.clock.now())


def test_a_new_appointment_that_nobody_waits_for_is_taken_back() -> None:
    """Half an hour later the customer has made other plans, or talks to a person."""
    stage = Stage(FakeCalendars())
    assert stage.play(book, Faults(3, "after")) == "died"
    assert stage.desk.all()[0].status == Status.BOOKING
    stage.wait(30)
    stage.desk.sweep()
    assert stage.desk.all()[0].status == Status.LOST
    assert stage.play(book, Faults()) == "refused"
    stage.desk.check()


def test_an_event_that_comes_to_be_after_it_was_given_up_is_removed() -> None:
    """A request that hung in the network for a minute: one more look finds it."""
    stage = Stage(FakeCalendars(capabilities=KINDS["calendly"]))
    assert stage.play(book, Faults(2, "before", lost=True)) == "later"
    stage.wait(30)
    stage.desk.sweep()
    [one] = stage.desk.all()
    assert (one.status, len(one.strays)) == (Status.LOST, 2)
    # Now it arrives.
    other = Stage(FakeCalendars(capabilities=KINDS["calendly"]))
    other.play(book, Faults())
    stage.desk.vendor.create("ana@g", other.desk.vendor.created[0])
    stage.wait(3)
    stage.desk.sweep()
    assert stage.desk.vendor.standing("ana@g") == []
    stage.desk.check()


def test_another_request_ends_what_was_begun_before_its_own() -> None:
    """The customer wrote again, and the worker of the first message had died."""
    stage = Stage(FakeCalendars())
    with_laser(stage.desk)
    assert stage.play(move, Faults(2, "after")) == "died"
    stage.wait(1)
    [one] = stage.desk.all()
    assert one.status == Status.MOVING
    assert stage.desk.cancel(one.id, key="other").kind == "cancelled"
    stage.desk.check()
    with pytest.raises(Conflict):
        stage.desk.move(one.id, at(15), key="third")


def test_a_booking_has_a_bounded_number_of_effects() -> None:
    """Claim, two events, one confirmation: a fifth would be one more thing to go wrong."""
    assert effects_of("book", "google") == 4
