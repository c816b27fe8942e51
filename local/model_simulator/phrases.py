"""The stand-in's words and phrases, by language (``words.json``). They speak of answering, of no business."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from local.model_simulator.reading import words

_DATA: dict[str, Any] = json.loads(Path(__file__).with_name("words.json").read_text("utf-8"))
PHRASES: dict[str, dict[str, str]] = _DATA["phrases"]
# Sets of words: ``talks``, ``persons``, ``asks_hours``, ``asks_price``, ``asks_duration``, ``asks_time``,
# ``agrees``, ``refuses``, ``moves``, ``cancels``, ``own``, ``days`` (to speak of times), ``thanks``,
# ``introduces`` (oneself), and ``small`` ones that tell nothing of the subject.
WORDS = {kind: frozenset(listed.split()) for kind, listed in _DATA["words"].items()}


def subject(text: str) -> list[str]:
    """The words that say what a question is about."""
    return [word for word in words(text) if word not in WORDS["small"]]


def says(kind: str, text: str) -> bool:
    """Whether a text holds a word of a set."""
    return not WORDS[kind].isdisjoint(words(text))


def wants_person(text: str) -> bool:
    """Whether somebody asks to talk to a person."""
    return says("persons", text) and says("talks", text)


def language_of(text: str, company_language: str) -> str:
    """The language a text is written in, in doubt the company's, in doubt English."""
    own, said = company_language.partition("-")[0].lower(), words(text)
    scores = {name: sum(map(said.count, marks.split())) for name, marks in _DATA["marks"].items()}
    best = max(scores, key=lambda name: (scores[name], name == own))
    return best if scores[best] else (own if own in PHRASES else "en")


def week_in(language: str, text: str) -> str:
    """Opening hours with their words in a language."""
    week = _DATA["week"]
    for english, word in zip(week["en"].split(), week[language].split(), strict=True):
        text = text.replace(english, word)
    return text
