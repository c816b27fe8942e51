"""Cutting long texts."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.chatwoot.text.channels import Limit, Unit
from shared.chatwoot.text.clusters import extends, is_boundary
from shared.chatwoot.text.splitting import SPACE, split
from tests.support.processor import processor_seconds

PROSE = (
    "El tratamiento de botox cuesta 150 euros por zona y dura unos cuatro meses. "
    "Puede pedir cita cuando quiera. "
    "El Dr. Pérez atiende de lunes a viernes, de 9.00 a 14.00. ¿Le va bien el martes? "
)
PARAGRAPHS = "\n\n".join([PROSE.strip()] * 30)

pieces = st.sampled_from(
    [
        "palabra", " ", "  ", "\n", "\n\n", ". ", "? ", "¡Sí! ", "1. ", "23) ", "- ", "• ", "https://a.b/c_d?e=f",
        "👩‍👩‍👧", "🇪🇸", "e\u0301", "\u0301", "한글", "각", "你好。", "\u00a0", "**muy bien**", "`un código`",
        "[una web](https://x.y)", "x" * 60, "\u200b", "\t", "…", "Dr.",
    ]
)  # fmt: skip
texts = st.one_of(st.text(max_size=300), st.lists(pieces, max_size=80).map("".join))
limits = st.builds(Limit, st.integers(20, 120), st.sampled_from(Unit))


def spaces_only(text: str) -> bool:
    """Whether nothing stands there that a cut may not take."""
    return re.fullmatch(rf"{SPACE}*", text) is not None


def gaps(text: str, parts: list[str]) -> list[tuple[int, int]]:
    """Where the text between the parts lies; fails when a part is not where it should be."""
    found, at = [], 0
    for part in parts:
        begin = text.index(part, at)
        found.append((at, begin))
        at = begin + len(part)
    return [*found, (at, len(text))]


def word_around(text: str, at: int) -> str:
    """What stands around a position without white space in it; a space under an accent is none."""
    cuts = [(found.start(), found.end()) for found in re.finditer(rf"{SPACE}+", text)]
    cuts = [(begin, end) for begin, end in cuts if end == len(text) or not extends(text[end])]
    begin = max((end for _, end in cuts if end <= at), default=0)
    return text[begin : min((begin for begin, _ in cuts if begin >= at), default=len(text))]


@pytest.mark.parametrize(("length", "parts"), [(1600, 1), (1937, 2), (4319, 3)])
@pytest.mark.parametrize(
    "text", [PROSE * 30, PARAGRAPHS, "palabra " * 700], ids=["prose", "paragraphs", "words"]
)
def test_a_long_reply_becomes_as_few_parts_as_it_needs(text: str, length: int, parts: int) -> None:
    """The lengths at which replies used to disappear on Twilio's WhatsApp."""
    found = split(text[:length].ljust(length, "x"), 1600)
    assert len(found) == parts
    assert all(len(part) <= 1600 for part in found)


@given(texts, limits)
def test_nothing_is_lost_nothing_is_reordered_and_every_part_fits(text: str, limit: Limit) -> None:
    """Parts follow each other in the text, with white space between them and nothing else."""
    parts = split(text, limit)
    assert all(part and limit.fits(part) for part in parts)
    assert all(spaces_only(text[begin:end]) for begin, end in gaps(text, parts))
    assert bool(parts) is not spaces_only(text)


@given(texts, limits)
def test_a_cut_without_white_space_falls_into_a_word_that_is_longer_than_a_part(
    text: str, limit: Limit
) -> None:
    """Words and addresses stay whole wherever they fit."""
    parts = split(text, limit)
    for begin, end in gaps(text, parts)[1:-1]:
        if begin < end or text[begin - 1] in "。\uff01\uff1f":
            continue
        assert not limit.fits(word_around(text, begin))


@given(texts, limits)
def test_what_a_reader_sees_as_one_character_is_not_torn(text: str, limit: Limit) -> None:
    """Emoji families, flags and accents survive; only what is too long for any part is torn."""
    parts = split(text, limit)
    for begin, end in gaps(text, parts)[1:-1]:
        cluster_too_long = not any(is_boundary(text, at) for at in range(max(1, end - 19), end + 1))
        assert is_boundary(text, end) or cluster_too_long
        assert is_boundary(text, begin) or begin != end or cluster_too_long


def test_a_paragraph_is_a_better_place_than_a_sentence() -> None:
    """The reader sees whole thoughts."""
    text = "Primera frase. Segunda frase.\n\nTercera frase. Cuarta frase."
    assert split(text, 45) == ["Primera frase. Segunda frase.", "Tercera frase. Cuarta frase."]


def test_a_sentence_is_a_better_place_than_a_word_and_an_abbreviation_is_no_sentence() -> None:
    """``Dr.`` does not end one."""
    text = "Le atiende mañana la Dra. Ruiz Gómez. Traiga por favor los papeles de la última vez."
    assert split(text, 60) == [
        "Le atiende mañana la Dra. Ruiz Gómez.",
        "Traiga por favor los papeles de la última vez.",
    ]


def test_a_list_items_number_stays_with_its_text() -> None:
    """No part ends with a lonely number or bullet."""
    items = "\n".join(f"{number}. {'palabra ' * (number % 7 + 1)}" for number in range(1, 60))
    for size in range(25, 90):
        parts = split(items, size)
        assert not [part for part in parts if re.search(r"(?:^|\s)\d+\.$", part)]


@pytest.mark.parametrize(
    "together",
    ["https://clinica.example/citas?id=123&x=(y)", "[nuestra web](https://clinica.example/citas)",
     "`un trozo de código`", "**una frase muy importante**"],
)  # fmt: skip
def test_links_code_and_bold_phrases_stay_whole_where_they_fit(together: str) -> None:
    """Wherever the limit falls, one of the parts holds the whole of it."""
    for before in range(40):
        parts = split(f"{'ab ' * before}{together}{' cd' * 30}", 60)
        assert any(together in part for part in parts)


def test_a_part_is_counted_as_the_provider_counts() -> None:
    """The same text needs more parts where an emoji counts two, and more again in bytes."""
    text = "😀 " * 60
    counts = [len(split(text, Limit(60, unit))) for unit in (Unit.CHARACTERS, Unit.UTF16, Unit.BYTES)]
    assert counts == [3, 4, 6]


def test_the_parts_of_a_long_text_are_of_similar_length() -> None:
    """Not one full part and a last one of three words."""
    lengths = [len(part) for part in split(PROSE * 10, 1600)]
    assert min(lengths) > 0.8 * max(lengths)


@pytest.mark.parametrize(
    "text",
    ["a" * 150_000, "a" + " " * 149_998 + "a", "[" * 150_000, "`" * 150_000, "**" * 75_000, "1. " * 50_000,
     "a" + "\u0301" * 149_999, "🇪🇸" * 75_000, " a" * 75_000, "```a " * 30_000, "你好。" * 50_000],
)  # fmt: skip
def test_no_text_takes_seconds(text: str) -> None:
    """The largest text that Chatwoot stores, in shapes that make careless patterns quadratic."""
    assert processor_seconds(lambda: split(text, Limit(320, Unit.UTF16)), tries=1) < 5
    parts = split(text, Limit(320, Unit.UTF16))
    assert all(Limit(320, Unit.UTF16).fits(part) for part in parts)


def test_a_limit_that_no_text_can_be_cut_by_is_refused() -> None:
    """A wrong setting is seen at once and not as an endless loop."""
    with pytest.raises(ValueError, match="too small"):
        split("hola", 3)
