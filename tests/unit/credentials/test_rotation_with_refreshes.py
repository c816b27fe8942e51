"""Rotation of data keys while tokens whose refresh tokens are good for one use are renewed all the time."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self, cast

from shared.credentials.rotation import Rotation
from shared.credentials.vault import Vault, version_of
from shared.platform.tables import Key
from tests.fakes.clock import FakeClock
from tests.support.tokens import RunningClock, TokenWorld

if TYPE_CHECKING:
    from shared.platform.tables import Item

WORKERS = 6
SHORTEST_LIFE_SECONDS = 1
REFRESHES = 4


class Workers:
    """Processes that want the token of one company, over and over.

    Args:
        world: where they work.
    """

    def __init__(self, world: TokenWorld) -> None:
        self.rounds = [0] * WORKERS
        self.errors: list[BaseException] = []
        self._world = world
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(WORKERS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _work(self, number: int) -> None:
        worker = self._world.worker()
        while not self._stop.is_set():
            try:
                worker.access_token("sol", self._world.name)
            except BaseException as error:  # noqa: BLE001 - the test shows it
                self.errors.append(error)
                return
            self.rounds[number] += 1
            time.sleep(0.005)


class SettlingClock(FakeClock):
    """A quarter of an hour is over when everybody has ended what was begun before it.

    Args:
        workers: everybody.
    """

    def __init__(self, workers: Workers) -> None:
        super().__init__()
        self._workers = workers

    def sleep(self, seconds: float) -> None:
        """See `shared.platform.clock.Clock`."""
        seen = list(self._workers.rounds)
        while not self._workers.errors and any(
            now < before + 2 for now, before in zip(self._workers.rounds, seen, strict=True)
        ):
            time.sleep(0.002)
        super().advance(seconds)


def connection_of(world: TokenWorld) -> Item:
    """The connection's item."""
    item = world.table.get(Key("company#sol", f"connection#{world.name}"))
    assert item is not None
    return item


def test_no_single_use_refresh_token_is_lost_while_keys_are_rotated_again_and_again() -> None:
    """Each refresh writes what the provider has just given; a rotation must never put a spent one back."""
    world = TokenWorld("calendly", RunningClock(timedelta(0)))
    world.provider.lifetime_seconds = SHORTEST_LIFE_SECONDS
    world.connect(lifetime_seconds=SHORTEST_LIFE_SECONDS)
    rotations = 0
    with Workers(world) as workers:
        clock = SettlingClock(workers)
        enough = time.monotonic() + 30
        while not workers.errors and world.provider.refreshes < REFRESHES and time.monotonic() < enough:
            kms_key = f"key-{rotations + 2}"
            vault = Vault(cast("Any", world.kms), world.table, kms_key, clock)
            outcome = Rotation(world.table, vault, kms_key, clock).run("")
            assert (outcome.finished, outcome.problems) == (True, [])
            rotations += 1
    assert workers.errors == []
    assert world.provider.refreshes >= REFRESHES
    assert rotations > REFRESHES
    assert world.status() == "connected"
    assert world.stored_refresh_token() in world.provider.live_refresh_tokens
    [key] = world.table.query("company#sol", prefix="datakey#")
    item = connection_of(world)
    versions = {version_of(item[name]) for name in ("access_token", "refresh_token")}
    assert versions == {int(key["sk"][-10:])}
    assert key["kms_key"] == f"key-{rotations + 1}"
