"""What can go wrong between Frontdesk and Chatwoot, in the words of the error tree.

    RetryLater
    ├── MessageNotStored       posting: certainly not stored, another try may work
    ├── AnswerLost
    │   └── MessagePerhapsStored   posting: an answer came, and it does not say whether the message is stored
    └── ChatwootUnclear        any other call: the answer is not one that Chatwoot gives, so nothing is known
    GiveUp
    ├── MessageRefused         posting: certainly not stored, and no retry helps
    ├── ChatwootDenied         401: the token is wrong, or not good enough for this call
    ├── ChatwootMissing        404: there is no such conversation, account or webhook
    └── ChatwootRefused        another 4xx: the request itself is not accepted

They carry the status and a short reason, never the answer's text (it can repeat a customer's words) and never
the token.
"""

from __future__ import annotations

from shared.platform.errors import AnswerLost, GiveUp, RetryLater

NO_ANSWER = 0
"""Status of an error that happened without an answer."""


class MessageNotStored(RetryLater):
    """Chatwoot certainly did not store the message; the same request may work later.

    Args:
        message: see `shared.platform.errors.FrontdeskError`.
        reason: the same.
        status: the HTTP status that said so.
        after_seconds: how long to wait at least.
    """

    default_reason = "message_not_stored"

    def __init__(
        self, message: str, *, reason: str = "", status: int = NO_ANSWER, after_seconds: float | None = None
    ) -> None:
        super().__init__(message, reason=reason, after_seconds=after_seconds)
        self.status = status


class MessagePerhapsStored(AnswerLost):
    """Chatwoot answered, and the answer does not tell whether the message was stored.

    Args:
        message: see `shared.platform.errors.FrontdeskError`.
        reason: the same.
        status: the HTTP status of the answer.
    """

    default_reason = "message_perhaps_stored"

    def __init__(self, message: str, *, reason: str = "", status: int = NO_ANSWER) -> None:
        super().__init__(message, reason=reason)
        self.status = status


class ChatwootUnclear(RetryLater):
    """The answer is none that Chatwoot gives (a proxy's page, a redirect, a shape without its main field).

    A look-up that ends like this means "cannot tell", never "not there".

    Args:
        message: see `shared.platform.errors.FrontdeskError`.
        reason: the same.
        status: the HTTP status of the answer.
    """

    default_reason = "chatwoot_unclear"

    def __init__(self, message: str, *, reason: str = "", status: int = NO_ANSWER) -> None:
        super().__init__(message, reason=reason)
        self.status = status


class _FinalAnswer(GiveUp):
    """An answer that no retry changes.

    Args:
        message: see `shared.platform.errors.FrontdeskError`.
        reason: the same.
        status: the HTTP status of the answer, `NO_ANSWER` where no request was made.
    """

    def __init__(self, message: str, *, reason: str = "", status: int = NO_ANSWER) -> None:
        super().__init__(message, reason=reason)
        self.status = status


class MessageRefused(_FinalAnswer):
    """Chatwoot certainly did not store the message and never will as it stands."""

    default_reason = "message_refused"


class ChatwootDenied(_FinalAnswer):
    """The token is wrong, or may not make this call."""

    default_reason = "chatwoot_denied"


class ChatwootMissing(_FinalAnswer):
    """Chatwoot says that there is no such thing."""

    default_reason = "chatwoot_missing"


class ChatwootRefused(_FinalAnswer):
    """Chatwoot understood the call and does not accept it."""

    default_reason = "chatwoot_refused"
