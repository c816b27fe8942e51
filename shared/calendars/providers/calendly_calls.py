"""Calls of the Calendly API v2, under a total deadline.

Errors: classified by status and details, since titles are mixed up in Calendly's own specification; rate
limits: its pages "API rate limits" and "Scheduling API".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from shared.calendars.providers.access import Clients
from shared.calendars.providers.contract import EventMissing
from shared.platform.errors import AnswerLost, GiveUp, RetryLater

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.calendars.providers.access import TokenSource
    from shared.credentials.tokens import AccessToken
    from shared.platform.clock import Deadline
    from shared.platform.http import HttpAnswer, HttpClient

PROVIDER = "calendly"
# Resources are named by their address at the real host, also where another host answers.
API = "https://api.calendly.com"
MAX_ANSWER_BYTES = 4 * 1024 * 1024
_OK, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _TOO_MANY, _SERVER_ERROR = 200, 401, 403, 404, 429, 500
_FAILED_DEPENDENCY, _REDIRECT = 424, 300


class CalendlyRefused(GiveUp):
    """Calendly refuses the call for good. Certainly no effect.

    Args:
        message: see `GiveUp`.
        reason: see `GiveUp`.
        status: of the answer.
        details: what is wrong with which parameter, as Calendly says it.
    """

    default_reason = "calendar_refused"

    def __init__(
        self, message: str, *, reason: str = "", status: int = 0, details: tuple[Mapping[str, Any], ...] = ()
    ) -> None:
        super().__init__(message, reason=reason)
        self.status = status
        self.details = details

    @property
    def by_plan(self) -> bool:
        """Whether the account's plan, or the person's role, does not allow the call."""
        return self.status == _FORBIDDEN and self.reason != "insufficient_scopes"

    @property
    def about_start(self) -> bool:
        """Whether the start is what is wrong: taken, or not offered."""
        return any(
            one.get("code") == "already_filled" or one.get("parameter") == "start_time"
            for one in self.details
        )


class CalendlyCalls:
    """Makes calls for one company.

    Args:
        company_id: whose connection.
        tokens: its access tokens.
        http: makes an HTTP client; one is kept for each thread.
        base_url: of another host than Calendly's own, for the local world; empty: Calendly's.
    """

    def __init__(
        self, company_id: str, tokens: TokenSource, http: Callable[[], HttpClient], base_url: str
    ) -> None:
        self._company_id = company_id
        self._tokens = tokens
        self._clients = Clients(http)
        self._base_url = base_url or API

    def settings(self) -> Mapping[str, str]:
        """What was noted when the company connected: ``user_uri``, ``organization_uri``, ``zone``."""
        return self._tokens.access_token(self._company_id, PROVIDER).settings

    def read(self, path: str, deadline: Deadline, **query: str) -> dict[str, Any]:
        """Carry out a call that changes nothing.

        Raises:
            RetryLater: throttled, an outage, no answer.
            EventMissing: there is no such thing.
            CalendlyRefused: for good.
        """
        answer = self._sent("GET", path, deadline, query, None)
        if answer.status >= _SERVER_ERROR:
            raise RetryLater(f"Calendly answered {answer.status}", reason="calendar_unavailable")
        return _understood(answer)

    def write(
        self, path: str, deadline: Deadline, body: Mapping[str, Any] | None = None, method: str = "POST"
    ) -> dict[str, Any]:
        """Carry out a call that changes something.

        Raises:
            AnswerLost: perhaps it had its effect (5xx included).
            RetryLater: certainly not: throttled, not sent.
            EventMissing: there is no such thing.
            CalendlyRefused: for good.
        """
        answer = self._sent(method, path, deadline, {}, body)
        if answer.status >= _SERVER_ERROR:
            raise AnswerLost(f"Calendly answered {answer.status} to a change", reason="calendar_unavailable")
        return _understood(answer)

    def _sent(
        self,
        method: str,
        path: str,
        deadline: Deadline,
        query: Mapping[str, str],
        body: Mapping[str, Any] | None,
    ) -> HttpAnswer:
        def once(token: AccessToken) -> HttpAnswer:
            return self._clients.mine().send(
                method,
                self._base_url + path,
                timeout_seconds=deadline.remaining_seconds(),
                headers={"Authorization": f"Bearer {token.secret.reveal()}", "Accept-Encoding": "identity"},
                json_body=body,
                query=query,
                max_bytes=MAX_ANSWER_BYTES,
            )

        token = self._tokens.access_token(self._company_id, PROVIDER)
        answer = once(token)
        if answer.status != _UNAUTHORIZED:
            return answer
        return once(self._tokens.rejected(self._company_id, PROVIDER, token))


def path_of(uri: str) -> str:
    """Where a resource is, by its name.

    Raises:
        CalendlyRefused: it is no name of Calendly's: nothing is asked for it.
    """
    if not uri.startswith(f"{API}/") or "?" in uri or "#" in uri or ".." in uri:
        raise CalendlyRefused("Calendly does not name anything so", reason="not_found")
    return urlsplit(uri).path


def _understood(answer: HttpAnswer) -> dict[str, Any]:
    found = answer.json()
    given = found if isinstance(found, dict) else {}
    if _OK <= answer.status < _REDIRECT:
        if not isinstance(found, dict) and answer.body:
            raise AnswerLost("Calendly answered with no JSON object", reason="calendar_answer_odd")
        return given
    if answer.status == _NOT_FOUND:
        raise EventMissing("Calendly has no such thing")
    if answer.status == _TOO_MANY:
        raise RetryLater(
            "Calendly wants fewer calls", reason="calendar_throttled", after_seconds=_seconds_left(answer)
        )
    raise _refused(answer.status, given)


def _refused(status: int, given: Mapping[str, Any]) -> CalendlyRefused:
    if status == _FORBIDDEN and (
        given.get("type") == "InsufficientScopeError" or given.get("required_scopes")
    ):
        sentence = "the company did not allow this when it connected"
        return CalendlyRefused(sentence, reason="insufficient_scopes", status=status)
    listed = given.get("details")
    details = tuple(one for one in listed if isinstance(one, dict)) if isinstance(listed, list) else ()
    reason = "external_calendar" if status == _FAILED_DEPENDENCY else ""
    return CalendlyRefused(
        f"Calendly refused the call ({status})", reason=reason, status=status, details=details
    )


def _seconds_left(answer: HttpAnswer) -> float | None:
    """Calendly sends no ``Retry-After``; its ``X-RateLimit-Reset`` counts seconds."""
    given = answer.headers.get("x-ratelimit-reset", "")
    return float(given) if given.isascii() and given.isdigit() else None
