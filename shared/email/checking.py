"""What of a company's e-mail settings only their users can judge, looked at when the document is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.companies.email import SmtpProvider
from shared.email.addresses import checked
from shared.email.providers.registry import port_is_allowed
from shared.email.templates.rendering import check
from shared.platform.errors import FieldError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.companies.email import EmailSettings


def check_settings(settings: EmailSettings, *, any_port: bool = False) -> None:
    """Try what would otherwise fail when the first e-mail is sent.

    Args:
        settings: of the company's document.
        any_port: at the local stage, whose mail server has a port of its own.

    Raises:
        InvalidInput: naming what does not work.
    """
    problems = [*_addresses(settings), *([] if any_port else _ports(settings))]
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


def _ports(settings: EmailSettings) -> Iterator[FieldError]:
    for number, one in enumerate(settings.providers):
        if isinstance(one, SmtpProvider) and not port_is_allowed(one):
            yield FieldError(f"email.providers[{number}].port", "must be 465, 587 or 2525")
