"""Errors as answers: problem details for HTTP APIs (RFC 9457).

The caller learns its own mistakes and nothing of ours: no stack trace, no secret, no inner name.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from shared.platform.errors import AnswerLost, InvalidInput, RequestNotSent, RetryLater, TooMany, Untrusted
from shared.platform.tables import ConditionFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.platform.errors import FieldError

CONTENT_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:frontdesk:problem:"


@dataclass(frozen=True)
class Problem:
    """One problem answer.

    Args:
        status: the HTTP status.
        reason: a stable slug for programs; becomes the ``type``.
        detail: a sentence for the reader; empty where the reader shall learn nothing.
        fields: the wrong fields of the request.
        retry_after_seconds: when another try makes sense, where that is known.
    """

    status: int
    reason: str
    detail: str = ""
    fields: tuple[FieldError, ...] = ()
    retry_after_seconds: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """The members of RFC 9457, and ``fields`` where there are any."""
        body: dict[str, Any] = {
            "type": f"{TYPE_PREFIX}{self.reason}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
        }
        if self.detail:
            body["detail"] = self.detail
        if self.fields:
            body["fields"] = [field.as_dict() for field in self.fields]
        return body

    def body(self) -> str:
        """The answer's body, in ASCII."""
        return json.dumps(self.as_dict())

    def headers(self) -> Mapping[str, str]:
        """The answer's headers; answers that depend on who asks are stored nowhere."""
        headers = {"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"}
        if self.status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"  # RFC 9110 section 15.5.2 demands one
        if self.retry_after_seconds is not None:
            headers["Retry-After"] = str(self.retry_after_seconds)
        return headers


def problem_of(error: BaseException) -> Problem:
    """What the caller is told about an error."""
    if isinstance(error, InvalidInput):
        wait = error.after_seconds if isinstance(error, TooMany) else None
        return Problem(error.status, error.reason, str(error), error.fields, wait)
    if isinstance(error, Untrusted):
        return Problem(HTTPStatus.UNAUTHORIZED, "untrusted", "The request could not be authenticated.")
    if isinstance(error, ConditionFailed):
        detail = "Somebody else changed the same thing at the same time; read it and try again."
        return Problem(HTTPStatus.CONFLICT, error.reason, detail)
    if isinstance(error, RequestNotSent | AnswerLost):
        return Problem(HTTPStatus.BAD_GATEWAY, error.reason, str(error))
    if isinstance(error, RetryLater):
        after = 5 if error.after_seconds is None else int(error.after_seconds)
        detail = "A service that this needs does not answer now; try again."
        return Problem(HTTPStatus.SERVICE_UNAVAILABLE, error.reason, detail, retry_after_seconds=after)
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal")
