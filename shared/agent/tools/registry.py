"""Which tools there are, and how a call of the model reaches one of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from shared.agent.model_client import ToolSpec
from shared.agent.tools import (
    book_appointment,
    cancel_appointment,
    check_availability,
    hand_over,
    list_services,
    move_appointment,
    my_appointments,
    search_knowledge,
    send_email,
)
from shared.agent.tools.schema import strict_schema
from shared.agent.tools.tool import ToolResult
from shared.platform.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.agent.appointments.desk import AppointmentDesk
    from shared.agent.tools.tool import Tool, ToolContext
    from shared.companies.model import Agent, Company
    from shared.email.outbox import Outbox

MAX_COMPLAINTS = 10


class ToolRegistry:
    """The tools of this deployment.

    Args:
        tools: one of each name.

    Raises:
        ValueError: two tools have the same name.
        TypeError: a tool's arguments do not fit a strict schema.
    """

    def __init__(self, tools: Sequence[Tool[Any]]) -> None:
        self._tools = {tool.name: tool for tool in tools}
        if len(self._tools) != len(tools):
            raise ValueError("two tools have the same name")
        self._specs = {
            tool.name: ToolSpec(tool.name, tool.description, strict_schema(tool.arguments)) for tool in tools
        }

    def offered(self, company: Company, agent: Agent) -> tuple[ToolSpec, ...]:
        """What an agent may call, in an order that never changes."""
        return tuple(
            self._specs[tool.name]
            for tool in self._tools.values()
            if (tool.everywhere or tool.name in agent.tools) and tool.is_offered(company)
        )

    def writes(self, name: str) -> bool:
        """Whether the tool of this name changes something; an unknown one does not."""
        return name in self._tools and self._tools[name].effect == "write"

    def run(self, name: str, arguments: str, context: ToolContext, offered: Sequence[ToolSpec]) -> ToolResult:
        """Run one call. What is wrong with the call becomes a result that tells the model.

        Args:
            name: the tool's name, as the model wrote it.
            arguments: what should be its arguments as JSON.
            context: for whom.
            offered: what this agent may call.
        """
        tool = self._tools.get(name)
        if tool is None or all(spec.name != name for spec in offered):
            return _error(f"there is no tool named {name[:64]!r}", [spec.name for spec in offered])
        try:
            parsed = tool.arguments.model_validate_json(arguments or "{}")
        except ValidationError as error:
            return _error("the arguments are wrong; correct them and call again", _complaints(error))
        try:
            return tool.run(parsed, context)
        except InvalidInput as error:
            return _error(str(error), [f"{one.field}: {one.problem}" for one in error.fields])


def _error(what: str, details: list[str]) -> ToolResult:
    return ToolResult({"error": what, "details": details})


def _complaints(error: ValidationError) -> list[str]:
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return [f"{'.'.join(map(str, one['loc']))}: {one['msg']}".lstrip(": ") for one in found[:MAX_COMPLAINTS]]


def canonical(arguments: str) -> str:
    """Arguments in one spelling, to see whether two calls are the same."""
    try:
        return json.dumps(json.loads(arguments), sort_keys=True)
    except ValueError:
        return arguments


def default_registry(desk: AppointmentDesk | None = None, outbox: Outbox | None = None) -> ToolRegistry:
    """Every tool that comes with Frontdesk; a new one is one module and one line here.

    Args:
        desk: what appointments are made with; without it the tools for them are missing.
        outbox: takes e-mails in; without it the tool for them is missing.
    """
    return ToolRegistry(
        [
            hand_over.TOOL,
            search_knowledge.TOOL,
            *(calendar_tools(desk) if desk is not None else ()),
            *([send_email.tool(outbox)] if outbox is not None else ()),
        ]
    )


def calendar_tools(desk: AppointmentDesk) -> list[Tool[Any]]:
    """The tools for appointments, offered to companies that have services with calendars."""
    return [
        list_services.TOOL,
        check_availability.tool(desk),
        book_appointment.tool(desk),
        my_appointments.tool(desk),
        move_appointment.tool(desk),
        cancel_appointment.tool(desk),
    ]
