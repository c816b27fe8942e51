"""Looking for free times: the calendars' taken time and the day sheets, put together for `free_slots`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

from shared.calendars.availability import CalendarTime, Rules, Slot, free_slots, is_free
from shared.calendars.intervals import Interval, of_span, without
from shared.calendars.providers.contract import DEFAULT_TIMEOUT_SECONDS
from shared.calendars.requests import NoPlace
from shared.companies.opening import open_times
from shared.platform.errors import GiveUp, RetryLater

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from shared.calendars.appointments import Place
    from shared.calendars.providers.contract import CalendarProvider, CalendarProviders
    from shared.calendars.sheets import Entry, Sheets, SheetSet
    from shared.calendars.terms import Terms
    from shared.companies.calendars import CalendarSettings
    from shared.companies.model import Company
    from shared.platform.clock import Clock

MOST_ALTERNATIVES = 5
NEAR = timedelta(days=7)


@dataclass(frozen=True)
class Busy:
    """What a calendar itself says about its time, our own events among it.

    Args:
        intervals: when it is taken.
        offered: the only starts, for vendors that tell those.
        read_at: how old this is.
    """

    intervals: Sequence[Interval]
    offered: Sequence[datetime] | None
    read_at: datetime


@dataclass(frozen=True)
class BusyTimes:
    """What calendars say, by our ids; each asked for is either readable or not.

    Args:
        calendars: those that could be read.
        unreadable: the others, each with the reason.
    """

    calendars: Mapping[str, Busy]
    unreadable: Mapping[str, str] = field(default_factory=dict)


class BusySource(Protocol):
    """Tells when calendars are taken: from their vendors, or from what was read of them lately."""

    def busy(
        self, company_id: str, company: Company, calendars: Sequence[CalendarSettings], window: Interval
    ) -> BusyTimes:
        """When some calendars of a company are taken."""
        ...


class LiveBusy:
    """Asks the vendors.

    Args:
        providers: finds them.
        clock: for `Busy.read_at`.
        timeout_seconds: of each vendor's call.
    """

    def __init__(
        self,
        providers: CalendarProviders,
        clock: Clock,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> None:
        self._providers = providers
        self._clock = clock
        self._timeout_seconds = timeout_seconds

    def busy(
        self, company_id: str, company: Company, calendars: Sequence[CalendarSettings], window: Interval
    ) -> BusyTimes:
        """See `BusySource`; one call for all calendars of a vendor."""
        del company
        found: dict[str, Busy] = {}
        unreadable: dict[str, str] = {}
        for name in dict.fromkeys(one.provider for one in calendars):
            of_vendor = [one for one in calendars if one.provider == name]
            try:
                provider = self._providers.of(company_id, of_vendor[0])
                self._ask(provider, of_vendor, window, found, unreadable)
            except (RetryLater, GiveUp) as problem:
                unreadable |= {one.id: problem.reason for one in of_vendor}
        return BusyTimes(found, unreadable)

    def _ask(
        self,
        provider: CalendarProvider,
        calendars: Sequence[CalendarSettings],
        window: Interval,
        found: dict[str, Busy],
        unreadable: dict[str, str],
    ) -> None:
        names = [one.calendar for one in calendars]
        answer = provider.free_busy(names, window.start, window.end, timeout_seconds=self._timeout_seconds)
        for one in calendars:
            if one.calendar in answer.unreadable or one.calendar not in answer.busy:
                unreadable[one.id] = answer.unreadable.get(one.calendar, "not_told")
            else:
                offered = answer.offered.get(one.calendar, ())
                found[one.id] = Busy(
                    answer.busy[one.calendar],
                    offered if provider.capabilities.offers_starts else None,
                    self._clock.now(),
                )


@dataclass(frozen=True)
class FreeTimes:
    """What was found.

    Args:
        slots: possible appointments, in order.
        unreadable: calendars that could not be read, with the reason; none of the slots needs one.
        as_of: how old the oldest of what was read is; ``None`` where nothing could be read.
    """

    slots: tuple[Slot, ...]
    unreadable: Mapping[str, str]
    as_of: datetime | None


class Looking:
    """Finds free times.

    Args:
        sheets: the day sheets, always read as they are now.
        source: what calendars say.
        clock: now.
    """

    def __init__(self, sheets: Sheets, source: BusySource, clock: Clock) -> None:
        self._sheets = sheets
        self._source = source
        self._clock = clock

    def busy(self, company_id: str, company: Company, terms: Terms, window: Interval) -> BusyTimes:
        """What the calendars say, as far as it concerns starts within a window."""
        calendars = list(terms.calendars.values())
        return self._source.busy(company_id, company, calendars, _reach(terms, window))

    def free(
        self,
        company_id: str,
        company: Company,
        terms: Terms,
        window: Interval,
        *,
        busy: BusyTimes | None = None,
        but: str = "",
    ) -> FreeTimes:
        """Every possible appointment that begins within a window.

        Args:
            company_id: whose.
            company: its document.
            terms: how the service is booked.
            window: where starts are looked for.
            busy: what the calendars say, where that was asked already.
            but: as if this appointment were not there: it is to be moved.
        """
        rules = terms.rules
        busy = busy or self.busy(company_id, company, terms, window)
        sheets = self._sheets.span(company_id, terms.calendars, _reach(terms, window))
        needs = [
            [
                calendar_time(one, busy.calendars[one.id], sheets, but=but)
                for one in need
                if one.id in busy.calendars
            ]
            for need in terms.needs
        ]
        slots = tuple(
            free_slots(_open(company, window, rules.duration), rules, needs, window, self._clock.now())
        )
        as_of = min((one.read_at for one in busy.calendars.values()), default=None)
        return FreeTimes(slots, busy.unreadable, as_of)

    def near(
        self, company_id: str, company: Company, terms: Terms, start: datetime, *, but: str = ""
    ) -> tuple[Slot, ...]:
        """Some possible appointments as near as can be to a wanted start, in order."""
        window = Interval(start - NEAR, start + NEAR)
        found = self.free(company_id, company, terms, window, but=but).slots
        nearest = sorted(found, key=lambda slot: abs(slot.start - start))[:MOST_ALTERNATIVES]
        return tuple(sorted(nearest, key=lambda slot: slot.start))


def calendar_time(calendar: CalendarSettings, busy: Busy, sheets: SheetSet, *, but: str = "") -> CalendarTime:
    """A calendar's time as availability wants it.

    What the calendar says holds our own events as well; they are taken out, because the sheets tell them
    better: with buffers, one place each.
    """
    entries = sheets.entries(calendar.id)
    return CalendarTime(
        calendar.id,
        blocked=of_others(busy.intervals, entries),
        taken=[entry.buffered for entry in entries if entry.appointment_id != but],
        capacity=calendar.capacity,
        offered=busy.offered,
    )


def require_place(sheets: SheetSet, calendar: str, capacity: int, place: Place, but: str) -> None:
    """The rule of availability, on the sheet alone.

    Raises:
        NoPlace: it is taken.
    """
    taken = [entry.buffered for entry in sheets.entries(calendar, but=but)]
    rules = Rules(place.interval.end - place.interval.start, place.before, place.after)
    if not is_free(CalendarTime(calendar, taken=taken, capacity=capacity), rules, place.interval.start):
        raise NoPlace


def of_others(busy: Iterable[Interval], entries: Iterable[Entry]) -> list[Interval]:
    """Taken time without that of our own events; a hold has none yet."""
    own = [entry.interval.span for entry in entries if entry.until is None]
    return [of_span(span) for span in without((one.span for one in busy), own)]


def _reach(terms: Terms, window: Interval) -> Interval:
    return window.widened(terms.rules.before, terms.rules.duration + terms.rules.after)


def _open(company: Company, window: Interval, duration: timedelta) -> Iterable[tuple[datetime, datetime]]:
    end = window.end + duration
    if company.opening_hours is None:
        return [(window.start, end)]
    zone = ZoneInfo(company.zone)
    return open_times(company.opening_hours, company.opening_exceptions, zone, window.start, end)
