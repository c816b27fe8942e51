"""What the rounds' queue carries: look at this company, in this run."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from shared.companies.errands import read, written

_KIND = "missed_messages"


@dataclass(frozen=True)
class Errand:
    """Look for one company's missed messages.

    Args:
        company_id: whose.
        run: the run's moment, whole seconds since 1970: the same in every copy of the same run.
    """

    company_id: str
    run: int

    def to_json(self) -> str:
        """For the queue."""
        return written(_KIND, **asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Errand:
        """Read what `to_json` wrote.

        Raises:
            ValueError: it is something else.
        """
        return read(_KIND, text, lambda data: cls(str(data["company_id"]), int(data["run"])))
