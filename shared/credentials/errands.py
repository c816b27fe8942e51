"""What the refresh queue carries: renew this connection's token."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from shared.companies.errands import read, written

_KIND = "token_refresh"


@dataclass(frozen=True)
class RefreshErrand:
    """Renew one connection's token, if that is still due when the errand is read.

    Args:
        company_id: whose.
        provider: with whom.
    """

    company_id: str
    provider: str

    def to_json(self) -> str:
        """For the queue."""
        return written(_KIND, **asdict(self))

    @classmethod
    def from_json(cls, text: str) -> RefreshErrand:
        """Read what `to_json` wrote.

        Raises:
            ValueError: it is something else.
        """
        return read(_KIND, text, lambda data: cls(str(data["company_id"]), str(data["provider"])))
