"""The calls of vendors with an HTTP API, and what a failed call means for the message."""

from __future__ import annotations

from email.utils import mktime_tz, parsedate_tz
from typing import TYPE_CHECKING

from shared.email.providers.contract import Ambiguous, NotAccepted, Rejected, wait_seconds
from shared.platform.addresses import AddressRefused
from shared.platform.errors import AnswerLost, RequestNotSent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.platform.clock import Deadline
    from shared.platform.http import HttpAnswer, HttpClient

TIMEOUT_SECONDS = 20.0
_TIMED_OUT = 408


def post(
    http: HttpClient, url: str, deadline: Deadline, *, headers: Mapping[str, str], content: bytes
) -> HttpAnswer:
    """Post a message.

    Raises:
        Rejected: its address is none that may be called.
        NotAccepted: it never went out.
        Ambiguous: it went out, at least in part, and no answer came.
    """
    try:
        seconds = deadline.within(TIMEOUT_SECONDS)
        return http.send("POST", url, timeout_seconds=seconds, headers=headers, content=content)
    except AddressRefused as error:
        raise Rejected(str(error), about="account", reason=error.reason) from error
    except RequestNotSent as error:
        raise NotAccepted("the provider could not be reached", reason=error.reason) from error
    except AnswerLost as error:
        raise Ambiguous("the provider's answer was lost", reason=error.reason) from error


def refuses(status: int) -> bool:
    """Whether a status says that the message was certainly not taken, whatever else it means.

    408 does not: proxies say it when they gave up waiting for somebody who may still be at it.
    """
    return 400 <= status < 500 and status != _TIMED_OUT  # noqa: PLR2004 - RFC 9110 section 15.5


def retry_after_seconds(answer: HttpAnswer) -> float | None:
    """How long a vendor wants to be left alone; ``None`` where it does not say so.

    Seconds, or a moment by the vendor's own clock, which its ``Date`` tells (RFC 9110 section 10.2.3).
    """
    seconds = wait_seconds(answer.headers.get("retry-after"))
    if seconds is not None:
        return seconds
    until, now = (parsedate_tz(answer.headers.get(name, "")) for name in ("retry-after", "date"))
    return wait_seconds(str(mktime_tz(until) - mktime_tz(now))) if until and now else None
