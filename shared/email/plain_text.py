"""The text of an HTML body, for mail programs that show no HTML and for filters that compare the two."""

from __future__ import annotations

import re
from html.parser import HTMLParser

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


class _Reader(HTMLParser):
    """Writes down what a reader would see."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._open: list[tuple[str, bool]] = []  # elements that are open, and whether they are silent
        self._links: list[tuple[str, int]] = []

    @property
    def _silent(self) -> bool:
        return bool(self._open) and self._open[-1][1]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See `HTMLParser`."""
        given = {name: value or "" for name, value in attrs}
        hidden = "display:none" in re.sub(r"\s", "", given.get("style", "").lower())
        if tag not in _VOID:
            self._open.append((tag, self._silent or tag in _SILENT or hidden))
        if self._silent:
            return
        self._break(tag)
        if tag == "li":
            self.parts.append("- ")
        elif tag == "img":
            self.parts.append(given.get("alt", ""))
        elif tag == "a":
            self._links.append((given.get("href", ""), len(self.parts)))

    def handle_endtag(self, tag: str) -> None:
        """See `HTMLParser`."""
        if tag not in {name for name, _silent in self._open}:
            return
        silent = self._silent
        while self._open.pop()[0] != tag:
            pass
        if silent:
            return
        if tag == "a" and self._links:
            self._tell_link(*self._links.pop())
        elif tag in {"td", "th"}:
            self.parts.append(" ")
        elif tag not in _LINES:
            self._break(tag)

    def handle_data(self, data: str) -> None:
        """See `HTMLParser`."""
        if not self._silent:
            self.parts.append(re.sub(r"\s+", " ", data))

    def _break(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.parts.append("\n\n")
        elif tag in _LINES or tag == "br":
            self.parts.append("\n")
        elif tag == "hr":
            self.parts.append("\n\n----\n\n")

    def _tell_link(self, target: str, since: int) -> None:
        shown = "".join(self.parts[since:]).strip()
        if target.startswith(("http://", "https://", "mailto:", "tel:")):
            plain = re.sub(r"^(mailto:|tel:)", "", target)
            if plain not in shown:
                self.parts.append(f" ({plain})" if shown else plain)


def plain_text(html: str) -> str:
    """What the HTML says, in lines and paragraphs; links with their targets, images with their texts."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = [" ".join(line.split()) for line in "".join(reader.parts).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"
