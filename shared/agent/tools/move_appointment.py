"""Gives the contact's own appointment another time, when the customer has said yes in a later turn."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pydantic import Field

from shared.agent.appointments import changing, offering, telling
from shared.agent.appointments.desk import takes_bookings
from shared.agent.appointments.matching import own_appointment
from shared.agent.appointments.wishes import wish_of
from shared.agent.tools.book_appointment import CONFIRMED
from shared.agent.tools.check_availability import WHEN, ZONE
from shared.agent.tools.tool import Tool, ToolArguments, ToolContext, ToolResult

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from shared.agent.appointments.desk import AppointmentDesk
    from shared.agent.appointments.proposals import Proposal
    from shared.agent.appointments.wishes import Wish
    from shared.agent.values import JsonDict
    from shared.calendars.appointments import Appointment

NAME = "move_appointment"
WHICH = (
    "Which of the customer's appointments, in their words: its service, day or time. Null if they have only "
    "one."
)


class MoveAppointmentArguments(ToolArguments):
    """The arguments of ``move_appointment``."""

    which: str | None = Field(description=WHICH)
    when: str | None = Field(description=f"The new time. {WHEN} One day and one time.")
    zone: str | None = Field(description=ZONE)
    confirmed: bool = Field(description=CONFIRMED)


def move_appointment(
    desk: AppointmentDesk, arguments: MoveAppointmentArguments, context: ToolContext
) -> ToolResult:
    """Propose, or do what was agreed to."""
    wish = wish_of(arguments.when, arguments.zone, context)
    if arguments.confirmed:
        proposal = changing.agreed(desk, context, "move", lambda one: wish.admits(one.start), arguments.which)
        if proposal:
            return ToolResult(_carried_out(desk, context, proposal, wish.zone))
    found = own_appointment(desk, context, arguments.which)
    if isinstance(found, dict):
        return ToolResult(found)
    return ToolResult(_proposed(desk, context, found, wish))


def _carried_out(desk: AppointmentDesk, context: ToolContext, proposal: Proposal, zone: ZoneInfo) -> JsonDict:
    outcome = desk.calendars.booking.move(
        context.company_id,
        context.company,
        proposal.appointment,
        proposal.start,
        contact_id=context.user_id,
        key=f"{proposal.key}:yes",
        deadline=context.deadline,
    )
    return changing.done(desk, context, proposal, outcome, zone)


def _proposed(desk: AppointmentDesk, context: ToolContext, found: Appointment, wish: Wish) -> JsonDict:
    if wish.problem:
        return wish.problem
    start = _start(found, wish)
    if start is None:
        return changing.which_time(wish, context)
    if start == found.start:
        return {"status": "already_then", "appointment": telling.appointment_view(found, context.company)}
    free = offering.is_free(desk, context, found.service_id, start, but=found.id)
    if not free.slots:
        if free.unreadable:
            return changing.unreadable()
        return changing.taken(
            offering.not_free(desk, context, found.service_id, start, but=found.id), context, wish.zone
        )
    _note(desk, context, found, start)
    return changing.question(
        NAME,
        {
            "from": telling.appointment_view(found, context.company, wish.zone),
            "to": telling.time_view(start, wish.zone, context.company),
        },
    )


def _start(found: Appointment, wish: Wish) -> datetime | None:
    """The new start; where only a time was named, on the same day."""
    if not wish.when.spans and wish.when.times:
        return wish.start_on(found.start.astimezone(wish.zone).date())
    return wish.start_on(wish.one_day) if wish.one_day else None


def _note(desk: AppointmentDesk, context: ToolContext, found: Appointment, start: datetime) -> None:
    def same(one: Proposal) -> bool:
        return (one.appointment, one.start) == (found.id, start)

    if context.rehearsal or changing.asked(desk, context, "move", same):
        return
    desk.proposals.drop_old(context, partial(desk.drop, context))
    proposal = desk.proposals.proposal(context, "move", found.id, found.service_id, start)
    desk.proposals.add(context, proposal)


def tool(desk: AppointmentDesk) -> Tool[MoveAppointmentArguments]:
    """The tool."""
    return Tool(
        name=NAME,
        description="Move an appointment of this customer to another time. The first call, with "
        "confirmed=false, tells you what to ask; the second, after the customer's yes, moves it.",
        arguments=MoveAppointmentArguments,
        effect="write",
        run=partial(move_appointment, desk),
        everywhere=True,
        is_offered=takes_bookings,
    )
