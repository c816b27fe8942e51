"""Books an appointment: a hold first, and the appointment when the customer has said yes in a later turn."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pydantic import Field

from shared.agent.appointments import changing, offering, telling
from shared.agent.appointments.desk import takes_bookings
from shared.agent.appointments.matching import service_named
from shared.agent.appointments.people import customer_of
from shared.agent.appointments.wishes import wish_of
from shared.agent.tools.check_availability import WHEN, ZONE
from shared.agent.tools.tool import Tool, ToolArguments, ToolContext, ToolResult
from shared.calendars.requests import CalendarsUnreadable, Request
from shared.calendars.terms import terms_of

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from shared.agent.appointments.desk import AppointmentDesk
    from shared.agent.appointments.proposals import Proposal
    from shared.agent.appointments.wishes import Wish
    from shared.agent.values import JsonDict
    from shared.calendars.appointments import Customer
    from shared.calendars.requests import Outcome
    from shared.companies.services import Service

NAME = "book_appointment"
CONFIRMED = (
    "true only if the customer has said yes, in a message of their own, to exactly what an earlier result "
    "proposed; else false."
)


class BookAppointmentArguments(ToolArguments):
    """The arguments of ``book_appointment``."""

    service: str | None = Field(description="The service's name or id; null if the company has only one.")
    when: str | None = Field(description=f"{WHEN} One day and one time.")
    zone: str | None = Field(description=ZONE)
    name: str | None = Field(description="For whom, if the customer said a name; else null.")
    email: str | None = Field(description="The customer's e-mail address, if they gave one; else null.")
    confirmed: bool = Field(description=CONFIRMED)


def book_appointment(
    desk: AppointmentDesk, arguments: BookAppointmentArguments, context: ToolContext
) -> ToolResult:
    """Propose, or do what was agreed to."""
    service = service_named(context.company, arguments.service)
    wish = wish_of(arguments.when, arguments.zone, context)

    def fits(proposal: Proposal) -> bool:
        return wish.admits(proposal.start) and (
            isinstance(service, dict) or service.id == proposal.service_id
        )

    if arguments.confirmed and (proposal := changing.agreed(desk, context, "book", fits)):
        return ToolResult(_carried_out(desk, context, proposal, wish.zone))
    if isinstance(service, dict):
        return ToolResult(service)
    return ToolResult(_proposed(desk, context, service, wish, arguments))


def _carried_out(desk: AppointmentDesk, context: ToolContext, proposal: Proposal, zone: ZoneInfo) -> JsonDict:
    outcome = desk.calendars.booking.confirm(
        context.company_id,
        context.company,
        proposal.appointment,
        contact_id=context.user_id,
        # The proposal's, not the call's: a second yes is the same request.
        key=f"{proposal.key}:yes",
        deadline=context.deadline,
    )
    return changing.done(desk, context, proposal, outcome, zone)


def _proposed(
    desk: AppointmentDesk,
    context: ToolContext,
    service: Service,
    wish: Wish,
    arguments: BookAppointmentArguments,
) -> JsonDict:
    if wish.problem:
        return wish.problem
    start = wish.start_on(wish.one_day) if wish.one_day else None
    if start is None:
        return changing.which_time(wish, context)
    customer = customer_of(context, arguments.name, arguments.email)
    if not customer.email and _needs_email(context, service):
        return {
            "status": "which_email",
            "next": "This calendar needs the customer's e-mail address. Ask for it, then call again.",
        }
    try:
        outcome = _held(desk, context, Request(service.id, start, customer))
    except CalendarsUnreadable:
        return changing.unreadable()
    if outcome is not None and outcome.kind == "taken":
        return changing.taken(outcome, context, wish.zone)
    return _question(context, service, start, wish, customer)


def _held(desk: AppointmentDesk, context: ToolContext, request: Request) -> Outcome | None:
    """Keep the time and note the proposal; ``None`` where it was proposed before, or this is a rehearsal."""

    def same(proposal: Proposal) -> bool:
        return proposal.start == request.start and proposal.service_id == request.service_id

    if changing.asked(desk, context, "book", same):
        return None
    booking = desk.calendars.booking
    if context.rehearsal:
        return _looked(desk, context, request)
    desk.proposals.drop_old(context, partial(desk.drop, context))
    outcome = booking.hold(
        context.company_id, context.company, request, key=context.call_key, deadline=context.deadline
    )
    if outcome.kind != "taken" and outcome.appointment is not None:
        made = desk.proposals.proposal(
            context, "book", outcome.appointment.id, request.service_id, request.start
        )
        changing.propose(desk, context, made)
    return outcome


def _looked(desk: AppointmentDesk, context: ToolContext, request: Request) -> Outcome | None:
    """In a rehearsal nothing is held: whether it could be is looked up."""
    found = offering.is_free(desk, context, request.service_id, request.start)
    if not found.slots and found.unreadable:
        raise CalendarsUnreadable(tuple(sorted(found.unreadable)))
    return None if found.slots else offering.not_free(desk, context, request.service_id, request.start)


def _question(
    context: ToolContext, service: Service, start: datetime, wish: Wish, customer: Customer
) -> JsonDict:
    proposal = telling.service_view(service) | telling.time_view(start, wish.zone, context.company)
    proposal = {name: value for name, value in proposal.items() if name not in {"id", "description"}}
    minutes = int(terms_of(context.company, service.id).hold.total_seconds() // 60)
    return changing.question(
        NAME,
        proposal | {"zone": wish.zone.key, "for": customer.name},
        held_for_minutes=minutes,
        **({"rehearsal": "Nothing is held: this is a trial."} if context.rehearsal else {}),
    )


def _needs_email(context: ToolContext, service: Service) -> bool:
    """Calendly books for an invitee, who has an e-mail address."""
    calendars = terms_of(context.company, service.id).calendars.values()
    return any(one.provider == "calendly" for one in calendars)


def tool(desk: AppointmentDesk) -> Tool[BookAppointmentArguments]:
    """The tool."""
    return Tool(
        name=NAME,
        description="Book an appointment for this customer. The first call, with confirmed=false, holds the "
        "time and tells you what to ask; the second, after the customer's yes, books it.",
        arguments=BookAppointmentArguments,
        effect="write",
        run=partial(book_appointment, desk),
        everywhere=True,
        is_offered=takes_bookings,
    )
