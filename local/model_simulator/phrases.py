"""The stand-in's words and phrases, by language (``words.json``). They speak of answering, of no business."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from local.model_simulator.reading import words

_DATA: dict[str, Any] = json.loads(Path(__file__).with_name("words.json").read_text("utf-8"))
PHRASES: dict[str, dict[str, str]] = _DATA["phrases"]
TALKS, PERSONS, ASKS_HOURS, ASKS_PRICE, ASKS_DURATION, THANKS, INTRODUCES, SMALL_WORDS = (
    frozenset(_DATA[kind].split())
    for kind in (
        *("talks", "persons", "asks_hours", "asks_price"),
        *("asks_duration", "thanks", "introduces", "small"),
    )
)


def subject(text: str) -> list[str]:
    """The words that say what a question is about."""
    return [word for word in words(text) if word not in SMALL_WORDS]


def wants_person(text: str) -> bool:
    """Whether somebody asks to talk to a person."""
    said = set(words(text))
    return bool(said & PERSONS and said & TALKS)


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
