"""A message as bytes (RFC 5322, MIME), the same bytes for every try."""

from __future__ import annotations

import hashlib
from email.headerregistry import Address
from email.message import EmailMessage, MIMEPart
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from typing import TYPE_CHECKING

from shared.email.addresses import wire
from shared.email.invitations import FILE_NAME, ics

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.email.addresses import Mailbox
    from shared.email.rendered import File, Rendered


def mime_bytes(rendered: Rendered) -> bytes:
    """The whole message with CRLF line ends, seven bits wide unless an address needs SMTPUTF8.

    ``bcc`` is not in it: who gets it is said beside it. An invitation stands twice in it, as mail programs
    want it: as an alternative of the text with its METHOD (Gmail, Outlook), and as a file (everybody else).
    """
    policy = SMTPUTF8 if rendered.needs_smtputf8 else SMTP
    message = EmailMessage(policy=policy)
    _write_headers(message, rendered)
    message.set_content(rendered.text, cte="quoted-printable")
    if rendered.html is not None:
        message.add_alternative(rendered.html, subtype="html", cte="quoted-printable")
        _add_images(message, rendered)
    calendar = ics(rendered.invitation) if rendered.invitation else None
    if calendar is not None and rendered.invitation:
        message.add_alternative(
            calendar.decode(), subtype="calendar", cte="base64", params={"method": rendered.invitation.method}
        )
    for file in (one for one in rendered.files if not _shown(one, rendered)):
        _attach(message, file)
    if calendar is not None:
        message.add_attachment(calendar, "application", "ics", filename=FILE_NAME)
    _fix_boundaries(message, rendered.email_id)
    return message.as_bytes()


def _shown(file: File, rendered: Rendered) -> bool:
    return file.content_id is not None and rendered.html is not None


def _write_headers(message: EmailMessage, rendered: Rendered) -> None:
    message["Date"] = format_datetime(rendered.created_at)
    message["From"] = _addresses([rendered.sender])
    message["To"] = _addresses(rendered.to)
    if rendered.cc:
        message["Cc"] = _addresses(rendered.cc)
    if rendered.reply_to:
        message["Reply-To"] = _addresses([rendered.reply_to])
    message["Subject"] = rendered.subject
    message["Message-ID"] = rendered.message_id
    for name, value in rendered.headers:
        message[name] = value


def _addresses(mailboxes: Iterable[Mailbox]) -> list[Address]:
    return [_address(one.name or "", wire(one.address)) for one in mailboxes]


def _address(name: str, address: str) -> Address:
    # In parts, because `addr_spec` allows no letters beyond ASCII before the @.
    username, _, domain = address.rpartition("@")
    return Address(display_name=name, username=username, domain=domain)


def _add_images(message: EmailMessage, rendered: Rendered) -> None:
    shown = [one for one in rendered.files if _shown(one, rendered)]
    html = message.get_body(("html",))
    if not isinstance(html, MIMEPart):
        return
    for file in shown:
        main, _, sub = file.content_type.partition("/")
        cid = f"<{file.content_id}>"
        html.add_related(file.content, main, sub, cid=cid, filename=file.name, disposition="inline")


def _attach(message: EmailMessage, file: File) -> None:
    main, _, sub = file.content_type.partition("/")
    if main == "text":
        # As bytes, because a text part would have its line ends changed.
        message.add_attachment(file.content, "application", "octet-stream", filename=file.name)
        message.get_payload()[-1].set_type(file.content_type)  # type: ignore[index, union-attr]
    else:
        message.add_attachment(file.content, main, sub, filename=file.name)


def _fix_boundaries(message: EmailMessage, email_id: str) -> None:
    """Boundaries out of the id; ``=_`` stands in no encoded text (RFC 2045 section 6.7)."""
    parts = (part for part in message.walk() if part.is_multipart())
    for number, part in enumerate(parts):
        part.set_boundary("=_" + hashlib.sha256(f"{email_id}#{number}".encode()).hexdigest()[:32])
