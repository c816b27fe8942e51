"""Circuit breakers: a company's provider that fails again and again is left alone for a while.

One item for each company and provider, so that all workers know. After `FAILURES` failures in a row it is
open for a time that doubles with each trial that fails, up to `LONGEST_SECONDS`, and after a refusal of the
account for that time at once; then one e-mail is let through to try. Any answer that shows that the provider
works forgets it all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.companies.names import SCHEMA_VERSION, company_pk
from shared.platform.clock import epoch_milliseconds, from_epoch_milliseconds
from shared.platform.observability import count, log
from shared.platform.tables import ConditionFailed, Key

if TYPE_CHECKING:
    from datetime import datetime

    from shared.platform.clock import Clock
    from shared.platform.tables import Table

FAILURES = 5
FIRST_SECONDS = 60
LONGEST_SECONDS = 15 * 60
# For so long one worker tries whether it works again, and others keep away.
TRIAL_SECONDS = 90
_FORGOTTEN_SECONDS = 24 * 3600


@dataclass(frozen=True)
class BreakerState:
    """A provider that fails: how often in a row, how often the breaker opened, and until when it is open."""

    failures: int
    openings: int
    open_until: datetime | None


class Breakers:
    """Knows which providers of a company are left alone.

    Args:
        table: the e-mails' table.
        clock: for times.
    """

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock
        # Until when this process may try which provider.
        self._trials: dict[tuple[str, str], int] = {}

    def waits_until(self, company_id: str, provider: str) -> datetime | None:
        """Until when a provider is left alone; ``None``: it may be asked.

        Once the time is over this lets one caller through and keeps the others away for `TRIAL_SECONDS`.
        """
        item = self._table.get(_key(company_id, provider), consistent=True)
        until = item.get("open_until_ms") if item else None
        if until is None:
            return None
        now = epoch_milliseconds(self._clock.now())
        if until > now:
            return from_epoch_milliseconds(until)
        trial = now + TRIAL_SECONDS * 1000
        try:
            self._table.update(
                _key(company_id, provider),
                "SET open_until_ms = :trial, trial = :yes",
                "open_until_ms = :until",
                values={":trial": trial, ":until": until, ":yes": True},
            )
        except ConditionFailed:
            return from_epoch_milliseconds(trial)
        self._trials[company_id, provider] = trial
        return None

    def let_go(self, company_id: str, provider: str) -> None:
        """Where this process was let through to try and did not come to ask: let the next one through."""
        trial = self._trials.pop((company_id, provider), None)
        if trial is None:
            return
        now = epoch_milliseconds(self._clock.now())
        try:
            self._table.update(
                _key(company_id, provider),
                "SET open_until_ms = :now REMOVE trial",
                "open_until_ms = :mine",
                values={":now": now, ":mine": trial},
            )
        except ConditionFailed:
            return  # its time was over, and somebody else tries

    def succeeded(self, company_id: str, provider: str) -> None:
        """The provider works: forget its failures."""
        if self._table.get(_key(company_id, provider), consistent=True) is not None:
            self._table.delete(_key(company_id, provider))

    def reset(self, company_id: str, provider: str) -> None:
        """A person mended something: what was known of its failures counts no more."""
        self._table.delete(_key(company_id, provider))

    def failed(self, company_id: str, provider: str, vendor: str, *, at_once: bool = False) -> None:
        """The provider failed in a way that says something of itself.

        Args:
            company_id: whose provider.
            provider: its id in the company's document.
            vendor: who it is, for the metric.
            at_once: one such failure is enough: the account is refused.
        """
        now = epoch_milliseconds(self._clock.now())
        item = self._table.update(
            _key(company_id, provider),
            "SET v = :v, expires_at = :gone ADD failures :one",
            values={":v": SCHEMA_VERSION, ":gone": now // 1000 + _FORGOTTEN_SECONDS, ":one": 1},
        )
        open_until, trial = item.get("open_until_ms", 0), item.get("trial", False)
        if (open_until > now and not trial) or not (at_once or trial or item["failures"] >= FAILURES):
            return  # it is open, and this one was under way before; or there is not enough to open it
        openings = item.get("openings", 0)
        seconds = LONGEST_SECONDS if at_once else min(FIRST_SECONDS * 2**openings, LONGEST_SECONDS)
        try:
            self._table.update(
                _key(company_id, provider),
                "SET open_until_ms = :until REMOVE trial ADD openings :one",
                # Not where somebody mended it, and forgot it, since the line above.
                "attribute_exists(failures) AND "
                "(attribute_not_exists(open_until_ms) OR open_until_ms = :seen)",
                values={":until": now + seconds * 1000, ":one": 1, ":seen": open_until},
            )
        except ConditionFailed:
            return  # another worker's failure opened it at the same moment
        count("EmailBreakersOpened", vendor=vendor)
        log.warning("e-mail provider left alone", provider=provider, vendor=vendor, seconds=seconds)

    def state(self, company_id: str, provider: str) -> BreakerState | None:
        """What is known of a provider's failures; ``None``: nothing, it works."""
        item = self._table.get(_key(company_id, provider))
        if item is None:
            return None
        until = item.get("open_until_ms")
        since = from_epoch_milliseconds(until) if until else None
        return BreakerState(item.get("failures", 0), item.get("openings", 0), since)


def _key(company_id: str, provider: str) -> Key:
    return Key(company_pk(company_id), f"breaker#{provider}")
