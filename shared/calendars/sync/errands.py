"""What the sync queue carries: look at this company's calendars, or at one of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from shared.companies.errands import read, written

_KIND = "calendar_sync"
EVERY_CALENDAR = ""


@dataclass(frozen=True)
class SyncErrand:
    """Look at calendars as they are when the errand is read: copies and late ones do no harm.

    Args:
        company_id: whose.
        calendar_id: ours; `EVERY_CALENDAR`: all of them.
        run: when a round began, in whole seconds since 1970; 0 where no round asks.
    """

    company_id: str
    calendar_id: str = EVERY_CALENDAR
    run: int = 0

    def to_json(self) -> str:
        """For the queue."""
        return written(_KIND, **asdict(self))

    @classmethod
    def from_json(cls, text: str) -> SyncErrand:
        """Read what `to_json` wrote.

        Raises:
            ValueError: it is something else.
        """
        return read(
            _KIND,
            text,
            lambda data: cls(str(data["company_id"]), str(data["calendar_id"]), int(data["run"])),
        )
