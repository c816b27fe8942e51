"""The parts that a message is made of (RFC 2045 and 2046), as bytes with CRLF line ends."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from shared.email.header_lines import Header, block, raw, typed

_CRLF = b"\r\n"
_LONGEST_LINE = 76  # RFC 2045 section 6.7, without CRLF


@dataclass(frozen=True)
class Piece:
    """A part: its headers, and what stands below them."""

    headers: tuple[Header, ...]
    body: bytes

    def written(self, *above: Header, ascii_only: bool = True) -> bytes:
        """All of it, with headers that stand above its own.

        Raises:
            InvalidInput: see `shared.email.header_lines.block`.
        """
        return block((*above, *self.headers), ascii_only=ascii_only) + _CRLF + self.body


def words(subtype: str, text: str) -> Piece:
    """A text for people, quoted-printable (RFC 2045 section 6.7): every line end becomes CRLF."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n") + "\n"
    encoded = _CRLF.join(map(_short, binascii.b2a_qp(lines.encode(), istext=True).split(b"\n")))
    kind = typed("Content-Type", f"text/{subtype}", charset="utf-8")
    return Piece((kind, raw("Content-Transfer-Encoding", "quoted-printable")), encoded)


def _short(line: bytes) -> bytes:
    """A line of quoted-printable; Python's may be too long by the space or tab, encoded, that ends it."""
    return line if len(line) <= _LONGEST_LINE else line[:-3] + b"=" + _CRLF + line[-3:]


def calendar(content: bytes, method: str) -> Piece:
    """An invitation as mail programs look for it (RFC 6047 section 2.4)."""
    kind = typed("Content-Type", "text/calendar", charset="utf-8", method=method)
    return _in_base64(content, kind)


def file(content: bytes, content_type: str, name: str) -> Piece:
    """An attachment: the very bytes, under a name with any letters (RFC 2231)."""
    return _in_base64(
        content,
        typed("Content-Type", content_type),
        typed("Content-Disposition", "attachment", filename=name),
    )


def image(content: bytes, content_type: str, name: str, content_id: str) -> Piece:
    """A file that stands inside the HTML (RFC 2392)."""
    return _in_base64(
        content,
        typed("Content-Type", content_type),
        typed("Content-Disposition", "inline", filename=name),
        raw("Content-ID", f"<{content_id}>"),
    )


def together(subtype: str, pieces: list[Piece], boundary: str, **parameters: str) -> Piece:
    """Parts in one, or the only one itself. No encoded text holds ``=_``, with which a boundary begins."""
    if len(pieces) == 1:
        return pieces[0]
    between = b"--" + boundary.encode()
    inside = b"".join(between + _CRLF + one.written() + _CRLF for one in pieces)
    kind = typed("Content-Type", f"multipart/{subtype}", boundary=boundary, **parameters)
    return Piece((kind,), inside + between + b"--" + _CRLF)


def _in_base64(content: bytes, *headers: Header) -> Piece:
    encoded = base64.encodebytes(content).replace(b"\n", _CRLF)
    return Piece((*headers, raw("Content-Transfer-Encoding", "base64")), encoded)
