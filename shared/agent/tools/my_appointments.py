"""Tells the contact's own appointments."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from shared.agent.appointments.desk import takes_bookings
from shared.agent.appointments.matching import coming
from shared.agent.appointments.telling import appointment_view, time_view
from shared.agent.tools.tool import Tool, ToolArguments, ToolContext, ToolResult

if TYPE_CHECKING:
    from shared.agent.appointments.desk import AppointmentDesk
    from shared.agent.values import JsonDict
    from shared.calendars.appointments import Appointment

MOST = 10


class MyAppointmentsArguments(ToolArguments):
    """``my_appointments`` takes none: whose they are is the turn's."""


def my_appointments(desk: AppointmentDesk, _: MyAppointmentsArguments, context: ToolContext) -> ToolResult:
    """Those that have not begun, the next first."""
    own, company = coming(desk, context), context.company
    return ToolResult(
        {
            "now": time_view(context.clock.now(), ZoneInfo(company.zone), company)["when"],
            "appointments": [appointment_view(one, company) | _assured(one) for one in own[:MOST]],
            "more": max(0, len(own) - MOST),
        }
    )


def _assured(one: Appointment) -> JsonDict:
    """Whether the customer, reminded of it, said yes."""
    return {"customer_said_they_will_come": True} if one.assured_at else {}


def tool(desk: AppointmentDesk) -> Tool[MyAppointmentsArguments]:
    """The tool."""
    return Tool(
        name="my_appointments",
        description="The coming appointments of the customer who is writing. Nobody else's can be seen.",
        arguments=MyAppointmentsArguments,
        effect="read",
        run=partial(my_appointments, desk),
        everywhere=True,
        is_offered=takes_bookings,
    )
