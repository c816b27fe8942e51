"""Calendars and records agree again: work that was left half done, what staff did, what only one side knows.

`calendar_sync` calls it: `Reconciling.sweep` for a company, `Reconciling.seen` for each of our events that
changed in a calendar, and now and then `Reconciling.compare` for a whole window.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from shared.calendars.appointments import (
    UNSETTLED,
    Appointment,
    Customer,
    EventRef,
    Place,
    Status,
    event_id,
)
from shared.calendars.events import settings_of
from shared.calendars.providers.contract import (
    PRIVATE_APPOINTMENT,
    PRIVATE_COMPANY,
    PRIVATE_CONTACT,
    PRIVATE_EVENT,
    PRIVATE_SERVICE,
)
from shared.calendars.settling import LONGEST
from shared.calendars.terms import service_of
from shared.platform.errors import FrontdeskError, NotFound, RetryLater
from shared.platform.observability import count, log

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from shared.calendars.appointment_store import Appointments
    from shared.calendars.events import Events
    from shared.calendars.intervals import Interval
    from shared.calendars.providers.contract import CalendarProviders, Event
    from shared.calendars.settling import Settling
    from shared.calendars.sheets import SheetSet
    from shared.calendars.writing import Writing
    from shared.companies.calendars import CalendarSettings
    from shared.companies.model import Company
    from shared.platform.clock import Clock, Deadline


@dataclass(frozen=True)
class Swept:
    """What a sweep did.

    Args:
        settled: appointments taken to rest.
        expired: holds that ended.
        left: appointments that could not be settled now, by reason.
    """

    settled: int
    expired: int
    left: dict[str, int]


@dataclass(frozen=True)
class Reconciling:
    """See the module.

    Args:
        appointments: reads them.
        settling: takes them to rest.
        writing: writes them.
        events: the vendors' side.
        providers: finds the vendors.
        clock: time.
    """

    appointments: Appointments
    settling: Settling
    writing: Writing
    events: Events
    providers: CalendarProviders
    clock: Clock

    def sweep(self, company_id: str, company: Company, deadline: Deadline) -> Swept:
        """Settle what wants attention by now; one that fails keeps none of the others waiting."""
        settled = expired = 0
        left: dict[str, int] = {}
        for one in self.appointments.unsettled(company_id, self.clock.now()):
            if deadline.passed():
                left["deadline"] = left.get("deadline", 0) + 1
                continue
            try:
                hold = self._tend(one, company, deadline)
            except FrontdeskError as problem:
                left[problem.reason] = left.get(problem.reason, 0) + 1
            else:
                settled, expired = settled + (not hold), expired + hold
        return Swept(settled, expired, left)

    def seen(
        self, company_id: str, company: Company, calendar_id: str, event: Event, deadline: Deadline
    ) -> str:
        """Look at one event as the calendar tells it, and let staff's edit win.

        Args:
            company_id: whose.
            company: its document.
            calendar_id: ours.
            event: from `CalendarProvider.changes` or `CalendarProvider.events`; may be older than what is
                true by now, so a difference is looked at once more before anything is done.
            deadline: by when.

        Returns:
            What was done: ``nothing``, ``moved``, ``cancelled``, ``adopted`` or ``removed``.
        """
        if event.private.get(PRIVATE_COMPANY) != company_id:
            return "nothing"
        found = self.appointments.find(company_id, event.private.get(PRIVATE_APPOINTMENT, ""))
        if found is None:
            return self._adopt(company_id, company, calendar_id, event)
        ref = next((one for one in found.events if one.event_id == event.id), None)
        if found.status in UNSETTLED:
            return "nothing"  # whoever works on it looks for itself
        if ref is None:
            return self._stray(found, company, calendar_id, event, deadline)
        return self._follow(found, company, ref, event, deadline)

    def compare(
        self,
        company_id: str,
        company: Company,
        calendar_id: str,
        start: datetime,
        end: datetime,
        deadline: Deadline,
    ) -> dict[str, int]:
        """Hold a calendar's events of a window against the appointments: both ways.

        Returns:
            How often each thing of `seen` was done.

        Raises:
            FrontdeskError: something could not be done; all the rest was.
        """
        settings = settings_of(company, calendar_id)
        provider = self.providers.of(company_id, settings)
        done: dict[str, int] = {}
        events = provider.events(settings.calendar, start, end)
        works: list[Callable[[], str]] = [
            partial(self.seen, company_id, company, calendar_id, event, deadline) for event in events
        ]
        there = {event.id for event in events}
        for one in self.appointments.between(company_id, start, end):
            works += [
                partial(self._follow, one, company, ref, None, deadline)
                for ref in one.events
                if one.status == Status.CONFIRMED
                and ref.calendar == calendar_id
                and ref.event_id not in there
            ]
        problem: FrontdeskError | None = None
        for work in works:
            try:
                what = work()
            except FrontdeskError as left:
                problem = left
            else:
                done[what] = done.get(what, 0) + 1
        if problem is not None:
            raise problem
        return done

    def _tend(self, one: Appointment, company: Company, deadline: Deadline) -> bool:
        if one.status == Status.HOLD:
            self.writing.expire(one)
            return True
        if one.news is not None and one.status not in UNSETTLED:
            self.settling.telling.tell(one, company)
            return False
        taken = self.writing.take(one)
        if one.status in UNSETTLED:
            taken = self.settling.settle(taken, company, deadline)
        elif one.strays:
            self.settling.look_again(taken, company, deadline)
        else:
            self.writing.rest(taken)
        return False

    def _follow(
        self, found: Appointment, company: Company, ref: EventRef, event: Event | None, deadline: Deadline
    ) -> str:
        agrees = event is not None and not event.cancelled and event.interval == found.place.interval
        if found.status != Status.CONFIRMED or agrees:
            return "nothing"
        current = self.events.current(found, ref, deadline)
        gone = current is None or current.cancelled or current.interval is None
        if not gone and current is not None and current.interval == found.place.interval:
            return "nothing"
        if not gone and current is not None and current.interval and _is_too_long(current.interval):
            log.warning("an event is longer than any appointment: not followed", calendar=ref.calendar)
            return "nothing"
        taken = self.writing.take(found)
        if current is None or current.cancelled or current.interval is None:
            changed = replace(taken, status=Status.CANCELLING, ended_by="staff")
            self.settling.settle(self.writing.save(changed), company, deadline)
            return "cancelled"
        self.settling.settle(self.settling.follow(taken, current.interval), company, deadline)
        return "moved"

    def _stray(
        self, found: Appointment, company: Company, calendar_id: str, event: Event, deadline: Deadline
    ) -> str:
        """An event of an appointment that came to nothing, was cancelled, or moved to another calendar."""
        settings = settings_of(company, calendar_id)
        if event.cancelled or self._is_copy(found, found.company_id, settings, event):
            return "nothing"
        if _lacks(found, calendar_id, event):
            return self._joined(found, settings, event)
        ref = EventRef(
            calendar_id,
            settings.provider,
            settings.calendar,
            0,
            event.interval or found.place.interval,
            event.id,
            made=True,
        )
        self.events.cancel(found, company, ref, deadline)
        count("StrayEventsRemoved")
        return "removed"

    def _joined(self, found: Appointment, settings: CalendarSettings, event: Event) -> str:
        """The room's event of an appointment that was made again from its person's, or the reverse."""
        place = replace(found.place, calendars=(*found.place.calendars, settings.id))
        whole = replace(
            found,
            place=place,
            events=(*found.events, _ref_to(event, place.interval, settings)),
            conference_url=found.conference_url or event.conference_url,
        )

        def change(sheets: SheetSet) -> None:
            sheets.claim(settings.id, place.entry(found.id))

        self.writing.save(whole, change=change)
        return "adopted"

    def _is_copy(
        self, found: Appointment | None, company_id: str, settings: CalendarSettings, event: Event
    ) -> bool:
        """Whether staff made the event: copies, and what becomes a series, have our marks too."""
        marked = event.private.get(PRIVATE_EVENT, "")
        if self.providers.of(company_id, settings).capabilities.chooses_ids:
            return bool(marked) and event.id != marked
        # Here ids tell nothing; but an event for a claim that still stands exists already.
        return found is not None and any(
            marked == event_id(found.id, ref.calendar, ref.number) for ref in found.events
        )

    def _adopt(self, company_id: str, company: Company, calendar_id: str, event: Event) -> str:
        """An event of ours whose record is lost: the appointment stands, so its record is made again."""
        identity, interval = event.private.get(PRIVATE_APPOINTMENT, ""), event.interval
        if event.cancelled or not identity or interval is None or interval.end <= self.clock.now():
            return "nothing"
        settings = settings_of(company, calendar_id)
        if self._is_copy(None, company_id, settings, event):
            return "nothing"
        service_id, before, after = event.private.get(PRIVATE_SERVICE, ""), 0, 0
        # Not the event's title: customers read this name, and staff may have written anything there.
        name = service_id
        with suppress(NotFound):
            service = service_of(company, service_id)
            name, before, after = service.name, service.buffer_before_minutes, service.buffer_after_minutes
        place = Place(interval, timedelta(minutes=before), timedelta(minutes=after), (calendar_id,))
        found = Appointment(
            id=identity,
            company_id=company_id,
            customer=Customer(event.private.get(PRIVATE_CONTACT, "")),
            service_id=service_id,
            service_name=name,
            status=Status.CONFIRMED,
            place=place,
            zone=company.zone,
            created_at=self.clock.now(),
            events=(_ref_to(event, interval, settings),),
            conference_url=event.conference_url,
        )

        def change(sheets: SheetSet) -> None:
            sheets.claim(calendar_id, place.entry(identity))

        try:
            self.writing.adopt(found, company, change)
        except RetryLater:
            return "nothing"  # somebody else was quicker
        log.warning("an appointment was made again from its event", appointment_id=identity)
        return "adopted"


def _is_too_long(interval: Interval) -> bool:
    return interval.end - interval.start > LONGEST


def _lacks(found: Appointment, calendar_id: str, event: Event) -> bool:
    """Whether an appointment was made again from one of its events, and this is another one of them."""
    # Whoever books leaves a fingerprint; a second number, a move.
    again = found.status == Status.CONFIRMED and not found.fingerprint and found.number == 1
    return again and calendar_id not in found.place.calendars and event.interval == found.place.interval


def _ref_to(event: Event, interval: Interval, settings: CalendarSettings) -> EventRef:
    return EventRef(
        settings.id, settings.provider, settings.calendar, 1, interval, event.id, made=True, etag=event.etag
    )
