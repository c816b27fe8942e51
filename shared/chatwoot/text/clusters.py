"""Where a text may be cut without tearing apart what a reader sees as one character.

The rules of Unicode's UAX #29 that matter in messages: combining marks, joined and coloured emoji, flags,
Hangul syllables, line ends. Python's strings hold code points, so a surrogate pair cannot be cut at all.
"""

from __future__ import annotations

import unicodedata

ZERO_WIDTH_JOINER = "\u200d"
LONGEST_CLUSTER = 64
"""Longer ones are not characters of any script but piled-up marks, and are cut like words."""

_FLAGS = range(0x1F1E6, 0x1F200)
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_TAGS = range(0xE0020, 0xE0080)
_HANGUL_LEADING = range(0x1100, 0x1160)
_HANGUL_VOWEL = range(0x1160, 0x11A8)
_HANGUL_TRAILING = range(0x11A8, 0x1200)
_HANGUL_SYLLABLE = range(0xAC00, 0xD7A4)


def extends(character: str) -> bool:
    """Whether a character belongs to the one before it."""
    code = ord(character)
    return (
        unicodedata.category(character).startswith("M")
        or character in (ZERO_WIDTH_JOINER, "\u200c")
        or code in _SKIN_TONES
        or code in _TAGS
    )


def is_boundary(text: str, at: int) -> bool:
    """Whether the text may be cut in front of position ``at``."""
    if at <= 0 or at >= len(text):
        return True
    before, after = text[at - 1], text[at]
    if extends(after) or before == ZERO_WIDTH_JOINER or (before == "\r" and after == "\n"):
        return False
    if ord(before) in _FLAGS and ord(after) in _FLAGS:
        return _flags_before(text, at) % 2 == 0
    return not _one_hangul_syllable(ord(before), ord(after))


def _flags_before(text: str, at: int) -> int:
    count = 0
    while count < min(at, LONGEST_CLUSTER) and ord(text[at - 1 - count]) in _FLAGS:
        count += 1
    return count


def _one_hangul_syllable(before: int, after: int) -> bool:
    if after in _HANGUL_VOWEL:
        return any(before in kind for kind in (_HANGUL_LEADING, _HANGUL_VOWEL, _HANGUL_SYLLABLE))
    if after in _HANGUL_TRAILING:
        return any(before in kind for kind in (_HANGUL_VOWEL, _HANGUL_TRAILING, _HANGUL_SYLLABLE))
    return before in _HANGUL_LEADING and any(after in kind for kind in (_HANGUL_LEADING, _HANGUL_SYLLABLE))


def last_boundary(text: str, start: int, end: int) -> int:
    """The last place up to ``end`` where the text may be cut, ``end`` itself where there is none near."""
    for at in range(end, max(start, end - LONGEST_CLUSTER), -1):
        if is_boundary(text, at):
            return at
    return end
