"""Many conversations given up for one cause: the operator hears it once, and staff is not flooded.

The private note still goes to every conversation: that is where its people look. What is grouped is what
goes elsewhere: the alarm, and notices to a company's staff.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from shared.conversations.keys import SCHEMA_VERSION
from shared.platform.clock import epoch_milliseconds
from shared.platform.observability import count, log
from shared.platform.tables import ConditionFailed, Key

if TYPE_CHECKING:
    from shared.platform.clock import Clock
    from shared.platform.tables import Item, Table

# More than so many in so many seconds are a storm.
STORM_ABOVE = 20
STORM_SECONDS = 300
_TRIES = 5


class Notice(StrEnum):
    """How a company's staff is to be told of a dead letter, besides the note in its conversation."""

    OWN = "own"  # by itself
    STORM = "storm"  # once for all that follow
    GROUPED = "grouped"  # not: an earlier one has told


class Storms:
    """Counts what is given up, by cause, for every company and for all of them.

    Args:
        table: the conversations table.
        clock: for the window.
    """

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    def given_up(self, company_id: str, cause: str) -> Notice:
        """Count one conversation that was given up.

        Args:
            company_id: whose it is.
            cause: the reason's slug.

        Returns:
            How its company's staff is to be told.
        """
        if self._counted(Key("causes", cause)) is not Notice.OWN:
            # While it lasts, so that the alarm stays on and rings once.
            count("HandOverStorm", reason=cause)
            log.error("many conversations are given up for one cause", reason=cause)
        return self._counted(Key(f"company#{company_id}#causes", cause))

    def handed_over(self, company_id: str, cause: str, turn: str) -> Notice:
        """Count one conversation that was handed over for a fault, without giving its turn up.

        Args:
            company_id: whose it is.
            cause: what led to it.
            turn: which turn; one that is decided anew, such as after a crash, is told the same and not
                counted again.

        Returns:
            How its company's staff is to be told.
        """
        return self._counted(Key(f"company#{company_id}#causes", f"hand_over#{cause}"), turn)

    def _counted(self, key: Key, by: str = "") -> Notice:
        for _ in range(_TRIES):
            before = self._table.get(key, consistent=True) or {}
            if by and before.get("told_by") == by:
                return Notice.STORM  # it died before it could write down that it speaks for all
            told = self._recent_turns(before).get(by)
            if told is not None:
                return Notice(told[1])
            item = self._with_one_more(key, before, by)
            try:
                self._table.put(
                    item,
                    "attribute_not_exists(pk) OR version = :before",
                    {":before": before.get("version", 0)},
                )
            except ConditionFailed:
                continue  # another worker counted at the same time
            return _notice(before, storm=item["storm"])
        log.warning("a dead letter could not be counted", reason="busy")
        return Notice.OWN

    def _recent_turns(self, before: Item) -> dict[str, list[Any]]:
        """Which turns are among the newest that were counted: when (milliseconds), and how each was told."""
        since = epoch_milliseconds(self._clock.now()) - STORM_SECONDS * 1000
        turns = {turn: told for turn, told in before.get("turns", {}).items() if told[0] > since}
        return dict(sorted(turns.items(), key=lambda one: one[1][0])[-STORM_ABOVE:])

    def _with_one_more(self, key: Key, before: Item, by: str) -> Item:
        """The newest moments are enough: the one before the last twenty says whether there are too many."""
        now = self._clock.now()
        since = epoch_milliseconds(now) - STORM_SECONDS * 1000
        recent = [at for at in before.get("times_ms", []) if at > since][-STORM_ABOVE:]
        times = [*recent, epoch_milliseconds(now)]
        storm = len(times) > STORM_ABOVE
        speaks = before["told_by"] if before.get("storm") and "told_by" in before else by
        turns = self._recent_turns(before)
        if by:
            turns[by] = [epoch_milliseconds(now), str(_notice(before, storm=storm))]
        return key.as_item() | {
            "times_ms": times,
            "storm": storm,
            "told_by": speaks if storm else "",
            "turns": turns,
            "version": before.get("version", 0) + 1,
            "expires_at": int((now + timedelta(days=1)).timestamp()),
            "v": SCHEMA_VERSION,
        }


def _notice(before: Item, *, storm: bool) -> Notice:
    if not storm:
        return Notice.OWN
    return Notice.GROUPED if before.get("storm") else Notice.STORM
