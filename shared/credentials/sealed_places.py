"""Where sealed values stand in the credentials table, so that a rotation finds every one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.credentials.connections import SEALED
from shared.credentials.states import PREFIX as STATES
from shared.credentials.states import sealed_field
from shared.credentials.vault import KEYS_PREFIX, PURPOSES, version_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.platform.tables import Item


@dataclass(frozen=True)
class SealedPlace:
    """One sealed value in an item.

    Args:
        provider: whose credential it is.
        field: the name that it is bound to.
        attribute: where in the item it stands.
    """

    provider: str
    field: str
    attribute: str

    @property
    def purpose(self) -> str:
        """Which of the company's data keys seals it."""
        return PURPOSES[self.provider]


def places(item: Item) -> list[SealedPlace]:
    """The sealed values of an item that we know how to seal again."""
    kind, _, rest = item["sk"].partition("#")
    if kind == "credential":
        provider, _, field = rest.partition("#")
        return [SealedPlace(provider, field, "sealed")] if provider in PURPOSES else []
    if kind == "connection" and rest in PURPOSES:
        return [SealedPlace(rest, name, name) for name in SEALED if name in item]
    if kind.startswith(STATES) and "sealed" in item:
        return [SealedPlace(item["provider"], sealed_field(item["sk"]), "sealed")]
    return []


def unknown_places(item: Item) -> Iterator[str]:
    """Attributes that look like a sealed value of the vault's, but stand where none is known to stand.

    A rotation that overlooked one would destroy its key, so it stops there and says where.
    """
    if item["sk"].startswith(KEYS_PREFIX):
        return
    known = {place.attribute for place in places(item)}
    for attribute, value in item.items():
        if isinstance(value, bytes) and attribute not in known and version_of(value) is not None:
            yield attribute
