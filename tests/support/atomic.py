"""Moto with many threads: each operation whole, as DynamoDB's are.

Moto's transactions copy all tables, and copy them back when a condition fails, which undoes what other
threads wrote in between. Here each single operation holds a lock; how operations interleave stays open.
"""

# ruff: noqa: ANN401 - arguments are passed through as they come

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from shared.platform.tables import Table

if TYPE_CHECKING:
    from shared.platform.tables import Item


class AtomicTable(Table):
    """A table whose operations do not overlap with each other.

    Args:
        table: the same table without the lock.
    """

    def __init__(self, table: Table) -> None:
        super().__init__(table._client, table.name)
        self._lock = threading.Lock()

    def get(self, *args: Any, **kwargs: Any) -> Item | None:
        """See `Table`."""
        with self._lock:
            return super().get(*args, **kwargs)

    def get_many(self, *args: Any, **kwargs: Any) -> list[Item]:
        """See `Table`."""
        with self._lock:
            return super().get_many(*args, **kwargs)

    def query(self, *args: Any, **kwargs: Any) -> list[Item]:
        """See `Table`."""
        with self._lock:
            return super().query(*args, **kwargs)

    def put(self, *args: Any, **kwargs: Any) -> None:
        """See `Table`."""
        with self._lock:
            super().put(*args, **kwargs)

    def update(self, *args: Any, **kwargs: Any) -> Item:
        """See `Table`."""
        with self._lock:
            return super().update(*args, **kwargs)

    def transact(self, *args: Any, **kwargs: Any) -> None:
        """See `Table`."""
        with self._lock:
            super().transact(*args, **kwargs)

    def put_many(self, *args: Any, **kwargs: Any) -> None:
        """See `Table`."""
        with self._lock:
            super().put_many(*args, **kwargs)
