"""E-mail addresses: checked, and written as each transport needs them."""

from __future__ import annotations

import re
from typing import Annotated

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BeforeValidator, Field

from shared.companies.base import LONGEST_EMAIL, Part
from shared.email.words import ENCODED, one_line


def checked(address: str) -> str:
    """An address as it is kept: the domain in Unicode and small letters, the rest as it was given.

    Syntax by RFC 5321 and 6531; nothing is looked up. Quoted local parts, address literals and names
    reserved for local use are refused.

    Raises:
        ValueError: with words.
    """
    one_line(address)
    if ENCODED in address:
        raise ValueError("must not hold =?, with which mail programs begin to decode")
    if len(address) > LONGEST_EMAIL:
        raise ValueError(f"must have at most {LONGEST_EMAIL} characters")
    try:
        return validate_email(address, check_deliverability=False, allow_smtputf8=True).normalized
    except EmailNotValidError:
        # The library's own words quote parts of the address, which is personal.
        raise ValueError("must be an e-mail address such as ana@example.com") from None


def needs_smtputf8(address: str) -> bool:
    """Whether only servers with SMTPUTF8 (RFC 6531) can carry it: something before the @ is not ASCII."""
    return not address.rpartition("@")[0].isascii()


def domain_of(address: str) -> str:
    """The domain in ASCII (IDNA 2008)."""
    found = validate_email(address, check_deliverability=False, allow_smtputf8=True).ascii_domain
    return found or address.rpartition("@")[2]


def wire(address: str) -> str:
    """The address with its domain in ASCII (IDNA 2008): what every transport understands."""
    return f"{address.rpartition('@')[0]}@{domain_of(address)}"


def display_name(name: str) -> str:
    """A name as it is kept: one line, spaces only between words, which is all that readers tell apart.

    Raises:
        ValueError: with words.
    """
    return re.sub(" +", " ", one_line(name)).strip(" ")


LONGEST_NAME = 150
Address = Annotated[str, AfterValidator(checked)]
DisplayName = Annotated[str, Field(max_length=LONGEST_NAME), AfterValidator(display_name)]


class Mailbox(Part):
    """Somebody who sends or receives."""

    address: Address
    name: DisplayName | None = None


def _given(value: object) -> object:
    return {"address": value} if isinstance(value, str) else value


# People write ``"ana@example.com"`` where no name is known.
AnyMailbox = Annotated[Mailbox, BeforeValidator(_given)]
