"""Outside calls over HTTP with a total deadline and guarded addresses.

``requests`` bounds each wait for bytes, not the whole call: a server that drips one byte a second holds a
call for ever. Here a timer shuts the socket down when the call's time is up, whatever it is doing (TLS
handshake, headers, body). What came before the request was written is told apart from what came after,
because only the former certainly had no effect.

One `HttpClient` belongs to one thread and one company: it keeps connections open, and they carry credentials.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

from shared.platform.errors import AnswerLost, RequestNotSent
from shared.platform.sockets import CONNECT_TIMEOUT_SECONDS, Call, connect

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from shared.platform.addresses import AddressGuard

MAX_ANSWER_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True)
class HttpAnswer:
    """What came back: status, headers (names in lower case) and the whole body."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> Any:  # noqa: ANN401 - any JSON value
        """The body as JSON, or ``None`` where it is none (an HTML page of a proxy, say)."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


class AnswerTooLarge(AnswerLost):
    """The body is longer than the caller wants to read; asking again brings the same."""

    default_reason = "too_large"


class _Calls(threading.local):
    current: Call | None = None


_calls = _Calls()


class _Guarded(HTTPConnection):
    """The part that plain and TLS connections share."""

    def _new_conn(self) -> socket.socket:
        call = _calls.current
        if call is None:
            return super()._new_conn()
        try:
            return connect(call, self._dns_host, self.port or 0)
        except OSError as error:
            raise NewConnectionError(self, "nothing could be connected to") from error

    def putrequest(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - handed on as they come
        call = _calls.current
        if call is not None:
            if self.sock is None:
                # Connect first, so that a failure here is known to come before the first byte.
                self.connect()
            else:
                call.watch(self.sock)
            call.writing = True
        super().putrequest(*args, **kwargs)


class _GuardedTls(_Guarded, HTTPSConnection):
    """A guarded connection with TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Guarded


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _GuardedTls


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - handed on as they come
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}


class HttpClient:
    """Makes outside calls.

    Args:
        guard: which addresses may be called.
    """

    def __init__(self, guard: AddressGuard) -> None:
        self._guard = guard
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy and no .netrc credentials out of the environment
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _Adapter(max_retries=0))

    def send(
        self,
        method: str,
        url: str,
        *,
        timeout_seconds: float,
        headers: Mapping[str, str] | None = None,
        json_body: object = None,
        content: bytes | None = None,
        query: Mapping[str, str] | None = None,
        max_bytes: int = MAX_ANSWER_BYTES,
    ) -> HttpAnswer:
        """One request and its whole answer. Redirects are not followed: they come back as they are.

        Args:
            method: ``GET``, ``POST`` …
            url: where to; checked by the guard.
            timeout_seconds: how long the whole call may take, from name look-up to the body's last byte.
            headers: request headers.
            json_body: sent as JSON when not ``None``.
            content: a body already encoded, instead of ``json_body``.
            query: query parameters.
            max_bytes: of a longer body nothing more is read.

        Raises:
            AddressRefused: the URL or the address behind it is not allowed.
            RequestNotSent: it certainly had no effect.
            AnswerLost: it perhaps had its effect; `AnswerTooLarge` when the body is too long.
        """
        self._guard.check_url(url)
        if timeout_seconds <= 0:
            raise RequestNotSent("no time is left for the call", reason="no_time_left")
        with Call(self._guard, timeout_seconds) as call:
            _calls.current = call
            try:
                answer = self._session.request(
                    method,
                    url,
                    params=dict(query or {}),
                    headers=dict(headers or {}),
                    json=json_body,
                    data=content,
                    timeout=(min(CONNECT_TIMEOUT_SECONDS, timeout_seconds), timeout_seconds),
                    allow_redirects=False,
                    stream=True,
                )
                body = _read(answer, max_bytes)
            except (requests.RequestException, OSError) as error:
                raise _failure(call, error) from error
            finally:
                _calls.current = None
            if call.expired:
                # A shut socket can look like the regular end of a body without a length.
                raise AnswerLost("the answer was cut off when its time was up", reason="timeout")
        return HttpAnswer(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, body)


def _read(answer: requests.Response, max_bytes: int) -> bytes:
    with answer:
        promised = answer.headers.get("Content-Length", "")
        if promised.isdecimal() and int(promised) > max_bytes:
            raise AnswerTooLarge("the answer is larger than we read")
        parts, size = [], 0
        for part in answer.iter_content(64 * 1024):
            size += len(part)
            if size > max_bytes:
                raise AnswerTooLarge("the answer is larger than we read")
            parts.append(part)
        return b"".join(parts)


def _failure(call: Call, error: Exception) -> RequestNotSent | AnswerLost:
    reason = "timeout" if call.expired or isinstance(error, requests.Timeout) else "connection"
    if call.writing:
        return AnswerLost("the request was sent and its answer never came whole", reason=reason)
    return RequestNotSent("the other side could not be reached", reason=reason)
