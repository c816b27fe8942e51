"""The processes of the local world: started apart, remembered in files, stopped as whole groups.

Each leads a process group of its own, so that Ctrl-C reaches only the command that started it, which then
stops them in order, and so that what they start (the functions of the local AWS) ends with them. A file per
process lets a later `down` end what a killed run left behind. Process numbers are used again by the system:
a process is ours only if it began when ours did, or carries our mark in its environment.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from local.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

MARK = "FRONTDESK_LOCAL_WORLD"
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE_SECONDS = 5.0
UNRECORDED = "a process without a record"
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Process:
    """A process that was started: its name, its number (also its group's), when it began, its log."""

    name: str
    pid: int
    began: float
    log: str


class Processes:
    """The processes of one local world.

    Args:
        state: the folder that belongs to this world.
    """

    def __init__(self, state: Path) -> None:
        self._files = state / "processes"
        self._mark = str(state.resolve())
        self._children: dict[int, subprocess.Popen[bytes]] = {}

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str],
        folder: Path | None = None,
    ) -> Process:
        """Start a process in a group of its own, its output going to ``log``.

        Raises:
            Failure: the program does not exist.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        self._files.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as out, _signals_wait():
            try:
                child = subprocess.Popen(  # noqa: S603 - our own programs
                    list(command),
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    cwd=folder,
                    env={**environment, MARK: self._mark},
                )
            except OSError as error:
                sentence = f"{command[0]} cannot be run ({error.strerror}): `make setup` repairs it."
                raise Failure(sentence) from error
            self._children[child.pid] = child
            process = Process(name, child.pid, when_it_began(child.pid), str(log))
            self._remember(process)
        return process

    def recorded(self) -> list[Process]:
        """What was started and not yet stopped, in the order of starting."""
        files = sorted(self._files.glob("*.json"), key=lambda file: file.stat().st_mtime_ns)
        return [Process(**json.loads(file.read_text())) for file in files]

    def is_alive(self, process: Process) -> bool:
        """Whether the process itself still runs."""
        return self.ended_with(process) is None and self._is_ours(process, process.pid)

    def ended_with(self, process: Process) -> int | None:
        """The exit status, where the process is our child and has ended."""
        child = self._children.get(process.pid)
        return child.poll() if child else None

    def wait(self, process: Process) -> int:
        """Wait for a child to end, forget it, and return its exit status (negative: the signal's number)."""
        status = self._children[process.pid].wait()
        self._forget(process)
        return status

    def wait_until(self, ready: Callable[[], bool], process: Process, timeout_seconds: float) -> None:
        """Wait until the process does what it was started for.

        Raises:
            Failure: it ended, or was not ready in time.
        """
        deadline = time.monotonic() + timeout_seconds
        while not ready():
            if not self.is_alive(process):
                raise Failure(f"{process.name} ended at once: its last lines stand above.", Path(process.log))
            if time.monotonic() > deadline:
                sentence = f"{process.name} was not ready after {timeout_seconds:.0f} s: try again."
                raise Failure(sentence, Path(process.log))
            time.sleep(_POLL_SECONDS)

    def stop_all(self, grace_seconds: float = GRACE_SECONDS) -> list[str]:
        """End every process and what it started, the last started first.

        Args:
            grace_seconds: how long each may take to end by itself before it is killed.

        Returns:
            The names of those that were still there.
        """
        stopped = []
        for process in reversed(self.recorded()):
            if self._stop(process, grace_seconds):
                stopped.append(process.name)
            self._forget(process)
        stopped += [stray.name for stray in self._strays() if self._stop(stray, grace_seconds)]
        for child in self._children.values():
            child.poll()  # takes notice of its end, so that the system can forget it
        return stopped

    def _strays(self) -> list[Process]:
        """What carries our mark and stands in no record: kill -9 came between its start and the writing."""
        groups = {}
        for one in psutil.process_iter():
            with suppress(psutil.Error, ProcessLookupError):
                if one.environ().get(MARK) == self._mark and one.status() != psutil.STATUS_ZOMBIE:
                    groups[os.getpgid(one.pid)] = one.create_time()
        groups.pop(os.getpgid(0), None)
        return [Process(UNRECORDED, group, began, "") for group, began in groups.items()]

    def _stop(self, process: Process, grace_seconds: float) -> bool:
        if not self._members(process):
            return False
        for number, seconds in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, grace_seconds)):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                self.ended_with(process)  # a child that ended stays visible until somebody asks
                if not self._members(process):
                    return True
                time.sleep(_POLL_SECONDS)
        return True

    def _members(self, process: Process) -> list[int]:
        """The living processes of the group, if it is ours."""
        living = group_members(process.pid)
        return living if any(self._is_ours(process, pid) for pid in living) else []

    def _is_ours(self, process: Process, pid: int) -> bool:
        if pid == process.pid and when_it_began(pid) == process.began:
            return True
        with suppress(psutil.Error):  # it is gone, or another user's
            return psutil.Process(pid).environ().get(MARK) == self._mark
        return False

    def _remember(self, process: Process) -> None:
        draft = self._files / "draft"
        draft.write_text(json.dumps(asdict(process)))
        draft.replace(self._file(process.name))

    def _forget(self, process: Process) -> None:
        self._file(process.name).unlink(missing_ok=True)

    def _file(self, name: str) -> Path:
        return self._files / f"{name}.json"


@contextmanager
def _signals_wait() -> Iterator[None]:
    """Let signals that stop us wait: one between a process's start and its record would leave it behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {number: signal.signal(number, lambda one, _: came.append(one)) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


def when_it_began(pid: int) -> float:
    """When a process began, in seconds since 1970; 0 if it is gone."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return 0.0


def group_members(group: int) -> list[int]:
    """The living processes of a process group; those that only wait to be taken notice of do not count."""
    return [process.pid for process in psutil.process_iter() if _belongs(process, group)]


def _belongs(process: psutil.Process, group: int) -> bool:
    try:
        return os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE
    except (OSError, psutil.Error):
        return False
