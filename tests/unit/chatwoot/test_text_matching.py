"""Finding a company's phrases."""

from __future__ import annotations

import unicodedata
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.chatwoot.text.matching import matches

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULTS = ("escalar", "contacta directamente", "especialista")
WRITINGS: list[Callable[[str], str]] = [
    str.upper,
    str.lower,
    str.title,
    partial(unicodedata.normalize, "NFD"),
    partial(unicodedata.normalize, "NFC"),
]
words = st.text(st.characters(categories=["L", "Nd"]), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("escalar", "Voy a ESCALAR tu caso."),
        ("contacta directamente", "Por favor, **contacta  directamente**\tcon la clínica"),
        ("contacta directamente", "contacta, directamente, con ellos"),
        ("especialista", "un Especialísta🙂te llama"),
        ("atención humana", "quiero ATENCION HUMANA ya"),
        ("straße", "in der STRASSE"),
        ("\u0131ş\u0131k", "IŞIK lütfen"),
        ("istanbul", "İSTANBUL"),
        ("ﬁn", "fin"),
        ("№ 5", "no 5"),
        ("🆘", "ayuda 🆘!"),
        ("人工", "人工"),
    ],
)
def test_a_phrase_is_found_whatever_its_case_accents_and_markup(pattern: str, text: str) -> None:
    """And the pattern comes back as the company wrote it."""
    assert matches(["otra cosa", pattern], text) == pattern


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("escalar", "desescalar"),
        ("escalar", "escalarlo"),
        ("contacta directamente", "Contacta. Directamente no sirve."),
        ("contacta directamente", "directamente contacta"),
        ("especialista", "especialistas"),
        ("a b", "a\nb"),
        ("", "cualquier cosa"),
        ("  ", "cualquier cosa"),
        ("escalar", ""),
    ],
)
def test_parts_of_words_and_words_of_two_sentences_are_not_found(pattern: str, text: str) -> None:
    """Whole words only, next to each other."""
    assert matches([pattern], text) is None


def test_the_first_pattern_that_matches_is_named() -> None:
    """The log and the desk's note say which."""
    assert matches(DEFAULTS, "El especialista va a escalar esto") == "escalar"


@given(st.lists(words, min_size=1, max_size=3), st.sampled_from(WRITINGS))
@example(["\u1f80"], str.upper)
def test_a_phrase_is_found_in_every_writing_of_itself(
    phrase: list[str], writing: Callable[[str], str]
) -> None:
    """Between other words, whatever its case and however its accents are encoded."""
    pattern = " ".join(phrase)
    assert matches([pattern], f"bla, {writing(pattern)}! bla") == pattern


@given(words, words)
def test_a_word_inside_another_word_is_not_found(word: str, more: str) -> None:
    """Letters stuck to a word make another word of it."""
    assert matches([f"x{word}x"], f"y{more}x{word}xy") is None


@given(st.lists(st.text(max_size=10), max_size=4), st.text(max_size=80))
def test_no_pattern_and_no_text_makes_it_fail(patterns: list[str], text: str) -> None:
    """What comes back is one of the patterns or nothing."""
    assert matches(patterns, text) in [*patterns, None]
