"""Looks for free times."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pydantic import Field

from shared.agent.appointments import telling
from shared.agent.appointments.desk import takes_bookings
from shared.agent.appointments.matching import service_named
from shared.agent.appointments.offering import offer
from shared.agent.appointments.wishes import wish_of
from shared.agent.tools.tool import Tool, ToolArguments, ToolContext, ToolResult

if TYPE_CHECKING:
    from shared.agent.appointments.desk import AppointmentDesk
    from shared.agent.appointments.offering import Offer
    from shared.agent.appointments.wishes import Wish
    from shared.agent.values import JsonDict
    from shared.companies.services import Service

WHEN = (
    "Day and time in the customer's own words, such as 'mañana por la tarde', 'next Tuesday at 10', or the "
    "'when' of an earlier result. Never a date that you worked out yourself."
)
ZONE = "IANA zone of the place where the customer is, only if they said that it is another; else null."


class CheckAvailabilityArguments(ToolArguments):
    """The arguments of ``check_availability``."""

    service: str | None = Field(description="The service's name or id; null if the company has only one.")
    when: str | None = Field(description=f"{WHEN} Null: as soon as possible.")
    zone: str | None = Field(description=ZONE)


def check_availability(
    desk: AppointmentDesk, arguments: CheckAvailabilityArguments, context: ToolContext
) -> ToolResult:
    """A few free times."""
    service = service_named(context.company, arguments.service)
    if isinstance(service, dict):
        return ToolResult(service)
    wish = wish_of(arguments.when, arguments.zone, context)
    return ToolResult(wish.problem or _told(offer(desk, context, service, wish), service, wish, context))


def _told(found: Offer, service: Service, wish: Wish, context: ToolContext) -> JsonDict:
    if found.as_of is None or (found.unreadable and not found.slots):
        return dict(telling.UNREADABLE)
    facts: JsonDict = {
        "status": "free_times" if found.slots else "nothing_free",
        "service": service.name,
        "minutes": service.duration_minutes,
        "understood": wish.understood(),
        "as_wished": found.free,
        "free_times": telling.times_view(found.slots, wish.zone, context.company),
        "zone": wish.zone.key,
        "more_on_request": found.more,
        **telling.fresh_view(found.as_of, context),
    }
    if found.unreadable:
        facts["incomplete"] = "Some calendar cannot be read at the moment: there may be more free times."
    return facts | {"next": _NEXT[found.free if found.slots else None]}


_NEXT = {
    True: "Offer these times. Nothing is held or booked yet: when the customer picks one, call "
    "book_appointment.",
    False: "What was wished is not free or the company is closed then; say so and offer these nearest times.",
    None: "Nothing is free there in the coming weeks. Say so; ask for another day, or offer a person.",
}


def tool(desk: AppointmentDesk) -> Tool[CheckAvailabilityArguments]:
    """The tool."""
    return Tool(
        name="check_availability",
        description="Look up free times for a service in the company's calendars. Use it before you name any "
        "time, and whenever the customer asks when they can come.",
        arguments=CheckAvailabilityArguments,
        effect="read",
        run=partial(check_availability, desk),
        everywhere=True,
        is_offered=takes_bookings,
    )
