"""Where a value may stand in a company's HTML: in text, and inside quotes of attributes that only tell.

The template is read as a browser would read it, with its conditions as forks: all branches of a condition
must leave the reader at the same place, so that no value can come to stand where the template does not show
it. Escaping then keeps every value inside its place. What runs, frames or sends something is refused, also
where the company wrote it itself: mail programs take such mails for hostile.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from jinja2 import nodes

from shared.email.templates import html_links
from shared.email.templates.html_places import Place, merged, step
from shared.email.templates.html_refusals import FenceError

if TYPE_CHECKING:
    from collections.abc import Iterable

_QUOTES_WORDS = 'must put a value of an attribute into quotes, as in href="{{{{ … }}}}": {place}'
_PLACE_WORDS = "must put values into text or into quotes of an attribute, not into {place}"
_COMMENT = (
    "a comment; in one for Outlook put it between two, "
    "<!--[if mso]>…<![endif]-->{{ … }}<!--[if mso]>…<![endif]-->, or leave the part for Outlook out"
)
_BRANCH_WORDS = "must put a value of an attribute into quotes within a condition: {place}"
_LINK_WORDS = "must begin a link in every branch of a condition, also in its else: {place}"
_FORK_WORDS = "must close within a condition each tag, quote and comment that the condition opens: {place}"
_END_WORDS = "must close each tag, quote, comment and style that it opens: {place}"


def require_fenced(tree: nodes.Template) -> list[nodes.Node]:
    """Refuse a template in whose HTML a value could become more than a text.

    Returns:
        The values that stand in addresses of pages, where they must be URL-encoded.

    Raises:
        FenceError: with words.
    """
    reader = _Reader()
    try:
        end = reader.through(tree.body, Place())
        if end not in {Place(), Place("open")}:
            reader.line = reader.begun
            raise FenceError(_END_WORDS.format(place=end.called))  # noqa: TRY301 - it lacks its line as well
    except FenceError as error:
        raise FenceError(f"{error} (line {reader.line})") from None
    return reader.in_addresses


class _Reader:
    """Reads a template to its end.

    Attributes:
        line: in which it reads.
        begun: in which the last tag or comment began.
        in_addresses: values that were met there.
    """

    def __init__(self) -> None:
        self.line = self.begun = 1
        self.in_addresses: list[nodes.Node] = []

    def through(self, parts: Iterable[nodes.Node], place: Place) -> Place:
        """Where it is behind some parts of the template."""
        for part in parts:
            if isinstance(part, nodes.Output):
                place = self.through(part.nodes, place)
                continue
            self.line = part.lineno
            if isinstance(part, nodes.TemplateData):
                place = self._read(part.data, place)
            elif isinstance(part, nodes.If):
                place = self._fork(part, place)
            else:
                place = self._value(part, place)
        return place

    def _read(self, written: str, place: Place) -> Place:
        for character in written:
            place = step(character, place)
            if character == "\n":
                self.line += 1
            elif place.mode == "open":
                self.begun = self.line
        return place

    def _fork(self, condition: nodes.If, place: Place) -> Place:
        branches = [condition.body, *(one.body for one in condition.elif_), condition.else_]
        ends = {self.through(branch, place) for branch in branches}
        self.line = condition.lineno
        end = merged(ends)
        if end is None:
            raise _split(ends)
        return end

    def _value(self, expression: nodes.Node, place: Place) -> Place:
        """Behind a value; refuses it where it must not stand."""
        if place.mode in {"equals", "bare"}:
            raise FenceError(_QUOTES_WORDS.format(place=place.called))
        if place.mode == "quoted" and place.attribute in html_links.ATTRIBUTES:
            if place.held == html_links.BEHIND_HOST:
                self.in_addresses.append(expression)
            address = _is_address(expression)
            return replace(place, held=html_links.behind_value(place.held, place.called, address=address))
        if not _bears_value(place):
            raise FenceError(_PLACE_WORDS.format(place=_called(place)))
        return place


def _bears_value(place: Place) -> bool:
    if place.mode == "quoted":
        return place.attribute != "style" and place.tag != "meta"
    return place.mode == "text" or (place.mode == "raw" and place.tag == "title" and not place.held)


def _called(place: Place) -> str:
    if place.mode == "quoted":
        return f"a {'style' if place.attribute == 'style' else 'meta'}: {place.called}"
    if place.mode in {"comment", "bogus"}:
        return _COMMENT
    return "a style: <style>" if place.mode == "raw" else f"a tag: {place.called}"


def _split(ends: set[Place]) -> FenceError:
    """Of branches that end at several places."""
    place = max(ends, key=lambda end: (end.mode in {"bare", "equals"}, end.mode != "text", end.called))
    if place.mode in {"bare", "equals"}:
        return FenceError(_BRANCH_WORDS.format(place=place.called))
    links = all(end.mode == "quoted" and end.attribute in html_links.ATTRIBUTES for end in ends)
    return FenceError((_LINK_WORDS if links else _FORK_WORDS).format(place=place.called))


def _is_address(expression: nodes.Node | None) -> bool:
    """Whether an expression can only be one of the values that are addresses, or one that stands in it."""
    match expression:
        case nodes.Getattr(attr=name):
            return str(name).endswith("url")
        case nodes.Const(value=str(written)):
            return html_links.is_address(written)
        case nodes.Filter(name="default", node=value, args=[instead, *_]):
            return _is_address(value) and _is_address(instead)
        case nodes.Or(left=left, right=right):
            return _is_address(left) and _is_address(right)
        case nodes.CondExpr(expr1=first, expr2=second):
            return _is_address(first) and _is_address(second)
    return False
