"""Failures as a sentence that says what to do."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from local.progress import tail

if TYPE_CHECKING:
    from pathlib import Path

LOG_LINES_SHOWN = 20


class Failure(Exception):
    """The run cannot go on.

    Args:
        sentence: what happened and what to do, for the person at the terminal.
        log: the file with the details, where there is one.
    """

    def __init__(self, sentence: str, log: Path | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.log = log


def explain(failure: Failure) -> None:
    """Print a failure: its log's last lines, the sentence, where the log is."""
    for line in tail(failure.log, LOG_LINES_SHOWN):
        print(f"    {line}", file=sys.stderr)
    print(failure.sentence, file=sys.stderr)
    if failure.log:
        print(f"The whole log: {failure.log}", file=sys.stderr)
