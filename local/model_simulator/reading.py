"""Reads a prompt as a model would: its elements (``<name attribute="value">text</name>``) and its words."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_ATTRIBUTE = re.compile(r'([a-z_]+)="([^"]*)"')
SHORTEST_STEM = 4


@dataclass(frozen=True)
class Element:
    """One element of the prompt."""

    attributes: dict[str, str]
    text: str

    def __getitem__(self, name: str) -> str:
        return self.attributes.get(name, "")


def elements(prompt: str, name: str) -> list[Element]:
    """The elements of a name, in their order."""
    found = re.finditer(rf"<{name}((?:\s[^>]*)?)>(.*?)</{name}>", prompt, re.DOTALL)
    return [Element(dict(_ATTRIBUTE.findall(one[1])), one[2].strip()) for one in found]


def first(prompt: str, name: str) -> Element:
    """The first element of a name, or an empty one."""
    return next(iter(elements(prompt, name)), Element({}, ""))


def words(text: str) -> list[str]:
    """The words of a text, without case and accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return re.findall(r"[^\W_]+", "".join(c for c in plain if not unicodedata.combining(c)))


def fit(question: list[str], text: str) -> int:
    """How many of a question's words stand in a text; words that begin alike count as the same."""
    there = set(words(text))
    return sum(1 for word in set(question) if any(_alike(word, other) for other in there))


def _alike(one: str, other: str) -> bool:
    shorter = min(len(one), len(other))
    stem = max(SHORTEST_STEM, shorter - 1)
    return one == other or (shorter >= SHORTEST_STEM and one[:stem] == other[:stem])


def sentences(text: str) -> list[str]:
    """The questions and statements of a text, in their order."""
    return [one.strip() for one in re.split(r"[?\n;]+|(?<=[.!])\s+", text) if words(one)]
