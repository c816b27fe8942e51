"""How texts are marked in the prompt, so that the model can tell data from instructions.

Every text that is not our own stands inside an element: ``<name attribute="value">text</name>``. A text
cannot end its element or open another of ours: where it tries, its ``<`` becomes ``&lt;``. The elements:

- ``company`` (``name``, ``language``, ``zone``), ``opening_hours``, ``instructions``;
- ``services`` with one ``service`` (``name``, ``price``, ``duration``, ``price_note``) each;
- ``knowledge`` with ``entry`` (``question``) and ``page`` (``title``), or ``titles`` when it is too large;
- ``agents`` with one ``agent`` (``name``) each, in the routing request only;
- ``situation``: the turn's own facts;
- ``history`` with one ``message`` (``from``, ``at``, ``conversation``) each;
- ``customer_writes`` (``name``): what this turn answers.
"""

from __future__ import annotations

import re

ELEMENTS = (
    "company",
    "opening_hours",
    "instructions",
    "services",
    "service",
    "knowledge",
    "entry",
    "page",
    "titles",
    "agents",
    "agent",
    "situation",
    "history",
    "message",
    "customer_writes",
)
_OUR_TAG = re.compile(rf"<(?=\s*/?\s*(?:{'|'.join(ELEMENTS)}))", re.IGNORECASE)


def encodable(text: str) -> str:
    """A text without half surrogate pairs, which JSON may carry and UTF-8 may not (RFC 8259 section 8.2)."""
    return text.encode("utf-8", "replace").decode()


def harmless(text: str) -> str:
    """A text that neither ends the element it stands in nor opens another."""
    return _OUR_TAG.sub("&lt;", encodable(text)).strip()


def value(text: str) -> str:
    """A text fit for an attribute: one line, without quotes and brackets."""
    return " ".join(encodable(text).replace('"', "'").replace("<", "(").replace(">", ")").split())


def tag(name: str, attributes: dict[str, str | None]) -> str:
    """An opening tag; attributes without a value are left out."""
    return (
        "<" + " ".join([name, *(f'{key}="{value(text)}"' for key, text in attributes.items() if text)]) + ">"
    )


def element(name: str, text: str, attributes: dict[str, str | None] | None = None) -> str:
    """A text, made harmless, in its element."""
    return f"{tag(name, attributes or {})}{harmless(text)}</{name}>"


def group(name: str, elements: list[str], attributes: dict[str, str | None] | None = None) -> str:
    """Elements inside an element, one below the other."""
    return "\n".join([tag(name, attributes or {}), *elements, f"</{name}>"])


def cut(text: str, limit: int, what: str = "characters") -> str:
    """A text of at most ``limit`` characters, marked when something is missing.

    Args:
        text: the text.
        limit: how many characters of it are kept.
        what: the word for the unit in the mark.
    """
    if len(text) <= limit:
        return text
    return f"{text[:limit]}\n[cut: {len(text)} {what} in all]"
