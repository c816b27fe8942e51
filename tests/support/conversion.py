"""What Chatwoot makes of a message's markdown before it hands the text to a provider, for tests.

Made from the described behaviour of its ``MarkdownRendererService`` (4.9 to 4.15), the harmful parts above
all: HTML and code blocks vanish, links lose their label, empty lines are hidden from the parser, and on some
channels a line end becomes a space.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Conversion:
    """How one channel's text is converted.

    Attributes:
        marks: what stands around strong text, emphasis, code and struck text.
        link: how a link is written, of label and address.
        softbreak: what a line end becomes.
        bullet: what stands before an item of a list without numbers.
        quote: what stands before a quotation.
        numbers: whether numbered lists keep their numbers; in 4.9 they did not on WhatsApp.
    """

    marks: dict[str, tuple[str, str]]
    link: str = "{url}"
    softbreak: str = "\n"
    bullet: str = "- "
    quote: str = ""
    numbers: bool = True


_STARS = {"strong": ("*", "*"), "em": ("_", "_"), "s": ("<del>", "</del>")}
_CODE = {"code_inline": ("`", "`")}
WHATSAPP = Conversion(_STARS | _CODE, quote="> ")
WHATSAPP_4_9 = Conversion(_STARS | _CODE, quote="> ", numbers=False)
PLAIN = Conversion({}, link="{label} {url}")
INSTAGRAM = Conversion(_STARS, softbreak=" ")
LINE = Conversion({"strong": (" *", "* "), "em": (" _", "_ ")}, softbreak=" ", bullet="")
TELEGRAM = Conversion(
    {
        "strong": ("<strong>", "</strong>"),
        "em": ("<em>", "</em>"),
        "code_inline": ("<code>", "</code>"),
        "s": ("<del>", "</del>"),
    },
    link='<a href="{url}">{label}</a>',
    bullet="• ",
)

_EMPTY_LINES = re.compile(r"\n{2,}")


def converted(text: str, conversion: Conversion) -> str:
    """The text as the provider gets it."""
    text = re.sub(r"^[ \t]+$", "", text, flags=re.MULTILINE)
    hidden = _EMPTY_LINES.sub(lambda found: f"{{{{PRESERVE_{len(found.group())}_NEWLINES}}}}", text)
    parser = MarkdownIt("commonmark").enable("strikethrough")
    written = _all(SyntaxTreeNode(parser.parse(hidden)).children, conversion).rstrip("\n")
    return re.sub(r"\{\{PRESERVE_(\d+)_NEWLINES\}\}", lambda found: "\n" * int(found.group(1)), written)


def _all(nodes: Sequence[SyntaxTreeNode], conversion: Conversion) -> str:
    return "".join(_one(node, conversion) for node in nodes)


def _one(node: SyntaxTreeNode, conversion: Conversion) -> str:
    if node.type in ("html_block", "html_inline", "fence", "code_block", "hr"):
        return ""
    if node.type in ("softbreak", "hardbreak"):
        return "\n" if node.type == "hardbreak" else conversion.softbreak
    if node.type in ("link", "image"):
        url = str(node.attrs.get("href") or node.attrs.get("src"))
        return conversion.link.format(label=_all(node.children, conversion), url=url)
    inner = node.content if node.type in ("text", "code_inline") else _all(node.children, conversion)
    before, after = conversion.marks.get(node.type, ("", ""))
    if node.type in ("paragraph", "heading", "list_item", "bullet_list", "ordered_list", "blockquote"):
        before, after = _block_marks(node, conversion), "" if inner.endswith("\n") else "\n"
    return f"{before}{inner}{after}"


def _block_marks(node: SyntaxTreeNode, conversion: Conversion) -> str:
    if node.type == "blockquote":
        return conversion.quote
    if node.type != "list_item":
        return ""
    if node.info and conversion.numbers:
        return f"{node.info}. "
    return conversion.bullet
