"""A message as bytes (RFC 5322, MIME), the same bytes for the same message."""

from __future__ import annotations

import hashlib
from email.utils import format_datetime
from typing import TYPE_CHECKING

from shared.email import mime_parts
from shared.email.header_lines import people, raw, text
from shared.email.invitations import FILE_NAME, ics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.email.header_lines import Header
    from shared.email.mime_parts import Piece
    from shared.email.rendered import File, Rendered


def mime_bytes(rendered: Rendered) -> bytes:
    """The whole message with CRLF line ends, seven bits wide unless an address needs SMTPUTF8.

    ``bcc`` is not in it: who gets it is said beside it. An invitation stands twice in it, as mail programs
    want it: as an alternative of the text with its METHOD (Gmail, Outlook), and as a file (everybody else).

    Raises:
        InvalidInput: a header would not be what was meant.
    """
    return _mixed(rendered).written(*_headers(rendered), ascii_only=not rendered.needs_smtputf8)


def _headers(rendered: Rendered) -> Iterator[Header]:
    yield raw("Date", format_datetime(rendered.created_at))
    yield people("From", [rendered.sender])
    yield people("To", rendered.to)
    if rendered.cc:
        yield people("Cc", rendered.cc)
    if rendered.reply_to:
        yield people("Reply-To", [rendered.reply_to])
    yield text("Subject", rendered.subject)
    yield raw("Message-ID", rendered.message_id)
    for name, value in rendered.headers:
        yield raw(name, value)
    yield raw("MIME-Version", "1.0")


def _mixed(rendered: Rendered) -> Piece:
    calendar = ics(rendered.invitation) if rendered.invitation else None
    pieces = [_alternative(rendered, calendar)]
    attached = (one for one in rendered.files if not _shown(one, rendered))
    pieces += [mime_parts.file(one.content, one.content_type, one.name) for one in attached]
    if calendar is not None:
        pieces.append(mime_parts.file(calendar, "application/ics", FILE_NAME))
    return mime_parts.together("mixed", pieces, _boundary(rendered, 0))


def _alternative(rendered: Rendered, calendar: bytes | None) -> Piece:
    pieces = [mime_parts.words("plain", rendered.text)]
    if rendered.html is not None:
        pieces.append(_related(rendered, rendered.html))
    if calendar is not None and rendered.invitation:
        pieces.append(mime_parts.calendar(calendar, rendered.invitation.method))
    return mime_parts.together("alternative", pieces, _boundary(rendered, 1))


def _related(rendered: Rendered, html: str) -> Piece:
    shown = [one for one in rendered.files if _shown(one, rendered)]
    images = [
        mime_parts.image(one.content, one.content_type, one.name, one.content_id or "") for one in shown
    ]
    pieces = [mime_parts.words("html", html), *images]
    # Of which type the part is that the others belong to (RFC 2387 section 3.1).
    return mime_parts.together("related", pieces, _boundary(rendered, 2), type="text/html")


def _shown(file: File, rendered: Rendered) -> bool:
    return file.content_id is not None and rendered.html is not None


def _boundary(rendered: Rendered, number: int) -> str:
    return "=_" + hashlib.sha256(f"{rendered.email_id}#{number}".encode()).hexdigest()[:32]
