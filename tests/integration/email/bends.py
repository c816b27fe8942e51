"""Other ways to open a vendor: where nobody listens, in a hurry, by a worker that dies."""

from __future__ import annotations

import ssl
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from shared.email.providers.contract import Accepted, Capabilities, Provider
from shared.email.providers.ses import Ses, ses_client
from shared.email.providers.smtp import Login, Server, Smtp
from shared.platform.clock import Deadline, SystemClock
from shared.platform.secret import Secret
from tests.integration.email.office import WorkerDied
from tests.support.mail import LOOPBACK, free_port

if TYPE_CHECKING:
    from shared.email.rendered import Rendered
    from tests.support.mail import Bench

# Short enough for a test, long enough for a loopback session on a machine with other work.
HURRY_SECONDS = 0.4
PATIENCE_SECONDS = 1.0


def nobody_listens(bench: Bench) -> Provider:
    """Connections are refused."""
    port = free_port()
    return _elsewhere(bench, f"http://127.0.0.1:{port}", port)


def hung_up(bench: Bench) -> Provider:
    """Somebody listens and hangs up at once."""
    return _elsewhere(bench, f"https://localhost:{bench.mute_port}", bench.mute_port)


def distrusted(bench: Bench) -> Provider:
    """Nobody vouches for the server's certificate."""
    if bench.vendor == "smtp":
        where = Server("localhost", bench.port, implicit_tls=False, tls=ssl.create_default_context())
        return Smtp(where, Login("hola", Secret("right")), LOOPBACK)
    return _elsewhere(bench, f"https://localhost:{bench.untrusted_port}", bench.untrusted_port)


def _elsewhere(bench: Bench, url: str, port: int) -> Provider:
    around = replace(bench.surroundings, sendgrid_url=url, mailgun_url=url, ses_url=url)
    return replace(bench, surroundings=around).provider(**({"port": port} if bench.vendor == "smtp" else {}))


def hurried(bench: Bench) -> Provider:
    """With little time for the call."""
    if bench.vendor == "ses":
        url = bench.surroundings.ses_url
        client = ses_client("eu-west-1", "AKIA", Secret("right"), url, read_timeout_seconds=HURRY_SECONDS)
        return Ses(client)
    return Bent(bench.provider(), seconds=HURRY_SECONDS)


def patient(bench: Bench) -> Provider:
    """With enough time to come to the end of a session."""
    return Bent(bench.provider(), seconds=PATIENCE_SECONDS)


def dies_before(bench: Bench) -> Provider:
    """The worker ends before the call."""
    return Bent(bench.provider(), dies="before")


def dies_after(bench: Bench) -> Provider:
    """The worker ends after the call."""
    return Bent(bench.provider(), dies="after")


class Bent(Provider):
    """A provider that is called with less time, or by a worker that dies."""

    capabilities: ClassVar[Capabilities] = Capabilities(
        max_bytes=25_000_000, max_recipients=50, max_tags=10, smtputf8=True
    )

    def __init__(self, real: Provider, *, seconds: float = 20.0, dies: str = "") -> None:
        self._real = real
        self._seconds = seconds
        self._dies = dies

    def _written(self, rendered: Rendered) -> bytes:
        del rendered  # the real one writes it
        return b""

    def _hand_over(self, rendered: Rendered, content: bytes, deadline: Deadline) -> Accepted:
        del content, deadline  # of a clock that stands still
        if self._dies == "before":
            raise WorkerDied
        accepted = self._real.send(rendered, Deadline(SystemClock(), self._seconds))
        if self._dies == "after":
            raise WorkerDied
        return accepted
