"""An e-mail that somebody asks for, looked at with the company's document before it is taken in."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from shared.companies.email import EmailRule
from shared.email.composing import filled
from shared.email.message import Templated
from shared.email.outbox import WORTH
from shared.email.words import body
from shared.platform.errors import Conflict, FieldError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from shared.companies.email import Kind
    from shared.companies.model import Company
    from shared.email.message import NewEmail


def require_sendable(company: Company, email: NewEmail | Templated, kind: Kind) -> None:
    """Refuse now, in words, what would fail later where nobody reads them.

    Raises:
        Conflict: the company has no provider for this kind of e-mail.
        InvalidInput: its template does not work with these values, or it is too large for every provider.
        NotFound: it has no such template.
    """
    if not company.email.providers_for(kind):
        raise Conflict("the company's document names no provider of e-mail", reason="no_provider")
    _require_carrier(company, email, kind)
    if isinstance(email, Templated):
        problems = tuple(_unprintable(email.values, "values"))
        if problems:
            raise InvalidInput(f"{problems[0].field} {problems[0].problem}", fields=problems, status=422)
        filled(email, company)


def _unprintable(value: object, place: str) -> Iterator[FieldError]:
    """The texts among the values that hold control characters: whoever writes them is told."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _unprintable(inner, f"{place}.{name}")
    elif isinstance(value, str):
        try:
            body(value)
        except ValueError as error:
            yield FieldError(place, str(error))


def _require_carrier(company: Company, email: NewEmail | Templated, kind: Kind) -> None:
    """Refuse files that no provider of the company's can carry; each checks again when it sends."""
    if not email.attachments:
        return
    from shared.email.providers.registry import CAPABILITIES  # noqa: PLC0415 - few e-mails have files

    size_bytes = sum(one.size_bytes for one in email.attachments)
    encoded_bytes = -(-size_bytes // 3) * 4  # base64 (RFC 4648), line ends not counted
    most_bytes = max(CAPABILITIES[one.vendor].max_bytes for one in company.email.providers_for(kind))
    if encoded_bytes > most_bytes:
        problem = f"have {encoded_bytes} bytes once encoded; the company's providers take {most_bytes}"
        raise InvalidInput(f"attachments {problem}", fields=(FieldError("attachments", problem),), status=413)


def worth_until(company: Company, kind: Kind, now: datetime) -> datetime:
    """After which moment an e-mail of a kind, asked for now, is not worth sending any more."""
    minutes = company.email.rules.get(kind, EmailRule()).expires_after_minutes
    return now + (timedelta(minutes=minutes) if minutes else WORTH[kind])
