"""The error tree.

    FrontdeskError
    ├── RetryLater       it may work on another try: outages, throttling, timeouts
    │   ├── RequestNotSent    an outside call that certainly had no effect
    │   └── AnswerLost        an outside call that perhaps had its effect
    ├── GiveUp           no retry helps: a person must be told
    ├── Untrusted        the caller is not who it says it is; it learns nothing more than that
    └── InvalidInput     the caller's mistake, with words for the caller
        ├── NotFound
        ├── Conflict
        └── TooMany

Messages are sentences for operators and developers. They never hold secrets, tokens or a customer's text.
"""

from __future__ import annotations


class FrontdeskError(Exception):
    """Base of every error that Frontdesk raises on purpose.

    Args:
        message: a sentence for the reader of the log or of the API's answer.
        reason: a short slug that metrics, logs and answers group by, such as ``model_timeout``.
    """

    default_reason = "error"

    def __init__(self, message: str, *, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason or self.default_reason


class RetryLater(FrontdeskError):
    """It may work on another try.

    Args:
        message: see `FrontdeskError`.
        reason: see `FrontdeskError`.
        after_seconds: how long to wait at least, where the other side said so (``Retry-After``).
    """

    default_reason = "retry_later"

    def __init__(self, message: str, *, reason: str = "", after_seconds: float | None = None) -> None:
        super().__init__(message, reason=reason)
        self.after_seconds = after_seconds


class RequestNotSent(RetryLater):
    """The request certainly had no effect: refused connection, DNS or TLS failure before it was written."""

    default_reason = "request_not_sent"


class AnswerLost(RetryLater):
    """The request was written, perhaps in part, and its answer never came: it may have had its effect."""

    default_reason = "answer_lost"


class GiveUp(FrontdeskError):
    """No retry helps; a person must be told."""

    default_reason = "give_up"


class Untrusted(FrontdeskError):
    """The caller could not prove who it is.

    ``reason`` says which check failed, for the log and the doctor; the caller never sees it.
    """

    default_reason = "untrusted"


class FieldError:
    """One wrong field of an input: where it stands and what is wrong with it."""

    def __init__(self, field: str, problem: str) -> None:
        self.field = field
        self.problem = problem

    def as_dict(self) -> dict[str, str]:
        """The shape that API answers carry."""
        return {"field": self.field, "problem": self.problem}


class InvalidInput(FrontdeskError):
    """The caller's mistake.

    Args:
        message: a sentence for the caller.
        reason: see `FrontdeskError`.
        fields: the wrong fields, where the mistake can be placed.
        status: the HTTP status that fits (RFC 9110 section 15.5).
    """

    default_reason = "invalid_input"
    default_status = 400

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        fields: tuple[FieldError, ...] = (),
        status: int | None = None,
    ) -> None:
        super().__init__(message, reason=reason)
        self.fields = fields
        self.status = status or self.default_status


class NotFound(InvalidInput):
    """There is no such thing, or it belongs to someone else: the two answers are the same."""

    default_reason = "not_found"
    default_status = 404


class Conflict(InvalidInput):
    """The request is fine but does not fit what is already there."""

    default_reason = "conflict"
    default_status = 409


class TooMany(InvalidInput):
    """The caller asks too often (RFC 6585 section 4).

    Args:
        message: see `FrontdeskError`.
        after_seconds: when another try makes sense.
    """

    default_reason = "too_many_requests"
    default_status = 429

    def __init__(self, message: str, *, after_seconds: int) -> None:
        super().__init__(message)
        self.after_seconds = after_seconds
