"""HTML as a row of tags and texts, in one pass: each character is looked at a bounded number of times.

The rules are those of the HTML standard (section 13.2.5) as far as a reader needs them. As there, what is
begun and never closed (a comment, a tag, a quote) reaches to the end, so that nothing is looked at again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from html.entities import html5
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_ATTRIBUTES = 100  # of a tag; what stands behind them is not read
_GAP = r" \t\n\r\f"
_MARKUP = re.compile(r"<[A-Za-z/!?]")
_NAME = re.compile(rf"[^{_GAP}/>]+")
_BETWEEN = re.compile(rf"[{_GAP}/]*")
_ATTRIBUTE = re.compile(rf"=?[^{_GAP}/>=]*")
_EQUALS = re.compile(rf"[{_GAP}]*=[{_GAP}]*")
_BARE = re.compile(rf"[^{_GAP}>]*")
_COMMENT_END = re.compile(r"--!?>")
# Nothing in them is a tag but their own end.
_RAW_ENDS = {
    name: re.compile(rf"</{name}(?=[{_GAP}/>])", re.IGNORECASE) for name in ("script", "style", "title")
}
# No character has a number of so many digits, and Python refuses to read very long ones.
_NO_CHARACTER = re.compile(r"&#(?:[0-9]{9,}|[xX][0-9A-Fa-f]{9,});?")
_IN_ATTRIBUTE = re.compile(r"&(?:#[0-9]+;?|#[xX][0-9A-Fa-f]+;?|[A-Za-z][A-Za-z0-9]*(?:;|(?![A-Za-z0-9=])))")


@dataclass(frozen=True)
class Tag:
    """A start tag or an end tag.

    Args:
        name: in small letters.
        closing: it is an end tag.
        alone: it ends itself (``<br/>``).
        attributes: by name in small letters, without character references; the first of a name counts.
    """

    name: str
    closing: bool = False
    alone: bool = False
    attributes: dict[str, str] = field(default_factory=dict)


def scan(html: str) -> Iterator[Tag | str]:
    """The tags of an HTML text, and the texts between them without character references."""
    scanner = _Scanner(html)
    while scanner.at < len(html):
        found = _MARKUP.search(html, scanner.at)
        end = found.start() if found else len(html)
        if end > scanner.at:
            yield plain(html[scanner.at : end])
        scanner.at = end
        if found and (tag := scanner.markup()):
            yield tag


def plain(source: str) -> str:
    """A text with its character references read."""
    return unescape(_NO_CHARACTER.sub("\ufffd", source)) if "&" in source else source


def plain_attribute(source: str) -> str:
    """The value of an attribute with its character references read.

    A name without ``;`` is none where ``=``, a letter or a digit follows: ``?a=1&copy=2`` is an address
    (section 13.2.5.73).
    """
    return _IN_ATTRIBUTE.sub(_character, source) if "&" in source else source


def _character(reference: re.Match[str]) -> str:
    written = reference[0]
    return plain(written) if written[1] == "#" else html5.get(written[1:], written)


class _Scanner:
    def __init__(self, html: str) -> None:
        self._html = html
        self.at = 0

    def markup(self) -> Tag | None:
        """What begins here, if it is a tag; goes behind it."""
        html, begun = self._html, self.at
        if html.startswith("<!--", begun):
            self._skip_comment()
            return None
        closing = html[begun + 1] == "/"
        name = _NAME.match(html, begun + 1 + closing)
        if name is None or not (name[0][0].isascii() and name[0][0].isalpha()):
            self._skip_to(html.find(">", begun + 1), 1)
            return None
        self.at = name.end()
        return self._tag(name[0].lower(), closing=closing)

    def _tag(self, name: str, *, closing: bool) -> Tag | None:
        attributes: dict[str, str] = {}
        html, alone = self._html, False
        for _ in range(MAX_ATTRIBUTES):
            begun, self.at = self.at, self._behind(_BETWEEN)
            if self.at >= len(html) or html[self.at] == ">":
                alone = not closing and html.endswith("/", begun, self.at)
                break
            key, value = self._attribute()
            attributes.setdefault(key, value)
        end = html.find(">", self.at)
        self._skip_to(end, 1)
        if end < 0:
            return None
        if not (closing or alone):
            self._skip_raw(name)
        return Tag(name, closing, alone, attributes)

    def _attribute(self) -> tuple[str, str]:
        html, begun = self._html, self.at
        self.at = self._behind(_ATTRIBUTE)
        key = html[begun : self.at].lower()
        equals = _EQUALS.match(html, self.at)
        if equals is None:
            return key, ""
        self.at = begun = equals.end()
        quote = html[begun : begun + 1]
        if quote in {'"', "'"}:
            end = html.find(quote, begun + 1)
            self._skip_to(end, 1)
            return key, plain_attribute(html[begun + 1 : end]) if end >= 0 else ""
        self.at = self._behind(_BARE)
        return key, plain_attribute(html[begun : self.at])

    def _behind(self, pattern: re.Pattern[str]) -> int:
        found = pattern.match(self._html, self.at)
        return found.end() if found else self.at

    def _skip_comment(self) -> None:
        inside = self.at + len("<!--")
        for short in (">", "->"):
            if self._html.startswith(short, inside):
                self.at = inside + len(short)
                return
        end = _COMMENT_END.search(self._html, inside)
        self._skip_to(end.end() if end else -1, 0)

    def _skip_raw(self, name: str) -> None:
        if name in _RAW_ENDS:
            end = _RAW_ENDS[name].search(self._html, self.at)
            self._skip_to(end.start() if end else -1, 0)

    def _skip_to(self, found: int, more: int) -> None:
        """Go to what was found, or to the end where nothing was."""
        self.at = found + more if found >= 0 else len(self._html)
