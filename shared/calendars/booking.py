"""Books, moves and cancels appointments: every effect once, resumable after a crash at any point.

A request comes with a key. The same key is the same request: it goes on where an earlier try ended, and
tells what came of it. First the time is claimed on the day sheets, in one transaction with the appointment's
record; then the events are made under ids that follow from the record, and the calendars are looked at once
more; then the appointment is confirmed together with its reminders. Whoever loses the time gets alternatives.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.calendars.appointments import (
    STANDING,
    UNSETTLED,
    Appointment,
    Place,
    Status,
    appointment_id,
    hashed,
)
from shared.calendars.intervals import Interval
from shared.calendars.looking import require_place
from shared.calendars.requests import (
    CalendarsUnreadable,
    NoPlace,
    Outcome,
    fingerprint_of,
    held,
    only,
    wanted_by,
)
from shared.calendars.terms import terms_of
from shared.platform.errors import Conflict, InvalidInput

if TYPE_CHECKING:
    from datetime import datetime

    from shared.calendars.appointment_store import Appointments
    from shared.calendars.availability import Slot
    from shared.calendars.events import Events
    from shared.calendars.looking import Looking
    from shared.calendars.requests import Request
    from shared.calendars.settling import Settling
    from shared.calendars.sheets import SheetSet
    from shared.calendars.terms import Terms
    from shared.calendars.writing import Writing
    from shared.companies.model import Company
    from shared.platform.clock import Clock, Deadline

A_MOMENT = timedelta(microseconds=1)


class Booking:
    """See the module.

    Args:
        appointments: reads them.
        looking: finds free times.
        events: the vendors' side.
        settling: ends what was begun.
        writing: writes appointments.
        clock: time.
    """

    def __init__(
        self,
        appointments: Appointments,
        looking: Looking,
        events: Events,
        settling: Settling,
        writing: Writing,
        clock: Clock,
    ) -> None:
        self.appointments = appointments
        self._looking = looking
        self._events = events
        self._settling = settling
        self._writing = writing
        self._clock = clock

    def hold(
        self, company_id: str, company: Company, request: Request, *, key: str, deadline: Deadline
    ) -> Outcome:
        """Keep a time while the customer makes up their mind.

        Raises:
            NotFound: there is no such service.
            InvalidInput: it cannot be booked.
            Conflict: the key was used for another request.
            RetryLater: not now, such as `CalendarsUnreadable`.
        """
        return self._begin(company_id, company, request, Status.HOLD, key, deadline)

    def book(
        self, company_id: str, company: Company, request: Request, *, key: str, deadline: Deadline
    ) -> Outcome:
        """Book a time at once.

        Raises:
            NotFound: there is no such service.
            InvalidInput: it cannot be booked.
            Conflict: the key was used for another request.
            RetryLater: not now; the same key goes on later.
        """
        return self._begin(company_id, company, request, Status.BOOKING, key, deadline)

    def confirm(
        self,
        company_id: str,
        company: Company,
        appointment: str,
        *,
        contact_id: str | None,
        key: str,
        deadline: Deadline,
    ) -> Outcome:
        """Make an appointment of a hold, also of one that ended, where its time is free and still to come.

        Raises:
            NotFound: there is no such hold of this contact.
            RetryLater: not now; the same key goes on later.
        """
        found = self.appointments.get(company_id, appointment, contact_id)
        if found.status not in {Status.HOLD, Status.EXPIRED}:
            return self._go_on(found, company, key, deadline)
        if found.start <= self._clock.now():
            return self._taken(found, company, found.service_id, found.start)
        planned = replace(
            found,
            status=Status.BOOKING,
            events=self._events.planned(found, company, found.place),
            asked=hashed(key),
            begun_at=self._clock.now(),
            held_until=None,
        )
        try:
            begun = self._claimed(planned, company, found.place)
        except NoPlace:
            return self._taken(found, company, found.service_id, found.start)
        return self._end(begun, company, key, deadline)

    def move(
        self,
        company_id: str,
        company: Company,
        appointment: str,
        start: datetime,
        *,
        contact_id: str | None,
        key: str,
        deadline: Deadline,
        calendars: tuple[str, ...] = (),
    ) -> Outcome:
        """Give an appointment another time.

        Args:
            company_id: whose.
            company: its document.
            appointment: the appointment's id.
            start: the new time, aware.
            contact_id: who asks; ``None``: the company itself.
            key: of this request.
            deadline: by when.
            calendars: only these of the service's staff and rooms will do; empty: those that it has, else
                any.

        Raises:
            NotFound: there is no such appointment of this contact.
            Conflict: it no longer stands, has begun, or it is too late to change it.
            RetryLater: not now; the same key goes on later.
        """
        found = self._at_rest(company_id, company, appointment, contact_id, key, deadline)
        if isinstance(found, Outcome):
            return found
        terms = terms_of(company, found.service_id)
        self._require_changeable(found, company, contact_id)
        if found.start == start and set(calendars) <= set(found.place.calendars):
            return Outcome("moved", found)
        for wanted in (only(terms, calendars, found.place.calendars), only(terms, calendars)):
            place = self._place(company_id, company, wanted, start, found.number + 1, but=found.id)
            if place is None:
                continue
            with suppress(NoPlace):
                begun = self._claimed(self._moving(found, company, place, key), company, place)
                return self._end(begun, company, key, deadline)
        return self._taken(found, company, found.service_id, start)

    def cancel(
        self,
        company_id: str,
        company: Company,
        appointment: str,
        *,
        contact_id: str | None,
        key: str,
        deadline: Deadline,
    ) -> Outcome:
        """Cancel an appointment, or give up a hold.

        Raises:
            NotFound: there is no such appointment of this contact.
            Conflict: it no longer stands, has begun, or it is too late to change it.
            RetryLater: not now; the same key goes on later.
            GiveUp: the calendar does not let us.
        """
        found = self._at_rest(company_id, company, appointment, contact_id, key, deadline)
        if isinstance(found, Outcome):
            return found
        if found.status == Status.HOLD:
            return Outcome("cancelled", self._writing.expire(found))
        self._require_changeable(found, company, contact_id)
        begun = self._writing.begun(
            replace(
                found,
                status=Status.CANCELLING,
                ended_by="company" if contact_id is None else "customer",
                asked=hashed(key),
                begun_at=self._clock.now(),
            )
        )
        return self._end(self._writing.save(begun), company, key, deadline)

    def _begin(
        self,
        company_id: str,
        company: Company,
        request: Request,
        status: Status,
        key: str,
        deadline: Deadline,
    ) -> Outcome:
        identity = appointment_id(company_id, key)
        found = self.appointments.find(company_id, identity)
        if found is not None:
            return self._repeated(found, company, request, key, deadline)
        terms = only(terms_of(company, request.service_id), request.calendars)
        new = wanted_by(request, company_id, company, terms, key, self._clock.now())
        if status == Status.HOLD:
            new = held(new, terms)
        # Where somebody was quicker with one of several calendars, another may still be free.
        for _ in terms.calendars:
            place = self._place(company_id, company, terms, request.start, 1)
            if place is None:
                break
            with suppress(NoPlace):
                return self._begun(new, company, place, key, deadline)
        return self._taken(new, company, request.service_id, request.start, made=False)

    def _begun(
        self, new: Appointment, company: Company, place: Place, key: str, deadline: Deadline
    ) -> Outcome:
        placed = replace(new, place=place)
        if new.status == Status.HOLD:
            return Outcome("held", self._claimed(placed, company, place))
        planned = replace(placed, events=self._events.planned(new, company, place))
        return self._end(self._claimed(planned, company, place), company, key, deadline)

    def _repeated(
        self, found: Appointment, company: Company, request: Request, key: str, deadline: Deadline
    ) -> Outcome:
        if found.fingerprint != fingerprint_of(request):
            raise Conflict("this key was used for another request", reason="key_reused")
        return self._go_on(found, company, key, deadline)

    def _go_on(self, found: Appointment, company: Company, key: str, deadline: Deadline) -> Outcome:
        if found.status == Status.HOLD:
            return Outcome("held", found)
        if found.status == Status.EXPIRED:
            return Outcome("expired", found)
        if found.status in UNSETTLED and found.asked == hashed(key):
            return self._end(self._writing.take(found), company, key, deadline)
        return self._told(found, company, key)

    def _end(self, begun: Appointment, company: Company, key: str, deadline: Deadline) -> Outcome:
        return self._told(self._settling.settle(begun, company, deadline), company, key)

    def _told(self, found: Appointment, company: Company, key: str) -> Outcome:
        kind = found.outcome_of(key)
        if kind is None:
            kind = {Status.CANCELLED: "cancelled", Status.LOST: "taken"}.get(found.status, "confirmed")
        if kind == "taken":
            return self._taken(found, company, found.service_id, found.wanted_at or found.start)
        return Outcome(kind, found, link=found.link if kind == "by_link" else "")  # type: ignore[arg-type]

    def _taken(
        self, found: Appointment, company: Company, service_id: str, start: datetime, *, made: bool = True
    ) -> Outcome:
        near: tuple[Slot, ...] = ()
        with suppress(InvalidInput):  # the service was taken out of the document meanwhile
            terms = terms_of(company, service_id)
            near = self._looking.near(found.company_id, company, terms, start, but=found.id)
        return Outcome("taken", found if made else None, near)

    def _at_rest(
        self,
        company_id: str,
        company: Company,
        appointment: str,
        contact_id: str | None,
        key: str,
        deadline: Deadline,
    ) -> Appointment | Outcome:
        """The appointment, ready to be changed; or what came of this request before."""
        found = self.appointments.get(company_id, appointment, contact_id)
        if found.outcome_of(key) is not None:
            return self._told(found, company, key)
        if found.status in UNSETTLED:
            asked = found.asked
            found = self._settling.settle(self._writing.take(found), company, deadline)
            if asked == hashed(key):
                return self._told(found, company, key)
        if found.status == Status.EXPIRED:
            return Outcome("expired", found)
        if found.status not in STANDING | {Status.HOLD}:
            raise Conflict("this appointment no longer stands", reason=f"appointment_{found.status}")
        return found

    def _require_changeable(self, found: Appointment, company: Company, contact_id: str | None) -> None:
        left = found.start - self._clock.now()
        if left <= timedelta(0):
            raise Conflict("this appointment has begun", reason="appointment_begun")
        if contact_id is not None and left < timedelta(minutes=company.booking.change_notice_minutes):
            raise Conflict("it is too late to change this appointment", reason="too_late")

    def _place(
        self,
        company_id: str,
        company: Company,
        terms: Terms,
        start: datetime,
        number: int,
        *,
        but: str = "",
    ) -> Place | None:
        """Where an appointment would stand at a start, or ``None`` where it cannot."""
        window = Interval(start, start + A_MOMENT)
        found = self._looking.free(company_id, company, terms, window, but=but)
        if not found.slots:
            if found.unreadable:
                raise CalendarsUnreadable(tuple(sorted(found.unreadable)))
            return None
        slot = found.slots[0]
        calendars = tuple(choices[0] for choices in slot.choices)
        return Place(slot.interval, terms.rules.before, terms.rules.after, calendars, number)

    def _claimed(self, wanted: Appointment, company: Company, place: Place) -> Appointment:
        """Write an appointment together with its claim on the sheets.

        Raises:
            NoPlace: somebody else has the time.
        """
        held = wanted.status == Status.HOLD
        capacities = {one.id: one.capacity for one in company.calendars}

        def change(sheets: SheetSet) -> None:
            for calendar in place.calendars:
                require_place(sheets, calendar, capacities.get(calendar, 1), place, wanted.id)
                sheets.claim(calendar, place.entry(wanted.id, wanted.held_until if held else None))

        return self._writing.save(
            wanted if held else self._writing.begun(wanted), change=change, places=(place,)
        )

    def _moving(self, found: Appointment, company: Company, place: Place, key: str) -> Appointment:
        by_calendar = {ref.calendar: ref for ref in found.events}
        new = tuple(
            self._events.plan(found.id, company, calendar, place)
            for calendar in place.calendars
            if calendar not in by_calendar
            or not self._events.can_move(found.company_id, by_calendar[calendar])
        )
        return replace(
            found,
            status=Status.MOVING,
            target=place,
            number=place.number,
            events=(*found.events, *new),
            asked=hashed(key),
            begun_at=self._clock.now(),
            wanted_at=place.interval.start,
            reason="",
        )
