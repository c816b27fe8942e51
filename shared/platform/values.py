"""Reading back values that other versions of this code have written."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed import DataclassInstance


def known_fields(shape: type[DataclassInstance], stored: Mapping[str, Any]) -> dict[str, Any]:
    """What a dataclass of ours has a field for.

    Older code wrote less, which the fields' defaults cover. Newer code wrote more: while a deployment puts
    one function after another in place, and after one that is taken back, both read the same queues and
    tables.

    Args:
        shape: the dataclass.
        stored: its fields as they were stored, and perhaps others.
    """
    names = {field.name for field in fields(shape)}
    return {name: value for name, value in stored.items() if name in names}
