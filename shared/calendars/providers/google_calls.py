"""Calls of the Google Calendar API: built by Google's library, carried by our own HTTP client.

google-api-python-client knows paths, parameters and what belongs where; its transport, httplib2, is not
thread-safe and bounds each wait instead of the whole call. So requests travel through `HttpClient`, one for
each thread, under a total deadline. Errors: Google's page "Handle API errors" of the Calendar API.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

from googleapiclient.discovery import build
from googleapiclient.errors import HttpError
from httplib2 import Response

from shared.calendars.providers.access import Clients
from shared.calendars.providers.contract import EventChanged, EventExists, EventMissing
from shared.platform.errors import AnswerLost, GiveUp, RetryLater

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.calendars.providers.access import TokenSource
    from shared.credentials.tokens import AccessToken
    from shared.platform.clock import Deadline
    from shared.platform.http import HttpAnswer, HttpClient

PROVIDER = "google"
MAX_ANSWER_BYTES = 8 * 1024 * 1024
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _CONFLICT, _GONE = 401, 403, 404, 409, 410
_PRECONDITION_FAILED, _TOO_MANY, _SERVER_ERROR = 412, 429, 500
_THROTTLED = {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "calendarUsageLimitsExceeded"}
_SCOPES = {"insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}


class CalendarRefused(GiveUp):
    """Google refuses the call for good; the reason is Google's own word."""

    default_reason = "calendar_refused"


class TokenTooOld(RetryLater):
    """A sync token is no longer known: everything must be read again."""

    default_reason = "sync_token_too_old"


@cache
def service(base_url: str) -> Any:  # noqa: ANN401 - the library makes its classes at run time
    """The library's description of the API, made once from the discovery document that it ships.

    Args:
        base_url: of another host than Google's own, without a slash at its end; empty: Google's own.
    """
    # Any value serves as transport here: each request is executed with its own.
    endpoint = {"api_endpoint": f"{base_url}/calendar/v3/"} if base_url else None
    return build("calendar", "v3", http=object(), static_discovery=True, client_options=endpoint)


class _Transport:
    """The part of httplib2's interface that the library uses, over `HttpClient`."""

    def __init__(self, http: HttpClient, token: AccessToken, deadline: Deadline) -> None:
        self._http = http
        self._token = token
        self._deadline = deadline

    def request(
        self, uri: str, method: str, body: str | None, headers: Mapping[str, str]
    ) -> tuple[Response, bytes]:
        answer = self._http.send(
            method,
            uri,
            timeout_seconds=self._deadline.remaining_seconds(),
            headers={
                # Bodies are small, and a compressed one could unfold to any size.
                **{name: value for name, value in headers.items() if name.lower() != "accept-encoding"},
                "Authorization": f"Bearer {self._token.secret.reveal()}",
            },
            content=body.encode() if body else None,
            max_bytes=MAX_ANSWER_BYTES,
        )
        return _response(answer), answer.body


def _response(answer: HttpAnswer) -> Response:
    return Response({**answer.headers, "status": str(answer.status)})


class GoogleCalls:
    """Makes calls for one company.

    Args:
        company_id: whose connection.
        tokens: its access tokens.
        http: makes an HTTP client; one is kept for each thread.
    """

    def __init__(self, company_id: str, tokens: TokenSource, http: Callable[[], HttpClient]) -> None:
        self._company_id = company_id
        self._tokens = tokens
        self._clients = Clients(http)

    def read(self, request: Any, deadline: Deadline) -> dict[str, Any]:  # noqa: ANN401 - made by the library
        """Carry out a call that changes nothing.

        Raises:
            RetryLater: throttled, an outage, no answer.
            EventMissing: there is no such event or calendar.
            TokenTooOld: the sync token is.
            GiveUp: refused for good.
        """
        try:
            return self._made(request, deadline)
        except HttpError as error:
            _raise(error)

    def write(self, request: Any, deadline: Deadline) -> dict[str, Any]:  # noqa: ANN401 - made by the library
        """Carry out a call that changes something.

        Raises:
            AnswerLost: perhaps it had its effect (5xx included).
            RetryLater: certainly not: throttled, not sent.
            EventExists: 409. EventChanged: 412. EventMissing: 404 or 410.
            GiveUp: refused for good.
        """
        try:
            return self._made(request, deadline)
        except HttpError as error:
            if error.status_code >= _SERVER_ERROR:
                raise AnswerLost(
                    f"Google answered {error.status_code} to a change", reason="calendar_unavailable"
                ) from None
            _raise(error)

    def _made(self, request: Any, deadline: Deadline) -> dict[str, Any]:  # noqa: ANN401 - made by the library
        token = self._tokens.access_token(self._company_id, PROVIDER)
        try:
            return self._executed(request, token, deadline)
        except HttpError as error:
            if error.status_code != _UNAUTHORIZED:
                raise
        token = self._tokens.rejected(self._company_id, PROVIDER, token)
        return self._executed(request, token, deadline)

    def _executed(self, request: Any, token: AccessToken, deadline: Deadline) -> dict[str, Any]:  # noqa: ANN401 - made by the library
        answer = request.execute(http=_Transport(self._clients.mine(), token, deadline), num_retries=0)
        if answer in ("", b""):
            return {}  # 204
        if not isinstance(answer, dict):
            raise AnswerLost("Google answered with no JSON object", reason="calendar_answer_odd")
        return answer


def _raise(error: HttpError) -> NoReturn:
    """What an answer that is no success means."""
    status, reason = error.status_code, _reason(error)
    if status in {_NOT_FOUND, _GONE} and reason not in {"fullSyncRequired", "updatedMinTooLongAgo"}:
        raise EventMissing("Google has no such event or calendar") from None
    if status == _GONE:
        raise TokenTooOld("the sync token is too old") from None
    if status == _CONFLICT:
        raise EventExists("an event with this id is there") from None
    if status == _PRECONDITION_FAILED:
        raise EventChanged("the event was changed in the meantime") from None
    if status == _TOO_MANY or (status == _FORBIDDEN and reason in _THROTTLED):
        raise RetryLater(
            "Google wants fewer calls", reason="calendar_throttled", after_seconds=_retry_after(error)
        ) from None
    if status >= _SERVER_ERROR:
        raise RetryLater(f"Google answered {status}", reason="calendar_unavailable") from None
    if status == _FORBIDDEN and reason in _SCOPES:
        raise CalendarRefused(
            "the company did not allow this when it connected", reason="insufficient_scopes"
        ) from None
    raise CalendarRefused(f"Google refused the call ({status} {reason})") from None


def _reason(error: HttpError) -> str:
    """Google's slug for an error, where the body has one."""
    try:
        given = json.loads(error.content)["error"]["errors"][0]["reason"]
    except (ValueError, KeyError, IndexError, TypeError):
        return ""
    return given if isinstance(given, str) and given.isascii() and given.replace("_", "").isalnum() else ""


def _retry_after(error: HttpError) -> float | None:
    given = error.resp.get("retry-after", "")
    return float(given) if given.isascii() and given.isdigit() else None
