"""How often an API key may ask: so many requests a minute, counted for all processes together.

A process borrows permits from the minute's counter: first one, then twice as many each time, up to a tenth of
the limit. So the counter is written seldom, never gives out more than the limit, and what a process has
borrowed and not used is never more than what it has used.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from shared.companies.names import SCHEMA_VERSION, owner_pk
from shared.platform.errors import TooMany
from shared.platform.observability import count, log
from shared.platform.tables import ConditionFailed, Key

if TYPE_CHECKING:
    from shared.platform.clock import Clock
    from shared.platform.tables import Table

WINDOW_SECONDS = 60
# A borrower takes at most this share of the limit at once.
LARGEST_SHARE = 10
KEPT_SECONDS = 3600
MAX_KEYS = 1_000
_TRIES = 3


@dataclass
class _Purse:
    """What this process has borrowed for a key in one minute."""

    window: int
    left: int = 0
    next_loan: int = 1
    empty: bool = False


class RateLimits:
    """Counts requests, each key by itself.

    Args:
        table: the companies table.
        clock: says which minute it is.
    """

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock
        self._purses: OrderedDict[tuple[str, str], _Purse] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, owner: str, key_id: str, per_minute: int) -> None:
        """Count one request.

        Args:
            owner: whose key it is.
            key_id: which key.
            per_minute: how many requests it may make in one minute (UTC, on the clock).

        Raises:
            TooMany: it has made them.
        """
        now = self._clock.now().timestamp()
        with self._lock:
            purse = self._purse(owner, key_id, int(now // WINDOW_SECONDS))
            if purse.left == 0 and not purse.empty:
                purse.left = self._borrow(owner, key_id, purse, per_minute)
                purse.empty = purse.left == 0
            if purse.empty:
                seconds = math.ceil(WINDOW_SECONDS - now % WINDOW_SECONDS)
                count("RequestsLimited")
                raise TooMany(
                    f"this API key may make {per_minute} requests a minute; go on in {seconds} s",
                    after_seconds=seconds,
                )
            purse.left -= 1

    def _purse(self, owner: str, key_id: str, window: int) -> _Purse:
        purse = self._purses.get((owner, key_id))
        if purse is None or purse.window != window:
            purse = self._purses[(owner, key_id)] = _Purse(window)
        self._purses.move_to_end((owner, key_id))
        while len(self._purses) > MAX_KEYS:
            self._purses.popitem(last=False)
        return purse

    def _borrow(self, owner: str, key_id: str, purse: _Purse, per_minute: int) -> int:
        wish = purse.next_loan
        purse.next_loan = min(wish * 2, max(1, per_minute // LARGEST_SHARE))
        try:
            return self._lent(_counter(owner, key_id, purse.window), wish, per_minute)
        except (ClientError, BotoCoreError) as failed:
            # The limit protects neighbours, it is no lock: who could be authenticated is let through.
            log.warning("requests could not be counted", error=type(failed).__name__)
            return wish

    def _lent(self, key: Key, wish: int, per_minute: int) -> int:
        for _ in range(_TRIES):
            try:
                self._add(key, wish, per_minute)
            except ConditionFailed as full:
                room = per_minute - int((full.item or {}).get("used", per_minute - 1))
                if room <= 0 or wish == 1:
                    return 0
                wish = min(room, wish - 1)
            else:
                return wish
        return 0

    def _add(self, key: Key, permits: int, per_minute: int) -> None:
        expires_at = int(self._clock.now().timestamp()) + KEPT_SECONDS
        self._table.update(
            key,
            "ADD used :permits SET expires_at = :expires, v = :v",
            "attribute_not_exists(used) OR used <= :most",
            values={
                ":permits": permits,
                ":most": per_minute - permits,
                ":expires": expires_at,
                ":v": SCHEMA_VERSION,
            },
        )


def _counter(owner: str, key_id: str, window: int) -> Key:
    return Key(owner_pk(owner), f"rate#{key_id}#{window}")
