"""Taken time as few bytes: a month of a full calendar fits into one item of a table, which is written whole.

An event is twenty bytes: twelve of its hashed id, four each for its start and its end in whole seconds since
1970. Fractions of a second make it longer, never shorter. Nothing of it tells who meets whom about what.
"""

from __future__ import annotations

import hashlib
import math
import struct
import zlib
from typing import TYPE_CHECKING

from shared.calendars.intervals import Interval, of_span
from shared.platform.errors import GiveUp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shared.calendars.intervals import Span

# An item of DynamoDB holds 400 KB; ids do not compress.
MOST_BYTES = 350_000
_ID_BYTES = 12
_EVENT = struct.Struct(f">{_ID_BYTES}sII")
_MOMENT = struct.Struct(">I")
_LATEST = 2**32 - 1

# When each event takes place, by its `event_key`.
Taken = dict[bytes, tuple[int, int]]


class TooManyEvents(GiveUp):
    """More than fits into an item: such a calendar is asked each time."""

    default_reason = "too_many_events"


def event_key(event_id: str) -> bytes:
    """What stands for an event's id."""
    return hashlib.blake2b(event_id.encode(), digest_size=_ID_BYTES).digest()


def whole_seconds(interval: Interval) -> tuple[int, int]:
    """An interval in whole seconds since 1970, at least as long as it is."""
    return _bounded(math.floor(interval.start.timestamp())), _bounded(math.ceil(interval.end.timestamp()))


def by_number(intervals: Iterable[Interval]) -> Taken:
    """Taken time of which no events are known."""
    return {number.to_bytes(_ID_BYTES, "big"): whole_seconds(one) for number, one in enumerate(intervals)}


def pack(taken: Mapping[bytes, tuple[int, int]]) -> bytes:
    """For a table.

    Raises:
        TooManyEvents: it would not fit.
    """
    rows = sorted((start, end, key) for key, (start, end) in taken.items())
    packed = zlib.compress(b"".join(_EVENT.pack(key, start, end) for start, end, key in rows))
    if len(packed) > MOST_BYTES:
        raise TooManyEvents("the calendar holds more events than are kept near")
    return packed


def unpack(packed: bytes) -> Taken:
    """What `pack` packed."""
    return {key: (start, end) for key, start, end in _EVENT.iter_unpack(zlib.decompress(packed))}


def pack_moments(moments: Iterable[float]) -> bytes:
    """Moments in whole seconds since 1970."""
    return zlib.compress(b"".join(_MOMENT.pack(_bounded(int(one))) for one in sorted(moments)))


def unpack_moments(packed: bytes) -> list[int]:
    """What `pack_moments` packed."""
    return [moment for (moment,) in _MOMENT.iter_unpack(zlib.decompress(packed))]


def intervals_within(taken: Iterable[tuple[int, int]], window: Span) -> list[Interval]:
    """What of it lies in a window, in order."""
    start, end = window
    return [of_span(one) for one in sorted(taken) if one[0] < end and start < one[1]]


def _bounded(seconds: int) -> int:
    return min(max(seconds, 0), _LATEST)
