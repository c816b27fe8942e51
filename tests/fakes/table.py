"""A table in memory: DynamoDB's conditions and updates, as far as this project writes them, in microseconds.

Thousands of runs need it. `tests/integration/platform/test_memory_table.py` holds it against moto; an
expression that it does not know is an error, never a guess.
"""

from __future__ import annotations

import copy
import re
import threading
from typing import TYPE_CHECKING, Any

from shared.platform.tables import (
    Check,
    ConditionFailed,
    Delete,
    Item,
    Key,
    Put,
    Table,
    TransactionPart,
    Update,
    spans_nothing,
)
from tests.fakes.dynamodb_rules import require_one_each, require_right

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_TOKEN = re.compile(r"\s*(attribute_not_exists|attribute_exists|AND|OR|NOT|<>|<=|>=|=|<|>|\(|\)|[:#]?\w+)")
_OPERATORS = {"=": "==", "<>": "!=", "AND": "and", "OR": "or", "NOT": "not"}


_MEMBERSHIP = re.compile(r"([#:]?\w+) IN \(([^)]*)\)")


def _as_alternatives(found: re.Match[str]) -> str:
    return "(" + " OR ".join(f"{found[1]} = {one.strip()}" for one in found[2].split(",")) + ")"


class _Missing:
    """An attribute that is not there: every comparison with it is false, and it differs from everything."""

    def __eq__(self, _: object) -> bool:
        return False

    def __hash__(self) -> int:
        return 0

    def __ne__(self, _: object) -> bool:
        return True

    def __lt__(self, _: object) -> bool:
        return False

    __gt__ = __le__ = __ge__ = __lt__


class MemoryTable(Table):
    """See the module."""

    def __init__(self, name: str = "memory") -> None:
        self.name = name
        self._items: dict[tuple[str, str], Item] = {}
        self._lock = threading.RLock()

    def get(self, key: Key, *, consistent: bool = False) -> Item | None:
        """See `Table`; every read is consistent."""
        del consistent
        with self._lock:
            return copy.deepcopy(self._items.get((key.pk, key.sk)))

    def get_many(self, keys: Sequence[Key]) -> list[Item]:
        """See `Table`."""
        found = [self.get(key) for key in dict.fromkeys(keys)]
        return [item for item in found if item]

    def query(
        self,
        pk: str,
        *,
        prefix: str = "",
        between: tuple[str, str] | None = None,
        limit: int | None = None,
        newest_first: bool = False,
        consistent: bool = False,
        index: str = "",
    ) -> list[Item]:
        """See `Table`; an index projects everything."""
        del consistent
        if between is not None and spans_nothing(between):
            return []
        low, high = between or ("", "\U0010ffff")
        keys = f"{index}_" if index else ""
        with self._lock:
            found = sorted(
                (
                    item
                    for item in self._items.values()
                    if item.get(f"{keys}pk") == pk
                    and item[f"{keys}sk"].startswith(prefix)
                    and low <= item[f"{keys}sk"] <= high
                ),
                key=lambda item: item[f"{keys}sk"],
                reverse=newest_first,
            )
            return copy.deepcopy(found[:limit])

    def scan(self) -> Iterator[Item]:
        """See `Table`."""
        with self._lock:
            return iter(copy.deepcopy(list(self._items.values())))

    def keys_below(self, prefix: str) -> Iterator[Key]:
        """See `Table`."""
        return iter([Key(item["pk"], item["sk"]) for item in self.scan() if item["pk"].startswith(prefix)])

    def put(self, item: Item, condition: str = "", values: Mapping[str, Any] | None = None) -> None:
        """See `Table`."""
        self.transact([Put(item, condition, values or {})])

    def put_many(self, items: Sequence[Item]) -> None:
        """See `Table`."""
        self.transact([Put(item) for item in items])

    def delete_many(self, keys: Sequence[Key]) -> None:
        """See `Table`."""
        self.transact([Delete(key) for key in keys])

    def update(
        self,
        key: Key,
        expression: str,
        condition: str = "",
        *,
        values: Mapping[str, Any] | None = None,
        names: Mapping[str, str] | None = None,
    ) -> Item:
        """See `Table`."""
        with self._lock:
            self.transact([Update(key, expression, condition, values or {}, names or {})])
            return copy.deepcopy(self._items[key.pk, key.sk])

    def delete(self, key: Key, condition: str = "", values: Mapping[str, Any] | None = None) -> None:
        """See `Table`."""
        self.transact([Delete(key, condition, values or {})])

    def transact(self, parts: Sequence[TransactionPart]) -> None:
        """See `Table`."""
        with self._lock:
            require_one_each([_place(part) for part in parts])
            for part in parts:
                require_right(part)
                item = self._items.get(_place(part))
                if part.condition and not _holds(part, item or {}):
                    raise ConditionFailed(copy.deepcopy(item))
            for part in parts:
                self._apply(part)

    def _apply(self, part: TransactionPart) -> None:
        place = _place(part)
        if isinstance(part, Put):
            self._items[place] = copy.deepcopy(part.item)
        elif isinstance(part, Delete):
            self._items.pop(place, None)
        elif isinstance(part, Update):
            item = self._items.setdefault(place, part.key.as_item())
            for clause, body in _clauses(part.expression):
                for action in body.split(","):
                    _change(item, clause, action.strip(), part)


def _place(part: TransactionPart) -> tuple[str, str]:
    if isinstance(part, Put):
        return part.item["pk"], part.item["sk"]
    return part.key.pk, part.key.sk


def _holds(part: Put | Update | Delete | Check, item: Item) -> bool:
    words = []
    condition = _MEMBERSHIP.sub(_as_alternatives, part.condition)
    tokens = _TOKEN.findall(condition)
    if "".join(tokens) != "".join(condition.split()):
        raise NotImplementedError(part.condition)
    for token in tokens:
        if token in {"attribute_not_exists", "attribute_exists"}:
            words.append(f"{token[10:]}")  # not_exists, exists
        elif token in _OPERATORS:
            words.append(_OPERATORS[token])
        elif token in {"(", ")", "<", "<=", ">", ">="}:
            words.append(token)
        else:
            words.append(f"V({token!r})")

    def value(token: str) -> Any:  # noqa: ANN401 - any attribute
        if token.startswith(":"):
            return part.values[token]
        return item.get(part.names.get(token, token), _Missing())

    known = {
        "V": value,
        "not_exists": lambda found: isinstance(found, _Missing),
        "exists": lambda found: not isinstance(found, _Missing),
        "__builtins__": {},
    }
    return bool(eval(" ".join(words), known))  # noqa: S307 - our own expressions, token by token


def _clauses(expression: str) -> list[tuple[str, str]]:
    pieces = re.split(r"\b(SET|ADD|REMOVE|DELETE)\b", expression)
    return list(zip(pieces[1::2], (piece.strip() for piece in pieces[2::2]), strict=True))


def _change(item: Item, clause: str, action: str, part: Update) -> None:
    if clause == "REMOVE":
        item.pop(part.names.get(action, action), None)
        return
    if clause == "SET":
        attribute, _, right = (word.strip() for word in action.partition("="))
        if not re.fullmatch(r":\w+", right):
            raise NotImplementedError(f"SET {action}")
        *path, last = (part.names.get(word, word) for word in attribute.split("."))
        for name in path:  # as in DynamoDB, what a path leads through must be there
            item = item[name]
        item[last] = copy.deepcopy(part.values[right])
        return
    if clause != "ADD":
        raise NotImplementedError(f"{clause} {action}")
    attribute, placeholder = action.split()
    name, added = part.names.get(attribute, attribute), part.values[placeholder]
    item[name] = (item.get(name, set()) | added) if isinstance(added, set) else item.get(name, 0) + added
