"""Rotation of data keys: complete, resumable after a crash anywhere, and harmless to work going on."""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from shared.credentials.rotation import SETTLING, Progress, Rotation, unfinished
from shared.credentials.store import Credentials
from shared.credentials.vault import Vault, version_of
from shared.platform.errors import Conflict
from shared.platform.secret import Secret
from shared.platform.tables import ConditionFailed, Key
from tests.fakes.clock import FakeClock
from tests.fakes.kms import MemoryKms
from tests.fakes.table import MemoryTable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.platform.tables import Item, TransactionPart

VALUES = {
    ("chatwoot", "user_token"): "u",
    ("chatwoot", "bot_token"): "b",
    ("chatwoot_webhook", "secret"): "s",
}
TOKENS = ("access_token", "refresh_token")


class Crash(Exception):
    """The process dies here."""


class CrashingTable(MemoryTable):
    """A table that lets a process die before or after its n-th write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0
        self.dies_at: int | None = None

    def transact(self, parts: Sequence[TransactionPart]) -> None:
        """Every write of a memory table comes through here."""
        self.writes += 1
        if self.dies_at is not None and self.writes * 2 - 1 == self.dies_at:
            raise Crash
        super().transact(parts)
        if self.dies_at is not None and self.writes * 2 == self.dies_at:
            raise Crash


class World:
    """Two companies with credentials and connections."""

    def __init__(self, clock: FakeClock | None = None) -> None:
        self.table = CrashingTable()
        self.kms = MemoryKms()
        self.clock = clock or FakeClock()
        credentials = Credentials(self.vault(), self.table)
        for company_id in ("luna", "sol"):
            for (provider, field), value in VALUES.items():
                credentials.put(company_id, provider, field, Secret(company_id + value))
            self.connect(company_id, 1)
        self.table.writes = 0

    def vault(self, kms_key: str = "key-1") -> Vault:
        """A process with nothing in its memory."""
        return Vault(self.kms, self.table, kms_key, self.clock)  # type: ignore[arg-type]

    def rotation(self, kms_key: str = "key-1") -> Rotation:
        """A run of the command."""
        return Rotation(self.table, self.vault(kms_key), kms_key, self.clock)

    def connect(self, company_id: str, version: int, vault: Vault | None = None) -> None:
        """A connection with Google, as connecting writes it."""
        vault = vault or self.vault()
        sealed = {
            name: vault.seal(company_id, "google", name, token(company_id, name, version)) for name in TOKENS
        }
        self.table.put(
            {**google(company_id).as_item(), "v": 1, "version": version, "kind": "oauth", **sealed}
        )

    def items(self, company_id: str = "") -> list[Item]:
        """What stands in the table."""
        return [item for item in self.table.scan() if item["pk"].startswith(f"company#{company_id}")]

    def check_everything_opens(self) -> None:
        """For a process that starts now."""
        credentials, vault = Credentials(self.vault("key-of-nobody"), self.table), self.vault("key-of-nobody")
        for company_id in ("luna", "sol"):
            for (provider, field), value in VALUES.items():
                assert credentials.get(company_id, provider, field) == Secret(company_id + value)
            item = self.table.get(google(company_id))
            assert item is not None
            for name in TOKENS:
                opened = vault.open(company_id, "google", name, item[name])
                assert opened == token(company_id, name, item["version"])

    def check_nothing_old(self, than: dict[tuple[str, str], bytes], kms_key: str) -> None:
        """No old key, no value under one, and every key a different one under the right KMS key."""
        keys = {name: item for item in self.items() if (name := key_name(item))}
        assert set(keys) == set(than)
        for name, item in keys.items():
            assert item["wrapped"] != than[name]
            assert item["kms_key"] == kms_key
        versions = {name: int(item["sk"][-10:]) for name, item in keys.items()}
        for item in self.items():
            for value in item.values():
                if isinstance(value, bytes) and not key_name(item):
                    assert version_of(value) in versions.values()

    def wrapped(self) -> dict[tuple[str, str], bytes]:
        """The wrapped data keys."""
        return {name: item["wrapped"] for item in self.items() if (name := key_name(item))}


def key_name(item: Item) -> tuple[str, str] | None:
    """A data key's company and purpose."""
    kind, _, rest = item["sk"].partition("#")
    return (item["pk"], rest.partition("#")[0]) if kind == "datakey" else None


def google(company_id: str) -> Key:
    """Where the connection stands."""
    return Key(f"company#{company_id}", "connection#google")


def token(company_id: str, name: str, version: int) -> Secret:
    """A token, as the provider's."""
    return Secret(f"{company_id} {name} {version}")


def test_a_rotation_leaves_nothing_under_an_old_key() -> None:
    """Every value of every company, in rows and in connections; and all of them still open."""
    world = World()
    before, shown = world.wrapped(), list[Progress]()
    outcome = world.rotation().run("", shown.append)
    assert (outcome.finished, outcome.problems) == (True, [])
    assert (outcome.keys_made, outcome.keys_destroyed, outcome.resealed) == (6, 6, 10)
    world.check_everything_opens()
    world.check_nothing_old(before, "key-1")
    assert world.clock.slept_seconds == [SETTLING.total_seconds()]
    assert [(one.phase, one.done, one.total) for one in shown] == [
        ("sealing", 1, 2),
        ("sealing", 2, 2),
        ("settling", 0, 0),
        ("settling", 1, 2),
        ("settling", 2, 2),
        ("destroying", 1, 2),
        ("destroying", 2, 2),
    ]


def test_a_second_rotation_makes_new_keys_again() -> None:
    """A finished rotation is over."""
    world = World()
    world.rotation().run("")
    between = world.wrapped()
    assert world.rotation().run("").keys_made == 6
    world.check_nothing_old(between, "key-1")
    world.check_everything_opens()


def test_one_companys_rotation_leaves_the_others_alone() -> None:
    """Also their keys."""
    world = World()
    before = world.wrapped()
    assert world.rotation().run("sol").keys_made == 3
    after = world.wrapped()
    assert {pk for (pk, purpose), wrapped in after.items() if before[pk, purpose] != wrapped} == {
        "company#sol"
    }
    world.check_everything_opens()


def test_after_a_rotation_to_a_new_kms_key_the_old_one_is_not_needed() -> None:
    """It can be disabled."""
    world = World()
    before = world.wrapped()
    assert world.rotation("key-2").run("").finished
    world.kms.disabled.add("key-1")
    world.check_everything_opens()
    world.check_nothing_old(before, "key-2")


def test_until_the_end_old_keys_open_and_nothing_is_destroyed_before_the_table_has_settled() -> None:
    """Without waiting it says when to go on, and goes on no earlier."""
    world = World()
    before = world.wrapped()
    outcome = world.rotation().run("", wait=False)
    assert (outcome.finished, outcome.keys_destroyed) == (False, 0)
    assert outcome.go_on_at == world.clock.now() + SETTLING
    world.clock.advance(SETTLING.total_seconds() - 1)
    assert world.rotation().run("", wait=False).go_on_at is not None
    assert set(before.values()) <= {item["wrapped"] for item in world.items() if key_name(item)}
    world.check_everything_opens()
    world.clock.advance(1)
    assert world.rotation().run("", wait=False).finished
    world.check_nothing_old(before, "key-1")


def test_a_value_written_late_under_the_old_key_is_found_and_the_table_settles_anew() -> None:
    """Its writer had looked up the key before the rotation made a newer one."""
    world = World()
    late = world.vault().seal("sol", "chatwoot", "user_token", Secret("solu"))
    world.rotation().run("", wait=False)
    world.clock.advance(60)
    row = {"pk": "company#sol", "sk": "credential#chatwoot#user_token", "v": 1, "sealed": late}
    world.table.put(row)
    world.clock.advance(SETTLING.total_seconds() - 60)
    outcome = world.rotation().run("", wait=False)
    assert (outcome.resealed, outcome.keys_destroyed) == (1, 0)
    assert outcome.go_on_at == world.clock.now() + SETTLING
    assert world.rotation().run("").finished
    world.check_everything_opens()


def test_a_company_that_comes_while_it_runs_does_not_make_it_run_for_ever() -> None:
    """Its key is newer than the rotation."""
    world = World()
    world.rotation().run("", wait=False)
    world.clock.advance(1)
    Credentials(world.vault(), world.table).put("terra", "chatwoot", "user_token", Secret("t"))
    outcome = world.rotation().run("")
    assert (outcome.finished, outcome.keys_made) == (True, 0)


def test_a_value_that_does_not_open_keeps_its_key_and_is_told() -> None:
    """The others are rotated all the same; when it is gone, the rotation can be ended."""
    world = World()
    broken = Key("company#sol", "credential#chatwoot#user_token")
    item = world.table.get(broken)
    assert item is not None
    world.table.put({**item, "sealed": item["sealed"][:-1] + bytes([item["sealed"][-1] ^ 1])})
    outcome = world.rotation().run("")
    assert not outcome.finished
    assert [problem for problem in outcome.problems if broken.sk in problem] == outcome.problems
    assert "settling" in unfinished(world.table)
    kept = {(item["pk"], item["sk"]) for item in world.items() if item["sk"].endswith("#0000000001")}
    assert kept == {("company#sol", "datakey#chatwoot#0000000001")}
    world.table.delete(broken)
    assert world.rotation().run("").finished
    assert unfinished(world.table) == ""


def test_a_sealed_value_in_an_unknown_place_stops_the_destruction() -> None:
    """A part of the program that seals elsewhere must be told to the rotation, not lose its values."""
    world = World()
    sealed = world.vault().seal("sol", "google", "refresh_token", Secret("x"))
    world.table.put({"pk": "company#sol", "sk": "novelty#1", "v": 1, "hidden": sealed})
    outcome = world.rotation().run("")
    assert not outcome.finished
    assert any("novelty#1 holds a sealed value in hidden" in problem for problem in outcome.problems)
    assert world.vault().open("sol", "google", "refresh_token", sealed) == Secret("x")


def test_two_different_rotations_at_once_are_refused() -> None:
    """An unfinished one is finished first, with the same words."""
    world = World()
    world.rotation().run("sol", wait=False)
    with pytest.raises(Conflict, match="sol"):
        world.rotation().run("")
    with pytest.raises(Conflict, match="key-1"):
        world.rotation("key-2").run("sol")
    assert world.rotation().run("sol").finished


def test_a_company_forgotten_meanwhile_gets_no_new_key() -> None:
    """Between the look at it and the making of its key."""
    world = World()

    class Forgetting(Vault):
        def add_key(self, company_id: str, purpose: str, version: int, **marks: str) -> Any:  # noqa: ANN401
            Credentials(self, world.table).forget("sol")
            return super().add_key(company_id, purpose, version, **marks)

    vault = Forgetting(world.kms, world.table, "key-1", world.clock)  # type: ignore[arg-type]
    Rotation(world.table, vault, "key-1", world.clock).run("sol")
    assert world.items("sol") == []


def test_a_refresh_between_reading_and_writing_wins() -> None:
    """Single-use refresh tokens that the provider has just given must not be overwritten with spent ones."""
    world = World()

    class Overtaken(Vault):
        def open(self, company_id: str, provider: str, field: str, sealed: bytes) -> Secret:
            opened = super().open(company_id, provider, field, sealed)
            if field == "refresh_token" and opened == token(company_id, field, 1):
                refresh(world, world.vault(), company_id)
            return opened

    vault = Overtaken(world.kms, world.table, "key-1", world.clock)  # type: ignore[arg-type]
    assert Rotation(world.table, vault, "key-1", world.clock).run("").finished
    for company_id in ("luna", "sol"):
        item = world.table.get(google(company_id))
        assert item is not None
        assert item["version"] == 2
    world.check_everything_opens()


def writes_of_a_whole_run() -> int:
    """How many writes a rotation without a crash makes."""
    world = World()
    world.rotation("key-2").run("")
    return world.table.writes


def test_a_crash_before_or_after_any_write_is_made_good_by_running_again() -> None:
    """Between the two runs, and after them, every value opens; at the end nothing old is left."""
    moments = range(1, 2 * writes_of_a_whole_run() + 1)
    assert len(moments) > 40
    for moment in moments:
        world = World()
        before = world.wrapped()
        world.table.dies_at = moment
        with pytest.raises(Crash):
            world.rotation("key-2").run("")
        world.table.dies_at = None
        world.check_everything_opens()
        assert world.rotation("key-2").run("").finished or moment == moments[-1]
        world.check_everything_opens()
        world.check_nothing_old(before, "key-2")


class LoadClock(FakeClock):
    """A clock on which the long wait ends when whatever was begun before it is over, as in 15 minutes it is.

    Args:
        workers: how many threads write.
    """

    def __init__(self, workers: int) -> None:
        super().__init__()
        self.rounds = [0] * workers

    def sleep(self, seconds: float) -> None:
        """Wait until every worker has ended what it was at, and begun and ended something new."""
        seen = list(self.rounds)
        while any(now < before + 2 for now, before in zip(self.rounds, seen, strict=True)):
            time.sleep(0.001)
        super().advance(seconds)


def work_for_ever(
    world: World, clock: LoadClock, number: int, stop: threading.Event, errors: list[BaseException]
) -> None:
    """Read, write and refresh as functions do, with a process's own vault."""
    vault, chance = world.vault(), random.Random(number)  # noqa: S311 - a test's choice
    credentials = Credentials(vault, world.table)
    tasks: tuple[Callable[[str], None], ...] = (
        lambda company_id: read(credentials, company_id),
        lambda company_id: write(credentials, company_id),
        lambda company_id: refresh(world, vault, company_id),
    )
    while not stop.is_set():
        try:
            tasks[number % 3](chance.choice(("luna", "sol")))
        except BaseException as error:  # noqa: BLE001 - the test shows it
            errors.append(error)
            return
        clock.rounds[number] += 1


def read(credentials: Credentials, company_id: str) -> None:
    """What turns do all the time."""
    for (provider, field), value in VALUES.items():
        assert credentials.get(company_id, provider, field) == Secret(company_id + value)


def write(credentials: Credentials, company_id: str) -> None:
    """What connecting does."""
    credentials.put(company_id, "chatwoot", "bot_token", Secret(f"{company_id}b"))


def refresh(world: World, vault: Vault, company_id: str) -> None:
    """Read the tokens, get new ones, write them on condition that the version is the one that was read."""
    item = world.table.get(google(company_id))
    assert item is not None
    for name in TOKENS:
        assert vault.open(company_id, "google", name, item[name]) == token(company_id, name, item["version"])
    version = item["version"] + 1
    sealed = [vault.seal(company_id, "google", name, token(company_id, name, version)) for name in TOKENS]
    values = {":a": sealed[0], ":r": sealed[1], ":new": version, ":old": item["version"]}
    try:
        world.table.update(
            google(company_id),
            "SET access_token = :a, refresh_token = :r, version = :new",
            "version = :old",
            values=values,
        )
    except ConditionFailed:
        return


def test_rotations_go_on_under_readers_writers_and_refreshers() -> None:
    """Nobody ever meets a value that does not open, no refresh is lost, and nothing old is left."""
    clock = LoadClock(workers=9)
    world = World(clock)
    stop, errors = threading.Event(), list[BaseException]()
    threads = [
        threading.Thread(target=work_for_ever, args=(world, clock, number, stop, errors))
        for number in range(9)
    ]
    for thread in threads:
        thread.start()
    try:
        outcomes = []
        for kms_key in ("key-1", "key-2", "key-3"):
            before = world.wrapped()
            outcomes.append(world.rotation(kms_key).run(""))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert errors == []
    assert [(one.finished, one.problems) for one in outcomes] == [(True, [])] * 3
    world.check_everything_opens()
    world.check_nothing_old(before, "key-3")
    assert all(
        item is not None and item["version"] > 1
        for item in map(world.table.get, map(google, ("sol", "luna")))
    )
    assert sum(clock.rounds) > 100
