"""An e-mail that somebody asks for, looked at with the company's document before it is taken in."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from shared.companies.email import EmailRule
from shared.email.addresses import needs_smtputf8
from shared.email.composing import filled
from shared.email.message import Templated
from shared.email.outbox import WORTH, recipients
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
        InvalidInput: its template does not work with these values, or none of its providers can carry it.
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
    """Refuse what no provider of the company's can carry; each checks again when it sends."""
    people = [*email.to, *email.cc, *email.bcc, *([email.reply_to] if email.reply_to else [])]
    smtputf8 = any(needs_smtputf8(one.address) for one in people)
    if not (email.attachments or email.tags or smtputf8):
        return  # most e-mails: everybody carries them
    from shared.email.providers.registry import CAPABILITIES  # noqa: PLC0415 - it brings every vendor along

    able = {CAPABILITIES[one.vendor] for one in company.email.providers_for(kind)}
    asked = {
        one: one.lack(recipients=len(recipients(email)), tags=len(email.tags), smtputf8=smtputf8)
        for one in able
    }
    lacks = [lack for lack in asked.values() if lack is not None]
    if len(lacks) == len(asked):
        problem = f"cannot be sent by any of the company's providers: {lacks[0].words}"
        raise _refused(lacks[0].field, problem, 422)
    size_bytes = sum(one.size_bytes for one in email.attachments)
    encoded_bytes = -(-size_bytes // 3) * 4  # base64 (RFC 4648), line ends not counted
    most_bytes = max(one.max_bytes for one, lack in asked.items() if lack is None)
    if encoded_bytes > most_bytes:
        problem = f"have {encoded_bytes} bytes once encoded; the company's providers take {most_bytes}"
        raise _refused("attachments", problem, 413)


def _refused(field: str, problem: str, status: int) -> InvalidInput:
    return InvalidInput(f"{field} {problem}", fields=(FieldError(field, problem),), status=status)


def worth_until(company: Company, kind: Kind, now: datetime) -> datetime:
    """After which moment an e-mail of a kind, asked for now, is not worth sending any more."""
    minutes = company.email.rules.get(kind, EmailRule()).expires_after_minutes
    return now + (timedelta(minutes=minutes) if minutes else WORTH[kind])
