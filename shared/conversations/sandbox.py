"""A turn in the sandbox: the real rules and the real model, and nothing is sent, stored or remembered."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from shared.agent.journal import MemoryJournal
from shared.companies.connection import ChatwootConnection
from shared.conversations.case import Case
from shared.conversations.deciding import Decider
from shared.conversations.incoming import IncomingMessage, State
from shared.conversations.keys import ConversationKey
from shared.conversations.people import People
from shared.platform.clock import Deadline, epoch_milliseconds

if TYPE_CHECKING:
    from shared.companies.model import Company
    from shared.conversations.desk import Desk

# Below the 29 seconds that API Gateway waits.
TRY_SECONDS = 25.0
# Chatwoot's numbers begin at 1: nobody's history hangs on these.
NOBODY = 0


class Sandbox:
    """Tries out what a company's desk would say.

    Args:
        desk: the tools of a turn.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._decider = Decider(desk)

    def try_out(self, company_id: str, message: str, contact_name: str, channel: str) -> dict[str, Any]:
        """Decide on a first message of a new customer.

        Args:
            company_id: whose desk it is.
            message: what the customer writes.
            contact_name: what the customer is called.
            channel: Chatwoot's channel type, which says how a reply is split.

        Returns:
            The outcome, the public parts and private notes as they would be posted, the status that would be
            set, the reason, and which agent answered.

        Raises:
            NotFound: there is no such company.
            RetryLater: the model cannot be reached now.
            GiveUp: the company or the model is set up wrongly.
        """
        case = self._case(company_id, message, contact_name, channel)
        deadline = Deadline(self._desk.clock, TRY_SECONDS)
        plan = self._decider.decide(case, MemoryJournal(), deadline)
        return {
            "outcome": str(plan.outcome),
            "parts": [part.text for part in plan.parts if not part.private],
            "notes": [part.text for part in plan.parts if part.private],
            "conversation_status": plan.status,
            "reason": plan.reason,
            "agent": plan.agent,
        }

    def _case(self, company_id: str, message: str, contact_name: str, channel: str) -> Case:
        company = _tried(self._desk.companies.get(company_id))
        connection = self._desk.companies.connection(company_id)
        status = _bot_status(company)
        state = State(status, None, "", can_reply=True, labels=(), updated_at_us=None)
        incoming = IncomingMessage(
            key=ConversationKey(company_id, NOBODY, NOBODY),
            message_id=NOBODY,
            text=message,
            cut=False,
            content_type="text",
            created_at="",
            received_at_ms=epoch_milliseconds(self._desk.clock.now()),
            inbox_id=NOBODY,
            channel=channel,
            contact_id=NOBODY,
            contact_name=contact_name,
            contact_source_id="",
            in_reply_to=None,
            attachments=(),
            state=state,
        )
        return Case(
            company_id=company_id,
            company=company,
            connection=connection or ChatwootConnection("https://sandbox.invalid", NOBODY),
            messages=(incoming,),
            people=replace(People(), status=status),
            can_reply=True,
            rehearsal=True,
        )


def _tried(company: Company) -> Company:
    """The company as if it were live: a try is for companies that are not yet."""
    return company.model_copy(update={"mode": "live"})


def _bot_status(company: Company) -> str:
    """A status in which the desk may speak."""
    usual = "pending" if company.default_via == "agent_bot" else "open"
    statuses = company.takeover.bot_statuses
    return usual if statuses is None or usual in statuses else statuses[0]
