"""What the reminders' queue carries: these reminders of a company are due."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.companies.errands import read, written
from shared.reminders.rows import RowName

_KIND = "appointment_reminders"


@dataclass(frozen=True)
class ReminderErrand:
    """Send some reminders of one company, if that is still right when the errand is read.

    Args:
        company_id: whose.
        rows: which: the appointment and the row's name.
    """

    company_id: str
    rows: tuple[RowName, ...]

    def to_json(self) -> str:
        """For the queue."""
        rows = [[one.appointment_id, one.row] for one in self.rows]
        return written(_KIND, company_id=self.company_id, rows=rows)

    @classmethod
    def from_json(cls, text: str) -> ReminderErrand:
        """Read what `to_json` wrote.

        Raises:
            ValueError: it is something else.
        """
        return read(_KIND, text, lambda data: cls(str(data["company_id"]), _rows(data)))


def _rows(data: dict[str, Any]) -> tuple[RowName, ...]:
    company_id = str(data["company_id"])
    return tuple(RowName(company_id, str(appointment), str(row)) for appointment, row in data["rows"])
