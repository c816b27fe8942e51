"""A message ready to go: words, sender, files read, identity fixed. What every provider is given."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from shared.email.addresses import Mailbox, domain_of, needs_smtputf8
from shared.email.plain_text import plain_text
from shared.platform.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from shared.email.invitations import Invitation
    from shared.email.message import Attachment, NewEmail, StoredFile

# Under these names an e-mail carries its own id and its company's to the provider, and the provider's reports
# bring them back: SendGrid's custom_args, Mailgun's variables, SES's message tags.
EMAIL_ID = "frontdesk_email_id"
COMPANY_ID = "frontdesk_company_id"
# RFC 3834: asks holiday notices and the like not to answer.
AUTOMATIC = {"Auto-Submitted": "auto-generated"}


@dataclass(frozen=True)
class File:
    """An attachment with its bytes; with a ``content_id`` it stands inside the HTML."""

    name: str
    content_type: str
    content: bytes = field(repr=False)
    content_id: str | None = None


class Files(Protocol):
    """Where stored attachments are read."""

    def read(self, company_id: str, file: StoredFile) -> bytes:
        """The file's bytes.

        Raises:
            GiveUp: it is not there, not the company's, or not what it was.
            RetryLater: it cannot be read now.
        """
        ...


@dataclass(frozen=True)
class Sender:
    """As whom a company writes."""

    mailbox: Mailbox
    reply_to: Mailbox | None = None


@dataclass(frozen=True)
class Rendered:
    """A message ready to go. Every try of sending it, by any provider, is given the very same.

    What stands in its headers and who gets it are two things (RFC 5321 section 2.3.1): a copy for the few
    whom a server did not take at first still says to whom it was written, and shows nobody a blind copy.

    Args:
        email_id: ours; comes back in providers' webhooks.
        created_at: when it was asked for, aware; its Date.
        to: to whom it is written; stands in it, as ``cc`` does.
        bcc: who gets it beside them, which nobody sees.
        only: the addresses of those of them who get this copy; ``None``: everybody.
        first_message_id: the Message-ID of an earlier try, which stays although the company may write from
            another address by now; empty: there was none.
    """

    email_id: str
    company_id: str
    created_at: datetime
    sender: Mailbox
    to: tuple[Mailbox, ...]
    subject: str
    text: str = field(repr=False)
    html: str | None = field(default=None, repr=False)
    cc: tuple[Mailbox, ...] = ()
    bcc: tuple[Mailbox, ...] = ()
    reply_to: Mailbox | None = None
    headers: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] = ()
    files: tuple[File, ...] = ()
    invitation: Invitation | None = None
    only: frozenset[str] | None = None
    first_message_id: str = ""

    @property
    def message_id(self) -> str:
        """The same for every try: by it a mail program shows a repeated message once (RFC 5322 3.6.4)."""
        return self.first_message_id or f"<{self.email_id}@{domain_of(self.sender.address)}>"

    @property
    def recipients(self) -> tuple[Mailbox, ...]:
        """Everybody who gets it."""
        return self.among((*self.to, *self.cc, *self.bcc))

    def among(self, people: Iterable[Mailbox]) -> tuple[Mailbox, ...]:
        """Those of some people who get it."""
        return tuple(one for one in people if self.only is None or one.address in self.only)

    @property
    def needs_smtputf8(self) -> bool:
        """Whether an address in it can only travel with SMTPUTF8."""
        everybody = [self.sender, *self.to, *self.cc, *self.recipients, self.reply_to]
        return any(needs_smtputf8(one.address) for one in everybody if one is not None)


def render(
    email_id: str,
    company_id: str,
    email: NewEmail,
    *,
    sender: Sender,
    created_at: datetime,
    files: Files | None,
    first_message_id: str = "",
) -> Rendered:
    """Put a message together.

    Args:
        email_id: letters, digits, dashes, dots and underscores, at most 64.
        company_id: whose message it is.
        email: what was asked for.
        sender: as whom.
        created_at: when it was asked for.
        files: where stored attachments are read; ``None`` where there is no store.
        first_message_id: the Message-ID of an earlier try; empty: there was none.

    Raises:
        InvalidInput: the id cannot stand in a Message-ID, or a file is stored and there is no store.
        GiveUp: a stored file is not what it was.
        RetryLater: a stored file cannot be read now.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", email_id) or ".." in email_id:
        raise InvalidInput("the e-mail's id cannot stand in a Message-ID")
    return Rendered(
        email_id=email_id,
        company_id=company_id,
        created_at=created_at,
        sender=sender.mailbox,
        to=tuple(email.to),
        cc=tuple(email.cc),
        bcc=tuple(email.bcc),
        reply_to=email.reply_to or sender.reply_to,
        subject=email.subject,
        text=email.text if email.text and email.text.strip() else plain_text(email.html or ""),
        html=email.html if email.html and email.html.strip() else None,
        headers=tuple((AUTOMATIC | email.headers).items()),
        tags=tuple(email.tags),
        files=tuple(_file(company_id, one, files) for one in email.attachments),
        invitation=email.invitation,
        first_message_id=first_message_id,
    )


def _file(company_id: str, attachment: Attachment, files: Files | None) -> File:
    content = attachment.content
    if content is None:
        if files is None or attachment.stored is None:
            raise InvalidInput("the attachment is stored where this deployment cannot read it")
        content = files.read(company_id, attachment.stored)
    return File(attachment.name, attachment.content_type, content, attachment.content_id)
