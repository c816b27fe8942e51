"""How a company's calendars are, by how the last looks at them went."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from shared.credentials.providers.registry import PROVIDERS as OAUTH
from shared.integrations.health import Condition, Health

if TYPE_CHECKING:
    from collections.abc import Container
    from datetime import datetime

    from shared.calendars.sync.cache import Cache
    from shared.calendars.sync.cache import Condition as Look
    from shared.companies.store import CompanyStore
    from shared.platform.clock import Clock

# Four rounds in a row.
OLD = timedelta(hours=1)


class CalendarHealth:
    """Reads what looks have noted.

    Args:
        companies: tell which calendars there are.
        cache: tells how the last look at each went.
        clock: time.
    """

    def __init__(self, companies: CompanyStore, cache: Cache, clock: Clock) -> None:
        self._companies = companies
        self._cache = cache
        self._clock = clock

    def of(self, company_id: str, connected: Container[str]) -> dict[str, Health]:
        """Each calendar under ``calendar:<our id>``; none for a company without a document.

        Args:
            company_id: whose.
            connected: the providers with which it has connected an account.

        Raises:
            NotFound: there is no such company.
        """
        now = self._clock.now()
        calendars = self._companies.get(company_id).calendars
        return {
            f"calendar:{one.id}": (
                not_connected(one.provider)
                if one.provider in OAUTH and one.provider not in connected
                else calendar_health(self._cache.condition(company_id, one.id), now)
            )
            for one in calendars
        }


def not_connected(provider: str) -> Health:
    """How a calendar is whose account nobody connected: nothing of it can be read."""
    remedy = f"connect it: frontdesk integration connect {provider}"
    return Health(Condition.BROKEN, f"{provider} is not connected", remedy=remedy)


def calendar_health(look: Look | None, now: datetime) -> Health:
    """How one calendar is.

    Args:
        look: how the last look went; ``None``: nobody looked yet.
        now: the current moment.
    """
    if look is None:
        return Health(Condition.OK)
    since = look.synced_at.isoformat() if look.synced_at else ""
    old = look.synced_at is None or now - look.synced_at > OLD
    if look.failures:
        reason = f"could not be read: {look.reason}, {look.failures} times in a row"
        remedy = f"look at the connection with {look.provider}, and whether the calendar is shared with it"
        return Health(Condition.BROKEN if old else Condition.DEGRADED, reason, since, remedy)
    if old:
        remedy = "the operator looks at calendar_sync: its log, its schedule and its queue"
        return Health(Condition.DEGRADED, "was not read for an hour", since, remedy)
    return Health(Condition.OK, since=since)
