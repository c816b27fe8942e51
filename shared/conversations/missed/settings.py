"""The settings of the search for missed messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from shared.platform.settings import Environment


@dataclass(frozen=True)
class MissedSettings:
    """How missed messages are searched for.

    Args:
        min_age_seconds: nothing younger is looked at: its webhook may be on its way.
        backlog_seconds: nothing is searched for while a message of the incoming queue waits longer than this.
        calls: how many calls one run makes to one company's Chatwoot, at most.
        company_seconds: how long one run takes for one company, at most.
        call_seconds: one call, in total.
    """

    min_age_seconds: float = 90.0
    backlog_seconds: float = 60.0
    calls: int = 40
    company_seconds: float = 20.0
    call_seconds: float = 10.0

    @classmethod
    def from_environment(cls, environment: Environment) -> Self:
        """Read them.

        Raises:
            SettingError: one of them is wrong; the message names it.
        """
        return cls(
            min_age_seconds=environment.number(
                "FRONTDESK_MISSED_MIN_AGE_SECONDS", 90, minimum=0, maximum=3600
            ),
            backlog_seconds=environment.number(
                "FRONTDESK_MISSED_BACKLOG_SECONDS", 60, minimum=1, maximum=3600
            ),
            calls=environment.integer("FRONTDESK_MISSED_CALLS", 40, minimum=2, maximum=1000),
        )
