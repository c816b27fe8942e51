"""What a company offers, and what an appointment for it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, field_validator

from shared.companies.base import EmailAddress, Part, ShortText, Slug, Text, unique
from shared.companies.calendars import (  # noqa: TC001 - pydantic reads them at run time
    EventReminders,
    GridMinutes,
    HoldMinutes,
    HorizonDays,
    NoticeMinutes,
)
from shared.companies.money import Money  # noqa: TC001 - the same

if TYPE_CHECKING:
    from shared.companies.calendars import CalendarSettings

Minutes = Annotated[int, Field(ge=0, le=24 * 60)]
# One appointment is written in one transaction, of at most 100 parts, also while it moves over several days.

Needed = Annotated[list[Slug], Field(max_length=8)]
Calendars = Annotated[list[Slug], Field(max_length=50)]


class Service(Part):
    """Something the company offers.

    What is ``None`` is as the company's booking rules say. An appointment takes every calendar of
    ``calendars``, one of ``staff`` and one of ``rooms``.
    """

    id: Slug
    name: ShortText
    description: Text | None = None
    duration_minutes: Annotated[int, Field(ge=1, le=24 * 60)] | None = None
    price: Money | None = None
    price_note: ShortText | None = None
    buffer_before_minutes: Minutes = 0
    buffer_after_minutes: Minutes = 0
    calendars: Needed = Field(default_factory=list)
    staff: Calendars = Field(default_factory=list)
    rooms: Calendars = Field(default_factory=list)
    slot_grid_minutes: GridMinutes | None = None
    notice_minutes: NoticeMinutes | None = None
    horizon_days: HorizonDays | None = None
    hold_minutes: HoldMinutes | None = None
    event_reminders: EventReminders | None = None
    conference: bool | None = None
    invite_customer: bool | None = None
    attendees: Annotated[list[EmailAddress], Field(max_length=20)] = Field(default_factory=list)

    @field_validator("calendars", "staff", "rooms", "attendees")
    @classmethod
    def _once(cls, names: list[str]) -> list[str]:
        unique(names, "entry")
        return names


def check_calendars(services: list[Service], calendars: list[CalendarSettings]) -> None:
    """Refuse services that name calendars which are not there, or which play another part.

    Raises:
        ValueError: naming service and calendar.
    """
    roles = {calendar.id: calendar.role for calendar in calendars}
    for service in services:
        named = [*service.calendars, *service.staff, *service.rooms]
        for calendar in named:
            if calendar not in roles:
                raise ValueError(
                    f"has a service {service.id!r} that names the calendar {calendar!r}, which is not there"
                )
        for calendars_named, role in ((service.staff, "staff"), (service.rooms, "room")):
            for calendar in calendars_named:
                if roles[calendar] != role:
                    raise ValueError(
                        f"has a service {service.id!r} that names the calendar {calendar!r} as {role}; "
                        f"its role is {roles[calendar]!r}"
                    )
        twice = set(service.calendars) & {*service.staff, *service.rooms}
        if twice:
            raise ValueError(f"has a service {service.id!r} that needs the calendar {min(twice)!r} twice")
