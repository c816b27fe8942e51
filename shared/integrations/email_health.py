"""How a company's providers of e-mail are, by what is stored of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.email.breakers import Breakers
from shared.integrations.health import Condition, Health
from shared.platform.errors import NotFound

if TYPE_CHECKING:
    from shared.companies.email import EmailProvider
    from shared.companies.store import CompanyStore
    from shared.email.secrets import EmailSecrets
    from shared.platform.clock import Clock
    from shared.platform.tables import Table

_STORE = "store it: frontdesk email secret"
_LOOK = "look at the provider's account and status page; its e-mails wait or take another way meanwhile"


class EmailHealth:
    """Looks at breakers and at which secrets there are.

    Args:
        companies: documents.
        secrets: know which are stored.
        table: the e-mails' table.
        clock: for times.
    """

    def __init__(self, companies: CompanyStore, secrets: EmailSecrets, table: Table, clock: Clock) -> None:
        self._companies = companies
        self._secrets = secrets
        self._breakers = Breakers(table, clock)
        self._clock = clock

    def of(self, company_id: str) -> Health | None:
        """All providers together: broken where none works; ``None`` where the company has none."""
        try:
            providers = self._companies.get(company_id).email.providers
        except NotFound:
            return None
        if not providers:
            return None
        stored = self._secrets.stored(company_id)
        told = [self._one(company_id, one, has_secret=stored[one.id]["secret"]) for one in providers]
        bad = [health for health in told if health.status is not Condition.OK]
        if not bad:
            return Health(Condition.OK)
        status = Condition.BROKEN if len(bad) == len(told) else Condition.DEGRADED
        return Health(status, "; ".join(one.reason for one in bad), bad[0].since, bad[0].remedy)

    def _one(self, company_id: str, provider: EmailProvider, *, has_secret: bool) -> Health:
        needs_secret = getattr(provider, "auth", "password") != "xoauth2"
        if needs_secret and not has_secret:
            return Health(Condition.BROKEN, f"no secret is stored for {provider.id}", "", _STORE)
        state = self._breakers.state(company_id, provider.id)
        if state is None or state.open_until is None:
            return Health(Condition.OK)
        # Also when its time is over: it counts as failing until an e-mail went through.
        until = state.open_until.isoformat(timespec="seconds")
        return Health(Condition.BROKEN, f"{provider.id} fails and is left alone until {until}", "", _LOOK)
