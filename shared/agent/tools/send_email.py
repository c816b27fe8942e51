"""Sends an e-mail to an address that is the customer's own, as far as anybody can tell.

The model chooses the words, never the recipient. An address counts as the customer's own when the customer
wrote it in this conversation, or when it is the one on the contact's record, the desk has named it, and the
customer has written again. So no text that the model reads can make it write to somebody else, and no e-mail
goes to an address that the customer has not seen.

Whether an address that a customer writes is theirs nobody can check. What keeps the desk from being used
against strangers: each e-mail goes to one address, a contact has few e-mails and few addresses in a day
(`shared.email.allowance`, ``limits`` of the company's document), and whoever complains is left alone.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from pydantic import Field

from shared.agent.prompt_format import encodable
from shared.agent.tools.tool import Tool, ToolArguments, ToolContext, ToolResult
from shared.companies.base import LONGEST_EMAIL
from shared.email.allowance import EVERYBODY, Allowance, OverAllowance
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
# What stands between addresses and other words, and what people put around one: quotes of all kinds, the
# marks that end a sentence, and those that open one in Spanish. An apostrophe may stand inside (o'neill@…).
# Long dashes and characters without width (U+200B to U+200D, U+2060, U+FEFF) are in no address.
_BETWEEN = re.compile(r"[\s<>()\[\]{}\",;:/\u2013\u2014\u200b-\u200d\u2060\ufeff]+")
_AROUND = ".!?\u00a1\u00bf'`*\u2018\u2019\u201c\u201d\u00ab\u00bb\u2026"


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
        try:
            _enqueue(outbox, email, context)
        except OverAllowance as refused:
            return ToolResult(_too_many(refused))
    return ToolResult(
        {
            "status": "on_its_way",
            "to": to,
            "next": "Say to which address you are sending it and that it takes a moment. "
            "Do not say that it has arrived.",
        }
    )


def _enqueue(outbox: Outbox, email: NewEmail, context: ToolContext) -> None:
    limits = context.company.limits
    outbox.enqueue(
        context.company_id,
        email,
        key=f"turn:{context.call_key}",
        ends_at=worth_until(context.company, "transactional", context.clock.now()),
        contact=_contact(context.user_id),
        allowances=(
            Allowance(context.user_id, limits.emails_per_contact_day, limits.email_addresses_per_contact_day),
            Allowance(EVERYBODY, limits.emails_of_contacts_day),
        ),
    )


def _too_many(refused: OverAllowance) -> JsonDict:
    what = "no e-mail to another address" if refused.about == "addresses" else "no more e-mails"
    return {
        "status": "too_many",
        "next": f"Nothing was sent: this customer can have {what} from here today. Tell them so kindly, "
        "give them the text here in the chat, and offer that a colleague sends it.",
    }


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
    """What looks like an address in texts; each character is looked at once, however long they are."""
    words = (word for text in texts for word in _BETWEEN.split(text))
    # An address with what stands around it: whatever is longer is none, and not worth a second look.
    short = (word.strip(_AROUND) for word in words if len(word) <= LONGEST_EMAIL + len(_AROUND))
    found = [word for word in short if word.count("@") == 1 and not word.startswith("@") and word[-1] != "@"]
    # WhatsApp's italics: no domain ends in an underscore, so the one before the address is no part of it.
    return [word[1:-1] if word[0] == word[-1] == "_" else word for word in found]


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
        "customer, at one address of theirs that they wrote in this conversation or have agreed to.",
        arguments=SendEmailArguments,
        effect="write",
        run=partial(send_email, outbox),
        is_offered=_is_offered,
    )
