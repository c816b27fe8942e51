"""What a company knows, and how a passage of it is found by its words.

Up to `PREFIX_BYTES` of knowledge stand whole in the prompt. Beyond, the model looks passages up by keywords:
ranked with BM25 (Robertson and Zaragoza, 2009), without regard to case and accents, and with words counted as
the same when they begin alike (``precio``, ``precios``).
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.platform.folding import fold

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.companies.model import Company

PREFIX_BYTES = 60 * 1024
PASSAGE_CHARACTERS = 1200
MAX_TERMS = 24
_SHORTEST_STEM = 4
_STEM_WEIGHT = 0.6
_TITLE_WEIGHT = 3
_K1, _B = 1.2, 0.75
# Chinese and Japanese are written without spaces: pairs of characters stand in for words there.
_UNSPACED = r"\u3040-\u30ff\u3400-\u9fff"
_WORD = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+")


@dataclass(frozen=True)
class Passage:
    """A piece of the company's knowledge, short enough to be handed to the model."""

    title: str
    text: str


def is_large(company: Company) -> bool:
    """Whether the knowledge is too much to stand in every prompt."""
    return sum(_bytes(passage) for passage in _sources(company)) > PREFIX_BYTES


def services_are_large(company: Company) -> bool:
    """The same for the descriptions of the services; names and prices always stand in the prompt."""
    return sum(len((service.description or "").encode()) for service in company.services) > PREFIX_BYTES


def passages(company: Company) -> list[Passage]:
    """Everything that can be looked up, cut into passages."""
    sources = list(_sources(company))
    if services_are_large(company):
        sources += [Passage(service.name, service.description or "") for service in company.services]
    return [Passage(source.title, part) for source in sources for part in _parts(source.text)]


def _sources(company: Company) -> Iterable[Passage]:
    for entry in company.knowledge.entries:
        yield Passage(entry.question, entry.answer)
    for page in company.knowledge.pages:
        yield Passage(page.title, page.markdown)


def _bytes(passage: Passage) -> int:
    return len(passage.title.encode()) + len(passage.text.encode())


def _parts(text: str) -> list[str]:
    """Paragraphs, put together up to the passage's size; a longer one is cut at a space."""
    parts: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        for piece in _pieces(paragraph.strip()):
            if parts and len(parts[-1]) + len(piece) < PASSAGE_CHARACTERS:
                parts[-1] += "\n\n" + piece
            else:
                parts.append(piece)
    return parts


def _pieces(paragraph: str) -> Iterable[str]:
    while len(paragraph) > PASSAGE_CHARACTERS:
        end = paragraph.rfind(" ", 1, PASSAGE_CHARACTERS)
        end = end if end > 0 else PASSAGE_CHARACTERS
        yield paragraph[:end]
        paragraph = paragraph[end:].strip()
    if paragraph:
        yield paragraph


def words(text: str) -> list[str]:
    """The words of a text, without case and accents."""
    found: list[str] = []
    for word in _WORD.findall(unicodedata.normalize("NFC", fold(text))):
        unspaced = re.match(rf"[{_UNSPACED}]", word) and len(word) > 1
        found += [word[i : i + 2] for i in range(len(word) - 1)] if unspaced else [word]
    return found


def _likeness(term: str, word: str) -> float:
    """1 for the same word, less for words that begin alike, 0 for others."""
    if term == word:
        return 1.0
    shorter = min(len(term), len(word))
    needed = max(_SHORTEST_STEM, shorter - 1)
    return _STEM_WEIGHT if shorter >= _SHORTEST_STEM and term[:needed] == word[:needed] else 0.0


def search(company: Company, query: str, limit: int) -> list[Passage]:
    """The passages that fit a query best, best first; none when no word of it is found."""
    return rank(passages(company), query, limit)


def rank(candidates: list[Passage], query: str, limit: int) -> list[Passage]:
    """See `search`."""
    counted = [Counter(words(passage.title) * _TITLE_WEIGHT + words(passage.text)) for passage in candidates]
    vocabulary = {word for counts in counted for word in counts}
    average = sum(counts.total() for counts in counted) / max(1, len(counted))
    scores = [0.0] * len(candidates)
    for term in list(dict.fromkeys(words(query)))[:MAX_TERMS]:
        alike = {word: weight for word in vocabulary if (weight := _likeness(term, word))}
        matches = [sum(weight * counts[word] for word, weight in alike.items()) for counts in counted]
        rarity = _rarity(len(counted), sum(1 for match in matches if match))
        for index, match in enumerate(matches):
            length = 1 - _B + _B * counted[index].total() / average
            scores[index] += rarity * match * (_K1 + 1) / (match + _K1 * length)
    best = sorted(range(len(candidates)), key=lambda index: (-scores[index], index))
    return [candidates[index] for index in best[:limit] if scores[index] > 0]


def _rarity(total: int, holding: int) -> float:
    return math.log(1 + (total - holding + 0.5) / (holding + 0.5))
