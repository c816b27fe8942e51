"""Channels of vendors that tell of changes, and what they tell."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.calendars.keys import calendar_pk
from shared.calendars.sync.channels import ASK_AGAIN, UNANSWERED, reachable
from shared.calendars.sync.errands import SyncErrand
from shared.calendars.sync.pushes import PENDING_SECONDS
from shared.platform.errors import AnswerLost, GiveUp, NotFound, RetryLater
from tests.support.bookings import COMPANY, TUESDAY, at
from tests.support.calendar_sync import PUBLIC_URL, SyncWorld, around


@pytest.fixture
def world() -> SyncWorld:
    """A company with one calendar."""
    return SyncWorld(
        changes={"calendars": [{"id": "ana", "provider": "google", "calendar": "ana@g"}], "services": []}
    )


def headers(world: SyncWorld, number: int = 2, /, **changes: str) -> dict[str, str]:
    """What Google sends through the newest channel."""
    channel_id, (calendar, token, _) = list(world.vendor.open.items())[-1]
    return {
        "x-goog-channel-id": channel_id,
        "x-goog-channel-token": token,
        "x-goog-resource-id": f"resource-of-{calendar}",
        "x-goog-resource-state": "exists",
        "x-goog-message-number": str(number),
        **{f"x-goog-{name.replace('_', '-')}": value for name, value in changes.items()},
    }


def stored(world: SyncWorld) -> list[dict[str, object]]:
    """The channels that are known."""
    return world.table.query(calendar_pk(COMPANY, "ana"), prefix="channel#")


# Channels


def test_a_channel_is_opened_once_and_its_token_is_kept_as_a_hash(world: SyncWorld) -> None:
    """Under our public address; for each company its own."""
    for _ in range(3):
        world.sync()
        world.later(minutes=15)
    [(_, token, address)] = world.vendor.open.values()
    assert address == f"{PUBLIC_URL}/api/webhook/google/{COMPANY}"
    assert len(token) > 40
    assert token not in repr(list(world.table.scan()))


def test_a_channel_is_renewed_before_it_ends_and_the_old_one_stopped(world: SyncWorld) -> None:
    """There is one at every moment of a month, and never two after a look."""
    opened: set[str] = set()
    for _ in range(30 * 4):
        world.vendor.opened_at = world.clock.now()
        world.sync()
        opened |= set(world.vendor.open)
        assert len(world.vendor.open) == 1
        [item] = stored(world)
        assert item["ends_at"] / 1000 > world.clock.now().timestamp() + 6 * 3600  # type: ignore[operator]
        world.later(hours=6)
    assert len(opened) == 5
    assert len(world.vendor.stopped) == 4


def test_where_no_vendor_can_reach_us_no_channel_is_opened() -> None:
    """Plain HTTP is only for loopback, at stage local."""
    world = SyncWorld(base_url=reachable("http://desk.example", loopback=True))
    world.sync()
    assert world.vendor.open == {}
    assert reachable("http://127.0.0.1:8480", loopback=False) == ""
    assert reachable("http://127.0.0.1:8480", loopback=True) == "http://127.0.0.1:8480"
    assert reachable("https://desk.example", loopback=False) == "https://desk.example"
    assert reachable("http://127.0.0.1.evil.example:80", loopback=True) == ""


def test_another_public_address_means_another_channel(world: SyncWorld) -> None:
    """The old one goes nowhere."""
    world.sync()
    [old] = world.vendor.open
    world.channels = type(world.channels)(world.table, world.clock, "https://new.example")
    world.later(minutes=15)
    world.sync()
    assert world.vendor.stopped == [old]
    assert [one[2] for one in world.vendor.open.values()] == [
        f"https://new.example/api/webhook/google/{COMPANY}"
    ]


def test_a_refusal_is_not_asked_for_again_every_quarter_of_an_hour(world: SyncWorld) -> None:
    """Once a day; the calendar is read all the same."""
    world.vendor.refuses["watch before"] = GiveUp("no", reason="calendar_refused")
    assert world.sync().failed == {}
    world.vendor.refuses.clear()
    world.later(minutes=15)
    world.sync()
    assert world.vendor.open == {}
    world.later(seconds=ASK_AGAIN.total_seconds())
    world.sync()
    assert len(world.vendor.open) == 1


def test_a_channel_whose_answer_was_lost_shows_itself_and_is_used(world: SyncWorld) -> None:
    """Its first word tells what is needed to stop it later."""
    world.vendor.refuses["watch after"] = AnswerLost("gone")
    world.sync()
    world.vendor.refuses.clear()
    told = headers(world, 1, resource_state="sync")
    assert world.pushes.take(COMPANY, told) == "opened"
    world.later(minutes=15)
    world.sync()
    assert len(world.vendor.open) == 1
    assert world.pushes.take(COMPANY, headers(world)) == "queued"


def test_a_wish_that_nobody_heard_is_forgotten(world: SyncWorld) -> None:
    """An hour later; another channel has long been opened."""
    world.vendor.refuses["watch before"] = RetryLater("down")
    world.sync()
    world.vendor.refuses.clear()
    world.later(minutes=15)
    world.sync()
    assert len(stored(world)) == 2
    world.later(seconds=UNANSWERED.total_seconds())
    world.sync()
    assert len(stored(world)) == 1


# What they tell


def test_a_change_is_in_what_is_kept_as_soon_as_it_is_told(world: SyncWorld) -> None:
    """A look at that calendar alone, a second later."""
    world.sync()
    world.vendor.staff_adds("ana@g", around(at(9), hours=1))
    assert world.pushes.take(COMPANY, headers(world)) == "queued"
    assert world.errands.sent == [SyncErrand(COMPANY, "ana")]
    assert world.errands.delays == [1]
    world.take(*world.errands.sent)
    assert world.taken(around(TUESDAY, days=1)) == [around(at(9), hours=1).span]


def test_many_words_ask_for_one_look_until_it_begins(world: SyncWorld) -> None:
    """What is told after it began asks for another."""
    world.sync()
    outcomes = [world.pushes.take(COMPANY, headers(world, number)) for number in range(2, 7)]
    assert outcomes == ["queued", *["waiting"] * 4]
    world.take(*world.errands.sent)
    assert world.pushes.take(COMPANY, headers(world, 7)) == "queued"
    assert len(world.errands.sent) == 2


def test_a_look_that_never_begins_keeps_others_waiting_for_a_minute_at_most(world: SyncWorld) -> None:
    """Its errand was lost."""
    world.sync()
    world.pushes.take(COMPANY, headers(world, 2))
    world.later(seconds=PENDING_SECONDS + 1)
    assert world.pushes.take(COMPANY, headers(world, 3)) == "queued"


def test_a_word_that_was_heard_before_is_nothing_new(world: SyncWorld) -> None:
    """Numbers rise."""
    world.sync()
    assert world.pushes.take(COMPANY, headers(world, 5)) == "queued"
    world.take(*world.errands.sent)
    assert [world.pushes.take(COMPANY, headers(world, number)) for number in (5, 4)] == ["old", "old"]


def test_a_queue_that_takes_nothing_leaves_the_word_for_the_next_try(world: SyncWorld) -> None:
    """The vendor is told that we failed, and tells us again under the same number."""
    world.sync()
    world.errands.broken = True
    with pytest.raises(ConnectionError):
        world.pushes.take(COMPANY, headers(world))
    world.errands.broken = False
    assert world.pushes.take(COMPANY, headers(world)) == "queued"


@pytest.mark.parametrize(
    "changes",
    [
        {"channel_token": "ana.guessed"},
        {"channel_token": ""},
        {"channel_token": "../ana.x"},
        {"channel_token": "bea.guessed"},
        {"channel_id": "another"},
        {"channel_id": ""},
        {"channel_id": "a#b"},
        {"resource_id": "another"},
        {"resource_id": ""},
        {"message_number": "-1"},
        {"message_number": "\N{ARABIC-INDIC DIGIT TWO}"},
        {"message_number": ""},
    ],
)
def test_who_is_no_channel_of_ours_is_told_nothing(world: SyncWorld, changes: dict[str, str]) -> None:
    """Whatever is wrong, the answer is the same, and nobody looks."""
    world.sync()
    with pytest.raises(NotFound) as refused:
        world.pushes.take(COMPANY, headers(world, 2, **changes))
    assert (str(refused.value), refused.value.status) == ("there is no such channel", 404)
    assert world.errands.sent == []


def test_a_channel_speaks_for_its_own_company_only(world: SyncWorld) -> None:
    """The address names another one."""
    world.sync()
    with pytest.raises(NotFound):
        world.pushes.take("other", headers(world))


def test_a_channel_that_was_stopped_is_not_listened_to(world: SyncWorld) -> None:
    """Words that are still on their way."""
    world.sync()
    last = headers(world)
    world.companies.documents.clear()
    world.round()
    with pytest.raises(NotFound):
        world.pushes.take(COMPANY, last)


def test_the_longest_life_is_counted_where_none_was_told(world: SyncWorld) -> None:
    """A channel whose answer was lost is renewed like any other."""
    world.vendor.refuses["watch after"] = AnswerLost("gone")
    world.sync()
    world.vendor.refuses.clear()
    world.pushes.take(COMPANY, headers(world, 1, resource_state="sync"))
    world.clock.advance(timedelta(days=6, hours=1).total_seconds())
    world.vendor.opened_at = world.clock.now()
    world.sync()
    assert len(world.vendor.open) == 1
    assert len(world.vendor.stopped) == 1
