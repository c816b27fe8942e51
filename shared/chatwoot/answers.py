"""What an answer of Chatwoot's API means: which error it is, and whether a message is certainly not stored.

Posting has no idempotency key, so for posting the question is not "did it work" but "may it be posted again".
Certainly not stored are only these (Chatwoot's ``RequestExceptionHandler`` and ``Message`` model):

===========================================  =========================  ======================================
answer                                       error                      why it is certain
===========================================  =========================  ======================================
401                                          `MessageRefused`           refused before anything was looked up
404 with Chatwoot's JSON                     `MessageRefused`           the conversation was not found
404 of something else                        `MessageNotStored`         a proxy whose Chatwoot restarts
429                                          `MessageNotStored`         refused by the rate limiter before it
422 with a text of `KNOWN_422`               by the table               a validation that runs before storing
===========================================  =========================  ======================================

Everything else that is not a 200 with a message's number is "perhaps": Chatwoot turns *any* exception while a
message is created into a 422, also one that happens after the message was stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.chatwoot.errors import (
    ChatwootDenied,
    ChatwootMissing,
    ChatwootRefused,
    ChatwootUnclear,
    MessageNotStored,
    MessagePerhapsStored,
    MessageRefused,
)
from shared.platform.errors import RetryLater

if TYPE_CHECKING:
    from shared.platform.errors import FrontdeskError
    from shared.platform.http import HttpAnswer

CLOSED_TO_BOTS = "closed_to_bots"
MAX_RETRY_AFTER_SECONDS = 900.0

KNOWN_401 = (
    ("not authorized for bots", CLOSED_TO_BOTS),
    ("invalid access token", "token_invalid"),
    (
        "you need to sign in",
        "token_not_received",
    ),  # often a proxy drops the header: chatwoot/chatwoot#1057
    ("bot is not authorized to access this account", "bot_outside_account"),
    ("not authorized to access this account", "user_outside_account"),
    ("not authorized to do this action", "not_permitted"),
    ("account is suspended", "account_suspended"),
)
"""Texts of 401 answers (``AccessTokenAuthHelper`` and ``EnsureCurrentAccountHelper``) and our reasons."""


@dataclass(frozen=True)
class Known422:
    """A refusal of which we know that nothing was stored.

    Attributes:
        text: part of Chatwoot's text, in lower case. Texts in other languages than English are not known and
            count as "perhaps", which is the safe side.
        reason: our slug.
        again_after_seconds: when the same request may work, ``None`` for never.
    """

    text: str
    reason: str
    again_after_seconds: float | None


KNOWN_422 = (
    # The limit counts the messages of the last minute in the conversation (Chatwoot's lib/limits.rb).
    Known422("validation failed: too many messages", "too_many_messages", 60.0),
    # Message model, validates_length_of: 150,000 characters.
    Known422("validation failed: content is too long", "too_long", None),
    # MessageBuilder raises before it builds.
    Known422("incoming messages are only allowed in api inboxes", "incoming_not_allowed", None),
)


def post_error(answer: HttpAnswer) -> FrontdeskError:
    """The error that an answer to a posted message means, when it is not a 200 with a message's number."""
    status = answer.status
    if status == 401:  # noqa: PLR2004 - RFC 9110
        return MessageRefused("Chatwoot denied the post", reason=reason_of_401(answer), status=status)
    if status == 404:  # noqa: PLR2004 - RFC 9110
        if error_text(answer):
            return MessageRefused(
                "there is no such conversation", reason="conversation_missing", status=status
            )
        return MessageNotStored("something before Chatwoot answered", reason="not_chatwoot", status=status)
    if status == 429:  # noqa: PLR2004 - RFC 6585
        return MessageNotStored(
            "Chatwoot's rate limit is reached",
            reason="rate_limited",
            status=status,
            after_seconds=retry_after_seconds(answer),
        )
    if status == 422:  # noqa: PLR2004 - RFC 9110
        return _of_422(answer)
    return MessagePerhapsStored(
        f"Chatwoot answered {status}, which does not tell whether the message is stored",
        reason=_perhaps_reason(status),
        status=status,
    )


def _of_422(answer: HttpAnswer) -> FrontdeskError:
    text = error_text(answer)
    for known in KNOWN_422:
        if known.text in text:
            if known.again_after_seconds is None:
                return MessageRefused(
                    "Chatwoot does not accept the message", reason=known.reason, status=answer.status
                )
            return MessageNotStored(
                "Chatwoot does not accept the message now",
                reason=known.reason,
                status=answer.status,
                after_seconds=known.again_after_seconds,
            )
    return MessagePerhapsStored(
        "Chatwoot refused with a text we do not know", reason="unknown_422", status=answer.status
    )


def _perhaps_reason(status: int) -> str:
    if 200 <= status < 300:  # noqa: PLR2004 - RFC 9110
        return "odd_answer"
    return "redirected" if 300 <= status < 400 else f"status_{status}"  # noqa: PLR2004 - RFC 9110


def call_error(answer: HttpAnswer) -> FrontdeskError | None:
    """The error that an answer to any other call means, or ``None`` for a 2xx."""
    status = answer.status
    if 200 <= status < 300:  # noqa: PLR2004 - RFC 9110
        return None
    if status == 401:  # noqa: PLR2004 - RFC 9110
        return ChatwootDenied("Chatwoot denied the call", reason=reason_of_401(answer), status=status)
    if status == 404 and error_text(answer):  # noqa: PLR2004 - RFC 9110
        return ChatwootMissing("Chatwoot knows no such thing", status=status)
    if status == 429 or status >= 500:  # noqa: PLR2004 - RFC 9110
        return RetryLater(
            f"Chatwoot answered {status}",
            reason=f"status_{status}",
            after_seconds=retry_after_seconds(answer),
        )
    if status < 400 or status == 404:  # noqa: PLR2004 - RFC 9110
        reason = "redirected" if 300 <= status < 400 else "not_chatwoot"  # noqa: PLR2004 - RFC 9110
        return unclear(answer, reason=reason)
    return ChatwootRefused(f"Chatwoot answered {status}", reason=f"status_{status}", status=status)


def unclear(answer: HttpAnswer, *, reason: str = "odd_answer") -> ChatwootUnclear:
    """The error for an answer that Chatwoot does not give."""
    return ChatwootUnclear(
        f"the answer with status {answer.status} is none of Chatwoot's", reason=reason, status=answer.status
    )


def reason_of_401(answer: HttpAnswer) -> str:
    """Which of Chatwoot's refusals a 401 is, as a slug."""
    text = error_text(answer)
    return next((reason for known, reason in KNOWN_401 if known in text), "denied")


def error_text(answer: HttpAnswer) -> str:
    """Chatwoot's own error text in lower case, "" where the answer is not one of its JSON errors.

    It is compared with known texts and never passed on.
    """
    data = answer.json()
    if not isinstance(data, dict):
        return ""
    found = data.get("error") or data.get("errors") or data.get("message")
    if isinstance(found, list):
        found = found[0] if found else None
    return found.lower() if isinstance(found, str) else ""


def retry_after_seconds(answer: HttpAnswer) -> float | None:
    """The wait that the answer asks for (RFC 9110 section 10.2.3, seconds only), at most 15 minutes."""
    text = answer.headers.get("retry-after", "").strip()
    if not (text.isascii() and text.isdigit()):
        return None
    return min(float(text[:9]), MAX_RETRY_AFTER_SECONDS)
