"""An appointment's events at the vendors: made once, found again, moved and cancelled with care for staff."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from shared.calendars.appointments import EventRef, event_id
from shared.calendars.looking import of_others
from shared.calendars.providers.contract import (
    PRIVATE_APPOINTMENT,
    PRIVATE_COMPANY,
    PRIVATE_CONTACT,
    PRIVATE_EVENT,
    PRIVATE_SERVICE,
    Attendee,
    EventChanged,
    EventExists,
    EventMissing,
    NewEvent,
    SlotTaken,
)
from shared.calendars.terms import terms_of
from shared.companies.calendars import CalendarSettings
from shared.platform.errors import AnswerLost, FrontdeskError, GiveUp, InvalidInput, NotFound, RetryLater

if TYPE_CHECKING:
    from collections.abc import Collection

    from shared.calendars.appointments import Appointment, Place
    from shared.calendars.intervals import Interval
    from shared.calendars.providers.contract import CalendarProvider, CalendarProviders, Event
    from shared.calendars.sheets import Sheets
    from shared.companies.model import Company
    from shared.platform.clock import Deadline

CALL_SECONDS = 10.0


class StaffMoved(FrontdeskError):
    """Staff gave an event another time in the calendar.

    Args:
        interval: which.
    """

    default_reason = "staff_moved"

    def __init__(self, interval: Interval) -> None:
        super().__init__("staff moved the event in the calendar")
        self.interval = interval


class StaffCancelled(FrontdeskError):
    """Staff cancelled or deleted an event in the calendar."""

    default_reason = "staff_cancelled"

    def __init__(self) -> None:
        super().__init__("staff removed the event from the calendar")


class _At(NamedTuple):
    provider: CalendarProvider
    calendar: str


class Events:
    """Works on the events of appointments.

    Args:
        providers: finds the vendors.
        sheets: to tell our own time from that of others, where a vendor does not list events.
    """

    def __init__(self, providers: CalendarProviders, sheets: Sheets) -> None:
        self._providers = providers
        self._sheets = sheets

    def planned(self, appointment: Appointment, company: Company, place: Place) -> tuple[EventRef, ...]:
        """The events that a place needs, before any is made."""
        return tuple(self.plan(appointment.id, company, calendar, place) for calendar in place.calendars)

    def plan(self, appointment_id: str, company: Company, calendar_id: str, place: Place) -> EventRef:
        """One event, before it is made."""
        settings = settings_of(company, calendar_id)
        own_id = event_id(appointment_id, calendar_id, place.number)
        return EventRef(
            calendar_id, settings.provider, settings.calendar, place.number, place.interval, own_id
        )

    def can_move(self, company_id: str, ref: EventRef) -> bool:
        """Whether the vendor gives an event another time; else a new one takes its place."""
        return self._at(company_id, ref).provider.capabilities.moves

    def is_clear(self, appointment: Appointment, company: Company, place: Place, deadline: Deadline) -> bool:
        """Whether nothing but this appointment stands in the calendars at a place, buffers included.

        Raises:
            RetryLater: a calendar cannot be read, so nobody knows.
        """
        own = {ref.event_id for ref in appointment.events}
        return all(
            self._calendar_is_clear(appointment, settings_of(company, calendar), place, own, deadline)
            for calendar in place.calendars
        )

    def make(
        self, appointment: Appointment, company: Company, ref: EventRef, deadline: Deadline
    ) -> tuple[EventRef, Event]:
        """Make a planned event, or find the one that an earlier try made.

        Raises:
            SlotTaken: the vendor says so, or the event was made and staff has removed it since.
            AnswerLost: nobody knows yet whether it was made.
        """
        at = self._at(appointment.company_id, ref)
        event = self._made(at, new_event(appointment, company, ref), deadline)
        if event.cancelled:
            raise SlotTaken("the event was removed from the calendar while it was booked")
        return replace(ref, event_id=event.id, etag=event.etag, made=True), event

    def shift(
        self,
        appointment: Appointment,
        ref: EventRef,
        to: Interval,
        known: Collection[Interval],
        deadline: Deadline,
    ) -> EventRef:
        """Give an event another time, unless staff has done something to it.

        Args:
            appointment: whose.
            ref: the event.
            to: the time.
            known: times at which our own work may have left the event.
            deadline: by when.

        Raises:
            StaffMoved: it stands at none of the known times.
            StaffCancelled: it is gone.
            SlotTaken: the vendor refuses the time.
        """
        at, etag = self._at(appointment.company_id, ref), ref.etag
        if not etag:
            current = self._present(at, ref, known, deadline)
            if current.interval == to:
                return replace(ref, etag=current.etag)
            etag = current.etag
        try:
            return self._moved(at, ref, to, etag, deadline)
        except (EventChanged, EventMissing):
            current = self._present(at, ref, known, deadline)
        if current.interval == to:
            return replace(ref, etag=current.etag)
        try:
            return self._moved(at, ref, to, current.etag, deadline)
        except (EventChanged, EventMissing):
            raise RetryLater("somebody is working on the event", reason="event_changing") from None

    def shift_back(
        self,
        appointment: Appointment,
        ref: EventRef,
        to: Interval,
        known: Collection[Interval],
        deadline: Deadline,
    ) -> EventRef:
        """Like `shift`, for an event that perhaps never left: it is looked at first."""
        return self.shift(appointment, replace(ref, etag=""), to, known, deadline)

    def cancel(self, appointment: Appointment, company: Company, ref: EventRef, deadline: Deadline) -> None:
        """Cancel an event that was made, or perhaps was."""
        at = self._at(appointment.company_id, ref)
        name, etag = ref.event_id, ref.etag
        if not ref.made and not at.provider.capabilities.chooses_ids:
            new = new_event(appointment, company, ref)
            found = at.provider.find(at.calendar, new, timeout_seconds=_seconds(deadline))
            if found is None or found.cancelled:
                return
            name, etag = found.id, found.etag
        try:
            at.provider.cancel(at.calendar, name, etag=etag, timeout_seconds=_seconds(deadline))
        except EventChanged:
            self._cancel_changed(at, name, deadline)

    def current(self, appointment: Appointment, ref: EventRef, deadline: Deadline) -> Event | None:
        """The event as the vendor has it now."""
        at = self._at(appointment.company_id, ref)
        return at.provider.get(at.calendar, ref.event_id, timeout_seconds=_seconds(deadline))

    def _cancel_changed(self, at: _At, name: str, deadline: Deadline) -> None:
        """Staff changed the event; the appointment is cancelled all the same, but not over a running edit."""
        current = at.provider.get(at.calendar, name, timeout_seconds=_seconds(deadline))
        if current is None or current.cancelled:
            return
        try:
            at.provider.cancel(at.calendar, name, etag=current.etag, timeout_seconds=_seconds(deadline))
        except EventChanged:
            raise RetryLater("somebody is working on the event", reason="event_changing") from None

    def _made(self, at: _At, new: NewEvent, deadline: Deadline) -> Event:
        if not at.provider.capabilities.chooses_ids:
            # An earlier try may have made it, under an id that we never learned.
            found = at.provider.find(at.calendar, new, timeout_seconds=_seconds(deadline))
            if found is not None:
                return found
        try:
            return at.provider.create(at.calendar, new, timeout_seconds=_seconds(deadline))
        except EventExists:
            return self._existing(at, new, deadline)
        except AnswerLost:
            return self._after_lost_answer(at, new, deadline)

    def _after_lost_answer(self, at: _At, new: NewEvent, deadline: Deadline) -> Event:
        found = at.provider.find(at.calendar, new, timeout_seconds=_seconds(deadline))
        if found is not None:
            return found
        if not at.provider.capabilities.chooses_ids:
            raise AnswerLost("nobody knows yet whether the event was made", reason="event_perhaps_made")
        try:
            return at.provider.create(at.calendar, new, timeout_seconds=_seconds(deadline))
        except EventExists:
            return self._existing(at, new, deadline)

    def _existing(self, at: _At, new: NewEvent, deadline: Deadline) -> Event:
        found = at.provider.get(at.calendar, new.id, timeout_seconds=_seconds(deadline))
        if found is None:
            raise RetryLater("the vendor knows the event's id and not the event", reason="event_unclear")
        if not found.cancelled and found.private.get(PRIVATE_APPOINTMENT) != new.private[PRIVATE_APPOINTMENT]:
            raise GiveUp("another event has this event's id", reason="event_id_taken")
        return found

    def _present(self, at: _At, ref: EventRef, known: Collection[Interval], deadline: Deadline) -> Event:
        current = at.provider.get(at.calendar, ref.event_id, timeout_seconds=_seconds(deadline))
        if current is None or current.cancelled or current.interval is None:
            raise StaffCancelled
        if current.interval not in known:
            raise StaffMoved(current.interval)
        return current

    def _moved(self, at: _At, ref: EventRef, to: Interval, etag: str, deadline: Deadline) -> EventRef:
        event = at.provider.move(at.calendar, ref.event_id, to, etag=etag, timeout_seconds=_seconds(deadline))
        return replace(ref, etag=event.etag)

    def _calendar_is_clear(
        self,
        appointment: Appointment,
        settings: CalendarSettings,
        place: Place,
        own: set[str],
        deadline: Deadline,
    ) -> bool:
        provider = self._providers.of(appointment.company_id, settings)
        if provider.capabilities.lists_events:
            events = provider.events(
                settings.calendar,
                place.buffered.start,
                place.buffered.end,
                timeout_seconds=_seconds(deadline),
            )
            return not any(_in_the_way(event, appointment, settings, place, own) for event in events)
        return provider.capabilities.guards_times or self._is_free(
            appointment, provider, settings, place, deadline
        )

    def _is_free(
        self,
        appointment: Appointment,
        provider: CalendarProvider,
        settings: CalendarSettings,
        place: Place,
        deadline: Deadline,
    ) -> bool:
        buffered = place.buffered
        answer = provider.free_busy(
            [settings.calendar], buffered.start, buffered.end, timeout_seconds=_seconds(deadline)
        )
        if settings.calendar not in answer.busy:
            raise RetryLater("a calendar cannot be read", reason="calendar_unreadable")
        sheets = self._sheets.read(appointment.company_id, [(settings.id, buffered)])
        others = of_others(answer.busy[settings.calendar], sheets.entries(settings.id))
        return not any(one.overlaps(buffered) for one in others)

    def _at(self, company_id: str, ref: EventRef) -> _At:
        settings = CalendarSettings(id=ref.calendar, provider=ref.provider, calendar=ref.vendor_calendar)
        return _At(self._providers.of(company_id, settings), ref.vendor_calendar)


def settings_of(company: Company, calendar_id: str) -> CalendarSettings:
    """A calendar of the document.

    Raises:
        GiveUp: it is no longer there.
    """
    for calendar in company.calendars:
        if calendar.id == calendar_id:
            return calendar
    raise GiveUp("the company's document no longer has this calendar", reason="no_such_calendar")


def new_event(appointment: Appointment, company: Company, ref: EventRef) -> NewEvent:
    """The event of an appointment as it is to be made."""
    customer, own_id = appointment.customer, event_id(appointment.id, ref.calendar, ref.number)
    event = NewEvent(
        id=own_id,
        title=" \u2013 ".join(text for text in (appointment.service_name, customer.name) if text),
        interval=ref.interval,
        zone=appointment.zone,
        customer=Attendee(customer.email, customer.name) if customer.email else None,
        private={
            PRIVATE_COMPANY: appointment.company_id,
            PRIVATE_APPOINTMENT: appointment.id,
            PRIVATE_CONTACT: customer.contact_id,
            PRIVATE_SERVICE: appointment.service_id,
            PRIVATE_EVENT: own_id,
        },
    )
    try:
        terms = terms_of(company, appointment.service_id)
    except (NotFound, InvalidInput):
        return event  # the service was taken out of the document meanwhile
    # People are invited, and a call is made, once: by the event in the first calendar.
    place = appointment.target or appointment.place
    first = ref.calendar == next(iter(place.calendars), ref.calendar)
    return replace(
        event,
        invite_customer=first and terms.invite_customer and bool(customer.email),
        attendees=tuple(Attendee(one) for one in terms.attendees) if first else (),
        reminders=terms.event_reminders,
        conference=first and terms.conference,
    )


def _in_the_way(
    event: Event, appointment: Appointment, settings: CalendarSettings, place: Place, own: set[str]
) -> bool:
    if event.id in own or event.cancelled or not event.busy or event.interval is None:
        return False
    if not event.interval.overlaps(place.buffered):
        return False
    ours = event.private.get(PRIVATE_COMPANY) == appointment.company_id
    if ours and event.private.get(PRIVATE_APPOINTMENT) == appointment.id:
        return False
    # Where there are several places, the sheets have counted our own appointments.
    return not (ours and settings.capacity > 1)


def _seconds(deadline: Deadline) -> float:
    left = deadline.within(CALL_SECONDS)
    if left <= 0:
        raise RetryLater("no time is left for another call", reason="booking_deadline")
    return left
