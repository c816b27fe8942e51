"""Where a value may stand in a company's HTML: in text, and inside quotes of attributes that only tell.

The template is read as a browser would read it (HTML standard, section 13.2.5), with its conditions as forks:
all branches of a condition must leave the reader at the same place, so that no value can come to stand where
the template does not show it. Escaping then keeps every value inside its place. What runs, frames or sends
something is refused, also where the company wrote it itself: mail programs take such mails for hostile.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from html import unescape
from typing import TYPE_CHECKING

from jinja2 import nodes

if TYPE_CHECKING:
    from collections.abc import Iterable

# They run or frame something, send something away, change what all links mean, or are read by other rules.
_REFUSED_TAGS = frozenset(
    [
        "applet",
        "base",
        "embed",
        "form",
        "frame",
        "frameset",
        "iframe",
        "math",
        "meta",
        "noembed",
        "noframes",
        "noscript",
        "object",
        "plaintext",
        "script",
        "svg",
        "textarea",
        "xmp",
    ]
)
_REFUSED_ATTRIBUTES = frozenset({"srcdoc", "action", "formaction", "ping", "http-equiv"})
_LINKS = frozenset({"href", "src", "srcset", "background", "poster", "cite", "longdesc", "lowsrc", "dynsrc"})
_IMAGES = tuple(f"data:image/{kind};" for kind in ("png", "gif", "jpeg", "webp"))
_SCHEMES = ("https:", "http:", "mailto:", "tel:", "sms:", "cid:", *_IMAGES)
_LONGEST_START = 200
_LONGEST_REFERENCE = 33  # of a character, with its ``&``
_SPACE = frozenset(" \t\n\r\f")
_SAFE = "…"  # a link whose beginning is known to be harmless
_SCRIPT_WORDS = "must hold no script, form or frame, and no on… attribute: mail programs refuse them"
_QUOTES_WORDS = 'must put a value of an attribute into quotes: href="{{ … }}"'
_PLACE_WORDS = "must put values into text or into quotes of an attribute, not into {place}"
_LINK_WORDS = (
    "must begin links with https://, http://, mailto:, tel: or cid:, or with a value that is an address"
)
_FORK_WORDS = "must close within a condition each tag, quote and comment that the condition opens"
_TITLE_WORDS = "must hold no tag in its title: some programs would read it as one"


class FenceError(ValueError):
    """Words for whoever wrote the template."""


@dataclass(frozen=True)
class Place:
    """Where the reader is.

    Args:
        mode: a key of `_STEPS`.
        held: what was read of a name, of an end, or of the beginning of a link.
        tag: whose inside it is, with a ``/`` in an end tag.
        attribute: of the value.
        quote: of the value.
    """

    mode: str = "text"
    held: str = ""
    tag: str = ""
    attribute: str = ""
    quote: str = ""


def require_fenced(tree: nodes.Template) -> None:
    """Refuse a template in whose HTML a value could become more than a text.

    Raises:
        FenceError: with words.
    """
    end = _through(tree.body, Place())
    if end not in {Place(), Place("open")}:
        raise FenceError("must close each tag, quote, comment and style that it opens")


def _through(parts: Iterable[nodes.Node], place: Place) -> Place:
    for part in parts:
        if isinstance(part, nodes.Output):
            place = _through(part.nodes, place)
        elif isinstance(part, nodes.TemplateData):
            place = _read(part.data, place)
        elif isinstance(part, nodes.If):
            place = _fork(part, place)
        else:
            place = _value(part, place)
    return place


def _fork(condition: nodes.If, place: Place) -> Place:
    branches = [condition.body, *(one.body for one in condition.elif_), condition.else_]
    ends = {_through(branch, place) for branch in branches}
    if len(ends) > 1:
        raise FenceError(_FORK_WORDS)
    return ends.pop()


def _value(expression: nodes.Node, place: Place) -> Place:
    """Behind a value; refuses it where it must not stand."""
    if place.mode in {"equals", "bare"}:
        raise FenceError(_QUOTES_WORDS)
    if place.mode == "quoted":
        if place.attribute == "style":
            raise FenceError(_PLACE_WORDS.format(place="a style"))
        if place.attribute in _LINKS and place.held != _SAFE:
            if place.held or not _is_address(expression):
                raise FenceError(_LINK_WORDS)
            return replace(place, held=_SAFE)
        return place
    if place.mode == "text" or (place.mode == "raw" and place.tag == "title" and not place.held):
        return place
    raise FenceError(_PLACE_WORDS.format(place=_NAMES.get(place.mode, "a tag")))


_NAMES = {"comment": "a comment", "bogus": "a comment", "raw": "a style"}


def _is_address(expression: nodes.Node | None) -> bool:
    """Whether an expression can only be one of the values that are addresses, or one that stands in it."""
    match expression:
        case nodes.Getattr(attr=name):
            return str(name).endswith("url")
        case nodes.Const(value=str(written)):
            return written.startswith(_SCHEMES)
        case nodes.Filter(name="default", node=value, args=[instead, *_]):
            return _is_address(value) and _is_address(instead)
        case nodes.Or(left=left, right=right):
            return _is_address(left) and _is_address(right)
        case nodes.CondExpr(expr1=first, expr2=second):
            return _is_address(first) and _is_address(second)
    return False


def _read(written: str, place: Place) -> Place:
    for character in written:
        place = _STEPS[place.mode](character, place)
    return place


def _text(character: str, place: Place) -> Place:
    return Place("open") if character == "<" else place


def _open(character: str, place: Place) -> Place:
    """Behind ``<``, ``</`` or ``<!``."""
    held = place.held + character
    if character.isascii() and character.isalpha() and place.held in {"", "/"}:
        return Place("name", character.lower(), "/" if place.held else "")
    if held in {"/", "!", "!-"}:
        return replace(place, held=held)
    if held == "!--":
        return Place("comment", "^")
    if held[0] in "/!?":
        return _bogus(character, Place("bogus"))
    return _text(character, Place())


def _name(character: str, place: Place) -> Place:
    if character not in _SPACE and character not in "/>":
        return replace(place, held=place.held + character.lower())
    if place.held in _REFUSED_TAGS:
        raise FenceError(_SCRIPT_WORDS)
    return _between(character, Place("between", tag=place.tag + place.held))


def _between(character: str, place: Place) -> Place:
    if character == ">":
        return Place("raw", tag=place.tag) if place.tag in {"style", "title"} else Place()
    if character in _SPACE or character == "/":
        return replace(place, mode="between")
    return Place("attribute", character.lower(), place.tag)


def _attribute(character: str, place: Place) -> Place:
    if character == "=":
        return Place("equals", tag=place.tag, attribute=_allowed(place.held))
    if character in _SPACE:
        return replace(place, mode="after")
    if character in "/>":
        _allowed(place.held)
        return _between(character, Place("between", tag=place.tag))
    return replace(place, held=place.held + character.lower())


def _after(character: str, place: Place) -> Place:
    """Behind an attribute's name and spaces, before ``=`` or something else."""
    if character in _SPACE:
        return place
    if character == "=":
        return _attribute(character, place)
    _allowed(place.held)
    return _between(character, Place("between", tag=place.tag))


def _equals(character: str, place: Place) -> Place:
    if character in _SPACE:
        return place
    if character in {'"', "'"}:
        return replace(place, mode="quoted", quote=character)
    return _bare(character, replace(place, mode="bare"))


def _bare(character: str, place: Place) -> Place:
    if character in _SPACE or character == ">":
        _require_link(place, ended=True)
        return _between(character, Place("between", tag=place.tag))
    return _in_value(character, place)


def _quoted(character: str, place: Place) -> Place:
    if character == place.quote:
        _require_link(place, ended=True)
        return Place("between", tag=place.tag)
    return _in_value(character, place)


def _in_value(character: str, place: Place) -> Place:
    """Only the beginning of a link is remembered, until it is known what it leads to."""
    # Browsers overlook control characters and spaces in it.
    if place.attribute not in _LINKS or place.held == _SAFE or character <= " " or character == "\x7f":
        return place
    held = replace(place, held=place.held + character)
    return replace(place, held=_SAFE) if _require_link(held, ended=False) else held


def _require_link(place: Place, *, ended: bool) -> bool:
    """Whether a link is known to be harmless; refuses one that is not."""
    if place.attribute not in _LINKS or place.held == _SAFE:
        return True
    if len(place.held) > _LONGEST_START:
        raise FenceError(_LINK_WORDS)
    if "&" in place.held[-_LONGEST_REFERENCE:] and not ended:
        return False  # what it says is known at its end
    start = "".join(c for c in unescape(place.held) if c > " " and c != "\x7f").lower()
    if start.startswith(_SCHEMES) or start.startswith(("/", "#", "?")):
        return True
    if ":" in start and (ended or not any(one.startswith(start) for one in _SCHEMES)):
        raise FenceError(_LINK_WORDS)
    return ended


def _allowed(attribute: str) -> str:
    if attribute.startswith("on") or attribute in _REFUSED_ATTRIBUTES:
        raise FenceError(_SCRIPT_WORDS)
    return attribute.rpartition(":")[2]


def _comment(character: str, place: Place) -> Place:
    """Held is how much of its end was read; ``^`` is its very beginning, where a ``>`` ends it as well."""
    if character == ">" and place.held in {"^", "^-", "--", "--!"}:
        return Place()
    if character == "-":
        held = {"^": "^-", "": "-", "--!": "-"}.get(place.held, "--")
    else:
        held = "--!" if character == "!" and place.held == "--" else ""
    return replace(place, held=held)


def _bogus(character: str, place: Place) -> Place:
    return Place() if character == ">" else place


def _raw(character: str, place: Place) -> Place:
    """In a style or a title: nothing is a tag but its own end."""
    end = f"</{place.tag}"
    if place.held == end:
        if character in _SPACE or character in "/>":
            return _between(character, Place("between", tag=f"/{place.tag}"))
        if place.tag == "title":
            raise FenceError(_TITLE_WORDS)
        # Not its end after all; but another may begin with this very character.
        return _raw(character, replace(place, held=""))
    held = place.held + character.lower()
    if end.startswith(held):
        return replace(place, held=held)
    if place.held and place.tag == "title":
        raise FenceError(_TITLE_WORDS)
    return replace(place, held="<" if character == "<" else "")


_STEPS = {
    "text": _text, "open": _open, "name": _name, "between": _between, "attribute": _attribute,
    "after": _after, "equals": _equals, "bare": _bare, "quoted": _quoted,
    "comment": _comment, "bogus": _bogus, "raw": _raw,
}  # fmt: skip
