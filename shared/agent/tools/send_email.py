"""Sends an e-mail to the customer, and to nobody else.

The model chooses the words, never the recipient: the address is one that the customer wrote in this
conversation, or the one on file once the desk has named it and the customer has written again. So nobody can
have the desk write to others, and no e-mail goes to an address that the customer has not seen.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from pydantic import Field

from shared.agent.prompt_format import encodable
from shared.agent.tools.tool import Tool, ToolArguments, ToolContext, ToolResult
from shared.email.message import NewEmail
from shared.email.records import Contact
from shared.email.sending import require_sendable, worth_until
from shared.platform.errors import Conflict

if TYPE_CHECKING:
    from shared.agent.values import JsonDict
    from shared.companies.model import Company
    from shared.email.outbox import Outbox

NAME = "send_email"
MOST_CHARACTERS = 10_000
_ADDRESS = re.compile(r"[^\s<>()\[\]{}\"',;:@]+@[^\s<>()\[\]{}\"',;:@]+")


class SendEmailArguments(ToolArguments):
    """The arguments of ``send_email``."""

    to: str | None = Field(
        description="The address exactly as the customer wrote it here; null: the one on file."
    )
    subject: str = Field(min_length=1, description="One line in the customer's language.")
    text: str = Field(min_length=1, description="The whole e-mail as plain text, with greeting and farewell.")


def send_email(outbox: Outbox, arguments: SendEmailArguments, context: ToolContext) -> ToolResult:
    """Queue it, or say what is missing."""
    to, problem = _recipient(arguments.to, context)
    if problem is not None:
        return ToolResult(problem)
    email = NewEmail.parse(
        {
            "to": [to],
            "subject": encodable(arguments.subject),
            "text": encodable(arguments.text[:MOST_CHARACTERS]),
        }
    )
    try:
        require_sendable(context.company, email, "transactional")
    except Conflict:
        return ToolResult({"status": "not_possible", "next": "E-mail is not set up; offer another way."})
    if not context.rehearsal:
        outbox.enqueue(
            context.company_id,
            email,
            key=f"turn:{context.call_key}",
            ends_at=worth_until(context.company, "transactional", context.clock.now()),
            contact=_contact(context.user_id),
        )
    return ToolResult(
        {
            "status": "on_its_way",
            "to": to,
            "next": "Say to which address you are sending it and that it takes a moment. "
            "Do not say that it has arrived.",
        }
    )


def _recipient(wanted: str | None, context: ToolContext) -> tuple[str, JsonDict | None]:
    """The customer's own address, or what is to be done to have one."""
    wish, on_file = (wanted or "").strip().lower(), context.contact.email.strip()
    own = {one.lower(): one for one in _addresses(context.customer_words)}
    if wish in own:
        return own[wish], None
    if wish and wish != on_file.lower():
        return "", {
            "status": "not_the_customers",
            "next": "The customer has not written this address here. Ask them to write it.",
        }
    if not on_file:
        return "", {"status": "which_address", "next": "No address is known. Ask the customer for it."}
    if on_file.lower() not in {one.lower() for one in _addresses(context.desk_words)}:
        return "", {
            "status": "ask_first",
            "address": on_file,
            "next": "Name this address and ask whether to send it there. Call again after a yes.",
        }
    return on_file, None


def _addresses(texts: tuple[str, ...]) -> list[str]:
    return [found.rstrip(".!?") for text in texts for found in _ADDRESS.findall(text)]


def _contact(user_id: str) -> Contact | None:
    account, _, contact = user_id.partition(":")
    return Contact(int(account), int(contact)) if account.isdigit() and contact.isdigit() else None


def _is_offered(company: Company) -> bool:
    return bool(company.email.providers_for("transactional"))


def tool(outbox: Outbox) -> Tool[SendEmailArguments]:
    """The tool."""
    return Tool(
        name=NAME,
        description="Send the customer an e-mail with what they asked to have in writing. Only to the "
        "customer, at an address that they wrote in this conversation or have agreed to.",
        arguments=SendEmailArguments,
        effect="write",
        run=partial(send_email, outbox),
        is_offered=_is_offered,
    )
