"""Logs as JSON lines, metrics in CloudWatch's embedded format, both safe with many threads.

Powertools' ``append_keys`` and metric dimensions are shared by the whole process, so that ten conversations
in ten threads would carry each other's names. Keys are bound here with the thread-safe variants, and each
emission of metrics uses an object of its own. Texts of customers never go into a log at INFO or above.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMESPACE = "Frontdesk"
_one_line_at_a_time = threading.Lock()

log = Logger(
    service=os.environ.get("POWERTOOLS_SERVICE_NAME", "frontdesk"),
    use_rfc3339=True,
    utc=True,
)


@contextmanager
def bound(**keys: str | int) -> Iterator[None]:
    """Add keys to every log line of this thread while the block runs."""
    log.thread_safe_append_keys(**keys)
    try:
        yield
    finally:
        log.thread_safe_remove_keys(list(keys))


def count(metric: str, value: int = 1, **dimensions: str) -> None:
    """Add to a counter.

    Args:
        metric: its name, such as ``TurnsAnswered``.
        value: how many.
        dimensions: what to group by; few and of few values, because each combination is billed.
    """
    _emit(metric, MetricUnit.Count, value, dimensions)


def milliseconds(metric: str, value: float, **dimensions: str) -> None:
    """Record how long something took, in milliseconds."""
    _emit(metric, MetricUnit.Milliseconds, value, dimensions)


def _emit(metric: str, unit: MetricUnit, value: float, dimensions: dict[str, str]) -> None:
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    for name, text in dimensions.items():
        metrics.add_dimension(name=name, value=text)
    metrics.add_metric(name=metric, unit=unit, value=value)
    line = json.dumps(metrics.serialize_metric_set(), separators=(",", ":"))
    # One write for the whole line: print() writes its newline apart, and threads would mix their lines.
    with _one_line_at_a_time:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
