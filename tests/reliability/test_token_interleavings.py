"""Any order of workers, rounds, crashes and outages: a connection is never lost for nothing.

Hypothesis draws the steps; a failing run is printed as code, with the seed that repeats it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shared.credentials.token_rows import LEASE_SECONDS
from shared.credentials.tokens import ReconnectRequired
from shared.platform.errors import FrontdeskError
from tests.fakes.oauth_provider import Killed
from tests.support.tokens import TokenWorld

if TYPE_CHECKING:
    from shared.credentials.tokens import AccessToken, Tokens

RUNS = 400
WORKERS = 3
FAULTS = ["", "lost", "killed", "not_sent", 503]


class ConnectionWithSingleUseTokens(RuleBasedStateMachine):
    """One company, a provider whose refresh tokens are good once, and workers with memories of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.world = TokenWorld("calendly")
        self.world.connect()
        self.workers: list[Tokens] = [self.world.worker() for _ in range(WORKERS)]
        self.held: list[AccessToken] = []
        # Whether an answer was lost, or the grant revoked, so that only the company can help.
        self.may_need_the_company = False

    @rule(number=st.integers(0, WORKERS - 1), fault=st.sampled_from(FAULTS))
    def a_worker_wants_a_token(self, number: int, fault: str | int) -> None:
        """And its call of the provider, if it makes one, may go wrong."""
        self._with(fault, lambda: self._use(number))

    @rule(fault=st.sampled_from(FAULTS))
    def a_round_is_made(self, fault: str | int) -> None:
        """The same for the schedule."""
        self._with(fault, self.world.round)

    @precondition(lambda self: self.held)
    @rule(number=st.integers(0, WORKERS - 1), back=st.integers(0, 3))
    def a_token_was_refused(self, number: int, back: int) -> None:
        """Perhaps one of long ago."""
        refused = self.held[max(0, len(self.held) - 1 - back)]

        def again() -> None:
            got = self.workers[number].rejected("sol", "calendly", refused)
            assert got.version != refused.version
            self.held.append(got)

        self._with("", again)

    @rule(number=st.integers(0, WORKERS - 1))
    def a_worker_is_late(self, number: int) -> None:
        """Its lease ends while the provider's answer is on its way, and another one comes."""

        def another() -> None:
            self.world.advance(seconds=LEASE_SECONDS + 1)
            # It may take the grant for dead: until the late one brings in what it got.
            with suppress(FrontdeskError):
                self._use((number + 1) % WORKERS)

        self.world.provider.before_answering = another
        self._with("", lambda: self._use(number))
        self.world.provider.before_answering = lambda: None

    @rule(at=st.integers(1, 8))
    def a_process_dies_at_a_write(self, at: int) -> None:
        """Before it or after it."""
        self.world.table.writes, self.world.table.dies_at, self.world.table.death = 0, at, Killed()
        spent = set(self.world.provider.live_refresh_tokens)
        self._with("", lambda: self._use(0))
        self.world.table.death = None
        self.may_need_the_company |= spent != self.world.provider.live_refresh_tokens
        self.workers[0] = self.world.worker()

    @rule(minutes=st.sampled_from([1, 6, 46, 70]))
    def time_passes(self, minutes: int) -> None:
        """Also more than a lease, a margin, a token's life."""
        self.world.advance(minutes=minutes)

    @rule()
    def the_company_connects_again(self) -> None:
        """A new consent."""
        self.world.connect()
        self.held.clear()
        self.workers = [self.world.worker() for _ in range(WORKERS)]
        self.may_need_the_company = False

    @invariant()
    def nobody_is_asked_to_connect_again_for_nothing(self) -> None:
        """Outages, late workers and refused tokens are no reason."""
        if not self.may_need_the_company:
            assert self.world.status() == "connected"
            assert self.world.stored_refresh_token() in self.world.provider.live_refresh_tokens

    def teardown(self) -> None:
        """When all is quiet, there is a token that works, or the company was told, once."""
        self.world.provider.next.clear()
        self.world.advance(minutes=70)
        self.world.round()
        self.world.advance(minutes=1)
        self.world.round()
        if self.world.status() == "connected":
            got = self.world.worker().access_token("sol", "calendly").secret.reveal()
            assert got in self.world.provider.live_access_tokens
        else:
            assert self.may_need_the_company
            assert self.world.rounds().send_out() == 0

    def _use(self, number: int) -> None:
        got = self.workers[number].access_token("sol", "calendly")
        assert got.expires_at is not None
        assert got.expires_at > self.world.clock.now()
        self.held.append(got)

    def _with(self, fault: str | int, act: object) -> None:
        assert callable(act)
        calls = self.world.provider.refreshes
        if fault:
            self.world.provider.next.append(fault)
        try:
            act()
        except ReconnectRequired:
            assert self.may_need_the_company or fault in {"lost", "killed"}
        except (FrontdeskError, Killed):
            pass
        self.world.provider.next.clear()
        if fault in {"lost", "killed"} and self.world.provider.refreshes > calls:
            self.may_need_the_company = True


TestConnectionWithSingleUseTokens = ConnectionWithSingleUseTokens.TestCase
TestConnectionWithSingleUseTokens.settings = settings(
    max_examples=RUNS,
    stateful_step_count=12,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
