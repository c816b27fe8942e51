"""Files are fetched over redirects, without a token, only from where they may be, within size and time."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from shared.chatwoot.media import Downloads, FileUnavailable
from shared.platform.addresses import AddressGuard
from shared.platform.clock import Deadline, SystemClock
from shared.platform.http import HttpAnswer, HttpClient
from tests.fakes.clock import FakeClock
from tests.fakes.scripted_http import ScriptedHttp
from tests.support import files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.storage import RunningStorage

LOOPBACK = AddressGuard(loopback_allowed=True)
MOVED = HttpAnswer(302, {"location": "https://files.example/2"}, b"")


@pytest.fixture
def downloads(clock: FakeClock) -> Downloads:
    """Downloads that may call loopback, and do not really wait."""
    return Downloads(HttpClient(LOOPBACK), clock)


def fetch(
    downloads: Downloads,
    url: str,
    *,
    base_url: str = "https://a.example",
    young: bool = True,
    **limits: float,
) -> bytes:
    """One file."""
    deadline = Deadline(FakeClock(), limits.get("seconds", 20))
    most = int(limits.get("max_bytes", 10_000))
    return downloads.fetch(url, base_url=base_url, max_bytes=most, deadline=deadline, young=young)


def why_not(downloads: Downloads, url: str, **changes: object) -> str:
    """Why a file cannot be had."""
    with pytest.raises(FileUnavailable) as refused:
        fetch(downloads, url, **changes)  # type: ignore[arg-type]
    return refused.value.reason


@pytest.fixture
def serve() -> Iterator[Callable[[bytes, float], str]]:
    """Starts a server that sends bytes one by one after a pause each; gives its address."""
    listeners: list[socket.socket] = []

    def start(text: bytes, pause_seconds: float) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def run() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, contextlib.suppress(OSError):
                        connection.recv(65_536)
                        for byte in text:
                            connection.sendall(bytes([byte]))
                            time.sleep(pause_seconds)

        threading.Thread(target=run, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def test_a_file_comes_whole_over_the_redirect_and_no_token_goes_out(
    downloads: Downloads, storage: RunningStorage
) -> None:
    """The address is its own proof."""
    kept = storage.keep(files.OGG, "audio", name="voice note.oga")
    assert fetch(downloads, kept["data_url"]) == files.OGG
    assert [one["path"].split("/")[3] for one in storage.seen] == ["blobs", "disk"]
    names = {name.lower() for one in storage.seen for name in one}
    assert not names & {"api-access-token", "authorization", "cookie"}


def test_a_file_that_is_not_there_yet_is_waited_for(
    downloads: Downloads, storage: RunningStorage, clock: FakeClock
) -> None:
    """Chatwoot tells of a message before it has stored the file (chatwoot/chatwoot#14644)."""
    kept = storage.keep(files.PNG, "image", missing=3)
    assert fetch(downloads, kept["data_url"]) == files.PNG
    assert clock.slept_seconds == [0.5, 1, 2]


def test_a_file_that_never_comes_is_given_up_after_half_a_minute(
    downloads: Downloads, storage: RunningStorage, clock: FakeClock
) -> None:
    """The deadline ends it earlier."""
    kept = storage.keep(files.PNG, "image", missing=99)
    deadline = Deadline(clock, 60)
    with pytest.raises(FileUnavailable, match="not_found"):
        downloads.fetch(kept["data_url"], base_url="", max_bytes=10_000, deadline=deadline, young=True)
    assert sum(clock.slept_seconds) == 23.5
    clock.slept_seconds.clear()
    deadline = Deadline(clock, 3)
    with pytest.raises(FileUnavailable, match="not_found"):
        downloads.fetch(kept["data_url"], base_url="", max_bytes=10_000, deadline=deadline, young=True)
    assert sum(clock.slept_seconds) <= 3


def test_a_file_of_an_old_message_that_is_gone_is_not_waited_for(
    downloads: Downloads, storage: RunningStorage, clock: FakeClock
) -> None:
    """Somebody deleted it."""
    kept = storage.keep(files.PNG, "image", missing=99)
    assert why_not(downloads, kept["data_url"], young=False) == "not_found"
    assert clock.slept_seconds == []


@pytest.mark.parametrize(
    "private",
    ["http://10.0.0.1/", "http://169.254.169.254/latest/meta-data/", "ftp://example.com/"],
)
def test_a_redirect_to_a_private_address_is_refused(
    downloads: Downloads, storage: RunningStorage, private: str
) -> None:
    """Whoever writes the first URL writes the second as well."""
    kept = storage.keep(files.PNG, "image", location=private)
    assert why_not(downloads, kept["data_url"]) == "address_refused"


def test_a_redirect_from_https_to_http_is_refused() -> None:
    """Everybody on the way could read along."""
    moved = HttpAnswer(302, {"location": "http://files.example/2"}, b"")
    http = GuardedScript(moved, HttpAnswer(200, {}, b"read along"))
    assert why_not(Downloads(http, FakeClock()), "https://a.example/1") == "address_refused"


class GuardedScript(ScriptedHttp):
    """Checks URLs as the real one does, and keeps them."""

    def __init__(self, *answers: HttpAnswer | Exception) -> None:
        super().__init__(*answers)
        self.urls: list[str] = []

    def send(self, method: str, url: str, **rest: object) -> HttpAnswer:
        """See `HttpClient`."""
        AddressGuard().check_url(url)
        self.urls.append(url)
        return super().send(method, url, **rest)  # type: ignore[arg-type]


def test_redirects_that_go_in_a_circle_end() -> None:
    """After five hops."""
    http = GuardedScript(MOVED)
    assert why_not(Downloads(http, FakeClock()), "https://a.example/1") == "too_many_redirects"
    assert len(http.urls) == 6


def test_a_relative_redirect_and_a_relative_address_are_understood() -> None:
    """RFC 9110 section 10.2.2 allows them."""
    http = GuardedScript(HttpAnswer(301, {"location": "../2"}, b""), HttpAnswer(200, {}, b"file"))
    assert fetch(Downloads(http, FakeClock()), "/files/a/1") == b"file"
    assert http.urls == ["https://a.example/files/a/1", "https://a.example/files/2"]


def test_an_installation_that_knows_itself_under_an_inner_name_is_asked_at_the_companys_address() -> None:
    """``FRONTEND_URL`` may be a name of its own network."""
    http = GuardedScript(HttpAnswer(200, {}, b"file"))
    url = "http://rails:3000/rails/active_storage/blobs/redirect/x/voice.ogg?disposition=inline"
    assert fetch(Downloads(http, FakeClock()), url) == b"file"
    assert http.urls == [
        "https://a.example/rails/active_storage/blobs/redirect/x/voice.ogg?disposition=inline"
    ]


def test_other_addresses_are_not_rewritten() -> None:
    """Only Chatwoot's own paths mean the same file."""
    http = GuardedScript(HttpAnswer(200, {}, b"file"))
    assert why_not(Downloads(http, FakeClock()), "http://rails:3000/secret") == "address_refused"
    assert http.urls == []


@pytest.mark.parametrize(
    ("reached", "young", "reason", "tries"),
    [
        (HttpAnswer(410, {}, b""), True, "status_410", 1),
        (HttpAnswer(403, {}, b""), True, "status_403", 1),
        (HttpAnswer(503, {}, b""), False, "status_503", 7),
        (HttpAnswer(200, {}, b""), True, "empty", 7),
        (HttpAnswer(302, {}, b""), True, "status_302", 1),
    ],
)
def test_what_may_pass_is_tried_again_and_what_may_not_is_not(
    reached: HttpAnswer,
    young: bool,  # noqa: FBT001 - a parameter of the test
    reason: str,
    tries: int,
) -> None:
    """Each with its reason."""
    http = GuardedScript(reached)
    assert why_not(Downloads(http, FakeClock()), "https://a.example/1", young=young, seconds=99) == reason
    assert len(http.urls) == tries


def test_a_storage_that_hides_what_is_missing_behind_403_is_waited_for() -> None:
    """Amazon S3 does, and each try begins at the address that stays."""
    answers = [MOVED, HttpAnswer(403, {}, b""), MOVED, HttpAnswer(200, {}, b"file")]
    http = GuardedScript(*answers)
    assert fetch(Downloads(http, FakeClock()), "https://a.example/1") == b"file"
    assert http.urls == ["https://a.example/1", "https://files.example/2"] * 2


@pytest.mark.parametrize("head", [b"Content-Length: 3000\r\n\r\n", b"Connection: close\r\n\r\n"])
def test_a_file_that_is_too_large_is_not_read_to_its_end(
    downloads: Downloads, serve: Callable[[bytes, float], str], head: bytes
) -> None:
    """Whether it says so first or not."""
    url = serve(b"HTTP/1.1 200 OK\r\n" + head + b"x" * 3000, 0)
    assert why_not(downloads, url, max_bytes=1000) == "too_large"


def test_a_server_that_drips_is_left_when_the_time_is_up(serve: Callable[[bytes, float], str]) -> None:
    """Each byte comes in time, the file does not."""
    url = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + b"x" * 500, 0.05)
    started = time.monotonic()
    downloads, deadline = Downloads(HttpClient(LOOPBACK), SystemClock()), Deadline(SystemClock(), 0.6)
    with pytest.raises(FileUnavailable, match="timeout"):
        downloads.fetch(url, base_url="", max_bytes=1000, deadline=deadline, young=True)
    assert time.monotonic() - started < 10


def test_a_server_that_is_not_there_is_tried_again(downloads: Downloads, clock: FakeClock) -> None:
    """It may be restarting."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert why_not(downloads, f"http://127.0.0.1:{port}/", seconds=99) == "unreachable"
    assert len(clock.slept_seconds) == 6
