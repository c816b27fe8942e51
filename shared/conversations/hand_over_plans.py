"""The plans that give a conversation to people, with what people and the customer read of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.chatwoot.text.fit import fit
from shared.chatwoot.text.liquid import neutralise
from shared.conversations.causes import Cause, why
from shared.conversations.plan import Outcome, Part, Plan

if TYPE_CHECKING:
    from datetime import datetime

    from shared.conversations.case import Case
    from shared.conversations.people import SpeakingRules

# The note is for people who will read it in the conversation, in any company: it is in plain English, like
# Chatwoot's own activity lines.
_NOTE = "🤖 Frontdesk handed this conversation over. Reason: {reason}. {told}"
_FAILURE_NOTE = "🤖 A message of Frontdesk's did not reach the customer. The channel says: {error}."
_TOLD, _UNTOLD = "The customer is told.", "The customer is told nothing."


def hand_over_plan(
    case: Case, cause: Cause, reason: str = "", *, reply: str = "", told: bool = True, agent: str = ""
) -> Plan:
    """A plan that gives a conversation to people.

    Args:
        case: the conversation.
        cause: what led to it.
        reason: for the note that people read; without it, the cause in words.
        reply: what the customer is told; without it, the company's own sentence.
        told: whether the customer is told anything at all.
        agent: which agent answered.
    """
    rules, reason = case.company.hand_over, reason or why(cause)
    text = reply or rules.text_for(case.company.language)
    public = parts_of(text, case) if told else ()
    words = _NOTE.format(reason=reason.rstrip(".")[:500], told=_TOLD if public else _UNTOLD)
    note = Part(neutralise(words), private=True)
    status = _hand_over_status(case)
    return Plan(Outcome.HANDED_OVER, (*public, note), status=status, reason=reason, agent=agent, cause=cause)


def failure_plan(case: Case, error: str, rules: SpeakingRules, now: datetime) -> Plan:
    """A plan that tells people of a message that did not reach its customer; the customer is told nothing.

    Args:
        case: the conversation.
        error: the provider's words.
        rules: the company's, on who speaks.
        now: the current moment.
    """
    words = _FAILURE_NOTE.format(error=error.strip().rstrip(".")[:500])
    note = Part(neutralise(words), private=True)
    people_have_it = bool(case.people.silence_reason(rules, now))
    status = "" if people_have_it else _hand_over_status(case)
    return Plan(Outcome.HANDED_OVER, (note,), status=status, reason="part_failed", cause=Cause.PART_FAILED)


def parts_of(text: str, case: Case) -> tuple[Part, ...]:
    """A text to the customer in parts that the conversation's channel accepts."""
    return tuple(Part(part) for part in fit(text, case.newest.channel, case.newest.contact_source_id))


def _hand_over_status(case: Case) -> str:
    return case.company.hand_over.status or ("open" if case.by_agent_bot else "pending")
