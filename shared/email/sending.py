"""An e-mail that somebody asks for, looked at with the company's document before it is taken in."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from shared.companies.email import EmailRule
from shared.email.composing import filled
from shared.email.message import Templated
from shared.email.outbox import WORTH
from shared.platform.errors import Conflict, FieldError, InvalidInput

if TYPE_CHECKING:
    from datetime import datetime

    from shared.companies.email import Kind
    from shared.companies.model import Company
    from shared.email.message import NewEmail


def require_sendable(company: Company, email: NewEmail | Templated, kind: Kind) -> None:
    """Refuse now, in words, what would fail later where nobody reads them.

    Raises:
        Conflict: the company has no provider for this kind of e-mail.
        InvalidInput: its template does not work with these values, or a file is said to be stored.
        NotFound: it has no such template.
    """
    if not company.email.providers_for(kind):
        raise Conflict("the company's document names no provider of e-mail", reason="no_provider")
    if any(one.stored for one in email.attachments):
        problem = "must hold the file's content: this deployment keeps no files"
        raise InvalidInput(f"attachments {problem}", fields=(FieldError("attachments", problem),), status=422)
    if isinstance(email, Templated):
        filled(email, company)


def worth_until(company: Company, kind: Kind, now: datetime) -> datetime:
    """After which moment an e-mail of a kind, asked for now, is not worth sending any more."""
    minutes = company.email.rules.get(kind, EmailRule()).expires_after_minutes
    return now + (timedelta(minutes=minutes) if minutes else WORTH[kind])
