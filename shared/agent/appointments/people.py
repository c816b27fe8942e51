"""For whom an appointment is: the contact of the turn, with what they said of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from shared.agent.prompt_format import encodable
from shared.calendars.appointments import Customer
from shared.companies.base import EmailAddress

if TYPE_CHECKING:
    from shared.agent.tools.tool import ToolContext

MOST_CHARACTERS = 200
_EMAIL: TypeAdapter[str] = TypeAdapter(EmailAddress)


def customer_of(context: ToolContext, name: str | None, email: str | None) -> Customer:
    """The contact as a customer.

    Args:
        context: whose turn it is; the contact is never another.
        name: as the customer said it, if they did.
        email: the same.
    """
    said = encodable((name or "").strip() or context.contact.name.strip())[:MOST_CHARACTERS]
    address = next((one for one in (email, context.contact.email) if _is_email(one)), "")
    return Customer(context.user_id, said, (address or "").strip(), context.conversation)


def _is_email(text: str | None) -> bool:
    try:
        _EMAIL.validate_python((text or "").strip())
    except ValidationError:
        return False
    return True
