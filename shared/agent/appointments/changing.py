"""Proposing and doing: what the customer must agree to, and what was agreed to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from shared.agent.appointments.matching import best_named
from shared.agent.appointments.telling import UNREADABLE, appointment_view, time_view, times_view

if TYPE_CHECKING:
    from collections.abc import Callable
    from zoneinfo import ZoneInfo

    from shared.agent.appointments.desk import AppointmentDesk
    from shared.agent.appointments.proposals import Kind, Proposal
    from shared.agent.appointments.wishes import Wish
    from shared.agent.tools.tool import ToolContext
    from shared.agent.values import JsonDict
    from shared.calendars.requests import Outcome

_ASK = (
    "Nothing is done yet. Repeat exactly this to the customer and ask for a yes. Only when the customer has "
    "agreed in a later message, call {tool} again with confirmed=true."
)
_SAID = {
    "confirmed": ("booked", "Tell the customer that it is booked: day, time, the video call's link if any."),
    "moved": ("moved", "Tell the customer the new day and time."),
    "cancelled": ("cancelled", "Tell the customer that it is cancelled."),
    "changed_by_staff": (
        "changed_by_the_company",
        "The company itself changed this appointment meanwhile. Tell the customer how it is now.",
    ),
    "refused": ("refused", "The calendar did not take it. Say so honestly and hand over to a person."),
    "expired": ("expired", "It waited too long. Ask whether the customer still wants it; propose it again."),
}  # fmt: skip


def agreed(
    desk: AppointmentDesk,
    context: ToolContext,
    kind: Kind,
    fits: Callable[[Proposal], bool],
    which: str | None = None,
) -> Proposal | None:
    """The proposal that a yes of the customer is about.

    The one of its kind that fits the call's words; ``None`` also where several that wait fit equally well:
    then it must be asked which.
    """
    possible = [
        one
        for one in desk.proposals.of(context)
        if one.kind == kind and one.may_be_done(context) and fits(one)
    ]
    waiting = best_named([one for one in possible if not one.done], which or "", context.company)
    if len({(one.appointment, one.start_ms) for one in waiting}) > 1:
        return None
    found = waiting or possible
    return found[-1] if found else None


def asked(
    desk: AppointmentDesk, context: ToolContext, kind: Kind, fits: Callable[[Proposal], bool]
) -> Proposal | None:
    """A proposal of this conversation that the same call would only repeat.

    Where the reply that held it was never sent, it counts as made in this turn.
    """
    for one in reversed(desk.proposals.of(context)):
        if one.kind == kind and one.conversation == context.conversation and not one.done and fits(one):
            if one.turn not in context.told_turns | {context.turn} and not context.rehearsal:
                desk.proposals.add(context, replace(one, turn=context.turn))
            return one
    return None


def propose(desk: AppointmentDesk, context: ToolContext, proposal: Proposal) -> None:
    """Note a proposal, unless this is a rehearsal."""
    if not context.rehearsal:
        desk.proposals.add(context, proposal)


def question(tool: str, proposal: JsonDict, **more: Any) -> JsonDict:  # noqa: ANN401 - any JSON
    """The result that makes the model ask."""
    return {
        "status": "waiting_for_yes",
        "proposal": proposal,
        **more,
        "next": _ASK.format(tool=tool),
    }


def done(
    desk: AppointmentDesk, context: ToolContext, proposal: Proposal, outcome: Outcome, zone: ZoneInfo
) -> JsonDict:
    """What came of a proposal, for the model; the proposal no longer waits."""
    desk.proposals.note_done(context, proposal)
    return told(outcome, context, zone)


def told(outcome: Outcome, context: ToolContext, zone: ZoneInfo) -> JsonDict:
    """What came of a request, for the model."""
    company = context.company
    if outcome.kind == "taken":
        return taken(outcome, context, zone)
    if outcome.kind == "by_link":
        return {
            "status": "book_by_link",
            "link": outcome.link,
            "next": "This calendar lets only the customer book. Give the link; nothing is booked until the "
            "customer has finished there.",
        }
    status, following = _SAID[outcome.kind]
    view: JsonDict = {"status": status, "next": following}
    if outcome.appointment is not None and outcome.kind != "refused":
        view["appointment"] = appointment_view(outcome.appointment, company, zone)
    return view


def taken(outcome: Outcome, context: ToolContext, zone: ZoneInfo) -> JsonDict:
    """The time is somebody else's, with other times."""
    return {
        "status": "not_free",
        "free_times": times_view(outcome.alternatives, zone, context.company),
        "next": "Say that this time cannot be had and offer the free times, if there are any.",
    }


def unreadable() -> JsonDict:
    """No calendar tells anything."""
    return dict(UNREADABLE)


def which_time(wish: Wish, context: ToolContext) -> JsonDict:
    """The words name no single day and time."""
    missing = "day" if wish.one_day is None else "time"
    return {
        "status": f"which_{missing}",
        "understood": wish.understood(),
        "now": time_view(context.clock.now(), wish.zone, context.company)["when"],
        "next": f"The {missing} is missing. Look with check_availability and ask the customer for one time.",
    }
