"""What an appointment for a service needs: the service's own rules, and the company's where it has none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.calendars.availability import Rules
from shared.calendars.providers.contract import EventReminder
from shared.platform.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from shared.companies.calendars import CalendarSettings
    from shared.companies.model import Company
    from shared.companies.services import Service

Needs = tuple[tuple["CalendarSettings", ...], ...]


@dataclass(frozen=True)
class Terms:
    """How a service is booked.

    Args:
        service: what is booked.
        rules: of its times.
        needs: for each need the calendars of which one is taken, the preferred first.
        hold: how long a time is kept while the customer makes up their mind.
        event_reminders: the event's own; ``None``: the calendar's default.
        conference: whether a video call is wanted.
        invite_customer: whether the customer is invited.
        attendees: others who are invited.
    """

    service: Service
    rules: Rules
    needs: Needs
    hold: timedelta
    event_reminders: tuple[EventReminder, ...] | None
    conference: bool
    invite_customer: bool
    attendees: tuple[str, ...]

    @property
    def calendars(self) -> dict[str, CalendarSettings]:
        """Every calendar that may be needed, by its id."""
        return {one.id: one for need in self.needs for one in need}


def is_bookable(company: Company, service: Service) -> bool:
    """Whether appointments for it can be made: it has a duration, and there are calendars for it."""
    return service.duration_minutes is not None and bool(_needs(company, service))


def service_of(company: Company, service_id: str) -> Service:
    """A service by its id.

    Raises:
        NotFound: there is none.
    """
    for service in company.services:
        if service.id == service_id:
            return service
    raise NotFound("there is no such service", reason="no_such_service")


def terms_of(company: Company, service_id: str) -> Terms:
    """How a service is booked.

    Raises:
        NotFound: there is no such service.
        InvalidInput: it cannot be booked.
    """
    service, booking = service_of(company, service_id), company.booking
    if service.duration_minutes is None or not is_bookable(company, service):
        raise InvalidInput("this service cannot be booked", reason="not_bookable", status=422)
    rules = Rules(
        duration=timedelta(minutes=service.duration_minutes),
        before=timedelta(minutes=service.buffer_before_minutes),
        after=timedelta(minutes=service.buffer_after_minutes),
        # Without opening hours only the starts that calendars themselves offer are sensible.
        grid=None
        if company.opening_hours is None
        else timedelta(minutes=_own(service.slot_grid_minutes, booking.slot_grid_minutes)),
        notice=timedelta(minutes=_own(service.notice_minutes, booking.notice_minutes)),
        horizon=timedelta(days=_own(service.horizon_days, booking.horizon_days)),
    )
    reminders = booking.event_reminders if service.event_reminders is None else service.event_reminders
    return Terms(
        service=service,
        rules=rules,
        needs=_needs(company, service),
        hold=timedelta(minutes=_own(service.hold_minutes, booking.hold_minutes)),
        event_reminders=None
        if reminders is None
        else tuple(EventReminder(one.minutes, one.method) for one in reminders),
        conference=booking.conference if service.conference is None else service.conference,
        invite_customer=booking.invite_customer
        if service.invite_customer is None
        else service.invite_customer,
        attendees=tuple(service.attendees),
    )


def _own(own: int | None, common: int) -> int:
    return common if own is None else own


def _needs(company: Company, service: Service) -> Needs:
    by_id = {calendar.id: calendar for calendar in company.calendars}
    needs: list[tuple[CalendarSettings, ...]] = [(by_id[name],) for name in service.calendars]
    needs += [tuple(by_id[name] for name in names) for names in (service.staff, service.rooms) if names]
    staff = tuple(calendar for calendar in company.calendars if calendar.role == "staff")
    return tuple(needs) or ((staff,) if staff else ())
