"""Opened data keys in memory, bounded in age, uses and number; whoever comes first opens one for all."""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.platform.clock import Clock

CACHE_SECONDS = 300.0
CACHE_USES = 1_000
CACHE_KEYS = 512

# Company, purpose, version.
KeyName = tuple[str, str, int]


@dataclass
class _CachedKey:
    cipher: AESGCM
    wrapped: bytes
    expires: float
    uses_left: int


class KeyCache:
    """Opened data keys, shared by all threads of a process.

    Args:
        clock: for the bound on age.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: OrderedDict[KeyName, _CachedKey] = OrderedDict()
        self._being_opened: dict[tuple[KeyName, bytes], Future[AESGCM]] = {}

    def take(self, name: KeyName, wrapped: bytes | None = None) -> AESGCM | None:
        """A key for one use, or ``None`` where there is none or it is used up.

        Args:
            name: which.
            wrapped: as it stands in the table, where that was read. A company that was forgotten and made
                anew has another key of the same name, and what a process remembers is then worth nothing.
        """
        with self._lock:
            found = self._keys.get(name)
            if found is None:
                return None
            replaced = wrapped is not None and wrapped != found.wrapped
            if replaced or found.expires <= self._clock.monotonic() or found.uses_left <= 0:
                del self._keys[name]
                return None
            found.uses_left -= 1
            self._keys.move_to_end(name)
            return found.cipher

    def keep(self, name: KeyName, wrapped: bytes, key: bytes) -> AESGCM:
        """Remember a key just opened; this is its first use."""
        cipher = AESGCM(key)
        with self._lock:
            expires = self._clock.monotonic() + CACHE_SECONDS
            self._keys[name] = _CachedKey(cipher, wrapped, expires, CACHE_USES - 1)
            self._keys.move_to_end(name)
            while len(self._keys) > CACHE_KEYS:
                self._keys.popitem(last=False)
        return cipher

    def open_once(self, name: KeyName, wrapped: bytes, unwrap: Callable[[], bytes]) -> AESGCM:
        """Open a key that is not warm: of many threads at once one asks KMS, and all get its answer.

        A refusal is shared as well: fifty threads that meet an outage wait for one call, not one after
        another for fifty.
        """
        flight = (name, wrapped)
        with self._lock:
            begun = self._being_opened.get(flight)
            if begun is None:
                mine: Future[AESGCM] = Future()
                self._being_opened[flight] = mine
        if begun is not None:
            return begun.result()
        try:
            # Another thread may have brought it since this one looked.
            cipher = self.take(name, wrapped) or self.keep(name, wrapped, unwrap())
        except BaseException as error:
            mine.set_exception(error)
            raise
        else:
            mine.set_result(cipher)
            return cipher
        finally:
            with self._lock:
                del self._being_opened[flight]
