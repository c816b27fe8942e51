from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import UserDict
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from local.failure import Failure
from local.processes import MARK, UNRECORDED, Processes, group_members
from local.surroundings import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.processes import Process

SLEEPER = "import time; time.sleep(60)"
# Starts a child of its own and prints its number; neither ends at SIGTERM.
STUBBORN = f"""
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPER}"
child = subprocess.Popen([sys.executable, "-c", deaf])
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    """The processes of a world in an empty folder; what a test leaves running is stopped."""
    started = Processes(tmp_path)
    yield started
    started.stop_all(grace_seconds=0.2)


def start(processes: Processes, tmp_path: Path, program: str, name: str = "sleeper") -> Process:
    """Run a Python program."""
    command = [sys.executable, "-c", program]
    return processes.start(name, command, log=tmp_path / f"{name}.log", environment=plain())


def eventually(condition: Callable[[], bool], seconds: float = 5) -> bool:
    """Whether the condition comes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


class Interrupting(UserDict[str, str]):
    """An environment that Ctrl-C comes with, just as a process is about to start."""

    def __iter__(self) -> Iterator[str]:
        """See `dict`."""
        signal.raise_signal(signal.SIGINT)
        return super().__iter__()


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C interrupts: whoever runs tests in a shell's background has it ignored (POSIX 2.9.3.1)."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_a_signal_while_a_process_starts_leaves_none_behind(processes: Processes, tmp_path: Path) -> None:
    """It waits until the process stands in the record, by which it is stopped; then it counts."""
    command = [sys.executable, "-c", SLEEPER]
    with pytest.raises(KeyboardInterrupt):
        processes.start("one", command, log=tmp_path / "one.log", environment=Interrupting(plain()))
    assert [process.name for process in processes.recorded()] == ["one"]
    assert processes.stop_all(grace_seconds=0.2) == ["one"]


def test_a_process_that_was_killed_before_it_wrote_leaves_nothing_running(
    processes: Processes, tmp_path: Path
) -> None:
    """What carries this world's mark is stopped although no record names it; other worlds' are left alone."""
    started = start(processes, tmp_path, SLEEPER)
    for record in (tmp_path / "processes").glob("*.json"):
        record.unlink()

    Processes(tmp_path / "elsewhere").stop_all(grace_seconds=0.2)
    assert group_members(started.pid) == [started.pid]
    assert Processes(tmp_path).stop_all(grace_seconds=0.2) == [UNRECORDED]
    assert group_members(started.pid) == []


def test_a_started_process_lives_until_it_is_stopped(processes: Processes, tmp_path: Path) -> None:
    """Start, see it alive, stop: nothing remains, neither process nor record."""
    process = start(processes, tmp_path, SLEEPER)

    assert processes.is_alive(process)
    assert processes.stop_all() == ["sleeper"]
    assert not processes.is_alive(process)
    assert processes.recorded() == []


def test_what_it_started_ends_with_it_also_when_it_is_stubborn(processes: Processes, tmp_path: Path) -> None:
    """The whole group gets SIGTERM, and SIGKILL when it does not listen."""
    process = start(processes, tmp_path, STUBBORN)
    log = Path(process.log)
    assert eventually(lambda: log.read_text().strip() != "")
    child = int(log.read_text())
    time.sleep(0.3)  # until the child, too, ignores SIGTERM

    processes.stop_all(grace_seconds=0.3)

    assert group_members(process.pid) == []
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_children_of_a_killed_process_are_found_by_their_mark(processes: Processes, tmp_path: Path) -> None:
    """When the leader died by itself, what it started still belongs to this world and is ended."""
    process = start(processes, tmp_path, STUBBORN)
    assert eventually(lambda: Path(process.log).read_text().strip() != "")
    os.kill(process.pid, signal.SIGKILL)
    assert eventually(lambda: not processes.is_alive(process))
    assert group_members(process.pid) != []

    assert processes.stop_all(grace_seconds=0.3) == ["sleeper"]

    assert group_members(process.pid) == []


def test_another_run_stops_what_a_killed_one_left(processes: Processes, tmp_path: Path) -> None:
    """`down` knows the processes from their files alone."""
    process = start(processes, tmp_path, SLEEPER)

    later = Processes(tmp_path)

    assert [one.pid for one in later.recorded()] == [process.pid]
    assert later.stop_all() == ["sleeper"]
    assert group_members(process.pid) == []


@pytest.mark.parametrize("mark", [{}, {MARK: "/another/world"}], ids=["a stranger", "of another world"])
def test_a_process_that_got_the_number_later_is_left_alone(mark: dict[str, str], tmp_path: Path) -> None:
    """Process numbers are used again, and two worlds run side by side: only our own are ever ended."""
    other = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", SLEEPER], start_new_session=True, env={**plain(), **mark}
    )
    try:
        (tmp_path / "processes").mkdir()
        record = {"name": "gone", "pid": other.pid, "began": 1.0, "log": ""}
        (tmp_path / "processes" / "gone.json").write_text(json.dumps(record))

        assert Processes(tmp_path).stop_all(grace_seconds=0.2) == []
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_waiting_for_a_process_that_ends_names_it_and_its_log(processes: Processes, tmp_path: Path) -> None:
    """A server that falls over at its start is reported at once, not after the whole time-out."""
    process = start(processes, tmp_path, "raise SystemExit('no room here')", "server")

    with pytest.raises(Failure, match="server ended at once") as failed:
        processes.wait_until(lambda: False, process, 30)

    assert failed.value.log == Path(process.log)
    assert "no room here" in Path(process.log).read_text()


def test_waiting_ends_when_the_time_is_up(processes: Processes, tmp_path: Path) -> None:
    """A server that hangs does not hang the run."""
    process = start(processes, tmp_path, SLEEPER)

    with pytest.raises(Failure, match="not ready after"):
        processes.wait_until(lambda: False, process, 0.2)


def test_the_exit_status_of_a_process_comes_back(processes: Processes, tmp_path: Path) -> None:
    """The deployment's success is its exit status."""
    process = start(processes, tmp_path, "raise SystemExit(7)")

    assert processes.wait(process) == 7
    assert processes.recorded() == []


def test_a_missing_program_is_a_sentence(processes: Processes, tmp_path: Path) -> None:
    """What is not installed is said with the command that installs it."""
    with pytest.raises(Failure, match="make setup"):
        processes.start("none", [str(tmp_path / "none")], log=tmp_path / "log", environment={})
