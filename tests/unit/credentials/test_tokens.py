"""Access tokens: renewed once, whoever asks, whatever dies, and never given where they should not be."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import EndpointConnectionError

from shared.credentials.connections import NewConnection, connection_key
from shared.credentials.token_rows import LEASE_SECONDS
from shared.credentials.tokens import (
    WAIT_SECONDS,
    WARM_SECONDS,
    InsufficientScopes,
    NotConnected,
    ReconnectRequired,
)
from shared.credentials.vault import Vault
from shared.platform.clock import epoch_milliseconds
from shared.platform.errors import AnswerLost, GiveUp, RetryLater
from shared.platform.secret import Secret
from tests.fakes.clock import FakeClock
from tests.fakes.oauth_provider import SCOPES, Killed
from tests.support.tokens import RunningClock, TokenWorld

if TYPE_CHECKING:
    from shared.credentials.tokens import Tokens

NEARLY_OVER = {"minutes": 50}
OVER = {"minutes": 61}


@pytest.fixture(params=["google", "calendly"])
def world(request: pytest.FixtureRequest) -> TokenWorld:
    """A connected company, with refresh tokens that stay and with ones that are good once."""
    world = TokenWorld(request.param)
    world.connect()
    return world


@pytest.fixture
def calendly() -> TokenWorld:
    """A connected company whose refresh tokens are good for one use."""
    world = TokenWorld("calendly")
    world.connect()
    return world


def token(world: TokenWorld, worker: Tokens | None = None, company_id: str = "sol") -> str:
    """A token, as a process that has just started gets it."""
    return (worker or world.worker()).access_token(company_id, world.name).secret.reveal()


# -- when ------------------------------------------------------------------------------------------------


def test_a_token_is_renewed_a_quarter_of_an_hour_before_it_ends(world: TokenWorld) -> None:
    """Not earlier; and then it is good for an hour again."""
    world.advance(minutes=44)
    assert token(world) == "access-0"
    world.advance(minutes=1)
    assert token(world) == "access-1"
    world.advance(minutes=44)
    assert token(world) == "access-1"
    assert world.provider.refreshes == 1


def test_a_short_lived_token_is_renewed_when_a_quarter_is_left() -> None:
    """Fifteen minutes would be always."""
    world = TokenWorld()
    world.connect(lifetime_seconds=480)
    world.advance(seconds=359)
    assert token(world) == "access-0"
    world.advance(seconds=1)
    assert token(world) == "access-1"


def test_a_life_is_counted_from_before_the_call(world: TokenWorld) -> None:
    """An answer that took its time must not make a token look younger than it is."""
    world.advance(**OVER)
    asked_at = world.clock.now()
    world.provider.before_answering = lambda: world.advance(seconds=7)
    assert world.worker().access_token("sol", world.name).expires_at == asked_at + timedelta(hours=1)


def test_a_rotated_refresh_token_is_the_one_that_is_used_next(calendly: TokenWorld) -> None:
    """Each is good once."""
    for number in range(1, 4):
        calendly.advance(**OVER)
        assert token(calendly) == f"access-{number}"
        assert calendly.stored_refresh_token() == f"refresh-{number}"


# -- what it costs ---------------------------------------------------------------------------------------


def test_a_warm_reading_costs_no_call_at_all(world: TokenWorld) -> None:
    """Half a minute of it; afterwards one read of the table, and still none of KMS."""
    worker = world.worker()
    token(world, worker)
    world.table.reads = 0
    world.kms.calls.clear()
    for _ in range(10):
        token(world, worker)
    assert world.table.reads == 0
    world.advance(seconds=WARM_SECONDS)
    token(world, worker)
    assert world.table.reads == 1
    assert not world.kms.calls


def test_a_token_in_memory_is_not_used_into_its_margin(world: TokenWorld) -> None:
    """However lately it was read."""
    world.advance(minutes=44, seconds=50)
    worker = world.worker()
    assert token(world, worker) == "access-0"
    world.advance(seconds=10)
    assert token(world, worker) == "access-1"


def test_memory_is_never_shared_between_companies(world: TokenWorld) -> None:
    """One process serves many."""
    world.connect("luna")
    worker = world.worker()
    world.advance(**OVER)
    assert token(world, worker, "sol") == "access-1"
    world.provider.live_refresh_tokens.add("refresh-0")
    assert token(world, worker, "luna") == "access-2"
    assert token(world, worker, "sol") == "access-1"


# -- many at once ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("left", [timedelta(minutes=5), timedelta(minutes=-5)])
def test_fifty_users_of_an_ending_token_cause_one_refresh(left: timedelta) -> None:
    """In fifty processes, with a provider that takes its time; all of them get the new one."""
    world = TokenWorld("calendly")
    world.connect()
    world.clock = RunningClock(
        world.clock.now() + timedelta(hours=1) - left - RunningClock(timedelta()).now()
    )
    world.provider.before_answering = lambda: threading.Event().wait(0.3)
    together = threading.Barrier(50)

    def use(_: int) -> str:
        worker = world.worker()
        together.wait()
        return token(world, worker)

    with ThreadPoolExecutor(50) as threads:
        assert set(threads.map(use, range(50))) == {"access-1"}
    assert world.provider.refreshes == 1


def test_whoever_waits_in_vain_uses_the_old_token_while_it_is_good(world: TokenWorld) -> None:
    """After five seconds; a customer must not wait for somebody else's slow call."""
    world.advance(**NEARLY_OVER)
    item = world.table.get(connection_key("sol", world.name))
    assert item is not None
    assert world.tools().rows.lease(item)
    before = world.clock.monotonic()
    assert token(world) == "access-0"
    assert world.clock.monotonic() - before == pytest.approx(WAIT_SECONDS)
    assert world.provider.refreshes == 0


def test_whoever_waits_in_vain_for_an_ended_token_comes_back_later(world: TokenWorld) -> None:
    """An ended token is given to nobody."""
    world.advance(**OVER)
    item = world.table.get(connection_key("sol", world.name))
    assert item is not None
    assert world.tools().rows.lease(item)
    with pytest.raises(RetryLater) as told:
        token(world)
    assert told.value.reason == "token_busy"


# -- refused tokens --------------------------------------------------------------------------------------


def test_a_refused_token_is_renewed_once_however_many_calls_it_failed(world: TokenWorld) -> None:
    """Long before it would end."""
    workers = [world.worker() for _ in range(3)]
    refused = [worker.access_token("sol", world.name) for worker in workers]
    world.advance(minutes=2)
    again = [worker.rejected("sol", world.name, one) for worker, one in zip(workers, refused, strict=True)]
    assert {one.secret.reveal() for one in again} == {"access-1"}
    assert world.provider.refreshes == 1
    assert token(world, workers[0]) == "access-1"


def test_a_refused_token_is_not_given_again(world: TokenWorld) -> None:
    """Although by its age it would be good."""
    worker = world.worker()
    refused = worker.access_token("sol", world.name)
    world.advance(minutes=2)
    world.provider.always = 503
    with pytest.raises(RetryLater):
        worker.rejected("sol", world.name, refused)
    with pytest.raises(RetryLater):
        worker.rejected("sol", world.name, refused)
    assert world.provider.refreshes == 1


def test_a_token_that_is_refused_at_once_does_not_start_a_storm(world: TokenWorld) -> None:
    """Then it is not its age; Calendly allows eight token calls a minute."""
    worker = world.worker()
    world.advance(**OVER)
    refused = worker.access_token("sol", world.name)
    with pytest.raises(RetryLater) as told:
        worker.rejected("sol", world.name, refused)
    assert told.value.reason == "token_refused"
    assert world.provider.refreshes == 1


def test_a_refused_api_key_needs_the_company() -> None:
    """Nothing renews it."""
    world = TokenWorld("calendly")
    world.connections.store(
        "sol", "calendly", NewConnection("api_key", "u", api_key=Secret("key"), settings={"user_uri": "u"})
    )
    worker = world.worker()
    got = worker.access_token("sol", "calendly", needs=frozenset({"webhooks:write"}))
    assert (got.secret, got.expires_at, got.settings) == (Secret("key"), None, {"user_uri": "u"})
    world.advance(days=400)
    assert token(world, worker) == "key"
    with pytest.raises(ReconnectRequired):
        worker.rejected("sol", "calendly", got)
    assert world.status() == "reconnect_required"
    with pytest.raises(ReconnectRequired):
        token(world, worker)


# -- what may be done ------------------------------------------------------------------------------------


def test_without_connection_there_is_no_token(world: TokenWorld) -> None:
    """And none of a company that disconnected."""
    with pytest.raises(NotConnected):
        token(world, company_id="luna")
    world.connections.delete("sol", world.name)
    with pytest.raises(NotConnected):
        token(world)


def test_an_unticked_box_is_told_in_words_before_any_call() -> None:
    """What was granted is still good for what it is good for."""
    world = TokenWorld()
    granted = SCOPES["google"].replace("https://www.googleapis.com/auth/calendar.freebusy", "")
    world.connect(scopes=granted)
    assert world.status() == "insufficient"
    with pytest.raises(InsufficientScopes, match=r"calendar\.freebusy.*tick every box"):
        token(world)
    needs = frozenset({"https://www.googleapis.com/auth/calendar.events.owned"})
    assert world.worker().access_token("sol", "google", needs=needs).secret == Secret("access-0")


def test_who_has_no_boxes_to_tick_is_not_told_to() -> None:
    """Microsoft's page asks for all or nothing."""
    world = TokenWorld("microsoft")
    world.connect(scopes="https://outlook.office.com/IMAP.AccessAsUser.All")
    with pytest.raises(InsufficientScopes, match=r"SMTP\.Send.*accept everything that it asks for"):
        token(world)


def test_a_wider_grant_is_enough() -> None:
    """The whole calendar contains what is asked for."""
    world = TokenWorld()
    world.connect(scopes="https://www.googleapis.com/auth/calendar")
    assert token(world) == "access-0"


# -- outages ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["not_sent", 503, 429])
def test_an_outage_costs_nothing_while_the_token_is_good(world: TokenWorld, fault: str | int) -> None:
    """The old one serves, and the provider is not asked at every use."""
    world.provider.always = fault
    world.advance(**NEARLY_OVER)
    assert [token(world) for _ in range(20)] == ["access-0"] * 20
    assert world.provider.refreshes == 1
    assert world.last_error() in {"connection", "status_503", "status_429"}


def test_an_outage_of_an_hour_ends_by_itself(world: TokenWorld) -> None:
    """Attempts space out, never end, and the first one afterwards succeeds."""
    world.provider.always = 503
    world.advance(**OVER)
    for _ in range(60):
        with pytest.raises(RetryLater) as told:
            token(world)
        world.advance(minutes=1)
    assert told.value.after_seconds is not None
    assert 10 <= world.provider.refreshes <= 20
    world.provider.always = ""
    world.advance(seconds=told.value.after_seconds)
    assert token(world) == f"access-{1}"
    assert world.last_error() == ""
    assert world.status() == "connected"


def test_a_pause_that_the_provider_asks_for_is_kept(world: TokenWorld) -> None:
    """Up to a quarter of an hour."""
    world.advance(**OVER)
    world.provider.next.append(503)
    with pytest.raises(RetryLater):
        token(world)
    with pytest.raises(RetryLater) as told:
        token(world)
    assert told.value.after_seconds == pytest.approx(15, abs=1)


def test_our_clients_refusal_is_not_the_companies_matter(
    world: TokenWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    """They stay connected; the operator's alarm counts, and when it is mended all goes on."""
    right, world.provider.client_secret = world.provider.client_secret, "rotated away"
    world.advance(**NEARLY_OVER)
    assert token(world) == "access-0"
    assert world.status() == "connected"
    assert '"OAuthClientRefused"' in capsys.readouterr().out
    world.advance(**OVER)
    with pytest.raises(RetryLater) as told:
        token(world)
    assert told.value.reason == "oauth_client_refused"
    world.provider.client_secret = right
    world.advance(minutes=10)
    assert token(world) == "access-1"


def test_nothing_is_asked_of_the_provider_that_could_not_be_sealed(calendly: TokenWorld) -> None:
    """A token that is good once is not spent where what it brings cannot be stored."""
    newer = Vault(cast("Any", calendly.kms), calendly.table, "key-2", calendly.clock)
    newer.add_key("sol", "oauth", 2)
    calendly.advance(**OVER)
    calendly.kms.disabled.add("key-2")  # the newest key seals; the stored token opens with the older one
    with pytest.raises(GiveUp):
        token(calendly)
    assert calendly.provider.refreshes == 0
    calendly.kms.disabled.clear()
    calendly.advance(minutes=5)
    assert token(calendly) == "access-1"


# -- dead grants -----------------------------------------------------------------------------------------


def test_a_revoked_grant_needs_the_company_and_says_so_once(
    world: TokenWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    """The provider is not asked again until the company has connected again."""
    world.provider.revoked = True
    world.advance(**OVER)
    for _ in range(3):
        with pytest.raises(ReconnectRequired):
            token(world)
    assert world.provider.refreshes == 1
    assert capsys.readouterr().out.count('"ReconnectRequired":[') == 1
    world.connect()
    assert token(world) == "access-0"


def test_a_dead_grant_is_not_believed_where_another_worker_was_quicker(calendly: TokenWorld) -> None:
    """It used the refresh token up and stored the next one: that is the truth."""
    calendly.advance(**OVER)

    def another_is_quicker() -> None:
        calendly.advance(seconds=LEASE_SECONDS + 1)
        assert token(calendly) == "access-1"

    calendly.provider.before_doing = another_is_quicker
    assert token(calendly) == "access-1"
    assert calendly.status() == "connected"
    assert calendly.stored_refresh_token() == "refresh-1"


# -- leases and fences -----------------------------------------------------------------------------------


def test_a_worker_that_was_too_slow_cannot_write_over_the_next_one() -> None:
    """Both got a token; the one of the worker that holds the connection stays."""
    world = TokenWorld("google")
    world.connect()
    world.advance(**OVER)

    def another_takes_over() -> None:
        world.advance(seconds=LEASE_SECONDS + 1)
        assert token(world) == "access-2"

    world.provider.before_answering = another_takes_over
    assert token(world) == "access-2"
    item = world.table.get(connection_key("sol", "google"))
    assert item is not None
    assert item["version"] == 2


def test_what_was_read_before_another_worker_wrote_gets_no_lease(calendly: TokenWorld) -> None:
    """Its refresh token is used up; asking with it would make the grant look dead."""
    key = connection_key("sol", "calendly")
    stale = calendly.table.get(key)
    assert stale is not None
    calendly.advance(**OVER)
    token(calendly)
    rows = calendly.tools().rows
    assert rows.lease(stale) is None
    fresh = calendly.table.get(key)
    assert fresh is not None
    assert rows.lease(fresh) is not None


def test_a_slow_worker_that_has_the_only_good_token_brings_it_in(calendly: TokenWorld) -> None:
    """The next one was told that the grant is dead; it was not, and nobody has newer tokens."""
    calendly.advance(**OVER)

    def another_takes_over() -> None:
        calendly.advance(seconds=LEASE_SECONDS + 1)
        with pytest.raises(ReconnectRequired):
            token(calendly)

    calendly.provider.before_answering = another_takes_over
    assert token(calendly) == "access-1"
    assert calendly.status() == "connected"
    assert calendly.stored_refresh_token() == "refresh-1"
    assert calendly.round() == []
    assert calendly.notices == []


def test_a_slow_worker_never_writes_into_a_connection_made_anew(calendly: TokenWorld) -> None:
    """The company connected again, perhaps with another account, while it was out."""
    calendly.advance(**OVER)
    calendly.provider.before_answering = calendly.connect
    assert token(calendly) == "access-0"
    assert calendly.fake_clock.slept_seconds == []
    assert calendly.stored_refresh_token() == "refresh-0"


def test_a_slow_worker_never_writes_into_a_connection_removed_and_made_anew(calendly: TokenWorld) -> None:
    """The same with a disconnect in between, after which versions begin with one again."""
    calendly.advance(**OVER)

    def disconnect_and_connect() -> None:
        calendly.connections.delete("sol", "calendly")
        calendly.connect()

    calendly.provider.before_answering = disconnect_and_connect
    assert token(calendly) == "access-0"
    assert calendly.fake_clock.slept_seconds == []
    assert calendly.stored_refresh_token() == "refresh-0"


def test_what_was_read_of_a_connection_removed_and_made_anew_gets_no_lease(calendly: TokenWorld) -> None:
    """The new one has the version that the old one had, and perhaps another account."""
    stale = calendly.table.get(connection_key("sol", "calendly"))
    assert stale is not None
    calendly.advance(**OVER)
    calendly.connections.delete("sol", "calendly")
    calendly.connect()
    fresh = calendly.table.get(connection_key("sol", "calendly"))
    assert fresh is not None
    assert fresh["version"] == stale["version"]
    rows = calendly.tools().rows
    assert rows.lease(stale) is None
    assert rows.lease(fresh) is not None


def test_a_slow_worker_never_brings_a_connection_back(calendly: TokenWorld) -> None:
    """The company disconnected while it was out."""
    calendly.advance(**OVER)
    calendly.provider.before_answering = lambda: calendly.connections.delete("sol", "calendly")
    with pytest.raises(NotConnected):
        token(calendly)
    assert calendly.status() == "none"


def test_a_lease_of_a_worker_with_a_wrong_clock_does_not_lock_everybody_out(world: TokenWorld) -> None:
    """One that ends next year is none."""
    world.advance(**OVER)
    fast = FakeClock(world.clock.now() + timedelta(days=365))
    item = world.table.get(connection_key("sol", world.name))
    assert item is not None
    assert world.tools(fast).rows.lease(item)
    assert token(world) == "access-1"


@pytest.mark.parametrize("minutes", [-3, 3])
def test_clocks_that_differ_by_minutes_do_no_harm(world: TokenWorld, minutes: int) -> None:
    """A worker whose clock is ahead renews earlier, one that is behind later, within the margin."""
    for hour in range(5):
        world.advance(minutes=50)
        other = FakeClock(world.clock.now() + timedelta(minutes=minutes))
        assert token(world, world.worker(other)) == token(world)
        assert world.provider.refreshes == hour + 1
    assert world.status() == "connected"


# -- lost answers and crashes ----------------------------------------------------------------------------


def test_a_lost_answer_of_a_single_use_token_is_decided_by_one_more_try(calendly: TokenWorld) -> None:
    """The provider used it up: only the company can help, and the reason says why."""
    calendly.advance(**OVER)
    calendly.provider.next.append("lost")
    with pytest.raises(ReconnectRequired):
        token(calendly)
    assert calendly.provider.refreshes == 2
    assert calendly.last_error() == "answer_lost"


def test_a_lost_answer_that_the_provider_forgives_costs_nothing(calendly: TokenWorld) -> None:
    """Some honour the old token for a moment, or never got the request."""
    calendly.advance(**OVER)
    calendly.provider.next.append("lost")
    calendly.provider.before_answering = lambda: calendly.provider.live_refresh_tokens.add("refresh-0")
    assert token(calendly) == "access-2"
    assert calendly.stored_refresh_token() == "refresh-2"
    assert calendly.status() == "connected"


def test_two_lost_answers_decide_nothing(calendly: TokenWorld) -> None:
    """The next attempt does; until then nobody is told to connect again."""
    calendly.advance(**OVER)
    calendly.provider.next.extend(["lost", "lost"])
    with pytest.raises(AnswerLost):
        token(calendly)
    assert calendly.status() == "connected"
    calendly.advance(minutes=1)
    with pytest.raises(ReconnectRequired):
        token(calendly)


def test_a_lost_answer_of_a_lasting_token_is_an_outage_like_any_other() -> None:
    """Nothing was used up."""
    world = TokenWorld("google")
    world.connect()
    world.advance(**OVER)
    world.provider.next.append("lost")
    with pytest.raises(AnswerLost):
        token(world)
    assert world.provider.refreshes == 1
    world.advance(minutes=1)
    assert token(world) == "access-2"


def test_a_table_that_does_not_answer_for_a_moment_loses_no_token(
    calendly: TokenWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    """The new refresh token is stored at the second try; also where the first had been written."""
    for dies_at in (3, 4):
        calendly.advance(**OVER)
        calendly.table.writes, calendly.table.dies_at = 0, dies_at
        calendly.table.death = EndpointConnectionError(endpoint_url="https://dynamodb")
        assert token(calendly).startswith("access-")
        assert calendly.status() == "connected"
        assert calendly.stored_refresh_token() in calendly.provider.live_refresh_tokens
    assert "overtaken" not in capsys.readouterr().out


# A refresh writes the lease, then the tokens; odd numbers die before the write, even ones after it.
@pytest.mark.parametrize(
    ("dies_at", "after_the_provider_answered"), [(1, False), (2, False), (3, True), (4, False), (0, True)]
)
def test_a_process_that_dies_anywhere_is_survived(
    world: TokenWorld, dies_at: int, *, after_the_provider_answered: bool
) -> None:
    """At most the company must connect again, where a token that is good once was lost with the process."""
    world.advance(**NEARLY_OVER)
    world.table.writes, world.table.dies_at, world.table.death = 0, dies_at, Killed()
    if not dies_at:
        world.provider.next.append("killed")
    with pytest.raises(Killed):
        token(world)
    world.table.death = None
    assert token(world) in {"access-0", "access-1"}  # what the next customer's turn gets at once
    world.advance(seconds=LEASE_SECONDS + 1)
    lost = after_the_provider_answered and world.name == "calendly"
    if lost:
        with pytest.raises(ReconnectRequired):
            token(world)
    else:
        assert token(world) in world.provider.live_access_tokens
    assert world.status() == ("reconnect_required" if lost else "connected")


def test_no_token_is_told_in_logs_or_representations(
    world: TokenWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither of what works nor of what fails."""
    world.advance(**OVER)
    got = world.worker().access_token("sol", world.name)
    world.advance(**OVER)
    world.provider.revoked = True
    with pytest.raises(ReconnectRequired) as told:
        token(world)
    said = capsys.readouterr()
    shown = f"{got!r} {told.value!r} {world.connections.of('sol')!r} {said.out} {said.err}"
    assert "access-" not in shown
    assert "refresh-" not in shown


def test_a_refresh_changes_token_attributes_only(world: TokenWorld) -> None:
    """Whatever else stands in the item is as it was, also what newer code put there."""
    key = connection_key("sol", world.name)
    world.table.update(key, "SET newer = :newer", values={":newer": "stays"})
    before = world.table.get(key)
    world.advance(**OVER)
    token(world)
    after = world.table.get(key)
    assert before is not None
    assert after is not None
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    tokens = {"access_token", "access_expires_ms", "refreshed_at", "version", "refresh_due_sk", "lease_fence"}
    assert changed == tokens | ({"refresh_token"} if world.name == "calendly" else set())
    assert after["refreshed_at"] == epoch_milliseconds(world.clock.now())
