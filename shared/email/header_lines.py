"""Header lines of a message, written here and nowhere else (RFC 5322, 2045, 2047, 2231).

A text is only ever written. Python's own header classes read every text that they are given and decode the
encoded words in it: what was checked is then not what is sent. What holds ``=?`` is encoded or refused.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from shared.email.addresses import wire
from shared.email.words import ENCODED, one_line
from shared.platform.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from shared.email.addresses import Mailbox

LONGEST_LINE = 998  # RFC 5322 section 2.1.1
GOOD_LINE = 76  # RFC 2047 section 2, where encoded words stand in it
# Of text in one encoded word: 64 characters, which fit beside every name of a header that may hold them.
_WORD_BYTES = 39
_WORDS = re.compile(r"[!-~]+(?: [!-~]+)*")
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"  # RFC 5322 section 3.2.3
_ATOMS = re.compile(rf"{_ATOM}(?: {_ATOM})*")
_PRINTABLE = re.compile(r"[ -~]+")
_IN_QUOTES = re.compile(r"[ !#$&-\[\]-~]+")  # no quote, backslash or percent sign
_ADDRESS = re.compile(r"[^\s()<>\[\]:;@\\,\"]+@[A-Za-z0-9.-]+")
_UNWRITABLE = re.compile(rb"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Header:
    """One header.

    Args:
        name: what stands before the colon.
        pieces: of its value, each with the spaces before it; lines are folded between them and nowhere else.
    """

    name: str
    pieces: tuple[str, ...]

    def folded(self) -> str:
        """Its lines, without the last CRLF."""
        lines = [f"{self.name}:"]
        for number, piece in enumerate(self.pieces):
            if number and len(lines[-1]) + len(piece) > GOOD_LINE:
                lines.append(piece)
            else:
                lines[-1] += piece
        return "\r\n".join(lines)


def raw(name: str, value: str) -> Header:
    """A header whose value is no text but names, addresses of pages, a date: never encoded.

    Raises:
        InvalidInput: it holds what cannot stand there.
    """
    if not _PRINTABLE.fullmatch(value) or ENCODED in value:
        raise _wrong()
    return Header(name, tuple(re.findall(r" *[!-~]+", f" {value}")))


def text(name: str, value: str) -> Header:
    """A header for people (RFC 5322 section 2.2.1): as it is where it is plain, else as encoded words.

    Raises:
        InvalidInput: it holds what cannot stand there.
    """
    _require_line(value)
    plain = _WORDS.fullmatch(value) and ENCODED not in value
    return Header(name, tuple(f" {word}" for word in (value.split(" ") if plain else _encoded(value))))


def people(name: str, mailboxes: Iterable[Mailbox]) -> Header:
    """A header of mailboxes; an address stands as it is, its domain in ASCII.

    Raises:
        InvalidInput: a name or an address holds what cannot stand there.
    """
    written = [tuple(_mailbox(one)) for one in mailboxes]
    ends = ["," for _ in written[1:]] + [""]
    listed = [(*one[:-1], one[-1] + end) for one, end in zip(written, ends, strict=True)]
    return Header(name, tuple(piece for one in listed for piece in one))


def typed(name: str, value: str, **parameters: str) -> Header:
    """A header with parameters (RFC 2045 section 5.1, and 2231 for other letters).

    Raises:
        InvalidInput: a parameter holds control characters.
    """
    pieces = [value, *(_parameter(key, given) for key, given in parameters.items())]
    return Header(name, (*(f" {piece};" for piece in pieces[:-1]), f" {pieces[-1]}"))


def block(headers: Sequence[Header], *, ascii_only: bool = True) -> bytes:
    """The header of a message or of a part, each line with its CRLF.

    Raises:
        InvalidInput: what was written is not exactly the headers that were meant.
    """
    written = "\r\n".join(one.folded() for one in headers).encode()
    read = written.replace(b"\r\n ", b" ").split(b"\r\n")
    if read != [f"{one.name}:{''.join(one.pieces)}".encode() for one in headers]:
        raise _wrong()
    if _UNWRITABLE.search(b"".join(read)) or (ascii_only and not written.isascii()):
        raise _wrong()
    if any(not line.strip() or len(line) > LONGEST_LINE for line in written.split(b"\r\n")):
        raise _wrong()
    return written + b"\r\n"


def _mailbox(mailbox: Mailbox) -> Iterator[str]:
    address = wire(mailbox.address)
    if ENCODED in address or not _ADDRESS.fullmatch(address):
        raise _wrong()
    if not mailbox.name:
        yield f" {address}"
        return
    for word in _phrase(mailbox.name):
        yield f" {word}"
    yield f" <{address}>"


def _phrase(name: str) -> list[str]:
    """A display name (RFC 5322 section 3.2.5)."""
    _require_line(name)
    if ENCODED not in name and _PRINTABLE.fullmatch(name):
        if _ATOMS.fullmatch(name):
            return name.split(" ")
        return ['"' + re.sub(r'(["\\])', r"\\\1", name) + '"']
    return list(_encoded(name))


def _encoded(value: str) -> Iterator[str]:
    """Encoded words that hold whole characters; readers put them together without what stands between."""
    held = b""
    for character in value:
        more = character.encode()
        if len(held) + len(more) > _WORD_BYTES:
            yield _word(held)
            held = b""
        held += more
    yield _word(held)


def _word(held: bytes) -> str:
    return f"=?utf-8?b?{base64.b64encode(held).decode()}?="


def _parameter(name: str, value: str) -> str:
    if _UNWRITABLE.search(value.encode()):
        raise _wrong()
    if _IN_QUOTES.fullmatch(value) and ENCODED not in value:
        return f'{name}="{value}"'
    return f"{name}*=utf-8''{quote(value, safe='')}"


def _require_line(value: str) -> None:
    try:
        one_line(value)
    except ValueError:
        raise _wrong() from None


def _wrong() -> InvalidInput:
    words = "a header of the message cannot be written as it is meant"
    return InvalidInput(words, reason="headers", status=422)
