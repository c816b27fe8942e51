"""A model's markdown written so that each channel shows it well, after Chatwoot's own conversion.

Chatwoot converts markdown per channel since 4.9 (its ``MarkdownRendererService``): links lose their label on
WhatsApp, numbered lists lost their numbers for some versions, code blocks and everything that looks like HTML
can vanish, line ends become spaces. So what is handed over is flat text that this conversion has nothing to
do with: lines with their own bullets and numbers, and inline marks (bold, italic, code) only where the
channel shows them. docs/decisions/0006-text-fit.md says more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.chatwoot.text.channels import Writing
from shared.chatwoot.text.escaping import NO_BREAK_SPACE, escape, guard_line, guard_tags
from shared.chatwoot.text.inline import Inline
from shared.chatwoot.text.parsing import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from markdown_it.tree import SyntaxTreeNode

    from shared.chatwoot.text.channels import Channel

INDENT = NO_BREAK_SPACE * 3
BULLETS = ("•", "◦")
RULE = "———"
QUOTE = r"\>"


def for_channel(markdown: str, channel: Channel) -> str:
    """The text to post into a conversation of this channel."""
    if channel.writing is Writing.AS_IT_IS:
        return markdown
    if channel.writing is Writing.MARKDOWN:
        return guard_tags(markdown)
    tree = parse(markdown)
    if tree is None:
        return "\n".join(guard_line(escape(line, html=channel.html)) for line in markdown.split("\n"))
    return _Blocks(channel).text(tree)


class _Blocks:
    """Writes the blocks of a tree as lines."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._marked = channel.writing is Writing.MARKED
        self._inline = Inline(channel)
        self._writers: dict[str, Callable[[SyntaxTreeNode], str]] = {
            "heading": self._heading,
            "blockquote": self._quote,
            "fence": self._code,
            "table": self._table,
            "hr": lambda _node: RULE,
        }

    def text(self, tree: SyntaxTreeNode) -> str:
        """All blocks, with an empty line between them."""
        return "\n\n".join(block for block in map(self._block, tree.children) if block)

    def _block(self, node: SyntaxTreeNode, depth: int = 0) -> str:
        if node.type in ("bullet_list", "ordered_list"):
            return self._list(node, depth)
        return self._writers.get(node.type, self._paragraph)(node)

    def _paragraph(self, node: SyntaxTreeNode) -> str:
        return _guarded(self._inline.text(node))

    def _heading(self, node: SyntaxTreeNode) -> str:
        return _guarded(self._inline.bold(node))

    def _list(self, node: SyntaxTreeNode, depth: int) -> str:
        number = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
        items = []
        for offset, item in enumerate(node.children):
            marker = (
                f"{BULLETS[depth > 0]} "
                if number is None
                else f"{number + offset}{item.markup}{NO_BREAK_SPACE}"
            )
            items.append(self._item(item, marker, depth))
        return "\n".join(items)

    def _item(self, item: SyntaxTreeNode, marker: str, depth: int) -> str:
        blocks = [self._block(child, depth + 1) for child in item.children]
        first_is_text = bool(item.children) and not item.children[0].type.endswith("_list")
        head = blocks.pop(0) if first_is_text else ""
        lines = [f"{marker}{head}".replace("\n", f"\n{INDENT}").rstrip(" ")]
        lines += [f"{INDENT}{block}".replace("\n", f"\n{INDENT}") for block in blocks if block]
        return "\n".join(lines)

    def _quote(self, node: SyntaxTreeNode) -> str:
        """WhatsApp shows ``>`` itself, so it must arrive there before every line, not be read by Chatwoot."""
        inner = self.text(node)
        if not self._marked or self._channel.html:
            return inner
        return "\n".join(f"{QUOTE} {line}" if line else QUOTE for line in inner.split("\n"))

    def _code(self, node: SyntaxTreeNode) -> str:
        return "\n".join(map(self._inline.code_line, node.content.rstrip("\n").split("\n")))

    def _table(self, node: SyntaxTreeNode) -> str:
        rows = [
            [self._inline.text(cell).replace("\n", " ") for cell in row.children]
            for part in node.children
            for row in part.children
        ]
        head, body = rows[0], rows[1:]
        if len(head) <= 2:  # noqa: PLR2004 - two columns read as "name: value" without their headings
            title = ": ".join(cell for cell in head if cell)
            pairs = [f"{BULLETS[0]} {': '.join(cell for cell in row if cell)}" for row in body]
            return "\n".join([*([_guarded(title)] if title else []), *pairs])
        return "\n".join(f"{BULLETS[0]} {_labelled(head, row)}" for row in body or [[]])


def _labelled(head: list[str], row: list[str]) -> str:
    if not any(row):
        return " · ".join(filter(None, head))
    cells = ((label, cell) for label, cell in zip(head, row, strict=False) if cell)
    return " · ".join(f"{label}: {cell}" if label else cell for label, cell in cells)


def _guarded(text: str) -> str:
    return "\n".join(guard_line(line) for line in text.split("\n"))
