"""What the door remembers between deliveries: companies, their secrets, who owns what, and who is unknown.

A warm delivery must cost one AWS call, so what was read is kept for a minute. A signature that fails may mean
that the secret, or the owner, was changed a moment ago: it is then read once more, at most once in ten
seconds, so that nobody can make us read by sending rubbish. What is remembered is bounded likewise.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from shared.companies.card import candidates

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.companies.card import Claims, CompanyCard
    from shared.platform.clock import Clock
    from shared.platform.secret import Secret

KEEP_SECONDS = 60.0
REREAD_AFTER_SECONDS = 10.0
MAX_REMEMBERED = 2_000

Name = TypeVar("Name")
Thing = TypeVar("Thing")


class Cards(Protocol):
    """Finds companies; see `shared.companies.card.Directory`."""

    def card(self, company_id: str) -> CompanyCard | None:
        """A company's card, or ``None``."""
        ...

    def claims(self, account_id: int) -> Claims:
        """Which company owns which inboxes of the accounts with this number, on any server."""
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


class _Memory(Generic[Name, Thing]):
    """Things by name, each read at most once a minute."""

    def __init__(self, read: Callable[[Name], Thing], clock: Clock) -> None:
        self._read = read
        self._clock = clock
        self._entries: OrderedDict[Name, tuple[Thing, float]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def recall(self, name: Name) -> Thing:
        """As fresh as a minute."""
        known = self._entries.get(name)
        return self.renew(name) if known is None or self._age(known) >= KEEP_SECONDS else known[0]

    def is_new(self, name: Name) -> bool:
        """Whether it was read only just now: to read it again would tell nothing."""
        known = self._entries.get(name)
        return known is not None and self._age(known) < REREAD_AFTER_SECONDS

    def renew(self, name: Name) -> Thing:
        """Read now."""
        thing = self._read(name)
        with self._lock:
            self._entries[name] = (thing, self._clock.monotonic())
            self._entries.move_to_end(name)
            while len(self._entries) > MAX_REMEMBERED:
                self._entries.popitem(last=False)
        return thing

    def _age(self, known: tuple[Thing, float]) -> float:
        return self._clock.monotonic() - known[1]


class DoorCache:
    """Companies by id, and who owns an account's inboxes.

    Args:
        cards: where companies come from.
        secrets: where their webhook secrets come from.
        clock: measures age.
    """

    def __init__(self, cards: Cards, secrets: SecretStore, clock: Clock) -> None:
        self._cards = cards
        self._secrets = secrets
        self._companies = _Memory(self._read, clock)
        self._claims = _Memory(cards.claims, clock)

    def __len__(self) -> int:
        """How many companies are remembered, unknown ones included."""
        return len(self._companies)

    def company(self, company_id: str) -> KnownCompany | None:
        """The company, as fresh as a minute; ``None`` where there is none."""
        return self._companies.recall(company_id)

    def fresher(self, company_id: str) -> KnownCompany | None:
        """The company read once more, or ``None`` when it was read only just now."""
        return None if self._companies.is_new(company_id) else self._companies.renew(company_id)

    def owners(self, account_id: int, inbox_id: int | None) -> list[KnownCompany]:
        """The companies that own this inbox of an account with this number, on any server."""
        return self._known(self._claims.recall(account_id), inbox_id)

    def fresher_owners(self, account_id: int, inbox_id: int | None) -> list[KnownCompany]:
        """The same read once more; empty when it was read only just now."""
        if self._claims.is_new(account_id):
            return []
        return self._known(self._claims.renew(account_id), inbox_id)

    def _known(self, claims: Claims, inbox_id: int | None) -> list[KnownCompany]:
        ids = candidates(claims, inbox_id) or candidates(claims, None)
        return [company for one in ids if (company := self.company(one)) is not None]

    def _read(self, company_id: str) -> KnownCompany | None:
        card = self._cards.card(company_id)
        return None if card is None else self._with_secrets(card)

    def _with_secrets(self, card: CompanyCard) -> KnownCompany:
        found = self._secrets.fields(card.company_id, "chatwoot_webhook")
        signing = (found.get("secret"), found.get("previous_secret"))
        return KnownCompany(
            card, tuple(secret for secret in signing if secret is not None), found.get("path_token")
        )
