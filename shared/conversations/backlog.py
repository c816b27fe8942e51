"""Whether the incoming queue is behind: whether its oldest waiting message waits for more than a minute.

SQS tells how many messages wait, not since when. So workers note, now and then, when the newest message that
they have taken up had arrived: what waits arrived later than that, or about then. Where messages wait and the
note is too old, the queue is behind (docs/decisions/0010-missed-messages.md).
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from shared.conversations.keys import SCHEMA_VERSION
from shared.platform.clock import epoch_milliseconds
from shared.platform.observability import log
from shared.platform.tables import ConditionFailed, Key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.conversations.incoming import IncomingMessage
    from shared.platform.clock import Clock
    from shared.platform.tables import Table

TAKEN_UP = Key("incoming-queue", "taken-up")
_WRITE_EVERY_MS = 15_000
# A message that is just being handed to a worker counts as waiting for a moment.
_LOOKS, _BETWEEN_LOOKS_SECONDS = 3, 1.0


class TakenUp:
    """The workers' note, written by each process at most every 15 seconds.

    Args:
        table: the conversations table.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._noted_ms = 0

    def note(self, messages: Sequence[IncomingMessage]) -> None:
        """Note when the newest of these messages arrived. A note that cannot be written harms nothing."""
        newest_ms = max((message.received_at_ms for message in messages), default=0)
        if newest_ms - self._noted_ms < _WRITE_EVERY_MS:
            return
        self._noted_ms = newest_ms
        try:
            self._write(newest_ms)
        except Exception as failed:  # noqa: BLE001 - customers wait for what comes after this
            log.warning("what was taken up could not be noted", error=type(failed).__name__)

    def _write(self, newest_ms: int) -> None:
        with suppress(ConditionFailed):  # another process took up a newer one
            self._table.update(
                TAKEN_UP,
                "SET arrived_ms = :at, v = :v",
                "attribute_not_exists(arrived_ms) OR arrived_ms < :at",
                values={":at": newest_ms, ":v": SCHEMA_VERSION},
            )


class Backlog:
    """Looks at the queue from outside.

    Args:
        waiting: how many messages wait, as SQS tells it (``ApproximateNumberOfMessages``).
        table: the conversations table.
        clock: measures age.
        limit_seconds: how old the oldest waiting message may be.
    """

    def __init__(
        self, waiting: Callable[[], int], table: Table, clock: Clock, *, limit_seconds: float
    ) -> None:
        self._waiting = waiting
        self._table = table
        self._clock = clock
        self._limit_seconds = limit_seconds

    def behind(self) -> bool:
        """Whether a message may have waited for longer than the limit."""
        for look in range(_LOOKS):
            if look:
                self._clock.sleep(_BETWEEN_LOOKS_SECONDS)
            if self._waiting() == 0 or self._keeps_up():
                return False
        return True

    def _keeps_up(self) -> bool:
        item = self._table.get(TAKEN_UP, consistent=True) or {}
        since_ms = epoch_milliseconds(self._clock.now()) - int(item.get("arrived_ms", 0))
        return since_ms <= self._limit_seconds * 1000
