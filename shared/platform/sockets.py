"""Connections with a total deadline to guarded addresses, for every protocol.

A time-out of a socket bounds each wait, not the whole call. Here a timer shuts the socket down when the
call's time is up, whatever it is doing. A name is looked up once; what was checked is what is connected to.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from shared.platform.addresses import AddressGuard

_AddressInfo = tuple[Any, Any, int, str, Any]

CONNECT_TIMEOUT_SECONDS = 5.0


class Call:
    """One call in progress: ends it when its time is up, remembers whether the request was being written."""

    def __init__(self, guard: AddressGuard, seconds: float) -> None:
        self.guard = guard
        self.expired = False
        self.writing = False
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._ends_at = time.monotonic() + seconds
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            for sock in self._sockets:
                sock.close()
            self._sockets.clear()

    def remaining_seconds(self) -> float:
        """What is left of the call's time."""
        return max(0.0, self._ends_at - time.monotonic())

    def watch(self, sock: socket.socket) -> None:
        """Have this socket's connection shut down when the time is up.

        A duplicate is kept, because TLS takes the socket itself away from its object during the handshake.
        """
        # Not sock.dup(): a TLS socket's own dup() is not implemented.
        duplicate = socket.socket(fileno=socket.dup(sock.fileno()))
        with self._lock:
            self._sockets.append(duplicate)
            if self.expired:
                _shut(duplicate)

    def _expire(self) -> None:
        with self._lock:
            self.expired = True
            for sock in self._sockets:
                _shut(sock)


def resolve(host: str, port: int, seconds: float) -> list[_AddressInfo]:
    """Look a name up within a time; the system's resolver knows none, so it is asked in a thread of its own.

    A thread that comes too late has looked something up and nothing else.

    Raises:
        OSError: there is no such name, or the time is over.
    """
    found: list[_AddressInfo] = []
    failed: list[OSError | UnicodeError] = []

    def ask() -> None:
        try:
            found.extend(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            failed.append(error)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(seconds)
    if failed:
        raise failed[0]
    if asking.is_alive():
        raise TimeoutError("the name was not resolved in time")
    return found


def _shut(sock: socket.socket) -> None:
    # shutdown() wakes a thread that waits in recv(); close() would not.
    with suppress(OSError):  # the other side may have gone already
        sock.shutdown(socket.SHUT_RDWR)


def connect(call: Call, host: str, port: int) -> socket.socket:
    """Connect to one of a name's addresses, all of which must be allowed.

    Raises:
        AddressRefused: one of them is not.
        OSError: there is no such name, nothing accepts connections there, or the time is over.
    """
    try:
        found = resolve(host, port, call.remaining_seconds())
    except UnicodeError as error:
        raise OSError("the name could not be resolved") from error
    for _family, _kind, _protocol, _name, address in found:
        call.guard.check_address(str(address[0]))
    last: OSError | None = None
    for family, kind, protocol, _name, address in found:
        sock = socket.socket(family, kind, protocol)
        try:
            remaining_seconds = call.remaining_seconds()
            if remaining_seconds <= 0:
                raise TimeoutError("no time is left for another address")
            sock.settimeout(min(CONNECT_TIMEOUT_SECONDS, remaining_seconds))
            sock.connect(address)
        except OSError as error:
            sock.close()
            last = error
        else:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            call.watch(sock)
            return sock
    raise OSError("nothing accepts connections there") from last
