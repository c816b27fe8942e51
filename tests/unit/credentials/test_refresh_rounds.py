"""Rounds of ``token_refresh``: what is due gets an errand, and each errand does its work at most once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.credentials.connections import NewConnection, connection_key
from shared.credentials.errands import RefreshErrand
from shared.credentials.refresh_rounds import LEAST_SECONDS, SPREAD_SECONDS
from shared.credentials.token_rows import LEASE_SECONDS
from shared.credentials.tokens import ReconnectRequired
from shared.platform.secret import Secret
from tests.fakes.oauth_provider import Killed
from tests.support.tokens import TokenWorld, received


@pytest.fixture(params=["google", "calendly"])
def world(request: pytest.FixtureRequest) -> TokenWorld:
    """A connected company, with refresh tokens that stay and with ones that are good once."""
    world = TokenWorld(request.param)
    world.connect()
    return world


def test_what_nobody_uses_stays_fresh(world: TokenWorld) -> None:
    """A day of rounds: one refresh every forty-five minutes, and never an ended token."""
    for _ in range(24 * 12):
        world.advance(minutes=5)
        assert world.round() == []
        connection = world.connections.get("sol", world.name)
        assert connection is not None
        assert connection.access_expires_at is not None
        assert connection.access_expires_at > world.clock.now() + timedelta(minutes=10)
    assert world.provider.refreshes == 24 * 60 // 45


def test_only_what_is_due_gets_an_errand_and_all_come_at_different_times(world: TokenWorld) -> None:
    """A delay within the minute each."""
    world.advance(minutes=30)
    world.connections.store("luna", "calendly", NewConnection("api_key", "u", api_key=Secret("key")))
    assert world.rounds().send_out() == 0
    world.advance(minutes=15)
    assert world.rounds().send_out() == 1
    assert world.errands.sent == [RefreshErrand("sol", world.name)]
    assert world.errands.delays == [SPREAD_SECONDS // 2]


def test_many_connections_are_found_in_every_partition(world: TokenWorld) -> None:
    """Each once."""
    companies = {f"company-{number}" for number in range(50)} | {"sol"}
    for company_id in companies:
        world.connect(company_id)
    world.advance(minutes=50)
    assert world.rounds().send_out() == len(companies)
    assert {errand.company_id for errand in world.errands.sent} == companies
    shards = {
        str((world.table.get(connection_key(one, world.name)) or {})["refresh_due_pk"]) for one in companies
    }
    assert len(shards) == 4


def test_an_errand_that_comes_twice_renews_once(world: TokenWorld) -> None:
    """Queues deliver twice, and turns are quicker at times."""
    world.advance(minutes=50)
    records = [received(str(number), RefreshErrand("sol", world.name).to_json()) for number in range(5)]
    assert world.rounds().take_all(records, 60.0) == []
    assert world.provider.refreshes == 1


def test_an_errand_for_what_is_gone_does_nothing(world: TokenWorld) -> None:
    """The company disconnected meanwhile."""
    world.connections.delete("sol", world.name)
    record = received("1", RefreshErrand("sol", world.name).to_json())
    assert world.rounds().take_all([record], 60.0) == []
    assert world.provider.refreshes == 0


@pytest.mark.parametrize(
    "body", ["", "{}", "[]", '{"kind": "missed_messages", "company_id": "sol"}', "nothing"]
)
def test_a_record_that_nobody_can_read_stays(world: TokenWorld, body: str) -> None:
    """And is nobody else's trouble."""
    world.advance(minutes=50)
    right = received("2", RefreshErrand("sol", world.name).to_json())
    assert world.rounds().take_all([received("1", body), right], 60.0) == ["1"]
    assert world.provider.refreshes == 1


def test_an_errand_without_time_is_left_to_the_next_round(world: TokenWorld) -> None:
    """A refresh that is cut off could lose a token that is good once."""
    world.advance(minutes=50)
    record = received("1", RefreshErrand("sol", world.name).to_json())
    assert world.rounds().take_all([record], LEAST_SECONDS - 1) == []
    assert world.provider.refreshes == 0
    world.round()
    assert world.provider.refreshes == 1


def test_one_company_that_breaks_harms_no_other(world: TokenWorld) -> None:
    """Its errand stays, and SQS counts."""
    world.connect("luna")
    key = connection_key("luna", world.name)
    world.table.update(key, "REMOVE refresh_token")
    world.advance(minutes=50)
    names = [RefreshErrand("luna", world.name), RefreshErrand("sol", world.name)]
    records = [received(one.company_id, one.to_json()) for one in names]
    assert world.rounds().take_all(records, 60.0) == ["luna"]
    assert world.provider.refreshes == 1


def test_an_outage_of_an_hour_is_survived_without_a_word_to_the_company(
    world: TokenWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rounds go on; the first one after the outage renews."""
    world.advance(minutes=46)
    world.provider.always = "not_sent"
    for number in range(12):
        assert world.round() == []
        # The operator is told from the moment on at which the token has ended.
        assert ('"TokensEnded"' in capsys.readouterr().out) == (46 + 5 * number >= 60)
        world.advance(minutes=5)
    assert world.status() == "connected"
    assert world.last_error() == "connection"
    world.provider.always = ""
    world.advance(minutes=5)
    world.round()
    assert world.last_error() == ""
    assert world.notices == []


def test_a_dead_grant_is_told_once_and_asked_about_never_again(world: TokenWorld) -> None:
    """Staff get a notice, the audit trail a line, and rounds have nothing more to do."""
    world.advance(minutes=50)
    world.provider.revoked = True
    for _ in range(5):
        world.round()
        world.advance(minutes=5)
    assert world.notices == [f"sol {world.name} invalid_grant"]
    assert world.provider.refreshes == 1
    records, _ = world.audit.list("sol", 10)
    told = [(one.action, one.actor, one.detail) for one in records]
    expected = {"provider": world.name, "reason": "invalid_grant"}
    assert told == [("connection.reconnect_required", "frontdesk", expected)]
    assert world.rounds().send_out() == 0


def test_what_a_turn_found_dead_is_told_by_the_next_round(world: TokenWorld) -> None:
    """Turns may not write the audit trail."""
    world.advance(minutes=50)
    world.provider.revoked = True
    with pytest.raises(ReconnectRequired):
        world.worker().access_token("sol", world.name)
    assert world.notices == []
    world.round()
    world.round()
    assert world.notices == [f"sol {world.name} invalid_grant"]


def test_a_notice_that_could_not_be_given_is_given_later(world: TokenWorld) -> None:
    """It is noted as given only afterwards."""
    world.advance(minutes=50)
    world.provider.revoked = True
    world.round()
    world.notices.clear()
    world.connect()
    world.advance(minutes=50)
    world.provider.revoked = True
    # The process dies after the mark and before the notice was noted: two writes later.
    world.table.writes, world.table.dies_at, world.table.death = 0, 5, Killed()
    with pytest.raises(Killed):
        world.round()
    world.table.death = None
    world.advance(seconds=LEASE_SECONDS + 1)
    world.round()
    world.round()
    assert len(world.notices) == 2  # at least once, under one key and in the same words
    assert world.told_since[-2] == world.told_since[-1] != world.told_since[0]
    assert world.told_since[-1][1] < world.clock.now() - timedelta(seconds=LEASE_SECONDS)
    assert world.rounds().send_out() == 0


def test_connecting_again_ends_it(world: TokenWorld) -> None:
    """And the connection is due in its own time again."""
    world.advance(minutes=50)
    world.provider.revoked = True
    world.round()
    world.connect()
    world.advance(minutes=46)
    world.round()
    assert world.status() == "connected"
    assert world.worker().access_token("sol", world.name).secret == Secret("access-1")
