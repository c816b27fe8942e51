"""Companies with connections, workers that want their tokens, and a provider that does what a test says."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from shared.companies.audit import Audit
from shared.credentials.clients import OAuthClients
from shared.credentials.connections import Connections, NewConnection
from shared.credentials.refresh_rounds import RefreshRounds
from shared.credentials.refreshing import Refresher, Tools
from shared.credentials.token_rows import TokenRows
from shared.credentials.tokens import Tokens
from shared.credentials.vault import Vault
from shared.platform.queue_records import QueueRecord
from shared.platform.secret import Secret
from shared.platform.settings import Environment
from tests.fakes.clock import FakeClock
from tests.fakes.kms import MemoryKms
from tests.fakes.oauth_provider import CLIENT_ID, SCOPES, FakeOAuthProvider
from tests.fakes.table import MemoryTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.credentials.errands import RefreshErrand
    from shared.platform.clock import Clock
    from shared.platform.tables import Item, Key, TransactionPart

CLIENTS = {"FRONTDESK_GOOGLE_CLIENT_ID": CLIENT_ID, "FRONTDESK_CALENDLY_CLIENT_ID": CLIENT_ID}


class RunningClock:
    """The machine's clock, at another time of day.

    Args:
        ahead: by how much.
    """

    def __init__(self, ahead: timedelta) -> None:
        self._ahead = ahead

    def now(self) -> datetime:
        """See `shared.platform.clock.Clock`."""
        return datetime.now(UTC) + self._ahead

    def monotonic(self) -> float:
        """See `Clock`."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """See `Clock`."""
        time.sleep(seconds)


class WatchedTable(MemoryTable):
    """Counts reads and writes, and lets the process die before or after its n-th write."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = self.writes = 0
        self.dies_at: int | None = None
        self.death: BaseException | None = None

    def get(self, key: Key, *, consistent: bool = False) -> Item | None:
        """See `Table`."""
        self.reads += 1
        return super().get(key, consistent=consistent)

    def transact(self, parts: Sequence[TransactionPart]) -> None:
        """Every write comes through here."""
        self.writes += 1
        if self.death is not None and self.dies_at == 2 * self.writes - 1:
            raise self.death
        super().transact(parts)
        if self.death is not None and self.dies_at == 2 * self.writes:
            raise self.death


@dataclass
class SentErrands:
    """The queue between the clock and the connections."""

    sent: list[RefreshErrand] = field(default_factory=list)
    delays: list[int] = field(default_factory=list)

    def send(self, errand: RefreshErrand, delay_seconds: int) -> None:
        """See `shared.companies.errands.ErrandQueue`."""
        self.sent.append(errand)
        self.delays.append(delay_seconds)


def received(sqs_id: str, body: str) -> QueueRecord:
    """A record as the function gets it."""
    return QueueRecord(sqs_id, "r", body, 1)


class TokenWorld:
    """One provider, the table, and as many workers as a test wants.

    Args:
        provider: ``google`` or ``calendly``; the latter's refresh tokens are good for one use.
        clock: everybody's clock.
    """

    def __init__(self, provider: str = "google", clock: Clock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.name = provider
        self.provider = FakeOAuthProvider(self.clock, provider, rotates=provider == "calendly")
        self.table = WatchedTable()
        self.kms = MemoryKms()
        self.notices: list[str] = []
        self.told_since: list[tuple[str, datetime]] = []
        self.errands = SentErrands()
        self.audit = Audit(MemoryTable("companies"), self.clock)

    @property
    def fake_clock(self) -> FakeClock:
        """The clock, where it stands still."""
        assert isinstance(self.clock, FakeClock)
        return self.clock

    def advance(self, **time_passed: float) -> None:
        """Let time pass."""
        self.fake_clock.advance(timedelta(**time_passed).total_seconds())

    # -- a process of its own each time -----------------------------------------------------------------

    def tools(self, clock: Clock | None = None) -> Tools:
        """What a process starts with: nothing in memory."""
        clock = clock or self.clock
        vault = Vault(cast("Any", self.kms), self.table, "key-1", clock)
        clients = OAuthClients(Environment(CLIENTS), self.provider)
        return Tools(TokenRows(self.table, clock), vault, clients, self.provider.http, clock)

    def worker(self, clock: Clock | None = None) -> Tokens:
        """A new process that wants tokens."""
        tools = self.tools(clock)
        return Tokens(tools, Refresher(tools, jitter=lambda: 0.5))

    def rounds(self) -> RefreshRounds:
        """A new process of ``token_refresh``."""
        tools = self.tools()
        return RefreshRounds(
            self.table,
            tools,
            Refresher(tools, jitter=lambda: 0.5),
            self.errands,
            self.audit,
            self._tell,
            jitter=lambda: 0.5,
        )

    def _tell(self, company_id: str, provider: str, *, reason: str, since: datetime, key: str) -> None:
        assert key
        self.notices.append(f"{company_id} {provider} {reason}")
        self.told_since.append((key, since))

    def round(self) -> list[str]:
        """One whole round of the clock; gives what stayed in the queue."""
        rounds = self.rounds()
        rounds.send_out()
        errands, self.errands.sent = self.errands.sent, []
        records = [received(str(number), one.to_json()) for number, one in enumerate(errands)]
        return rounds.take_all(records, 60.0)

    # -- connections ------------------------------------------------------------------------------------

    @property
    def connections(self) -> Connections:
        """To store and to look."""
        return Connections(self.table, self.tools().vault, self.clock)

    def connect(self, company_id: str = "sol", scopes: str = "", lifetime_seconds: int = 3600) -> None:
        """A company consents now; the provider then honours `refresh-0` and `access-0`."""
        self.provider.revoked = False
        self.provider.live_refresh_tokens = {"refresh-0"}
        self.provider.live_access_tokens = {"access-0"}
        self.connections.store(
            company_id,
            self.name,
            NewConnection(
                kind="oauth",
                account_id="12345",
                scopes=frozenset((scopes or SCOPES[self.name]).split()),
                access_token=Secret("access-0"),
                refresh_token=Secret("refresh-0"),
                access_lifetime_seconds=lifetime_seconds,
            ),
        )

    def status(self, company_id: str = "sol") -> str:
        """What its connection's status is."""
        found = self.connections.get(company_id, self.name)
        return found.status if found else "none"

    def last_error(self) -> str:
        """Why its token cannot be renewed, empty where it can."""
        found = self.connections.get("sol", self.name)
        return found.last_error.reason if found and found.last_error else ""

    def stored_refresh_token(self) -> str:
        """The one that the next refresh will use."""
        token = self.connections.token_to_revoke("sol", self.name)
        assert token is not None
        return token.reveal()
