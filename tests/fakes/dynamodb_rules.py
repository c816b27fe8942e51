"""What DynamoDB refuses before it looks at any item: a table in memory that let it pass would hide a mistake.

Sources: DynamoDB's developer guide, "Reserved words", "Expressions", "Working with transactions"; API
reference, `TransactWriteItems`, `BatchWriteItem`.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords

from shared.platform.tables import Put, TransactionPart, Update

if TYPE_CHECKING:
    from collections.abc import Sequence

_RESERVED = frozenset(ReservedKeywords.get_reserved_keywords())
_BARE = re.compile(r"(?<![#:\w])[A-Za-z_]\w*")
_PLACEHOLDER = re.compile(r"[#:]\w+")
_CHANGED = re.compile(r"(?:,|\bSET\b|\bREMOVE\b|\bADD\b|\bDELETE\b)\s*([#\w.]+)")
_SYNTAX = frozenset({"SET", "REMOVE", "ADD", "DELETE", "AND", "OR", "NOT", "IN"})
_KEYS = re.compile(r"(\w+_)?[ps]k")


class Refused(AssertionError):
    """DynamoDB would refuse it, whatever stands in the table."""


def require_one_each(places: Sequence[tuple[str, str]]) -> None:
    """No item twice in one call.

    Raises:
        Refused: one is there twice.
    """
    if len(set(places)) < len(places):
        raise Refused("one call has several operations on one item")


def require_right(part: TransactionPart) -> None:
    """One write by itself.

    Raises:
        Refused: something is wrong with it.
    """
    expression = part.expression if isinstance(part, Update) else ""
    names = dict(part.names)
    for text in (expression, part.condition):
        _require_free_names(text)
        _require_no_idle_parentheses(text)
    _require_known(f"{expression} {part.condition}", frozenset(names), frozenset(part.values))
    _require_apart(expression, tuple(sorted(names.items())))
    _require_keys(part.item if isinstance(part, Put) else _set_by(expression, part.values, names))


@cache
def _require_free_names(expression: str) -> None:
    for name in set(_BARE.findall(expression)) - _SYNTAX:
        if name.upper() in _RESERVED:
            raise Refused(f"{name} is a reserved word: {expression}")


@cache
def _require_no_idle_parentheses(expression: str) -> None:
    if re.search(r"\(\s*\([^()]*\)\s*\)", expression):
        raise Refused(f"redundant parentheses: {expression}")


@cache
def _require_known(expression: str, names: frozenset[str], values: frozenset[str]) -> None:
    used = set(_PLACEHOLDER.findall(expression))
    if used != names | values:
        raise Refused(f"unused or unknown: {used ^ (names | values)} in {expression}")


@cache
def _require_apart(expression: str, names: tuple[tuple[str, str], ...]) -> None:
    known = dict(names)
    paths = [
        ".".join(known.get(step, step) for step in path.split("."))
        for path in _CHANGED.findall(expression)
        if path not in _SYNTAX
    ]
    for first in paths:
        if paths.count(first) > 1 or any(other.startswith(f"{first}.") for other in paths):
            raise Refused(f"two paths overlap at {first}: {expression}")


def _set_by(expression: str, values: Any, names: dict[str, str]) -> dict[str, Any]:  # noqa: ANN401 - of any attribute
    pairs = re.findall(r"([#\w]+)\s*=\s*(:\w+)", expression)
    return {names.get(name, name): values[value] for name, value in pairs}


def _require_keys(item: Any) -> None:  # noqa: ANN401 - an item
    for name, value in item.items():
        if _KEYS.fullmatch(name) and (not isinstance(value, str) or not value):
            raise Refused(f"the key {name} is {value!r}")
