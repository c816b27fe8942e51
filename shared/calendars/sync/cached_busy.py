"""When calendars are taken: from the last look while it is fresh, else from the vendor, else not at all."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from shared.calendars.looking import Busy, BusyTimes
from shared.calendars.sync.packing import intervals_within
from shared.platform.clock import from_epoch_milliseconds
from shared.platform.observability import count, milliseconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.calendars.intervals import Interval
    from shared.calendars.looking import BusySource
    from shared.calendars.sync.cache import Cache, Look
    from shared.companies.calendars import CalendarSettings
    from shared.companies.model import Company
    from shared.platform.clock import Clock


class CachedBusy:
    """See the module, and `shared.calendars.looking.BusySource`.

    A window that is not wholly known is asked for as a whole: two halves of different ages could hold an
    event that was moved from one into the other twice, or not at all.

    Args:
        cache: the last looks.
        live: asks the vendors.
        clock: time.
    """

    def __init__(self, cache: Cache, live: BusySource, clock: Clock) -> None:
        self._cache = cache
        self._live = live
        self._clock = clock

    def busy(
        self, company_id: str, company: Company, calendars: Sequence[CalendarSettings], window: Interval
    ) -> BusyTimes:
        """See `BusySource`."""
        bound = timedelta(minutes=company.booking.fresh_minutes)
        found: dict[str, Busy] = {}
        asked: list[CalendarSettings] = []
        for calendar in calendars:
            look = self._cache.read(company_id, calendar.id)
            why_not = self._why_not(look, calendar, window, bound)
            count("BusyTimes", source=why_not or "kept")
            if look is None or why_not:
                asked.append(calendar)
            else:
                found[calendar.id] = self._kept(look, window)
        if not asked:
            return BusyTimes(found)
        live = self._live.busy(company_id, company, asked, window)
        return BusyTimes({**found, **live.calendars}, live.unreadable)

    def _why_not(
        self, look: Look | None, calendar: CalendarSettings, window: Interval, bound: timedelta
    ) -> str:
        """Why the last look cannot be used; empty where it can."""
        if look is None or not look.fits(calendar):
            return "never_read"
        if window.start < look.window.start or look.window.end < window.end:
            return "outside"
        return "" if self._clock.now() - look.synced_at <= bound else "too_old"

    def _kept(self, look: Look, window: Interval) -> Busy:
        milliseconds("BusyTimesAge", (self._clock.now() - look.synced_at).total_seconds() * 1000)
        start, end = window.span
        offered = None
        if look.offered is not None:
            offered = [from_epoch_milliseconds(one * 1000) for one in look.offered if start <= one < end]
        return Busy(
            intervals_within(look.taken.values(), (start, end)),
            offered,
            look.synced_at,
        )
