"""Which service and which appointment a customer means: by the company's list and the contact's own."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from shared.agent.appointments.desk import bookable
from shared.agent.appointments.telling import appointment_view
from shared.agent.appointments.wishes import wish_of
from shared.platform.folding import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.agent.appointments.desk import AppointmentDesk
    from shared.agent.appointments.proposals import Proposal
    from shared.agent.tools.tool import ToolContext
    from shared.agent.values import JsonDict
    from shared.calendars.appointments import Appointment
    from shared.companies.model import Company
    from shared.companies.services import Service

_SHORTEST_WORD = 3


def service_named(company: Company, words: str | None) -> Service | JsonDict:
    """The bookable service that words name: its id, its name, or words that only its name has.

    Returns:
        The service; or the tool's result that asks which.
    """
    services = bookable(company)
    if not (words and words.strip()):
        return services[0] if len(services) == 1 else _which_service(services)
    wanted = fold(words).strip()
    for service in services:
        if wanted in {fold(service.id), fold(service.name)}:
            return service
    scores = [_alike(wanted, fold(f"{service.name} {service.id}")) for service in services]
    best = max(scores, default=0)
    if best and scores.count(best) == 1:
        return services[scores.index(best)]
    return _which_service(services)


def _which_service(services: Sequence[Service]) -> JsonDict:
    return {
        "status": "which_service",
        "services": [service.name for service in services],
        "next": "Ask the customer which of these services is wanted; no other can be booked here.",
    }


def _alike(wanted: str, name: str) -> int:
    """How many words of the wish stand in the name; only words that tell something."""
    there = {word for word in name.replace("-", " ").split() if len(word) >= _SHORTEST_WORD}
    return len(there & {word.strip(".,;:!?") for word in wanted.replace("-", " ").split()})


def best_named(proposals: Sequence[Proposal], words: str, company: Company) -> list[Proposal]:
    """Those proposals whose service words name best; all of them where the words name none."""
    names = {service.id: service.name for service in company.services}
    scores = [
        _alike(fold(words), fold(f"{names.get(one.service_id, '')} {one.service_id}")) for one in proposals
    ]
    best = max(scores, default=0)
    return [one for one, score in zip(proposals, scores, strict=True) if score == best]


def own_appointment(desk: AppointmentDesk, context: ToolContext, which: str | None) -> Appointment | JsonDict:
    """The contact's own appointment that words mean.

    Returns:
        The appointment; or the tool's result: there is none, or it is unclear which.
    """
    own = coming(desk, context)
    if not own:
        return {
            "status": "no_appointments",
            "next": "Tell the customer that no coming appointment of theirs is known here.",
        }
    meant = own if len(own) == 1 else _meant(own, which or "", context)
    if len(meant) == 1:
        return meant[0]
    return {
        "status": "which_appointment",
        "appointments": [appointment_view(one, context.company) for one in own],
        "next": "Ask the customer which of these appointments is meant.",
    }


def coming(desk: AppointmentDesk, context: ToolContext) -> list[Appointment]:
    """The contact's appointments that have not begun, the next first."""
    now = context.clock.now() + timedelta(seconds=1)
    return desk.calendars.appointments.of_contact(context.company_id, context.user_id, now)


def _meant(own: Sequence[Appointment], which: str, context: ToolContext) -> list[Appointment]:
    wish = wish_of(which, None, context)
    says = bool(wish.when.spans or wish.when.times or wish.when.earliest or wish.when.latest)
    by_time = [one for one in own if says and wish.admits(one.start)]
    scores = [_alike(fold(which), fold(one.service_name)) for one in own]
    best = max(scores)
    by_service = [one for one, score in zip(own, scores, strict=True) if best and score == best]
    if by_time and by_service:
        return [one for one in by_time if one in by_service]
    return by_time or by_service
