"""What forgetting leaves behind: a receipt of what was removed, and of what remains where until when.

Whoever asks to be forgotten is owed both halves: the operator must be able to say what is gone, and what no
program can take back at once (backups, logs, queues, the other side's own copies).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

# Point-in-time recovery restores a table to any second of the last 35 days (DynamoDB's developer guide).
RECOVERY = timedelta(days=35)
# The longest that SQS keeps a message, which is what our dead-letter queues ask for.
QUEUES = timedelta(days=14)
# The longest of the stages' log retentions (infra/stages.py).
LOGS = timedelta(days=90)


@dataclass(frozen=True)
class Removed:
    """One line of what is gone: of what, how many."""

    what: str
    count: int


@dataclass(frozen=True)
class Remains:
    """One line of what is still somewhere.

    Args:
        what: what, and where.
        until: the moment when it is gone as ISO text in UTC, or words where no moment is known.
    """

    what: str
    until: str


@dataclass(frozen=True)
class Receipt:
    """What was forgotten.

    Args:
        subject: who, such as ``company clinica-sol``; never a customer's name or number.
        at: when, as ISO text in UTC.
        complete: whether nothing is left to do; while false, the same request goes on.
        removed: what is gone, in the order in which it went.
        remains: what is still somewhere, and until when.
        by_hand: sentences on what only a person can do.
    """

    subject: str
    at: str
    complete: bool = True
    removed: tuple[Removed, ...] = ()
    remains: tuple[Remains, ...] = ()
    by_hand: tuple[str, ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        """The API's shape."""
        return {
            "subject": self.subject,
            "at": self.at,
            "complete": self.complete,
            "removed": [{"what": line.what, "count": line.count} for line in self.removed],
            "remains": [{"what": line.what, "until": line.until} for line in self.remains],
            "by_hand": list(self.by_hand),
        }


def removed_lines(counts: Mapping[str, int]) -> tuple[Removed, ...]:
    """Counts as lines; what was not there has no line."""
    return tuple(Removed(what, count) for what, count in counts.items() if count)


def remains_everywhere(now: datetime) -> tuple[Remains, ...]:
    """What every forgetting leaves behind: backups of the tables, queues, logs."""

    def line(what: str, kept: timedelta) -> Remains:
        return Remains(what, (now + kept).isoformat(timespec="seconds"))

    return (
        line("backups: the tables' point-in-time recovery", RECOVERY),
        line("messages in queues that nobody has taken out", QUEUES),
        line("log lines with ids, without texts", LOGS),
    )


def receipt_lines(receipt: Mapping[str, Any]) -> list[str]:
    """A receipt for people.

    Args:
        receipt: what `Receipt.as_dict` gave.
    """
    lines = [f"{receipt['subject']}, {receipt['at']}"]
    lines += [f"  removed  {line['count']:>7}  {line['what']}" for line in receipt["removed"]]
    lines += [f"  remains  until {line['until']}: {line['what']}" for line in receipt["remains"]]
    lines += [f"  by hand  {sentence}" for sentence in receipt["by_hand"]]
    if not receipt["complete"]:
        lines.append("  not finished: the same request goes on where this one stopped")
    return lines
