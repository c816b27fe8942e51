"""Which few of many free times are worth saying."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from shared.calendars.intervals import Interval
from shared.calendars.requests import Outcome
from shared.calendars.terms import terms_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shared.agent.appointments.desk import AppointmentDesk
    from shared.agent.appointments.wishes import Wish
    from shared.agent.tools.tool import ToolContext
    from shared.calendars.availability import Slot
    from shared.calendars.looking import FreeTimes
    from shared.companies.services import Service

MOST_OF_ONE_DAY = 6
MOST_OF_EACH_DAY = 3
MOST_DAYS = 3
A_MOMENT = timedelta(microseconds=1)
LOOKED_ON = timedelta(days=14)


@dataclass(frozen=True)
class Offer:
    """What can be said of a wish.

    Args:
        slots: a few free times, in order.
        free: the times that were wanted are free.
        more: there are more than these.
        unreadable: some calendar could not be read.
        as_of: how fresh it is; ``None``: nothing could be read.
    """

    slots: tuple[Slot, ...]
    free: bool
    more: bool
    unreadable: bool
    as_of: datetime | None


def offer(desk: AppointmentDesk, context: ToolContext, service: Service, wish: Wish) -> Offer:
    """A few free times for a wish; where it has none, the next ones after it.

    What is held for the customer meanwhile is free for them: asking for another time ends it.

    Raises:
        RetryLater: not now.
    """
    held = desk.held(context)
    found = _free(desk, context, service, wish.window, held)
    wanted = [slot for slot in found.slots if wish.in_part(slot.start)]
    chosen = _nearest(wanted, wish) if wish.when.times else _spread(wanted, wish)
    as_wished = [slot for slot in chosen if wish.admits(slot.start)]
    told = Offer(
        tuple(chosen), bool(as_wished), len(wanted) > len(chosen), bool(found.unreadable), found.as_of
    )
    if chosen or found.as_of is None:
        return told
    after = _free(desk, context, service, Interval(wish.window.end, wish.window.end + LOOKED_ON), held)
    later = _spread([slot for slot in after.slots if wish.in_part(slot.start)] or list(after.slots), wish)
    return replace(told, slots=tuple(later), more=True, unreadable=bool(after.unreadable))


def is_free(
    desk: AppointmentDesk, context: ToolContext, service_id: str, start: datetime, *, but: str = ""
) -> FreeTimes:
    """What stands at one very start, as if one appointment were not there."""
    terms = terms_of(context.company, service_id)
    window = Interval(start, start + A_MOMENT)
    return desk.calendars.looking.free(context.company_id, context.company, terms, window, but=but)


def not_free(
    desk: AppointmentDesk, context: ToolContext, service_id: str, start: datetime, *, but: str = ""
) -> Outcome:
    """A start that cannot be had, with others near it."""
    terms = terms_of(context.company, service_id)
    near = desk.calendars.looking.near(context.company_id, context.company, terms, start, but=but)
    return Outcome("taken", None, near)


def _free(
    desk: AppointmentDesk, context: ToolContext, service: Service, window: Interval, held: str
) -> FreeTimes:
    terms = terms_of(context.company, service.id)
    return desk.calendars.looking.free(context.company_id, context.company, terms, window, but=held)


def _by_day(slots: Sequence[Slot], wish: Wish) -> list[list[Slot]]:
    return [list(day) for _, day in groupby(slots, key=lambda slot: slot.local_start(wish.zone).date())]


def _nearest(slots: Sequence[Slot], wish: Wish) -> list[Slot]:
    """Of each day those nearest to the time that was named."""
    days = _by_day(slots, wish)
    each = MOST_OF_ONE_DAY if len(days) == 1 else MOST_OF_EACH_DAY
    chosen: list[Slot] = []
    for day in days[:MOST_DAYS]:
        wanted = wish.start_on(day[0].local_start(wish.zone).date()) or day[0].start
        near = sorted(day, key=lambda slot: abs(slot.start - wanted))[:each]
        chosen += sorted(near, key=lambda slot: slot.start)
    return chosen


def _spread(slots: Sequence[Slot], wish: Wish) -> list[Slot]:
    """The first days, and of each times all over the day."""
    days = _by_day(slots, wish)
    each = MOST_OF_ONE_DAY if len(days) == 1 else MOST_OF_EACH_DAY
    return [slot for day in days[:MOST_DAYS] for slot in _evenly(day, each)]


def _evenly(slots: Sequence[Slot], most: int) -> list[Slot]:
    if len(slots) <= most:
        return list(slots)
    last = len(slots) - 1
    return [slots[round(last * number / (most - 1))] for number in range(most)]
