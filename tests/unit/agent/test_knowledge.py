from __future__ import annotations

import pytest

from shared.agent import knowledge
from shared.agent.knowledge import PASSAGE_CHARACTERS, Passage, rank
from tests.support.processor import processor_seconds
from tests.unit.agent.fakes import bicycles

SHELF = [
    Passage("Horario de recogida", "Recogemos bicicletas los martes."),
    Passage("Garantía", "El cuadro tiene dos años de garantía."),
    Passage("Pagos", "Se puede pagar con tarjeta, en efectivo y a plazos."),
    Passage("返品について", "返品は三十日以内です。"),
    Passage("Alquiler", "Alquilamos bicicletas eléctricas por días. La garantía es de cien euros."),
]


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("GARANTIA del cuadro", "Garantía"),
        ("garantías", "Garantía"),
        ("bicicleta eléctrica", "Alquiler"),
        ("¿puedo pagar en plazos?", "Pagos"),
        ("返品", "返品について"),
    ],
)
def test_a_passage_is_found_without_regard_to_case_accents_and_endings(query: str, title: str) -> None:
    """The best passage comes first."""
    assert rank(SHELF, query, 5)[0].title == title


def test_words_that_only_begin_alike_by_a_few_letters_do_not_match() -> None:
    """``casa`` is not ``caso``; short words must be the same."""
    assert rank([Passage("Casa", "la casa")], "caso", 5) == []
    assert rank([Passage("Sol", "sol")], "son", 5) == []


@pytest.mark.parametrize("query", ["xylophone", "", "?!", "\ud800"])
def test_what_is_nowhere_is_not_found(query: str) -> None:
    """No passage is better than a wrong one."""
    assert rank(SHELF, query, 5) == []
    assert rank([], query, 5) == []


def test_at_most_the_wanted_number_comes_back_best_first() -> None:
    """A word in the title counts for more."""
    found = rank(SHELF, "garantía", 2)
    assert [one.title for one in found] == ["Garantía", "Alquiler"]
    assert len(rank(SHELF, "garantía", 1)) == 1


def test_pages_are_cut_into_passages_and_nothing_is_lost() -> None:
    """At paragraphs, and inside one at spaces."""
    paragraphs = [" ".join(f"word{n}-{i}" for i in range(40)) for n in range(30)] + ["long " * 1000]
    company = bicycles(knowledge={"pages": [{"title": "All", "markdown": "\n\n".join(paragraphs)}]})
    parts = knowledge.passages(company)
    assert max(len(part.text) for part in parts) <= PASSAGE_CHARACTERS + 2
    assert " ".join(part.text for part in parts).split() == " ".join(paragraphs).split()


def test_sixty_kilobytes_are_the_border() -> None:
    """Counted in bytes, because that is what is sent."""
    for size, large in ((30_000, False), (31_000, True)):
        company = bicycles(knowledge={"pages": [{"title": "ñ", "markdown": "ñ" * size}]})
        assert knowledge.is_large(company) is large


def test_descriptions_of_too_many_services_can_be_looked_up() -> None:
    """Names and prices stay in the prompt."""
    services = [
        {"id": f"s{n}", "name": f"Part {n}", "description": f"about {n} " + "x" * 1900} for n in range(40)
    ]
    company = bicycles(services=services)
    assert knowledge.services_are_large(company)
    assert knowledge.search(company, "about 17", 1)[0].title == "Part 17"


def test_the_largest_document_is_searched_quickly() -> None:
    """A few hundred KB, within a fraction of a turn."""
    pages = [
        {"title": f"Page {n}", "markdown": "\n\n".join(f"alpha{n} beta{i} " * 30 for i in range(100))}
        for n in range(6)
    ]
    company = bicycles(knowledge={"pages": pages})
    assert processor_seconds(lambda: knowledge.search(company, "beta7 alpha3 " * 20, 5)) < 2
