"""The ports of the local world."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from local.failure import Failure

DEFAULT_PORT = 8480
HOW_MANY = 10
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Ports:
    """Neighbouring ports on the loopback address.

    Args:
        first: the port of our API; the others follow it.
    """

    first: int = DEFAULT_PORT

    @property
    def api(self) -> int:
        """Our API."""
        return self.first

    @property
    def aws(self) -> int:
        """The local AWS."""
        return self.first + 1

    @property
    def chatwoot(self) -> int:
        """The Chatwoot simulator."""
        return self.first + 2

    @property
    def model(self) -> int:
        """The model simulator."""
        return self.first + 3

    @property
    def google(self) -> int:
        """The Google simulator."""
        return self.first + 4

    @property
    def calendly(self) -> int:
        """The Calendly simulator."""
        return self.first + 5

    @property
    def generic_calendar(self) -> int:
        """The simulator of a company's own calendar."""
        return self.first + 6

    @property
    def mail(self) -> int:
        """The mail simulator."""
        return self.first + 7

    @property
    def smtp(self) -> int:
        """The mail simulator's SMTP."""
        return self.first + 8

    @property
    def microsoft(self) -> int:
        """The Microsoft simulator."""
        return self.first + 9

    @property
    def all(self) -> tuple[int, ...]:
        """All of them."""
        return tuple(range(self.first, self.first + HOW_MANY))

    def require_free(self) -> None:
        """Make sure that nothing listens on them.

        Raises:
            Failure: something does.
        """
        taken = [port for port in self.all if not is_free(port)]
        if taken:
            raise Failure(
                f"{_enumerate(taken)} in use: stop what listens there (`python -m local down`, if it is an "
                f"earlier run), or choose others: `python -m local up --port {self.first + 100}` takes "
                f"{self.first + 100} to {self.first + 100 + HOW_MANY - 1}."
            )


def url(port: int) -> str:
    """The address of a port."""
    return f"http://{LOOPBACK}:{port}"


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a port whose last connections are only winding down is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def answers(port: int) -> bool:
    """Whether something accepts connections on the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def _enumerate(ports: list[int]) -> str:
    names = ", ".join(str(port) for port in ports)
    return f"Port {names} is" if len(ports) == 1 else f"Ports {names} are"
