"""Our API as a plain base URL: passes requests on to the local AWS under the host name it knows the API by.

On AWS an HTTP API has an address of its own; the local AWS tells its APIs apart by the ``Host`` header, which
browsers, tunnels and webhook senders cannot set. Everything else passes through as it came: the method, the
path, the other headers in their order, and the body's bytes, because signatures are computed over them.
"""

from __future__ import annotations

import argparse
import http.client
import json
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from local.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Sequence

# A little above the 30 s after which API Gateway itself gives up (HTTP API quotas), so that its answer comes.
TIMEOUT_SECONDS = 35.0
MAX_BODY_BYTES = 10 * 1024 * 1024  # API Gateway's limit for a payload
# They belong to one connection, not to the message (RFC 9110 section 7.6.1).
_HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}


class Proxy(ThreadingHTTPServer):
    """The reverse proxy.

    Args:
        port: where to listen, on the loopback address; 0 takes any.
        target_port: where the local AWS listens.
        target_host: the ``Host`` header that names the API there.
        timeout_seconds: how long the API may take to answer.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, port: int, target_port: int, target_host: str, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self.target_port = target_port
        self.target_host = target_host
        self.timeout_seconds = timeout_seconds
        super().__init__((LOOPBACK, port), _Handler)


class _Unreadable(Exception):
    """The request's body cannot be read; the status and the sentence say why."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def handle_one_request(self) -> None:
        """Read one request and pass it on, whatever its method."""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline:
            self.close_connection = True
            return
        if self.parse_request():
            self._pass_on()

    def _pass_on(self) -> None:
        try:
            body = self._body()
        except _Unreadable as problem:
            self.close_connection = True
            self._problem(problem.status, problem.sentence)
            return
        upstream = http.client.HTTPConnection(
            LOOPBACK, self.server.target_port, timeout=self.server.timeout_seconds
        )
        try:
            self._send(upstream, body)
            answer = upstream.getresponse()
            content = answer.read()
        except TimeoutError:
            self._problem(502, f"The API did not answer within {self.server.timeout_seconds:g} s.")
        except (OSError, http.client.HTTPException) as error:
            self._problem(502, f"The API could not be reached ({type(error).__name__}): is it running?")
        else:
            self._answer(answer, content)
        finally:
            upstream.close()

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._chunks()
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            raise _Unreadable(400, "Content-Length is not a number.") from None
        if length > MAX_BODY_BYTES:
            raise _Unreadable(413, "The body is larger than API Gateway accepts (10 MB).")
        return self.rfile.read(length)

    def _chunks(self) -> bytes:
        body = b""
        while True:
            try:
                size = int(self.rfile.readline(1024).split(b";")[0], 16)
            except ValueError:
                raise _Unreadable(400, "The body's chunks cannot be read.") from None
            if len(body) + size > MAX_BODY_BYTES:
                raise _Unreadable(413, "The body is larger than API Gateway accepts (10 MB).")
            body += self.rfile.read(size)
            self.rfile.readline(1024)
            if size == 0:
                return body

    def _send(self, upstream: http.client.HTTPConnection, body: bytes) -> None:
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        upstream.putheader("Host", self.server.target_host)
        for name, value in self.headers.items():
            if name.lower() not in _HOP_BY_HOP | {"host", "content-length", "expect"}:
                upstream.putheader(name, value.encode("latin-1"))
        if body or "Content-Length" in self.headers:
            upstream.putheader("Content-Length", str(len(body)))
        upstream.endheaders(body or None)

    def _answer(self, answer: http.client.HTTPResponse, content: bytes) -> None:
        self.log_request(answer.status, len(content))
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        # What came in chunks leaves whole; an answer without content has no length (RFC 9110 section 8.6).
        if answer.getheader("Content-Length") is None and answer.status not in {204, 304}:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _problem(self, status: int, sentence: str) -> None:
        """Answer with a problem of our own (RFC 9457)."""
        problem = {"title": http.client.responses[status], "status": status, "detail": sentence}
        content = json.dumps(problem).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/problem+json")
        self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log the request with the beginning of its path only: the rest may hold a token."""
        path = "/".join(self.path.split("?")[0].split("/")[:5])
        self.log_message("%s %s %s %s", self.command, path, code, size)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m local.proxy", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--target-port", type=int, required=True)
    parser.add_argument("--target-host", required=True)
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Proxy(given.port, given.target_port, given.target_host) as proxy:
        proxy.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
