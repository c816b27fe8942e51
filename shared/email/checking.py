"""What of a company's e-mail settings only their users can judge, looked at when the document is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from shared.companies.email import Kind, SmtpProvider
from shared.email.addresses import LONGEST_NAME, checked, display_name
from shared.email.composing import sender_of
from shared.email.providers.registry import port_is_allowed
from shared.email.templates.rendering import check
from shared.platform.errors import FieldError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.companies.email import EmailSettings
    from shared.companies.model import Company


def check_settings(company: Company, *, any_port: bool = False) -> None:
    """Try what would otherwise fail when the first e-mail is sent.

    Args:
        company: the document.
        any_port: at the local stage, whose mail server has a port of its own.

    Raises:
        InvalidInput: naming what does not work.
    """
    settings = company.email
    problems = [*_addresses(settings), *_names(settings), *([] if any_port else _ports(settings))]
    if not problems:
        problems = list(_senders(company))
    if problems:
        first = problems[0]
        raise InvalidInput(f"{first.field} {first.problem}", fields=tuple(problems), status=422)
    check(settings)


def _addresses(settings: EmailSettings) -> Iterator[FieldError]:
    given = {"email.from_address": settings.from_address, "email.reply_to": settings.reply_to}
    given |= {f"email.rules.{kind}.reply_to": rule.reply_to for kind, rule in settings.rules.items()}
    for place, address in given.items():
        try:
            checked(address or "ana@example.com")
        except ValueError as error:
            yield FieldError(place, str(error))


def _names(settings: EmailSettings) -> Iterator[FieldError]:
    given = {"email.from_name": settings.from_name}
    given |= {f"email.rules.{kind}.from_name": rule.from_name for kind, rule in settings.rules.items()}
    for place, name in given.items():
        try:
            display_name(name or "")
        except ValueError as error:
            yield FieldError(place, str(error))
        if len(name or "") > LONGEST_NAME:
            yield FieldError(place, f"must have at most {LONGEST_NAME} characters")


def _senders(company: Company) -> Iterator[FieldError]:
    """The last look: as whom each kind of e-mail would be written."""
    if company.email.from_address is None:
        return
    for kind in get_args(Kind):
        try:
            sender_of(company, kind)
        except InvalidInput as error:
            yield FieldError(f"email.rules.{kind}", f"has no sender that works: {error}")


def _ports(settings: EmailSettings) -> Iterator[FieldError]:
    for number, one in enumerate(settings.providers):
        if isinstance(one, SmtpProvider) and not port_is_allowed(one):
            yield FieldError(f"email.providers[{number}].port", "must be 465, 587 or 2525")
