"""All integrations of a company together, from what is stored; nothing outside of AWS is asked."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from shared.companies.pulse import CHATWOOT, MODEL
from shared.integrations.health import (
    Condition,
    Health,
    chatwoot_health,
    connection_health,
    overall,
    vault_health,
    with_beat,
)

if TYPE_CHECKING:
    from shared.companies.pulse import Pulse
    from shared.credentials.connections import Connections
    from shared.credentials.store import Credentials
    from shared.integrations.calendar_health import CalendarHealth
    from shared.integrations.chatwoot import ChatwootIntegration
    from shared.integrations.email_health import EmailHealth
    from shared.platform.clock import Clock

# A monitor that asks every second costs no more than one that asks twice a minute.
CACHE_SECONDS = 30.0
MAX_KNOWN = 1_000
_WAIT = "nothing, it is tried again; if it lasts, look at the other side's status page"


class HealthCheck:
    """Puts it together.

    Args:
        chatwoot: tells what is stored of the connection with Chatwoot.
        connections: the same of OAuth providers.
        credentials: tell how KMS answered last.
        pulse: tells how model and Chatwoot did in turns.
        clock: for the cache.
        email: tells of the providers of e-mail.
        calendars: tells how calendars could be read.
    """

    def __init__(
        self,
        chatwoot: ChatwootIntegration,
        connections: Connections,
        credentials: Credentials,
        pulse: Pulse,
        clock: Clock,
        email: EmailHealth | None = None,
        calendars: CalendarHealth | None = None,
    ) -> None:
        self._chatwoot = chatwoot
        self._connections = connections
        self._credentials = credentials
        self._pulse = pulse
        self._clock = clock
        self._email = email
        self._calendars = calendars
        self._told: OrderedDict[str, tuple[float, dict[str, Any]]] = OrderedDict()

    def of(self, company_id: str, public_url: str) -> dict[str, Any]:
        """``status`` and ``integrations``, at most half a minute old.

        Args:
            company_id: whose.
            public_url: our own address.

        Raises:
            NotFound: there is no such company.
        """
        now = self._clock.monotonic()
        known = self._told.get(company_id)
        if known is not None and now - known[0] < CACHE_SECONDS:
            return known[1]
        told = overall(self._looked_at(company_id, public_url))
        self._told[company_id] = (now, told)
        self._told.move_to_end(company_id)
        while len(self._told) > MAX_KNOWN:
            self._told.popitem(last=False)
        return told

    def _looked_at(self, company_id: str, public_url: str) -> dict[str, Health]:
        stored = chatwoot_health(self._chatwoot.status(company_id, public_url))
        now = self._clock.now()
        mail = self._email.of(company_id) if self._email else None
        accounts = {one.provider: one for one in self._connections.of(company_id)}
        return {
            CHATWOOT: with_beat(stored, self._pulse.of(company_id, CHATWOOT), _WAIT),
            MODEL: with_beat(Health(Condition.OK), self._pulse.of(company_id, MODEL), _WAIT),
            "credentials": vault_health(self._credentials.condition(company_id)),
            **{name: connection_health(one, now) for name, one in accounts.items()},
            **({"email": mail} if mail else {}),
            **(self._calendars.of(company_id, accounts) if self._calendars else {}),
        }
