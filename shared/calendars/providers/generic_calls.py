"""Signed calls to a company's own calendar (docs/reference/generic-calendar.md)."""

from __future__ import annotations

import json
import re
import threading
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote, urlencode, urlsplit

from shared.calendars.calendar_secrets import PROVIDER, secret_field
from shared.calendars.providers.access import Clients
from shared.calendars.providers.contract import (
    EventChanged,
    EventExists,
    EventMissing,
    SlotTaken,
    Unsupported,
)
from shared.calendars.providers.generic_signing import signed
from shared.platform.addresses import AddressRefused
from shared.platform.errors import AnswerLost, GiveUp, RetryLater

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.calendars.providers.access import SecretSource
    from shared.platform.clock import Clock, Deadline
    from shared.platform.http import HttpAnswer, HttpClient
    from shared.platform.secret import Secret

MAX_ANSWER_BYTES = 8 * 1024 * 1024
_KEPT_SECONDS = 60.0
# Nothing in it is written otherwise on its way: the signature covers the path as it is sent.
_PLAIN = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)*/?")
_OK, _REDIRECT, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _CONFLICT, _GONE = 200, 300, 401, 403, 404, 409, 410
_PRECONDITION_FAILED, _TOO_MANY, _SERVER_ERROR, _NOT_IMPLEMENTED = 412, 429, 500, 501


class CalendarRefused(GiveUp):
    """The company's calendar refuses the call for good. Certainly no effect."""

    default_reason = "calendar_refused"


class GenericCalls:
    """Makes calls for one company.

    Args:
        company_id: whose secrets.
        secrets: where they are.
        http: makes an HTTP client, which guards addresses; one is kept for each thread.
        clock: for signatures, and for how long a secret is kept.
    """

    def __init__(
        self, company_id: str, secrets: SecretSource, http: Callable[[], HttpClient], clock: Clock
    ) -> None:
        self._company_id = company_id
        self._secrets = secrets
        self._clients = Clients(http)
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, Secret]] = {}

    def read(self, calendar: str, deadline: Deadline, *path: str, **query: str) -> dict[str, Any]:
        """Carry out a call that changes nothing.

        Raises:
            RetryLater: throttled, an outage, no answer.
            EventMissing: 404 or 410.
            Unsupported: the other side has no such call.
            GiveUp: refused for good.
        """
        answer = self._sent("GET", _url(calendar, path, query), deadline, None, {})
        if answer.status >= _SERVER_ERROR and answer.status != _NOT_IMPLEMENTED:
            raise RetryLater(
                f"the company's calendar answered {answer.status}",
                reason="calendar_unavailable",
                after_seconds=_retry_after(answer),
            )
        return _understood(answer)

    def write(
        self,
        method: str,
        calendar: str,
        event_id: str,
        deadline: Deadline,
        body: Mapping[str, Any] | None = None,
        **headers: str,
    ) -> dict[str, Any]:
        """Carry out a call that changes something.

        Raises:
            AnswerLost: perhaps it had its effect (5xx included).
            RetryLater: certainly not: throttled, not sent.
            EventExists, SlotTaken: 409, by its reason. EventChanged: 412. EventMissing: 404 or 410.
            Unsupported: the other side has no such call.
            GiveUp: refused for good.
        """
        named = {name.replace("_", "-"): value for name, value in headers.items() if value}
        answer = self._sent(method, _url(calendar, ("events", event_id), {}), deadline, body, named)
        if answer.status >= _SERVER_ERROR and answer.status != _NOT_IMPLEMENTED:
            raise AnswerLost(
                f"the company's calendar answered {answer.status} to a change", reason="calendar_unavailable"
            )
        return _understood(answer)

    def _sent(
        self,
        method: str,
        url: str,
        deadline: Deadline,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str],
    ) -> HttpAnswer:
        content = b"" if body is None else json.dumps(body).encode()
        answer = self._once(method, url, deadline, content, headers)
        if answer.status != _UNAUTHORIZED or not self._was_kept(url):
            return answer
        return self._once(method, url, deadline, content, headers)  # with the secret as it is now

    def _once(
        self, method: str, url: str, deadline: Deadline, content: bytes, headers: Mapping[str, str]
    ) -> HttpAnswer:
        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        proof = signed(self._secret(url), method, target, content, int(self._clock.now().timestamp()))
        kind = {"Content-Type": "application/json"} if content else {}
        try:
            return self._clients.mine().send(
                method,
                url,
                timeout_seconds=deadline.remaining_seconds(),
                headers={"Accept-Encoding": "identity", **kind, **headers, **proof},
                content=content or None,
                max_bytes=MAX_ANSWER_BYTES,
            )
        except AddressRefused as refused:
            raise CalendarRefused(
                "the calendar's address is not one that may be called", reason=refused.reason
            ) from None

    def _secret(self, url: str) -> Secret:
        field = secret_field(url)
        with self._lock:
            kept = self._kept.get(field)
        if kept is not None and kept[0] > self._clock.monotonic():
            return kept[1]
        found = self._secrets.get(self._company_id, PROVIDER, field)
        if found is None:
            raise GiveUp("no secret is stored for the company's calendar", reason="not_connected")
        with self._lock:
            self._kept[field] = (self._clock.monotonic() + _KEPT_SECONDS, found)
        return found

    def _was_kept(self, url: str) -> bool:
        """Forget the secret; says whether another is stored meanwhile."""
        with self._lock:
            kept = self._kept.pop(secret_field(url), None)
        return kept is not None and self._secret(url).reveal() != kept[1].reveal()


def _url(calendar: str, path: tuple[str, ...], query: Mapping[str, str]) -> str:
    """A call's address below the calendar's own.

    Raises:
        CalendarRefused: the calendar's name is no address, or one that would be sent otherwise than signed.
        EventMissing: a name would leave its place in the path.
    """
    if not {"", ".", ".."}.isdisjoint(path):
        raise EventMissing("no event has such an id")
    try:
        parts = urlsplit(calendar)
        usable = bool(parts.hostname) and (parts.port or 1) > 0 and _PLAIN.fullmatch(calendar) is not None
    except ValueError:
        usable = False
    if not usable:
        raise CalendarRefused("the calendar must be named by its URL", reason="no_url")
    below = "".join(f"/{quote(one, safe='')}" for one in path)
    return calendar.rstrip("/") + below + (f"?{urlencode(query)}" if query else "")


def _understood(answer: HttpAnswer) -> dict[str, Any]:
    if not _OK <= answer.status < _REDIRECT:
        _raise(answer)
    found = answer.json() if answer.body else {}
    if not isinstance(found, dict):
        raise AnswerLost("the company's calendar answered with no JSON object", reason="answer_odd")
    return found


def _raise(answer: HttpAnswer) -> NoReturn:
    """What an answer that is no success means."""
    status, given = answer.status, answer.json()
    reason = given.get("reason") if isinstance(given, dict) else None
    if status in {_NOT_FOUND, _GONE}:
        raise EventMissing("the company's calendar has no such event", reason="gone" * (status == _GONE))
    if status == _CONFLICT and reason == "slot_taken":
        raise SlotTaken("the company's calendar says that the time is taken")
    if status == _CONFLICT:
        raise EventExists("an event with this id is there")
    if status == _PRECONDITION_FAILED:
        raise EventChanged("the event was changed in the meantime")
    if status == _TOO_MANY:
        raise RetryLater(
            "the company's calendar wants fewer calls",
            reason="calendar_throttled",
            after_seconds=_retry_after(answer),
        )
    if status == _NOT_IMPLEMENTED:
        raise Unsupported("the company's calendar has no such call")
    if status in {_UNAUTHORIZED, _FORBIDDEN}:
        raise CalendarRefused("the company's calendar does not take our signature", reason="calendar_denied")
    raise CalendarRefused(f"the company's calendar refused the call ({status})")


def _retry_after(answer: HttpAnswer) -> float | None:
    given = answer.headers.get("retry-after", "")
    return float(given) if given.isascii() and given.isdigit() else None
