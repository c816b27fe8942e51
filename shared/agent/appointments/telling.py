"""What the tools for appointments tell the model: services, free times, appointments, in words of people."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from shared.agent.prompt import price_text
from shared.calendars.when.saying import day_in_words, moment_in_words

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from shared.agent.tools.tool import ToolContext
    from shared.agent.values import JsonDict
    from shared.calendars.appointments import Appointment
    from shared.calendars.availability import Slot
    from shared.companies.model import Company
    from shared.companies.services import Service

UNREADABLE = {
    "status": "calendar_unreadable",
    "next": "Say honestly that the calendar cannot be looked into at the moment. Name no free times. Offer "
    "to try again later, or that a person answers (hand_over).",
}


def service_view(service: Service) -> JsonDict:
    """A service as the model may speak of it."""
    view = {
        "id": service.id,
        "name": service.name,
        "description": service.description,
        "minutes": service.duration_minutes,
        "price": price_text(service),
        "price_note": service.price_note,
    }
    return {name: value for name, value in view.items() if value is not None}


def time_view(moment: datetime, zone: ZoneInfo, company: Company) -> JsonDict:
    """A time, in words that the tools read back, and apart for sentences."""
    local = moment.astimezone(zone)
    return {
        "when": moment_in_words(local, company.language),
        "day": day_in_words(local.date(), company.language),
        "time": f"{local:%H:%M}",
    }


def times_view(slots: Iterable[Slot], zone: ZoneInfo, company: Company) -> list[JsonDict]:
    """Free times."""
    return [time_view(slot.start, zone, company) for slot in slots]


def appointment_view(one: Appointment, company: Company, zone: ZoneInfo | None = None) -> JsonDict:
    """An appointment of the contact's own: no id, and nothing that stands in the calendar."""
    place = zone or ZoneInfo(company.zone)
    view: JsonDict = {"service": one.service_name, **time_view(one.start, place, company), "zone": place.key}
    if one.conference_url:
        view["video_call"] = one.conference_url
    elif address := company.address_of(one.place.calendars):
        view["address"] = address
    return view


def fresh_view(as_of: datetime | None, context: ToolContext) -> JsonDict:
    """How fresh what was read is."""
    if as_of is None:
        return {}
    age = max(0, int((context.clock.now() - as_of).total_seconds() // 60))
    local = as_of.astimezone(ZoneInfo(context.company.zone))
    return {"as_of": f"{local:%H:%M}", "read_minutes_ago": age}
