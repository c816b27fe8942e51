"""A conversation as a decision sees it, and the company's rules that hold for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.conversations.people import SpeakingRules

if TYPE_CHECKING:
    from shared.companies.connection import ChatwootConnection
    from shared.companies.model import Company
    from shared.conversations.incoming import IncomingMessage
    from shared.conversations.people import People


@dataclass(frozen=True)
class Case:
    """What a decision is made about.

    Args:
        company_id: whose desk it is.
        company: its document.
        connection: its account.
        messages: what the customer wrote, oldest first; never empty.
        people: status, assignee and what persons wrote, as fresh as known.
        can_reply: false outside the channel's messaging window.
        turns_this_hour: how many turns were answered in this conversation in the current hour.
        first_attempt: whether nobody has tried this turn before.
        rehearsal: a try in the sandbox: nothing may be changed outside.
    """

    company_id: str
    company: Company
    connection: ChatwootConnection
    messages: tuple[IncomingMessage, ...]
    people: People
    can_reply: bool
    turns_this_hour: int = 0
    first_attempt: bool = True
    rehearsal: bool = False

    @property
    def newest(self) -> IncomingMessage:
        """The message that says where and to whom an answer goes."""
        return self.messages[-1]

    @property
    def by_agent_bot(self) -> bool:
        """Whether an agent bot serves this inbox."""
        return inbox_via(self.company, self.newest.inbox_id) == "agent_bot"


def inbox_via(company: Company, inbox_id: int) -> str:
    """Who sends an inbox's events: ``agent_bot`` or ``webhook``."""
    if company.inboxes == "all":
        return company.default_via
    return next((rule.via for rule in company.inboxes if rule.id == inbox_id), company.default_via)


def speaking_rules(case: Case) -> SpeakingRules:
    """The company's rules on who speaks, for this conversation's inbox."""
    takeover, inbox_id = case.company.takeover, case.newest.inbox_id
    statuses = takeover.bot_statuses or (["pending"] if case.by_agent_bot else ["open"])
    hours = takeover.resume_after_hours
    return SpeakingRules(
        bot_statuses=frozenset(statuses),
        assignment_counts=_assignment_counts(case, takeover.assignment_means_takeover, inbox_id),
        resume_after=None if hours is None else timedelta(hours=hours),
        resume_label=takeover.resume_label,
        own_bot_id=case.connection.bot_id,
    )


def _assignment_counts(case: Case, rule: str, inbox_id: int) -> bool:
    if rule != "auto":
        return rule == "always"
    if case.people.status == "pending":
        return True  # Chatwoot assigns opening conversations by itself, never pending ones
    # Where it cannot be read it is assumed to be on, which is Chatwoot's default.
    return not case.connection.auto_assignment.get(str(inbox_id), True)
