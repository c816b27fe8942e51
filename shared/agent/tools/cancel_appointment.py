"""Cancels the contact's own appointment, when the customer has said yes in a later turn."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pydantic import Field

from shared.agent.appointments import changing, telling
from shared.agent.appointments.desk import takes_bookings
from shared.agent.appointments.matching import own_appointment
from shared.agent.appointments.wishes import wish_of
from shared.agent.tools.book_appointment import CONFIRMED
from shared.agent.tools.move_appointment import WHICH
from shared.agent.tools.tool import Tool, ToolArguments, ToolContext, ToolResult

if TYPE_CHECKING:
    from shared.agent.appointments.desk import AppointmentDesk
    from shared.agent.appointments.proposals import Proposal
    from shared.agent.values import JsonDict
    from shared.calendars.appointments import Appointment

NAME = "cancel_appointment"


class CancelAppointmentArguments(ToolArguments):
    """The arguments of ``cancel_appointment``."""

    which: str | None = Field(description=WHICH)
    confirmed: bool = Field(description=CONFIRMED)


def cancel_appointment(
    desk: AppointmentDesk, arguments: CancelAppointmentArguments, context: ToolContext
) -> ToolResult:
    """Propose, or do what was agreed to."""
    which = wish_of(arguments.which, None, context)
    if arguments.confirmed:
        proposal = changing.agreed(
            desk, context, "cancel", lambda one: which.admits(one.start), arguments.which
        )
        if proposal:
            return ToolResult(_carried_out(desk, context, proposal))
    found = own_appointment(desk, context, arguments.which)
    if isinstance(found, dict):
        return ToolResult(found)
    _note(desk, context, found)
    return ToolResult(changing.question(NAME, telling.appointment_view(found, context.company)))


def _carried_out(desk: AppointmentDesk, context: ToolContext, proposal: Proposal) -> JsonDict:
    outcome = desk.calendars.booking.cancel(
        context.company_id,
        context.company,
        proposal.appointment,
        contact_id=context.user_id,
        key=f"{proposal.key}:yes",
        deadline=context.deadline,
    )
    return changing.done(desk, context, proposal, outcome, ZoneInfo(context.company.zone))


def _note(desk: AppointmentDesk, context: ToolContext, found: Appointment) -> None:
    def same(one: Proposal) -> bool:
        return one.appointment == found.id and one.start == found.start

    if context.rehearsal or changing.asked(desk, context, "cancel", same):
        return
    desk.proposals.drop_old(context, partial(desk.drop, context))
    proposal = desk.proposals.proposal(context, "cancel", found.id, found.service_id, found.start)
    desk.proposals.add(context, proposal)


def tool(desk: AppointmentDesk) -> Tool[CancelAppointmentArguments]:
    """The tool."""
    return Tool(
        name=NAME,
        description="Cancel an appointment of this customer. The first call, with confirmed=false, tells you "
        "what to ask; the second, after the customer's yes, cancels it.",
        arguments=CancelAppointmentArguments,
        effect="write",
        run=partial(cancel_appointment, desk),
        everywhere=True,
        is_offered=takes_bookings,
    )
