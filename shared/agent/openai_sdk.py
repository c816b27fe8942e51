"""The one module that imports OpenAI's SDK, and what its errors mean to us.

It is imported by the first call (`shared.agent.openai_calls`), because the import takes half a second.

The SDK bounds each wait for bytes, not a whole call, and would try again by itself. Here its HTTP client
stands on `shared.platform.http.HttpClient`, which holds a total deadline, and it never tries again: the turn
does, with the ledger behind it. Source of the error table: the SDK's README, "Handling errors", and OpenAI's
guide "Error codes".
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import httpx2
import openai

from shared.agent.model_client import ContentRefused, ContextTooLong
from shared.agent.prompt_format import encodable
from shared.platform.errors import FrontdeskError, GiveUp, InvalidInput, RetryLater

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.agent.settings import Endpoint
    from shared.agent.values import JsonDict
    from shared.platform.http import HttpClient
    from shared.platform.secret import Secret

# Codes that say "pay first": no retry brings the quota back.
QUOTA_CODES = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}
CONTENT_CODES = {"content_filter", "content_policy_violation", "invalid_prompt"}
CONTEXT_CODES = {"context_length_exceeded", "string_above_max_length"}
_PERMANENT = {
    401: ("it refuses the API key", "model_denied"),
    403: ("it refuses the API key", "model_denied"),
    404: ("there is no such model or endpoint", "model_not_found"),
}
_RETRIED_STATUSES = {408, 409, 425, 429}
_HTTP_TOO_LARGE, _HTTP_SERVER_ERROR = 413, 500
# What `requests` adds or undoes itself.
_REQUEST_HEADERS_LEFT_OUT = {"host", "connection", "content-length", "accept-encoding", "transfer-encoding"}
_ANSWER_HEADERS_LEFT_OUT = {"content-encoding", "content-length", "transfer-encoding"}


class DeadlineTransport(httpx2.BaseTransport):
    """Carries the SDK's requests over our HTTP client; the read time-out is the call's total time."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request and its whole answer."""
        headers = {k: v for k, v in request.headers.items() if k.lower() not in _REQUEST_HEADERS_LEFT_OUT}
        answer = self._http.send(
            request.method,
            str(request.url),
            timeout_seconds=request.extensions["timeout"]["read"],
            headers=headers,
            content=request.read(),
        )
        kept = [(k, v) for k, v in answer.headers.items() if k not in _ANSWER_HEADERS_LEFT_OUT]
        return httpx2.Response(answer.status, headers=kept, content=answer.body)


class OpenAiSdk:
    """Calls the API and raises our errors.

    Args:
        base_url: the API's base.
        api_key: the bearer key.
        http: what carries the requests.
    """

    def __init__(self, base_url: str, api_key: Secret, http: HttpClient) -> None:
        self._client = openai.OpenAI(
            api_key=api_key.reveal(),
            base_url=base_url,
            max_retries=0,
            http_client=httpx2.Client(transport=DeadlineTransport(http), trust_env=False),
        )

    def create(self, endpoint: Endpoint, parameters: JsonDict, *, timeout_seconds: float) -> JsonDict:
        """One answer of the API, as it came.

        Raises:
            RetryLater: see `shared.agent.model_client.ModelClient`.
            GiveUp: the same.
        """
        try:
            raw = self._endpoint(endpoint)(**parameters, timeout=timeout_seconds)
        except openai.APIStatusError as error:
            raise status_error(error) from None
        except (RetryLater, InvalidInput) as error:
            # Our transport's own errors: the SDK translates only those of its HTTP library.
            raise _transport_error(error) from error
        return _json_object(raw.http_response.content)

    def _endpoint(self, endpoint: Endpoint) -> Callable[..., Any]:
        if endpoint == "responses":
            return self._client.responses.with_raw_response.create
        if endpoint == "transcriptions":
            return self._client.audio.transcriptions.with_raw_response.create
        return self._client.chat.completions.with_raw_response.create


def _json_object(body: bytes) -> JsonDict:
    try:
        decoded = json.loads(body)
    except ValueError:
        decoded = None
    if not isinstance(decoded, dict):
        # A proxy's HTML page with status 200, most often a wrong FRONTDESK_OPENAI_BASE_URL.
        raise RetryLater("the model's server answered 200 without JSON in it", reason="model_unreadable")
    return decoded if b"\\u" not in body else without_half_characters(decoded)


def without_half_characters(decoded: Any) -> Any:  # noqa: ANN401 - any JSON value
    """JSON without half surrogate pairs: a model that is cut off inside an emoji writes one."""
    if isinstance(decoded, str):
        return encodable(decoded)
    if isinstance(decoded, list):
        return [without_half_characters(one) for one in decoded]
    if isinstance(decoded, dict):
        return {name: without_half_characters(one) for name, one in decoded.items()}
    return decoded


def _transport_error(error: RetryLater | InvalidInput) -> FrontdeskError:
    if isinstance(error, InvalidInput):
        return GiveUp(f"the model's address is refused: {error}", reason="model_address_refused")
    if error.reason in {"timeout", "no_time_left"}:
        return RetryLater("the model did not answer in time", reason="model_timeout")
    return RetryLater("the model's server could not be reached", reason="model_unreachable")


def status_error(error: openai.APIStatusError) -> FrontdeskError:
    """An error status as one of our errors. The vendor's text stays out: it may quote what we sent."""
    status, code = error.status_code, error.code or error.type or ""
    said = f"the model's server answered {status}" + (f" {code}" if code else "")
    if {error.code, error.type} & QUOTA_CODES:
        return GiveUp(f"{said}: the account's quota is used up", reason="model_quota")
    if status in _RETRIED_STATUSES or status >= _HTTP_SERVER_ERROR:
        reason = "model_busy" if status in _RETRIED_STATUSES else "model_unavailable"
        return RetryLater(said, reason=reason, after_seconds=_retry_after_seconds(error.response.headers))
    if error.code in CONTEXT_CODES or status == _HTTP_TOO_LARGE:
        return ContextTooLong(f"{said}: the request is too long for the model")
    if error.code in CONTENT_CODES:
        return ContentRefused(f"{said}: a filter stopped it")
    why, reason = _PERMANENT.get(status, ("it does not accept the request", "model_request_refused"))
    return GiveUp(f"{said}: {why}", reason=reason)


def _retry_after_seconds(headers: httpx2.Headers) -> float | None:
    """Seconds of ``retry-after-ms`` or ``Retry-After`` (a number or a date, RFC 9110 section 10.2.3)."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers.get(name, "")) * unit)
        except ValueError:
            continue
    try:
        moment = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    return max(0.0, (moment - datetime.now(UTC)).total_seconds()) if moment.tzinfo else None
