"""Outside calls end in time, go only where they may, and say whether they certainly had no effect."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from shared.platform.addresses import AddressGuard, AddressRefused
from shared.platform.errors import AnswerLost, RequestNotSent
from shared.platform.http import MAX_ANSWER_BYTES, AnswerTooLarge, HttpClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GOOD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n" + b'{"ok":true}'


@pytest.fixture
def http() -> Iterator[HttpClient]:
    """A client that may call loopback."""
    client = HttpClient(AddressGuard(loopback_allowed=True))
    yield client
    client._session.close()


@pytest.fixture
def server() -> Iterator[Callable[[Callable[[socket.socket], None]], str]]:
    """Starts servers that take connections one after another, and gives their address."""
    listeners: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(serve: Callable[[socket.socket], None]) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def run() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, contextlib.suppress(OSError):
                        serve(connection)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        threads.append(thread)
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for thread in threads:
        thread.join(5)


def _drip(text: bytes) -> Callable[[socket.socket], None]:
    def serve(connection: socket.socket) -> None:
        connection.recv(65_536)
        for byte in text:
            connection.sendall(bytes([byte]))
            time.sleep(0.05)

    return serve


def _answer(text: bytes) -> Callable[[socket.socket], None]:
    def serve(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(text)

    return serve


def test_an_answer_comes_back_whole(http: HttpClient, server: Callable[..., str]) -> None:
    """Status, headers in lower case, body."""
    answer = http.send("GET", server(_answer(GOOD)), timeout_seconds=5)
    assert (answer.status, answer.headers["content-type"], answer.json()) == (
        200,
        "application/json",
        {"ok": True},
    )


def test_a_body_that_is_not_json_reads_as_none(http: HttpClient, server: Callable[..., str]) -> None:
    """A proxy's error page."""
    page = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\n\r\n<html>"
    answer = http.send("GET", server(_answer(page)), timeout_seconds=5)
    assert (answer.status, answer.json()) == (502, None)


@pytest.mark.parametrize("text", [GOOD[:20] + b"x" * 500, GOOD[:-11] + b" " * 500], ids=["headers", "body"])
def test_a_server_that_drips_is_left_at_the_deadline(
    http: HttpClient, server: Callable[..., str], text: bytes
) -> None:
    """Each byte comes in time, the whole does not."""
    started = time.monotonic()
    with pytest.raises(AnswerLost):
        http.send("POST", server(_drip(text.replace(b"11", b"999"))), timeout_seconds=0.6, json_body={})
    assert time.monotonic() - started < 10


def test_a_server_that_drips_during_the_tls_handshake_is_left_before_anything_was_sent(
    http: HttpClient, server: Callable[..., str]
) -> None:
    """So the request certainly had no effect."""
    address = server(_drip(b"\x16\x03\x03\x40\x00" + b"\x02" * 500)).replace("http://", "https://")
    started = time.monotonic()
    with pytest.raises(RequestNotSent):
        http.send("POST", address, timeout_seconds=0.6, json_body={})
    assert time.monotonic() - started < 10


def test_a_refused_connection_certainly_had_no_effect(http: HttpClient) -> None:
    """Nobody listens there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(RequestNotSent):
        http.send("POST", f"http://127.0.0.1:{port}", timeout_seconds=5, json_body={})


def test_a_name_that_does_not_exist_certainly_had_no_effect(http: HttpClient) -> None:
    """RFC 6761 reserves ``invalid``."""
    with pytest.raises(RequestNotSent):
        http.send("POST", "http://no-such-name.invalid", timeout_seconds=5, json_body={})


def test_a_connection_that_ends_after_the_request_perhaps_had_its_effect(
    http: HttpClient, server: Callable[..., str]
) -> None:
    """The server may have done it."""
    with pytest.raises(AnswerLost):
        http.send(
            "POST", server(lambda connection: bool(connection.recv(65_536)) and None), timeout_seconds=5
        )


def test_a_body_that_is_cut_off_perhaps_had_its_effect(http: HttpClient, server: Callable[..., str]) -> None:
    """A length was promised and not kept."""
    with pytest.raises(AnswerLost):
        http.send("POST", server(_answer(GOOD[:-4])), timeout_seconds=5, json_body={})


def test_an_answer_that_is_too_large_is_not_read_to_its_end(
    http: HttpClient, server: Callable[..., str]
) -> None:
    """Memory is bounded."""
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"

    def flood(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(head)
        for _ in range(MAX_ANSWER_BYTES // 65_536 + 10):
            connection.sendall(b"x" * 65_536)

    with pytest.raises(AnswerLost):
        http.send("GET", server(flood), timeout_seconds=20)


@pytest.mark.parametrize("head", [b"Content-Length: 3000\r\n\r\n", b"Connection: close\r\n\r\n"])
def test_a_caller_may_want_less(http: HttpClient, server: Callable[..., str], head: bytes) -> None:
    """Whether the answer says how long it is or not."""
    url = server(_answer(b"HTTP/1.1 200 OK\r\n" + head + b"x" * 3000))
    with pytest.raises(AnswerTooLarge):
        http.send("GET", url, timeout_seconds=5, max_bytes=2999)
    assert len(http.send("GET", url, timeout_seconds=5, max_bytes=3000).body) == 3000


def test_redirects_are_not_followed(http: HttpClient, server: Callable[..., str]) -> None:
    """They lead anywhere, with our token."""
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
    assert http.send("GET", server(_answer(moved)), timeout_seconds=5).status == 302


def test_private_addresses_are_refused_before_anything_is_sent(server: Callable[..., str]) -> None:
    """By name and by number."""
    seen: list[bytes] = []
    port = server(lambda connection: seen.append(connection.recv(10))).rsplit(":", 1)[1]
    client = HttpClient(AddressGuard())
    for host in ("127.0.0.1", "localhost"):
        with pytest.raises(AddressRefused):
            client.send("GET", f"https://{host}:{port}/", timeout_seconds=5)
    assert seen == []


def test_without_time_nothing_is_sent(http: HttpClient) -> None:
    """A deadline that has passed is no time-out of zero."""
    with pytest.raises(RequestNotSent):
        http.send("GET", "http://127.0.0.1:1", timeout_seconds=0)
