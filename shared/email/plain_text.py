"""The text of an HTML body, for mail programs that show no HTML and for filters that compare the two."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from shared.email.html_scan import scan
from shared.email.text_lines import PARAGRAPH, Lines

if TYPE_CHECKING:
    from shared.email.html_scan import Tag

_SILENT = frozenset({"head", "style", "script", "title", "template"})
_VOID = frozenset({"br", "hr", "img", "meta", "link", "input", "area", "base", "col", "source", "wbr"})
# What may stand in a head; everything else ends it (HTML standard, section 13.2.6.4.4).
_IN_HEAD = frozenset(
    {
        "base",
        "basefont",
        "bgsound",
        "head",
        "html",
        "link",
        "meta",
        "noscript",
        "script",
        "style",
        "template",
        "title",
    }
)
_BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "center",
        "details",
        "div",
        "dl",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hgroup",
        "main",
        "menu",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "ul",
    ]
)
_LINES = frozenset({"tr", "li", "dt", "dd", "caption"})
_LISTS = frozenset({"ol", "ul", "menu"})
# A paragraph is ended by what cannot stand in it, but not from within these (section 13.2.4.2).
_ENDS_PARAGRAPH = _BLOCKS | {"li", "dt", "dd", "hr"}
_WALLS = frozenset({"button", "caption", "marquee", "object", "table", "td", "template", "th"})
_LONGEST_NUMBER = 6


@dataclass(frozen=True)
class _Element:
    """Something that is open.

    Args:
        silent: nothing of it is seen.
        in_paragraph: it is a paragraph, or stands in one that a block would end.
        kept: its line breaks are.
    """

    name: str
    silent: bool = False
    in_paragraph: bool = False
    kept: bool = False


class _Reader:
    """Writes down what a reader would see. Each element is opened and closed once, whatever stands in it."""

    def __init__(self) -> None:
        self.lines = Lines()
        self._open: list[_Element] = []
        self._names: Counter[str] = Counter()  # of what is open
        self._lists: list[int | None] = []  # that are open: the number of the next item, if it has one
        self._link: tuple[str, int] | None = None

    @property
    def _inside(self) -> _Element:
        return self._open[-1] if self._open else _Element("")

    def begin(self, tag: Tag) -> None:
        """A start tag."""
        self._end_unclosed(tag.name)
        hidden = self._inside.silent or tag.name in _SILENT or _is_hidden(tag)
        if tag.name not in _VOID:
            self._push(tag, silent=hidden)
        if not hidden:
            self._break(tag.name)
            self._show(tag)

    def end(self, name: str) -> None:
        """An end tag, also of what was left open inside."""
        silent = self._inside.silent
        if self._names[name]:
            self._close_through(name)
        elif name != "a":  # a link goes on behind a paragraph that ended within it
            return
        if silent:
            return
        if name == "a":
            self._tell_link()
        elif name in {"td", "th"}:
            self.lines.write(" ")
        else:
            self._break(name)

    def text(self, data: str) -> None:
        """What stands between tags."""
        if self._inside.name == "head" and data.strip():
            self._close_through("head")
        if self._inside.silent:
            return
        if not self._inside.kept:
            self.lines.write(re.sub(r"\s+", " ", data))
            return
        first, *others = data.split("\n")
        self.lines.write(first)
        for line in others:
            self.lines.line_end()
            self.lines.write(line)

    def _end_unclosed(self, name: str) -> None:
        """What ends where this begins; its own end tag may be left out."""
        if self._names["head"] and (name == "body" or (self._inside.name == "head" and name not in _IN_HEAD)):
            self._close_through("head")
        if self._inside.in_paragraph and name in _ENDS_PARAGRAPH:
            silent = self._inside.silent
            self._close_through("p")
            if not silent:
                self._break("p")

    def _push(self, tag: Tag, *, silent: bool) -> None:
        around, name = self._inside, tag.name
        in_paragraph = name == "p" or (around.in_paragraph and name not in _WALLS)
        self._open.append(_Element(name, silent, in_paragraph, around.kept or name == "pre"))
        self._names[name] += 1
        if name in _LISTS:
            self._lists.append(_first_number(tag) if name == "ol" else None)

    def _close_through(self, name: str) -> None:
        closed = ""
        while closed != name:
            closed = self._open.pop().name
            self._names[closed] -= 1
            if closed in _LISTS:
                self._lists.pop()

    def _show(self, tag: Tag) -> None:
        if tag.name == "li":
            self.lines.mark(self._next_mark())
        elif tag.name == "img":
            self.lines.write(tag.attributes.get("alt", ""))
        elif tag.name == "a":
            # Links do not stand in each other: a new one ends the one before.
            self._tell_link()
            self._link = (_target(tag.attributes.get("href", "")), len(self.lines.parts))

    def _next_mark(self) -> str:
        number = self._lists[-1] if self._lists else None
        if number is None:
            return "- "
        self._lists[-1] = number + 1
        return f"{number}. "

    def _break(self, name: str) -> None:
        if name in _BLOCKS:
            self.lines.gap(PARAGRAPH)
        elif name in _LINES:
            self.lines.gap(1)
        elif name == "br":
            self.lines.line_end()
        elif name == "hr":
            self.lines.gap(PARAGRAPH)
            self.lines.write("----")
            self.lines.gap(PARAGRAPH)

    def _tell_link(self) -> None:
        link, self._link = self._link, None
        if link and link[0]:
            self.lines.tell_link(*link)


def _is_hidden(tag: Tag) -> bool:
    style = "".join(tag.attributes.get("style", "").lower().split())
    return "hidden" in tag.attributes or "display:none" in style


def _first_number(tag: Tag) -> int:
    start = tag.attributes.get("start", "").strip()
    return int(start) if start.isascii() and start.isdigit() and len(start) <= _LONGEST_NUMBER else 1


def _target(href: str) -> str:
    """Where a link leads, as people write it; nothing where it leads to no page and no person."""
    # Browsers overlook these as well.
    address = re.sub(r"[\t\n\r]", "", href).strip("".join(map(chr, range(0x21))))
    scheme, _, rest = address.partition(":")
    match scheme.lower():
        case "http" | "https":
            return address
        case "mailto" | "tel" | "sms":
            return " ".join(unquote(rest.partition("?")[0]).split())
    return ""


def plain_text(html: str) -> str:
    """What the HTML says, in lines and paragraphs; links with their targets, images with their texts.

    The time it takes grows with the length of the HTML and with nothing else.
    """
    reader = _Reader()
    for found in scan(html):
        if isinstance(found, str):
            reader.text(found)
            continue
        if not found.closing:
            reader.begin(found)
        if found.closing or found.alone:
            reader.end(found.name)
    return reader.lines.text()
