"""Lists the services that appointments can be made for."""

from __future__ import annotations

from shared.agent.appointments.desk import bookable, takes_bookings
from shared.agent.appointments.telling import service_view
from shared.agent.tools.tool import Tool, ToolArguments, ToolContext, ToolResult


class ListServicesArguments(ToolArguments):
    """``list_services`` takes none."""


def list_services(_: ListServicesArguments, context: ToolContext) -> ToolResult:
    """The company's own list."""
    return ToolResult({"services": [service_view(service) for service in bookable(context.company)]})


TOOL = Tool(
    name="list_services",
    description="The services that appointments can be booked for here, with durations and prices.",
    arguments=ListServicesArguments,
    effect="read",
    run=list_services,
    everywhere=True,
    is_offered=takes_bookings,
)
