"""Whether a text holds one of a company's phrases: by whole words, without regard to case and accents."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from shared.platform.folding import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_ENDS_A_SENTENCE = frozenset(".!?…;:。\n")


def matches(patterns: Iterable[str], text: str) -> str | None:
    """The first of the patterns whose words stand in the text, next to each other and in order.

    Between the words there may be spaces, commas, hyphens or markup, but not the end of a sentence. A pattern
    without a letter or digit (an emoji) matches where it stands as it is.

    Args:
        patterns: words or phrases as a person writes them.
        text: where to look.

    Returns:
        The pattern as given, or ``None``.
    """
    words = _words(text)
    plain = fold(text)
    for pattern in patterns:
        wanted = _pattern_words(pattern)
        if _stands_in(wanted, words) if wanted else _stands_as_it_is(pattern, plain):
            return pattern
    return None


@lru_cache(maxsize=512)
def _pattern_words(pattern: str) -> tuple[str, ...]:
    return tuple(word for word in _words(pattern) if word)


def _stands_in(wanted: tuple[str, ...], words: tuple[str, ...]) -> bool:
    length = len(wanted)
    return any(words[at : at + length] == wanted for at in range(len(words) - length + 1))


def _stands_as_it_is(pattern: str, plain: str) -> bool:
    folded = fold(pattern).strip()
    return bool(folded) and folded in plain


def _words(text: str) -> tuple[str, ...]:
    return tuple(_each_word(fold(text)))


def _each_word(folded: str) -> Iterator[str]:
    """The words, and an empty one where a sentence ends."""
    word: list[str] = []
    for character in folded:
        if character.isalnum() or unicodedata.category(character).startswith("M"):
            word.append(character)
            continue
        if word:
            yield "".join(word)
            word = []
        if character in _ENDS_A_SENTENCE:
            yield ""
    if word:
        yield "".join(word)
