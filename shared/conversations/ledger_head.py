"""The head of a conversation's ledger, as it was read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.platform.errors import FrontdeskError
from shared.platform.values import known_fields

if TYPE_CHECKING:
    from shared.platform.tables import Item


# Longer than its turns: were it swept first, a new turn would get an old one's number and find its plan.
HEAD_KEEP_DAYS = 120


class FenceLost(FrontdeskError):
    """Somebody took the conversation up after us: whatever we were about to do is theirs now."""

    default_reason = "fence_lost"


@dataclass(frozen=True)
class Head:
    """The ledger's head.

    Args:
        fence: our number; writes under a smaller one fail.
        watermark: every message up to this id is answered.
        turn: the open turn's number; 0 when none is open.
        last_turn: the newest turn's number.
        attempts: how often the open turn was begun.
        message_ids: what the open turn answers.
        discards: how often an answer was thrown away because the customer went on writing.
        hour: the hour in which turns were last answered, as hours since 1970.
        hour_turns: how many were answered in it.
        failing: a failure at the channel that no person has been told of yet, as JSON text.
    """

    fence: int = 0
    watermark: int = 0
    turn: int = 0
    last_turn: int = 0
    attempts: int = 0
    message_ids: tuple[int, ...] = ()
    discards: int = 0
    hour: int = 0
    hour_turns: int = 0
    failing: str = ""

    @classmethod
    def from_item(cls, item: Item) -> Head:
        """Read the head's item; attributes it does not have yet keep their defaults."""
        known = known_fields(cls, item)
        return cls(**{**known, "message_ids": tuple(known.get("message_ids", ()))})
