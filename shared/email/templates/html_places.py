"""HTML read character by character as a browser reads it (HTML standard, section 13.2.5)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.email.templates import html_links
from shared.email.templates.html_refusals import (
    FenceError,
    require_attribute,
    require_meta,
    require_tag,
    shortened,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_SPACE = frozenset(" \t\n\r\f")
_LONGEST_META = _LONGEST_NAME = 100
_NAME_WORDS = f"must hold no name of more than {_LONGEST_NAME} characters in a tag: {{name}}"
_TITLE_WORDS = "must hold no tag in its <title>: some programs would read it as one"
_BEHIND_WORDS = "must put a space, / or > behind a condition within <{tag}>"


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

    @property
    def called(self) -> str:
        """In words for whoever wrote it."""
        tag = f"<{shortened(self.tag or self.held)}>"
        if self.mode in {"equals", "bare", "quoted"}:
            return f"{shortened(self.attribute)} of {tag}"
        return "a comment" if self.mode in {"comment", "bogus"} else tag


def step(character: str, place: Place) -> Place:
    """Where the reader is behind one more character.

    Raises:
        FenceError: with words, where it is something that a mail must not hold.
    """
    return _STEPS[place.mode](character, place)


def merged(places: set[Place]) -> Place | None:
    """The place that stands for several at which the branches of a condition end, if there is one.

    Within a tag it is one behind which nothing can go on with a name; within a link, the one that lets a
    value do least.
    """
    if len(places) == 1:
        return next(iter(places))
    if all(place.mode == "quoted" and place.held in html_links.KNOWN for place in places):
        alike = {replace(place, held=html_links.IN_HOST) for place in places}
        return alike.pop() if len(alike) == 1 else None
    if all(place.mode in _WITHIN for place in places):
        tags = {_tag(place) for place in places}
        # Behind a name a letter would go on with it.
        ended = all(place.mode in {"between", "after"} or place.held == " " for place in places)
        return Place("settled", " " if ended else "", tags.pop()) if len(tags) == 1 else None
    return None


_WITHIN = frozenset({"name", "attribute", "after", "between", "settled"})


def _tag(place: Place) -> str:
    """Whose inside it is, if a name that is being read ends here."""
    if place.mode == "name":
        return _name(" ", place).tag
    if place.mode in {"attribute", "after"}:
        require_attribute(place.held, place.tag)
    return place.tag


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
        return _longer_name(character, place)
    require_tag(place.held)
    return _between(character, Place("between", tag=place.tag + place.held))


def _between(character: str, place: Place) -> Place:
    if character == ">":
        return Place("raw", tag=place.tag) if place.tag in {"style", "title"} else Place()
    if character in _SPACE or character == "/":
        return replace(place, mode="between")
    return Place("attribute", character.lower(), place.tag)


def _settled(character: str, place: Place) -> Place:
    """Behind a condition within a tag: before something that begins anew in each of its branches."""
    if character in _SPACE:
        return replace(place, held=" ")
    if character in "/>" or (place.held and character != "="):
        return _between(character, Place("between", tag=place.tag))
    raise FenceError(_BEHIND_WORDS.format(tag=shortened(place.tag)))


def _attribute(character: str, place: Place) -> Place:
    if character == "=":
        require_attribute(place.held, place.tag)
        return Place("equals", tag=place.tag, attribute=place.held.rpartition(":")[2])
    if character in _SPACE:
        return replace(place, mode="after")
    if character in "/>":
        require_attribute(place.held, place.tag)
        return _between(character, Place("between", tag=place.tag))
    return _longer_name(character, place)


def _longer_name(character: str, place: Place) -> Place:
    if len(place.held) >= _LONGEST_NAME:
        raise FenceError(_NAME_WORDS.format(name=shortened(place.held)))
    return replace(place, held=place.held + character.lower())


def _after(character: str, place: Place) -> Place:
    """Behind an attribute's name and spaces, before ``=`` or something else."""
    if character in _SPACE:
        return place
    if character == "=":
        return _attribute(character, place)
    require_attribute(place.held, place.tag)
    return _between(character, Place("between", tag=place.tag))


def _equals(character: str, place: Place) -> Place:
    if character in _SPACE:
        return place
    if character in {'"', "'"}:
        return replace(place, mode="quoted", quote=character)
    return _bare(character, replace(place, mode="bare"))


def _bare(character: str, place: Place) -> Place:
    if character in _SPACE or character == ">":
        _require_value(place)
        return _between(character, Place("between", tag=place.tag))
    return _in_value(character, place)


def _quoted(character: str, place: Place) -> Place:
    if character == place.quote:
        _require_value(place)
        return Place("between", tag=place.tag)
    return _in_value(character, place)


def _in_value(character: str, place: Place) -> Place:
    """Only what is judged is remembered."""
    if place.attribute in html_links.ATTRIBUTES:
        return replace(place, held=html_links.read(place.held, character, place.called))
    if place.tag == "meta" and len(place.held) < _LONGEST_META:
        return replace(place, held=place.held + character.lower())
    return place


def _require_value(place: Place) -> None:
    if place.attribute in html_links.ATTRIBUTES:
        html_links.require_ended(place.held, place.called)
    elif place.tag == "meta":
        require_meta(place.attribute, place.held)


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


_STEPS: dict[str, Callable[[str, Place], Place]] = {
    "text": _text, "open": _open, "name": _name, "between": _between, "settled": _settled,
    "attribute": _attribute, "after": _after, "equals": _equals, "bare": _bare, "quoted": _quoted,
    "comment": _comment, "bogus": _bogus, "raw": _raw,
}  # fmt: skip
