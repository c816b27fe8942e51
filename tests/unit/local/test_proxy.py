from __future__ import annotations

import http.client
import json
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from local.proxy import MAX_BODY_BYTES, Proxy

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "abc123.execute-api.localhost"


class Api(ThreadingHTTPServer):
    """An API that remembers raw requests and answers with the headers and body it is told to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), ApiHandler)
        self.received: list[dict[str, Any]] = []
        self.together: threading.Barrier | None = None
        self.silent = threading.Event()


class ApiHandler(BaseHTTPRequestHandler):
    """Answers any method."""

    protocol_version = "HTTP/1.1"
    server: Api

    def _any(self) -> None:
        if self.path == "/slow":
            self.server.silent.wait(10)
        if self.server.together:
            self.server.together.wait(30)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.received.append(
            {"method": self.command, "path": self.path, "headers": self.headers.items(), "body": body}
        )
        if self.path == "/nothing":
            self.send_response(204)
            self.end_headers()
            return
        self.send_response(409, "Conflict")
        self.send_header("Set-Cookie", "a=1")
        self.send_header("Set-Cookie", "b=2")
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"\x00\xff!" if self.command != "HEAD" else b"")

    do_GET = do_POST = do_PUT = do_HEAD = do_OPTIONS = _any  # noqa: N815 - names of BaseHTTPRequestHandler

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def api() -> Iterator[Api]:
    """The API behind the proxy, on a loopback port."""
    with Api() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.silent.set()
        server.shutdown()


@pytest.fixture
def proxy(api: Api) -> Iterator[Proxy]:
    """The proxy in front of it; as patient as a busy machine may need."""
    with serving(Proxy(0, api.server_port, HOST, timeout_seconds=30)) as server:
        yield server


@contextmanager
def serving(proxy: Proxy) -> Iterator[Proxy]:
    """The proxy, at work."""
    with proxy:
        threading.Thread(target=proxy.serve_forever, args=(0.02,), daemon=True).start()
        yield proxy
        proxy.shutdown()


def call(
    proxy: Proxy, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[http.client.HTTPResponse, bytes]:
    """One request through the proxy."""
    connection = http.client.HTTPConnection("127.0.0.1", proxy.server_port, timeout=40)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer, content


def raw(proxy: Proxy, request: bytes) -> bytes:
    """Bytes to the proxy, and all that comes back until it closes the connection."""
    with socket.create_connection(("127.0.0.1", proxy.server_port), timeout=10) as client:
        client.sendall(request)
        answer = b""
        while received := client.recv(65536):
            answer += received
    return answer


def test_the_body_arrives_byte_for_byte(proxy: Proxy, api: Api) -> None:
    """Signatures are computed over the raw bytes, whatever they are."""
    body = bytes(range(256)) + b'{ "b" : 1,\r\n "a":"\xc3\xa9" }'

    call(proxy, "POST", "/api/webhook/chatwoot/x?y=%20z", body)

    assert api.received[0]["body"] == body
    assert api.received[0]["method"] == "POST"
    assert api.received[0]["path"] == "/api/webhook/chatwoot/x?y=%20z"


def test_headers_arrive_as_they_were_sent_but_for_the_host(proxy: Proxy, api: Api) -> None:
    """Names keep their case and order, repeated ones stay apart, and Host names the API."""
    raw(
        proxy,
        b"POST /x HTTP/1.1\r\nHost: tunnel.example.com\r\nX-Chatwoot-Signature: sha256=1\r\n"
        b"x-twice: 1\r\nX-Twice: 2\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
    )

    assert api.received[0]["headers"] == [
        ("Host", HOST),
        ("X-Chatwoot-Signature", "sha256=1"),
        ("x-twice", "1"),
        ("X-Twice", "2"),
        ("Content-Length", "2"),
    ]


def test_the_answer_comes_back_as_it_was_given(proxy: Proxy) -> None:
    """Status, repeated cookies and the body's bytes."""
    answer, content = call(proxy, "GET", "/x")

    assert (answer.status, answer.reason) == (409, "Conflict")
    assert answer.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    assert content == b"\x00\xff!"


def test_a_body_in_chunks_arrives_whole(proxy: Proxy, api: Api) -> None:
    """API Gateway hands functions whole bodies, however they were sent."""
    raw(
        proxy,
        b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
    )

    assert api.received[0]["body"] == b"abcde"


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (b"Content-Length: many\r\n\r\n", b"400"),
        (b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
        (b"Content-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1), b"413"),
        (b"Transfer-Encoding: chunked\r\n\r\nfffffff\r\n", b"413"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_here(
    request_head: bytes, status: bytes, proxy: Proxy, api: Api
) -> None:
    """Broken lengths and bodies above API Gateway's limit get a problem, and nothing is passed on."""
    answer = raw(proxy, b"POST /x HTTP/1.1\r\nHost: h\r\n" + request_head)

    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"application/problem+json" in answer
    assert api.received == []


def test_an_answer_without_content_stays_without(proxy: Proxy) -> None:
    """A preflight's 204 gets no length that it did not have."""
    answer, content = call(proxy, "OPTIONS", "/nothing")

    assert (answer.status, content) == (204, b"")
    assert answer.headers["Content-Length"] is None


def test_a_silent_api_is_a_502_problem(api: Api) -> None:
    """Whoever calls gets an answer in time, in the shape of all our errors."""
    with serving(Proxy(0, api.server_port, HOST, timeout_seconds=0.5)) as proxy:
        answer, content = call(proxy, "POST", "/slow", b"{}")

    assert answer.status == 502
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "did not answer within 0.5 s" in json.loads(content)["detail"]


def test_an_absent_api_is_a_502_problem() -> None:
    """A local AWS that is not running is said, not a closed connection."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    with serving(Proxy(0, port, HOST)) as proxy:
        answer, content = call(proxy, "GET", "/x")

    assert answer.status == 502
    assert json.loads(content)["status"] == 502


def test_requests_are_passed_on_side_by_side(proxy: Proxy, api: Api) -> None:
    """Eight requests that each wait for the others all get through."""
    api.together = threading.Barrier(8)
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(call(proxy, "GET", "/x")[0].status)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [409] * 8


def test_the_log_holds_no_path_token(proxy: Proxy, capfd: pytest.CaptureFixture[str]) -> None:
    """Senders that cannot sign carry a secret in the path's last segment."""
    call(proxy, "POST", "/api/webhook/chatwoot/clinic/TOKEN-IN-PATH", b"{}")

    logged = capfd.readouterr().err
    assert "/api/webhook/chatwoot/clinic" in logged
    assert "TOKEN-IN-PATH" not in logged
