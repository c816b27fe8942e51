"""How long something keeps the processor, whatever else the machine is doing."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def processor_seconds(work: Callable[[], object], *, tries: int = 3) -> float:
    """Of the processor, for some work: the least of several tries.

    Waiting does not count, nor does the garbage that other tests left to be looked through.

    Args:
        work: what is measured; done as often as it is tried.
        tries: how often.
    """
    return min(_once(work) for _ in range(tries))


def _once(work: Callable[[], object]) -> float:
    collecting = gc.isenabled()
    gc.disable()
    try:
        began = time.process_time()
        work()
        return time.process_time() - began
    finally:
        if collecting:
            gc.enable()
