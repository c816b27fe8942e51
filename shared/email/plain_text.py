"""The text of an HTML body, for mail programs that show no HTML and for filters that compare the two."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from shared.email.html_scan import scan

if TYPE_CHECKING:
    from shared.email.html_scan import Tag

_SILENT = frozenset({"head", "style", "script", "title", "template"})
_VOID = frozenset({"br", "hr", "img", "meta", "link", "input", "area", "base", "col", "source", "wbr"})
_BLOCKS = frozenset(
    [
        "address",
        "article",
        "blockquote",
        "center",
        "div",
        "dl",
        "fieldset",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "ul",
    ]
)
_LINES = frozenset({"tr", "li", "dt", "dd", "caption"})


class _Reader:
    """Writes down what a reader would see. Each element is opened and closed once, whatever stands in it."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._open: list[tuple[str, bool]] = []  # elements that are open, and whether they are silent
        self._names: Counter[str] = Counter()  # the same by name
        self._link: tuple[str, int] | None = None

    @property
    def _silent(self) -> bool:
        return bool(self._open) and self._open[-1][1]

    def begin(self, tag: Tag) -> None:
        """A start tag."""
        style = "".join(tag.attributes.get("style", "").lower().split())
        if tag.name not in _VOID:
            silent = self._silent or tag.name in _SILENT or "display:none" in style
            self._open.append((tag.name, silent))
            self._names[tag.name] += 1
        if self._silent:
            return
        self._break(tag.name)
        if tag.name == "li":
            self.parts.append("- ")
        elif tag.name == "img":
            self.parts.append(tag.attributes.get("alt", ""))
        elif tag.name == "a":
            # Links do not stand in each other: a new one ends the one before.
            self._tell_link()
            self._link = (tag.attributes.get("href", ""), len(self.parts))

    def end(self, name: str) -> None:
        """An end tag, also of what was left open inside."""
        if not self._names[name]:
            return
        silent = self._silent
        while self._close() != name:
            pass
        if silent:
            return
        if name == "a":
            self._tell_link()
        elif name in {"td", "th"}:
            self.parts.append(" ")
        elif name not in _LINES:
            self._break(name)

    def text(self, data: str) -> None:
        """What stands between tags."""
        if not self._silent:
            self.parts.append(re.sub(r"\s+", " ", data))

    def _close(self) -> str:
        name, _silent = self._open.pop()
        self._names[name] -= 1
        return name

    def _break(self, name: str) -> None:
        if name in _BLOCKS:
            self.parts.append("\n\n")
        elif name in _LINES or name == "br":
            self.parts.append("\n")
        elif name == "hr":
            self.parts.append("\n\n----\n\n")

    def _tell_link(self) -> None:
        if self._link is None:
            return
        target, since = self._link
        self._link = None
        if target.startswith(("http://", "https://", "mailto:", "tel:")):
            shown = "".join(self.parts[since:]).strip()
            plain = re.sub(r"^(mailto:|tel:)", "", target)
            if plain not in shown:
                self.parts.append(f" ({plain})" if shown else plain)


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
    lines = [" ".join(line.split()) for line in "".join(reader.parts).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"
