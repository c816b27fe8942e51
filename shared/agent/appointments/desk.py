"""What the tools for appointments work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.agent.appointments.proposals import Proposals
from shared.calendars.terms import is_bookable

if TYPE_CHECKING:
    from shared.agent.appointments.proposals import Proposal
    from shared.agent.tools.tool import ToolContext
    from shared.calendars.making import Calendars
    from shared.companies.model import Company
    from shared.companies.services import Service
    from shared.platform.clock import Clock
    from shared.platform.tables import Table


@dataclass(frozen=True)
class AppointmentDesk:
    """See the module.

    Args:
        calendars: books, and finds free times.
        proposals: what customers were asked to confirm.
    """

    calendars: Calendars
    proposals: Proposals

    def held(self, context: ToolContext) -> str:
        """What was held last for a contact and not booked; "" where nothing is."""
        waiting = [one for one in self.proposals.of(context) if one.kind == "book" and not one.done]
        return waiting[-1].appointment if waiting else ""

    def drop(self, context: ToolContext, proposal: Proposal) -> None:
        """End a proposal that nobody agreed to: a hold ends, everything else is as it was."""
        if proposal.kind == "book" and not proposal.done:
            self.calendars.holds.give_up(context.company_id, proposal.appointment, context.user_id)


def make_appointment_desk(calendars: Calendars, table: Table, clock: Clock) -> AppointmentDesk:
    """The desk over the calendars table."""
    return AppointmentDesk(calendars, Proposals(table, clock))


def bookable(company: Company) -> list[Service]:
    """The services that appointments can be made for."""
    return [service for service in company.services if is_bookable(company, service)]


def takes_bookings(company: Company) -> bool:
    """Whether a company has any use for the tools."""
    return bool(company.calendars) and bool(bookable(company))
