"""The words and the sender of an e-mail, out of the company's document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.companies.email import EmailRule
from shared.email.addresses import LONGEST_NAME, Mailbox
from shared.email.rendered import Sender
from shared.email.templates import rendering
from shared.email.words import flattened
from shared.platform.errors import GiveUp

if TYPE_CHECKING:
    from shared.companies.email import Kind
    from shared.companies.model import Company
    from shared.email.message import NewEmail, Templated


def filled(asked: Templated, company: Company) -> NewEmail:
    """A templated e-mail with its words.

    Raises:
        NotFound, InvalidInput: the template does not work with these values.
    """
    words = rendering.render(asked.template, asked.language, company.email, asked.values)
    return asked.filled(words.subject, words.html, words.text)


def sender_of(company: Company, kind: Kind) -> Sender:
    """As whom a company writes an e-mail of a kind.

    A name is made to fit: it was not written for a header, and no e-mail waits for a shorter one.

    Raises:
        GiveUp: its document names no address.
        InvalidInput: an address is none.
    """
    settings = company.email
    if settings.from_address is None:
        raise GiveUp("the company's document names no from_address", reason="no_sender")
    rule = settings.rules.get(kind, EmailRule())
    name = flattened(rule.from_name or settings.from_name or company.name, LONGEST_NAME)
    reply_to = rule.reply_to or settings.reply_to
    return Sender(
        Mailbox.parse({"address": settings.from_address, "name": name or None}),
        Mailbox.parse({"address": reply_to}) if reply_to else None,
    )
