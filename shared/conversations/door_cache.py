"""What the door remembers between deliveries: companies, their secrets, and who is unknown.

A warm delivery must cost one AWS call, so a company and its secrets are kept for a minute. A signature that
fails may mean that the secret was changed a moment ago: the company is then read once more, at most once in
ten seconds, so that nobody can make us read by sending rubbish. The map is bounded for the same reason.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shared.companies.card import CompanyCard
    from shared.platform.clock import Clock
    from shared.platform.secret import Secret

KEEP_SECONDS = 60.0
REREAD_AFTER_SECONDS = 10.0
MAX_COMPANIES = 2_000


class Cards(Protocol):
    """Finds companies; see `shared.companies.card.Directory`."""

    def card(self, company_id: str) -> CompanyCard | None:
        """A company's card, or ``None``."""
        ...

    def candidates(self, account_id: int, inbox_id: int | None) -> list[CompanyCard]:
        """The companies that own this inbox of an account with this number, on any server."""
        ...


class SecretStore(Protocol):
    """Opens credentials; see `shared.credentials.store.Credentials`."""

    def fields(self, company_id: str, provider: str) -> dict[str, Secret]:
        """Every secret of a provider, by field."""
        ...


@dataclass(frozen=True)
class KnownCompany:
    """A company with what its deliveries are checked against."""

    card: CompanyCard
    secrets: tuple[Secret, ...]
    path_token: Secret | None


@dataclass(frozen=True)
class _Entry:
    company: KnownCompany | None
    read_at: float


class DoorCache:
    """Companies by id, read at most once a minute.

    Args:
        cards: where companies come from.
        secrets: where their webhook secrets come from.
        clock: measures age.
    """

    def __init__(self, cards: Cards, secrets: SecretStore, clock: Clock) -> None:
        self._cards = cards
        self._secrets = secrets
        self._clock = clock
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def company(self, company_id: str) -> KnownCompany | None:
        """The company, as fresh as a minute; ``None`` where there is none."""
        entry = self._entries.get(company_id)
        if entry is not None and self._clock.monotonic() - entry.read_at < KEEP_SECONDS:
            return entry.company
        return self._read(company_id)

    def fresher(self, company_id: str) -> KnownCompany | None:
        """The company read once more, or ``None`` when it was read only just now."""
        entry = self._entries.get(company_id)
        if entry is not None and self._clock.monotonic() - entry.read_at < REREAD_AFTER_SECONDS:
            return None
        return self._read(company_id)

    def owners(self, account_id: int, inbox_id: int | None) -> list[KnownCompany]:
        """The companies that own this inbox of an account with this number, on any server."""
        ids = [card.company_id for card in self._cards.candidates(account_id, inbox_id)]
        return [company for company_id in ids if (company := self.company(company_id)) is not None]

    def _read(self, company_id: str) -> KnownCompany | None:
        card = self._cards.card(company_id)
        company = None if card is None else self._with_secrets(card)
        with self._lock:
            self._entries[company_id] = _Entry(company, self._clock.monotonic())
            self._entries.move_to_end(company_id)
            while len(self._entries) > MAX_COMPANIES:
                self._entries.popitem(last=False)
        return company

    def _with_secrets(self, card: CompanyCard) -> KnownCompany:
        found = self._secrets.fields(card.company_id, "chatwoot_webhook")
        signing = (found.get("secret"), found.get("previous_secret"))
        return KnownCompany(
            card, tuple(secret for secret in signing if secret is not None), found.get("path_token")
        )
