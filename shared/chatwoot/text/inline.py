"""The inside of a paragraph: emphasis, code, links, and text that means nothing in markdown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.chatwoot.text.channels import Writing
from shared.chatwoot.text.escaping import LOOKS_LIKE_LESS_THAN, NO_BREAK_SPACE, escape, guard_line, safe_url
from shared.chatwoot.text.parsing import BARE_URL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from markdown_it.tree import SyntaxTreeNode

    from shared.chatwoot.text.channels import Channel

_SCHEMES_NOT_SHOWN = ("mailto:", "tel:")


@dataclass(frozen=True)
class _Around:
    """What is around a node: whether it is bold already, whether it is the last of its line."""

    bold: bool = False
    ends_line: bool = False


class Inline:
    """Writes inline nodes for one channel.

    Args:
        channel: which one.
    """

    def __init__(self, channel: Channel) -> None:
        self._html = channel.html
        self._marked = channel.writing is Writing.MARKED
        self._writers: dict[str, Callable[[SyntaxTreeNode, _Around], str]] = {
            "inline": self._children,
            "softbreak": lambda _node, _around: "\n",
            "hardbreak": lambda _node, _around: "\n",
            "strong": self._strong,
            "em": self._emphasis,
            "s": self._struck,
            "code_inline": lambda node, _around: self._code(node.content),
            "link": self._link,
            "image": self._link,
            BARE_URL: lambda node, _around: safe_url(node.content),
        }

    def text(self, node: SyntaxTreeNode) -> str:
        """Everything inside a block, with line ends where the source has them."""
        return self._nodes(node.children, _Around())

    def bold(self, node: SyntaxTreeNode) -> str:
        """The same in bold, where the channel shows bold."""
        inner = self._nodes(node.children, _Around(bold=self._marked))
        return _mark("**", inner) if self._marked else inner

    def code_line(self, line: str) -> str:
        """One line of a code block: Chatwoot drops whole blocks on some channels, so each stands alone."""
        if not line.strip():
            return ""
        if self._marked and "`" not in line:
            return self._code(line)
        spaces = len(line) - len(line.lstrip())
        return guard_line(NO_BREAK_SPACE * spaces + self._escape(line.lstrip()))

    def _escape(self, text: str) -> str:
        return escape(text, html=self._html)

    def _nodes(self, nodes: Sequence[SyntaxTreeNode], around: _Around) -> str:
        written: list[str] = []
        for at, node in enumerate(nodes):
            last = at + 1 == len(nodes) or nodes[at + 1].type in ("softbreak", "hardbreak")
            write = self._writers.get(node.type, self._plain)
            written.append(write(node, replace(around, ends_line=last)))
        return "".join(written)

    def _plain(self, node: SyntaxTreeNode, _around: _Around) -> str:
        return self._escape(node.content)

    def _children(self, node: SyntaxTreeNode, around: _Around) -> str:
        return self._nodes(node.children, around)

    def _strong(self, node: SyntaxTreeNode, around: _Around) -> str:
        inner = self._nodes(node.children, _Around(bold=True))
        return _mark("**", inner) if self._marked and not around.bold else inner

    def _emphasis(self, node: SyntaxTreeNode, around: _Around) -> str:
        inner = self._nodes(node.children, around)
        return _mark("*", inner) if self._marked else inner

    def _struck(self, node: SyntaxTreeNode, around: _Around) -> str:
        """A struck price must not look like a valid one; a single tilde is WhatsApp's own mark for it."""
        return _mark("~~" if self._html else "~", self._nodes(node.children, around))

    def _code(self, content: str) -> str:
        if not self._marked or "`" in content or not content.strip():
            return self._escape(content)
        return f"`{content.replace('<', LOOKS_LIKE_LESS_THAN) if self._html else content}`"

    def _link(self, node: SyntaxTreeNode, around: _Around) -> str:
        address = str(node.attrs.get("href") or node.attrs.get("src") or "")
        shown = address
        for scheme in _SCHEMES_NOT_SHOWN:
            shown = shown.removeprefix(scheme)
        label = self._nodes(node.children, _Around(bold=True)).replace("\n", " ").strip()
        url = safe_url(shown)
        if not url:
            return label
        if not label or label in (url, self._escape(shown), self._escape(shown.split("://")[-1])):
            return url
        if self._html and shown == address:
            return f"[{label}]({url.replace('(', '%28').replace(')', '%29')})"
        return f"{label.rstrip(':')}: {url}" if around.ends_line else f"{label} ({url})"


def _mark(mark: str, inner: str) -> str:
    """Marks around each line, because no channel carries them over a line's end."""
    return "\n".join(f"{mark}{line}{mark}" if line.strip() else line for line in inner.split("\n"))
