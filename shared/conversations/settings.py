"""The settings of turns: how long, how often, how patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from shared.platform.settings import SettingError

if TYPE_CHECKING:
    from shared.platform.settings import Environment

_MAX_RETRY_SECONDS = 3_600.0


@dataclass(frozen=True)
class TurnSettings:
    """How turns behave; all durations in seconds.

    Args:
        turn_seconds: how long one attempt may take.
        lease_seconds: a step hides its messages for so long; a killed worker's conversation comes back then.
        chatwoot_timeout_seconds: for one call to Chatwoot, in total.
        retry_seconds: how long to wait after each failed attempt; after the last there is no other.
        pace_seconds: between the parts of one reply, so that they arrive in order.
        reserve_seconds: at the end of an invocation nothing new is begun, and ten seconds are kept to leave.
        loopback_allowed: whether Chatwoot may stand on a loopback address: the local stage only.
    """

    turn_seconds: float = 90.0
    lease_seconds: float = 45.0
    chatwoot_timeout_seconds: float = 20.0
    retry_seconds: tuple[float, ...] = (2.0, 5.0, 15.0, 40.0, 90.0)
    pace_seconds: float = 1.0
    reserve_seconds: float = 10.0
    loopback_allowed: bool = False

    @classmethod
    def from_environment(cls, environment: Environment) -> Self:
        """Read them.

        Raises:
            SettingError: one of them is wrong; the message names it.
        """
        return cls(
            turn_seconds=environment.number("FRONTDESK_TURN_SECONDS", 90, minimum=5, maximum=100),
            lease_seconds=environment.number("FRONTDESK_LEASE_SECONDS", 45, minimum=5, maximum=720),
            chatwoot_timeout_seconds=environment.number(
                "FRONTDESK_CHATWOOT_TIMEOUT_SECONDS", 20, minimum=1, maximum=60
            ),
            retry_seconds=_retries(environment.text("FRONTDESK_RETRY_SECONDS", "2,5,15,40,90")),
            pace_seconds=environment.number("FRONTDESK_PART_PACE_SECONDS", 1, minimum=0, maximum=10),
            loopback_allowed=environment.flag("FRONTDESK_LOOPBACK_ALLOWED"),
        )


def _retries(text: str) -> tuple[float, ...]:
    try:
        waits = tuple(float(part) for part in text.split(","))
    except ValueError:
        waits = ()
    if not waits or not all(0 <= wait <= _MAX_RETRY_SECONDS for wait in waits):
        raise SettingError(f"FRONTDESK_RETRY_SECONDS is {text!r}; it must be seconds, as in 2,5,15,40,90")
    return waits
