"""Looks at calendars: what is kept, what a failure leaves, and what appointments owe."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from shared.calendars.appointments import Status
from shared.calendars.calendly_webhooks import BookingChange
from shared.calendars.keys import calendar_pk
from shared.calendars.providers.contract import Capabilities, EventMissing
from shared.calendars.sync.cache import STATE, TAKEN
from shared.calendars.sync.errands import SyncErrand
from shared.calendars.sync.reading import AHEAD
from shared.calendars.sync.rounds import SPREAD_SECONDS, STALE_SECONDS, delay_of
from shared.platform.errors import FrontdeskError, GiveUp, RetryLater
from shared.platform.tables import Key
from tests.fakes.calendar import nothing
from tests.fakes.table import MemoryTable
from tests.fakes.telling_calendar import TellingCalendars
from tests.support.bookings import COMPANY, DOCUMENT, TUESDAY, at
from tests.support.calendar_sync import SyncWorld, around, received

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.calendars.intervals import Span
    from shared.platform.tables import TransactionPart

CUT = DOCUMENT["services"][0]
MONDAY = TUESDAY - timedelta(days=1)
FAR = timedelta(days=49)

DAY = around(TUESDAY, days=1)
NINE, TEN = around(at(9), hours=1), around(at(10), hours=1)


class Killed(BaseException):
    """The process ended here."""


@pytest.fixture
def world() -> SyncWorld:
    """A company with four calendars."""
    return SyncWorld()


def test_what_staff_adds_moves_declines_and_deletes_is_followed(world: SyncWorld) -> None:
    """One full read, then only changes."""
    world.vendor.staff_adds("ana@g", NINE)
    world.sync()
    assert world.taken(DAY) == [NINE.span]
    changes: list[tuple[Callable[[], None], list[Span]]] = [
        (lambda: world.vendor.staff_moves("ana@g", "staffs", TEN), [TEN.span]),
        (lambda: world.vendor.staff_declines("ana@g", "staffs"), []),
        (lambda: world.vendor.staff_adds("ana@g", NINE, "second"), [NINE.span]),
        (lambda: world.vendor.staff_cancels("ana@g", "second"), []),
    ]
    for change, expected in changes:
        change()
        world.later(minutes=15)
        world.vendor.calls.clear()
        world.sync()
        assert world.taken(DAY) == expected
        assert "changes in full" not in world.vendor.calls


@pytest.mark.parametrize("told", ["series_20261124T090000Z", "series_20261124", "series_R20261124T090000"])
def test_a_change_in_a_series_is_a_reason_to_read_everything(world: SyncWorld, told: str) -> None:
    """Which of its events are gone is not told."""
    world.vendor.staff_adds("ana@g", NINE, "series_20261117T090000Z")
    world.sync()
    # The vendor forgets the old one without a word.
    del world.vendor.events_of["ana@g"]["series_20261117T090000Z"]
    world.vendor.staff_adds("ana@g", TEN, told)
    world.later(minutes=15)
    world.sync()
    assert world.taken(DAY) == [TEN.span]


def test_a_token_that_is_too_old_means_reading_everything(world: SyncWorld) -> None:
    """What is no longer there is no longer taken."""
    world.vendor.staff_adds("ana@g", NINE)
    world.sync()
    del world.vendor.events_of["ana@g"]["staffs"]
    world.vendor.staff_adds("ana@g", TEN, "other")
    world.vendor.forgotten = 10**6
    world.later(minutes=15)
    world.sync()
    assert world.taken(DAY) == [TEN.span]


def test_what_is_known_always_reaches_thirty_days_ahead(world: SyncWorld) -> None:
    """At every round of a week; everything is read once a day."""
    for _ in range(7 * 24 * 4):
        world.sync()
        assert world.look().window.end >= world.clock.now() + AHEAD
        world.later(minutes=15)
    full = world.vendor.calls.count("changes in full")
    assert full == 7 * len(world.company.calendars)


def test_a_calendar_that_fails_keeps_what_was_known_and_harms_no_other(world: SyncWorld) -> None:
    """It is named, and how often it failed in a row is noted."""
    world.vendor.staff_adds("ana@g", NINE)
    world.sync()
    before = world.look().synced_at
    world.vendor.refuses["changes ana@g"] = RetryLater("down", reason="calendar_unavailable")
    for _ in range(3):
        world.later(minutes=15)
        looked = world.sync()
        assert looked.failed == {"ana": "calendar_unavailable"}
        assert set(looked.synced) == {"bea", "cabin", "hall"}
    condition = world.cache.condition(COMPANY, "ana")
    assert condition is not None
    assert (condition.synced_at, condition.failures) == (before, 3)
    assert condition.reason == "calendar_unavailable"
    assert world.look().taken
    world.vendor.refuses.clear()
    world.sync()
    condition = world.cache.condition(COMPANY, "ana")
    assert condition is not None
    assert (condition.synced_at, condition.failures) == (world.clock.now(), 0)


def test_a_calendar_that_never_could_be_read_is_named_too(world: SyncWorld) -> None:
    """And works as soon as it can be read."""
    world.vendor.refuses["changes ana@g"] = RetryLater("down", reason="calendar_unavailable")
    world.sync()
    condition = world.cache.condition(COMPANY, "ana")
    assert condition is not None
    assert (condition.synced_at, condition.failures, condition.provider) == (None, 1, "google")
    assert world.cache.read(COMPANY, "ana") is None
    world.vendor.refuses.clear()
    world.sync()
    assert world.look().synced_at == world.clock.now()


@pytest.mark.parametrize("reason", ["calendar_throttled", "reconnect_required"])
def test_what_concerns_the_whole_connection_is_not_tried_calendar_by_calendar(
    world: SyncWorld, reason: str
) -> None:
    """The vendor is asked once, all four are named."""
    error = RetryLater("slow down", reason=reason) if "throttled" in reason else GiveUp("no", reason=reason)
    world.vendor.refuses = {"changes": error, "free_busy": error}
    assert world.sync().failed == dict.fromkeys(("ana", "bea", "cabin", "hall"), reason)
    assert world.vendor.calls.count("changes in full") == 1


def test_those_that_were_read_longest_ago_come_first(world: SyncWorld) -> None:
    """So that nobody starves where time is short."""
    world.sync()
    world.later(minutes=15)
    world.syncing.some(COMPANY, world.company, world.company.calendars[:2], world.desk.deadline)
    assert world.sync().synced[:2] == ("cabin", "hall")


@pytest.mark.parametrize("error", [GiveUp("no", reason="calendar_refused"), EventMissing("no")])
def test_a_calendar_whose_events_are_refused_is_kept_by_its_free_busy(
    world: SyncWorld, error: FrontdeskError
) -> None:
    """Its events are asked for again once a day, not at each look."""
    world.vendor.staff_adds("ana@g", NINE)
    world.vendor.refuses["changes ana@g"] = error
    for _ in range(24 * 4 + 1):
        world.sync()
        assert world.taken(DAY) == [NINE.span]
        world.later(minutes=15)
    assert world.look().way == "free_busy"
    of_ana = world.vendor.calls.count("free_busy")
    assert of_ana == 24 * 4 + 1
    assert world.vendor.calls.count("changes in full") - 2 * 3 == 2


def test_a_vendor_without_lists_is_kept_by_its_free_busy() -> None:
    """It is never asked for what it cannot do."""
    world = SyncWorld(TellingCalendars(capabilities=Capabilities(lists_events=False)))
    world.vendor.staff_adds("ana@g", NINE)
    world.sync()
    world.vendor.staff_cancels("ana@g", "staffs")
    world.vendor.staff_adds("ana@g", TEN, "other")
    world.later(minutes=15)
    world.sync()
    assert world.taken(DAY) == [TEN.span]
    assert set(world.vendor.calls) == {"free_busy"}


def test_an_unreadable_calendar_inside_an_answer_is_a_failure() -> None:
    """With the vendor's own reason; nothing is known of it."""
    vendor = TellingCalendars(
        capabilities=Capabilities(lists_events=False), unreadable={"ana@g": "not_found"}
    )
    world = SyncWorld(vendor)
    assert world.sync().failed == {"ana": "not_found"}
    assert world.cache.read(COMPANY, "ana") is None


# Crashes, and two at once


class MortalTable(MemoryTable):
    """Kills the process at its n-th write."""

    lives: int | None = None
    after = False

    def transact(self, parts: Sequence[TransactionPart]) -> None:
        """See `Table`."""
        if self.lives == 0 and not self.after:
            raise Killed
        super().transact(parts)
        if self.lives == 0:
            raise Killed
        if self.lives is not None:
            self.lives -= 1


@pytest.mark.parametrize("after", [False, True])
def test_a_worker_that_dies_at_any_write_leaves_nothing_half_known(*, after: bool) -> None:
    """The next look makes up for it: what is kept, the channel, the appointments that staff changed."""
    deaths = 0
    while _outlived(deaths, after=after):
        deaths += 1
    assert deaths > 6


def _outlived(writes: int, *, after: bool) -> bool:
    """Whether the worker died at this write; everything is right after the next look."""
    table = MortalTable()
    world = SyncWorld(table=table, changes={"calendars": [DOCUMENT["calendars"][0]], "services": [CUT]})
    made, other = (world.desk.book(at(hour), key=f"k{hour}").appointment for hour in (9, 14))
    assert made is not None
    assert other is not None
    world.sync()
    world.vendor.staff_moves("ana@g", made.events[0].event_id, around(at(12), minutes=30))
    world.vendor.staff_cancels("ana@g", other.events[0].event_id)
    world.later(minutes=15)
    table.lives, table.after, died = writes, after, False
    try:
        world.sync()
    except Killed:
        died = True
    table.lives = None
    for _ in range(2):
        world.later(minutes=15)
        world.sync()
    assert world.taken(DAY) == [around(at(12), minutes=30).span]
    assert world.desk.found(made.id).start == at(12)
    assert world.desk.found(other.id).status == Status.CANCELLED
    assert not world.look().unreconciled
    world.desk.check()
    return died


def test_a_worker_that_is_overtaken_looks_again(world: SyncWorld) -> None:
    """What the other one saw is older than what it is told now: nothing goes back."""
    world.sync()
    world.later(minutes=15)
    inside: list[str] = []

    def overtake(effect: str, when: str) -> None:
        if effect == "changes" and not inside:
            inside.append(when)
            world.vendor.staff_adds("ana@g", NINE)
            other = world.syncing
            other.some(COMPANY, world.company, world.company.calendars[:1], world.desk.deadline)
            world.vendor.staff_moves("ana@g", "staffs", TEN)

    world.vendor.around = overtake
    world.syncing.some(COMPANY, world.company, world.company.calendars[:1], world.desk.deadline)
    assert list(world.look().taken.values()) == [TEN.span]
    assert world.taken(DAY) == [TEN.span]


def test_halves_that_do_not_fit_together_are_not_believed(world: SyncWorld) -> None:
    """Read between two writes; the next look writes both."""
    world.vendor.staff_adds("ana@g", NINE)
    world.sync()
    key = Key(calendar_pk(COMPANY, "ana"), TAKEN)
    item = world.table.get(key)
    assert item is not None
    world.table.put({**item, "version": item["version"] + 1})
    assert world.cache.read(COMPANY, "ana") is None
    world.later(minutes=15)
    assert world.sync().failed == {}
    assert world.taken(DAY) == [NINE.span]


def test_what_is_kept_tells_nobody_who_meets_whom(world: SyncWorld) -> None:
    """No title, no id of an event."""
    world.vendor.staff_adds("ana@g", NINE, "an-id-of-theirs")
    world.sync()
    kept = repr([item for item in world.table.scan() if item["sk"] in (STATE, TAKEN)])
    assert "Secret" not in kept
    assert "an-id-of-theirs" not in kept


# Appointments


def test_an_event_that_staff_deletes_cancels_its_appointment_though_only_its_id_is_told(
    world: SyncWorld,
) -> None:
    """Also one that lies beyond what is kept; and nothing else is cancelled."""
    near, far = world.desk.book(at(9)).appointment, world.desk.book(at(9) + FAR, key="k2").appointment
    assert near is not None
    assert far is not None
    other = world.desk.book(at(15), key="k3").appointment
    assert other is not None
    world.sync()
    for one in (near, far):
        world.vendor.staff_cancels("ana@g", one.events[0].event_id)
    world.later(minutes=15)
    world.sync()
    assert world.desk.found(near.id).status == Status.CANCELLED
    assert world.desk.found(far.id).status == Status.CANCELLED
    assert world.desk.found(other.id).status == Status.CONFIRMED


def test_what_could_not_be_reconciled_now_is_reconciled_with_the_next_look(world: SyncWorld) -> None:
    """The calendar counts as read all the same."""
    made = world.desk.book(at(9)).appointment
    assert made is not None
    world.sync()
    world.vendor.staff_moves("ana@g", made.events[0].event_id, around(at(12), minutes=30))
    world.later(minutes=15)
    world.vendor.refuses["get"] = RetryLater("down")
    assert world.sync().failed == {}
    assert world.look().unreconciled
    world.vendor.refuses.clear()
    world.later(minutes=15)
    world.sync()
    assert world.desk.found(made.id).start == at(12)
    assert not world.look().unreconciled


def test_a_booking_that_its_customer_cancels_at_calendly_is_cancelled_here(world: SyncWorld) -> None:
    """What was told is looked at once; what broke is looked at again."""
    made = world.desk.book(at(9)).appointment
    assert made is not None
    event = made.events[0].event_id
    world.vendor.staff_cancels("ana@g", event)
    world.told.waiting.append(BookingChange(event, "x", "cancelled", made.place.interval))
    world.vendor.refuses["get"] = RetryLater("down")
    world.vendor.refuses["changes"] = RetryLater("down")
    world.sync()
    assert len(world.told.waiting) == 1
    world.vendor.refuses.pop("get")
    world.sync()
    assert world.desk.found(made.id).status == Status.CANCELLED
    assert world.told.waiting == []


def test_a_mark_in_a_booking_of_others_moves_nothing(world: SyncWorld) -> None:
    """Anybody can write our mark into a booking; only the event's id counts."""
    made = world.desk.book(at(9)).appointment
    assert made is not None
    forged = BookingChange("another-event", "x", "cancelled", made.place.interval, appointment=made.id)
    world.told.waiting.append(forged)
    world.sync()
    assert world.desk.found(made.id).status == Status.CONFIRMED
    assert world.told.waiting == []


def test_the_round_settles_what_is_half_done(world: SyncWorld) -> None:
    """A hold that ended gives its time back."""
    world.desk.hold(at(9))
    world.later(minutes=11)
    world.sync()
    assert [one.status for one in world.desk.all()] == [Status.EXPIRED]


# Rounds


def test_each_company_with_calendars_gets_an_errand_at_its_own_moment(world: SyncWorld) -> None:
    """The same in every round; those without calendars get none."""
    bare = world.company.model_copy(update={"calendars": []})
    world.companies.documents |= {f"company-{number}": world.company for number in range(60)} | {"bare": bare}
    assert world.rounds.send_out("2026-11-23T09:00:00Z") == 61
    first = dict(zip((one.company_id for one in world.errands.sent), world.errands.delays, strict=True))
    world.errands.sent.clear()
    world.errands.delays.clear()
    world.rounds.send_out("2026-11-23T09:15:00Z")
    again = dict(zip((one.company_id for one in world.errands.sent), world.errands.delays, strict=True))
    assert first == again
    assert "bare" not in first
    assert set(first) == {COMPANY, *(f"company-{number}" for number in range(60))}
    assert min(first.values()) < 60
    assert 240 < max(first.values()) < SPREAD_SECONDS
    assert {one.run for one in world.errands.sent} == {int(at(9, 15, MONDAY).timestamp())}


def test_a_company_of_which_it_is_not_known_whether_it_has_calendars_gets_an_errand(world: SyncWorld) -> None:
    """Lines of the list that are older than the count."""
    world.companies.counted = False
    world.companies.documents = {"bare": world.company.model_copy(update={"calendars": []})}
    assert world.round() == []
    assert world.errands.sent == [SyncErrand("bare", run=int(world.clock.now().timestamp()))]


def test_a_calendar_that_left_the_document_is_forgotten_and_its_channel_stopped(world: SyncWorld) -> None:
    """Also the last one, and those of a company that is gone."""
    world.round()
    [(ana, _)] = [(key, one) for key, one in world.vendor.open.items() if one[0] == "ana@g"]
    rest = [one for one in world.company.calendars if one.id != "ana"]
    world.companies.documents[COMPANY] = world.company.model_copy(update={"calendars": rest})
    world.later(minutes=15)
    world.round()
    assert world.vendor.stopped == [ana]
    assert _known(world) == {"bea", "cabin", "hall"}
    world.companies.documents[COMPANY] = world.company.model_copy(update={"calendars": []})
    world.later(minutes=15)
    world.round()
    assert _known(world) == set()
    assert world.vendor.open == {}
    assert world.rounds.send_out() == 0


def test_a_company_that_is_gone_is_forgotten(world: SyncWorld) -> None:
    """Its connection may be gone as well."""
    world.round()
    world.companies.documents.clear()
    world.vendor.refuses["stop"] = GiveUp("gone", reason="not_connected")
    world.later(minutes=15)
    assert world.round() == []
    assert _known(world) == set()


def test_a_channel_that_cannot_be_stopped_now_is_stopped_in_the_next_round(world: SyncWorld) -> None:
    """The calendar is remembered until then."""
    world.round()
    world.companies.documents.clear()
    world.vendor.refuses["stop"] = RetryLater("down")
    world.later(minutes=15)
    world.round()
    assert _known(world) == {"ana", "bea", "cabin", "hall"}
    world.vendor.refuses.clear()
    world.later(minutes=15)
    world.round()
    assert _known(world) == set()
    assert world.vendor.open == {}


def test_a_calendar_with_another_vendors_name_under_the_same_id_is_another_calendar(world: SyncWorld) -> None:
    """What was known of the first is not told as the second's."""
    world.vendor.staff_adds("ana@g", NINE)
    world.sync()
    renamed = [one.model_copy(update={"calendar": f"new-{one.calendar}"}) for one in world.company.calendars]
    world.company = world.company.model_copy(update={"calendars": renamed})
    assert world.taken(DAY) == []
    world.vendor.calls.clear()
    world.sync()
    assert "changes" not in world.vendor.calls
    assert world.taken(DAY) == []


def test_what_is_late_or_unreadable_is_not_run(world: SyncWorld) -> None:
    """A round was overtaken by the next; what nobody can read stays for the dead letters."""
    run = int(world.clock.now().timestamp()) - STALE_SECONDS - 1
    assert world.take(SyncErrand(COMPANY, run=run)) == []
    assert world.vendor.calls == []
    assert world.rounds.take_all([received("{}", "x"), received('{"kind": "other"}', "y")], 60) == ["x", "y"]


def test_calendars_for_which_no_time_is_left_get_errands_of_their_own(world: SyncWorld) -> None:
    """A vendor that takes its ten seconds for each; nobody else waits for it."""
    world.vendor.around = lambda *_: world.clock.advance(15)
    world.errands.sent.clear()
    run = int(world.clock.now().timestamp())
    world.take(SyncErrand(COMPANY, run=run))
    assert world.errands.sent == [SyncErrand(COMPANY, "hall", run)]
    world.vendor.around = nothing
    world.take(*world.errands.sent)
    assert world.look("hall").synced_at == world.clock.now()


def test_an_error_that_nobody_foresaw_leaves_the_record_in_the_queue(world: SyncWorld) -> None:
    """And harms no other company."""

    def broken(_effect: str, _when: str) -> None:
        raise ZeroDivisionError

    world.vendor.around = broken
    assert world.take(SyncErrand(COMPANY)) == ["1"]


def test_delays_are_spread(world: SyncWorld) -> None:
    """A thousand companies over five minutes."""
    del world
    delays = [delay_of(f"company-{number}") for number in range(1000)]
    fullest = max(sum(1 for one in delays if one // 10 == tenth) for tenth in range(SPREAD_SECONDS // 10))
    assert fullest < 60


def _known(world: SyncWorld) -> set[str]:
    return {calendar for _, calendar in world.cache.known()}
