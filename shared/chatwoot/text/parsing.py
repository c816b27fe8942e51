"""A model's markdown parsed: CommonMark with tables and strikethrough, the way models write it.

What differs from CommonMark, each because the text would be damaged otherwise:

- HTML is text. Models write ``<name>`` for a blank to fill in.
- Addresses written bare are one piece, so that ``_`` and ``*`` in them are not emphasis.
- Addresses stay as written, not percent-encoded or in Punycode.
- ``[note]: text`` at the start of a line is text, not a link definition that vanishes.
- A line of dashes under a paragraph separates, it does not make a heading of it.
- Indented text is text, not code.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

if TYPE_CHECKING:
    from markdown_it.rules_inline import StateInline

BARE_URL = "bare_url"
"""The kind of node that an address written without any markup becomes."""

DEEPEST = 60
"""How deep blocks may lie in each other; CommonMark's markers can be piled up without end."""

LONGEST = 20_000
"""Longer texts are not replies for a person, and some of them would take the parser seconds."""

_SCHEME = re.compile(r"(?<![A-Za-z0-9])https?\Z", re.IGNORECASE)
_REST = re.compile(r"://[^\s<>\[\]`\"|\\^{}]+")
_ENDS_NO_URL = ".,;:!?'"
_MARKS = "*_~"
_ENTITY = re.compile(r"&#?[A-Za-z0-9]{1,32}\Z")
_TOO_DEEP = re.compile(r"^(?:[ \t]*(?:[>*+-]|\d{1,9}[.)])){20}", re.MULTILINE)


class _Parser(MarkdownIt):
    def normalizeLink(self, url: str) -> str:  # noqa: N802 - the library's name
        return url

    def normalizeLinkText(self, link: str) -> str:  # noqa: N802 - the library's name
        return link


def parse(markdown: str) -> SyntaxTreeNode | None:
    """The tree of a text, ``None`` where it is too long, or its markup piled up too deep, to be meant."""
    if len(markdown) > LONGEST or _TOO_DEEP.search(markdown):
        return None
    return SyntaxTreeNode(_parser().parse(markdown))


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    parser = _Parser("commonmark", {"html": False, "maxNesting": DEEPEST})
    parser.enable(["table", "strikethrough"]).disable(["reference", "lheading", "code"])
    parser.inline.ruler.before("escape", BARE_URL, _bare_url)
    return parser


def _bare_url(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - the library's signature
    """An inline rule: the colon of ``https://…`` is reached, what stands before it is pending already."""
    found = _REST.match(state.src, state.pos)
    scheme = _SCHEME.search(state.src[max(0, state.pos - 6) : state.pos]) if found else None
    if not found or not scheme:
        return False
    before = state.src[max(0, state.pos - len(scheme.group()) - 1)]
    rest = url_without_punctuation(
        found.group()[: state.posMax - state.pos], before if before in _MARKS else ""
    )
    if rest == "://":
        return False
    if _ENTITY.search(rest) and state.src.startswith(";", state.pos + len(rest)):
        rest += ";"
    if not silent:
        if not state.pending.endswith(scheme.group()):
            return False
        state.pending = state.pending[: -len(scheme.group())]
        token = state.push(BARE_URL, "", 0)
        token.content = scheme.group() + rest.replace("&amp;", "&")
    state.pos += len(rest)
    return True


def url_without_punctuation(url: str, mark: str = "") -> str:
    """An address without the sentence's punctuation after it, and without a bracket that it did not open.

    Args:
        url: the address and what may follow it.
        mark: an emphasis mark that stands right before the address and so also ends it.
    """
    ends = _ENDS_NO_URL + mark
    end, unopened = len(url), url.count(")") - url.count("(")
    while end and (url[end - 1] in ends or (url[end - 1] == ")" and unopened > 0)):
        end -= 1
        unopened -= url[end] == ")"
    return url[:end]
