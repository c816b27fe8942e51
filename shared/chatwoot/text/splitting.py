"""Long texts in parts: between paragraphs, else lines, else sentences, else words.

A cut takes the white space it falls into and nothing else: the parts with that white space put back are the
text. Inside a word (a URL is one) it falls only where the word alone is longer than a part. What belongs
together (a list item's number and its text, a link with its label, a code span, a bold phrase) stays
together where it fits.

The time is proportional to the text's length: all places to cut are found in one pass, and each part looks
only at those within its own reach.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from enum import IntEnum
from itertools import accumulate
from math import ceil
from typing import TYPE_CHECKING

from shared.chatwoot.text.channels import Limit
from shared.chatwoot.text.clusters import extends, last_boundary

if TYPE_CHECKING:
    from collections.abc import Sequence

SPACE = r"[^\S\u00a0\u2007\u202f]"
"""White space at which a line may break: not the no-break spaces."""

_SPACES = (
    " \t\n\r\v\f\x1c\x1d\x1e\x1f\x85\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2008\u2009\u200a"
    "\u2028\u2029\u205f\u3000"
)
"""The same as a list, for `str.strip`: a regular expression would look at long runs again and again."""

FULLNESS = 0.97
"""How full parts are planned to be: cuts between words leave a little room."""

FEW_PARTS = 3
"""Up to so many parts no part more is spent on nicer cuts."""

SHORTEST_OF_MANY = 0.6
"""With more parts than that, a part may be cut this short to end with a paragraph or a sentence."""


class Cut(IntEnum):
    """How good a place to cut is."""

    TOGETHER = 0
    WORD = 1
    SENTENCE = 2
    LINE = 3
    PARAGRAPH = 4


@dataclass(frozen=True)
class _Place:
    """A run of white space: the part before ends at ``end``, the next begins at ``start``."""

    end: int
    start: int
    cut: Cut


_PLACES = re.compile(rf"{SPACE}+|(?<=[。\uff01\uff1f])(?!{SPACE})")
_KEPT_TOGETHER = re.compile(
    r"```.*?```"  # a code block
    r"|`[^`\n]+`"  # a code span
    r"|!?\[[^\[\]\n]{1,300}\]\([^()\s]{1,2000}\)"  # a link
    r"|\*\*[^*\n]+\*\*"  # a bold phrase
    r"|(?<![^\s\u200b])\(?\d{1,9}[.)]" + SPACE + "+"  # a list item's number
    r"|(?m:^)[^\S\n]*[-*+•◦]" + SPACE + "+",  # a list item's bullet
    re.DOTALL,
)
_SENTENCE_END = re.compile(
    r"""(?:[!?…。\uff01\uff1f]|(?<![^\W\d_])[^\W\d_]{4,}\.|[\d%€$)\]»”"'*_`]\.)[)\]»”"'*_`]*$"""
)
_SENTENCE_LOOKS_BACK = 40


def split(text: str, limit: Limit | int) -> list[str]:
    """Cut a text into parts.

    Args:
        text: white space around it is dropped.
        limit: what one part may hold; a number counts characters.

    Returns:
        The parts in order, none empty and none over the limit; no part for a text of white space only.
    """
    limit = Limit(limit) if isinstance(limit, int) else limit
    text = text.strip(_SPACES)
    if not text:
        return []
    if limit.fits(text):
        return [text]
    return _Splitter(text, limit).parts()


class _Splitter:
    """One text being cut."""

    def __init__(self, text: str, limit: Limit) -> None:
        self._text = text
        self._size = limit.size
        self._counts = [0, *accumulate(map(limit.width, text))]
        self._places = _places(text)
        self._ends = [place.end for place in self._places]

    def parts(self) -> list[str]:
        """All parts."""
        parts, start = [], 0
        while start < len(self._text):
            place = self._next_cut(start)
            parts.append(self._text[start : place.end])
            start = place.start
        return parts

    def _next_cut(self, start: int) -> _Place:
        counts, total = self._counts, len(self._text)
        left = counts[total] - counts[start]
        if left <= self._size:
            return _Place(total, total, Cut.PARAGRAPH)
        reach = bisect_right(counts, counts[start] + self._size) - 1
        planned = self._size * FULLNESS
        number = ceil(left / planned)
        shortest = left - (number - 1) * planned
        if number > FEW_PARTS:
            shortest = min(shortest, self._size * SHORTEST_OF_MANY)
        earliest = bisect_left(counts, counts[start] + shortest)
        found = self._best(self._between(earliest, reach), counts[start] + left / number)
        return found or self._last_resort(start, reach)

    def _between(self, earliest: int, latest: int) -> Sequence[_Place]:
        return self._places[bisect_left(self._ends, earliest) : bisect_right(self._ends, latest)]

    def _best(self, places: Sequence[_Place], target: float) -> _Place | None:
        """The best kind of place, and of that kind the one nearest to parts of equal size."""
        best = max((place.cut for place in places), default=Cut.TOGETHER)
        if best is Cut.TOGETHER:
            return None
        return min(
            (place for place in places if place.cut is best),
            key=lambda place: abs(self._counts[place.end] - target),
        )

    def _last_resort(self, start: int, reach: int) -> _Place:
        """The last place that does not tear anything apart, however short the part; else tear."""
        places = self._between(start + 1, reach)
        for place in reversed(places):
            if place.cut is not Cut.TOGETHER:
                return place
        if places:
            return places[-1]
        at = last_boundary(self._text, start, reach)
        return _Place(at, at, Cut.TOGETHER)


def _places(text: str) -> list[_Place]:
    kept = [found.span() for found in _KEPT_TOGETHER.finditer(text)]
    starts = [start for start, _ in kept]
    places = []
    for found in _PLACES.finditer(text):
        end, start = found.span()
        if end == 0 or start >= len(text) or extends(text[start]):
            continue
        index = bisect_left(starts, end) - 1
        inside = index >= 0 and start <= kept[index][1] and end < kept[index][1]
        places.append(_Place(end, start, Cut.TOGETHER if inside else _kind(text, found)))
    return places


def _kind(text: str, found: re.Match[str]) -> Cut:
    lines = found.group().count("\n")
    if lines:
        return Cut.PARAGRAPH if lines > 1 else Cut.LINE
    before = text[max(0, found.start() - _SENTENCE_LOOKS_BACK) : found.start()]
    return Cut.SENTENCE if _SENTENCE_END.search(before) else Cut.WORD
