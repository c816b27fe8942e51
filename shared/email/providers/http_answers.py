"""The calls of vendors with an HTTP API, and what a failed call means for the message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.email.providers.contract import Ambiguous, NotAccepted
from shared.platform.errors import AnswerLost, RequestNotSent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.platform.clock import Deadline
    from shared.platform.http import HttpAnswer, HttpClient

TIMEOUT_SECONDS = 20.0


def post(
    http: HttpClient, url: str, deadline: Deadline, *, headers: Mapping[str, str], content: bytes
) -> HttpAnswer:
    """Post a message.

    Raises:
        NotAccepted: it never went out.
        Ambiguous: it went out, at least in part, and no answer came.
    """
    try:
        seconds = deadline.within(TIMEOUT_SECONDS)
        return http.send("POST", url, timeout_seconds=seconds, headers=headers, content=content)
    except RequestNotSent as error:
        raise NotAccepted("the provider could not be reached", reason=error.reason) from error
    except AnswerLost as error:
        raise Ambiguous("the provider's answer was lost", reason=error.reason) from error
