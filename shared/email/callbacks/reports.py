"""A provider's report on one mail and one address, in one shape for all providers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from shared.platform.clock import in_utc
from shared.platform.errors import InvalidInput

_MAX_WORDS = 500
_EMAIL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Halves of surrogate pairs among them: JSON can hold one alone, and no table can.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")


class Fate(StrEnum):
    """What became of a mail at one address."""

    ACCEPTED = "accepted"  # the provider has it
    DELAYED = "delayed"  # the recipient's server said "later"; the provider goes on trying
    DELIVERED = "delivered"  # the recipient's server has it
    BOUNCED = "bounced"  # the recipient's server refused it for good
    DROPPED = "dropped"  # the provider did not try
    COMPLAINED = "complained"  # the recipient called it spam
    UNSUBSCRIBED = "unsubscribed"  # the recipient wants no more


# From the lightest to the gravest.
_ORDER = (
    Fate.ACCEPTED,
    Fate.DELAYED,
    Fate.DELIVERED,
    Fate.DROPPED,
    Fate.BOUNCED,
    Fate.UNSUBSCRIBED,
    Fate.COMPLAINED,
)


def gravity(fate: Fate, *, certain: bool = True) -> int:
    """Graver reports win over lighter ones, in whatever order they arrive: a complaint follows a delivery.

    What says that a mail may not have arrived weighs less than that it has.

    Args:
        fate: what was reported.
        certain: see `Report`.
    """
    return _ORDER.index(fate if certain else Fate.DELAYED)


@dataclass(frozen=True)
class Report:
    """One thing that a provider says happened.

    Args:
        event_id: the provider's own id of the event; the same one again is the same event.
        fate: what happened.
        address: whose copy of the mail.
        at: when, in UTC, by the provider's clock.
        email_id: our id of the mail; empty where the provider does not bring it back.
        provider_id: the provider's id of the mail; empty where it says none.
        permanent: whether writing to this address again is pointless.
        words: what the provider or the recipient's server says, cut and without control characters.
        certain: whether it says what it seems to; a passing bounce of SES's may be an answering machine's
            answer to a mail that arrived.
    """

    event_id: str
    fate: Fate
    address: str = field(repr=False)
    at: datetime
    email_id: str = ""
    provider_id: str = ""
    permanent: bool = False
    words: str = field(default="", repr=False)
    certain: bool = True


def text(value: object, limit: int = _MAX_WORDS) -> str:
    """A provider's words as one short line; anything that is no text becomes an empty one."""
    return _UNPRINTABLE.sub(" ", value).strip()[:limit] if isinstance(value, str) else ""


def email_id(value: object) -> str:
    """Our id of a mail as it came back, or nothing where this cannot be one."""
    return value if isinstance(value, str) and _EMAIL_ID.fullmatch(value) else ""


def at_seconds(value: object) -> datetime:
    """A time given in Unix seconds.

    Raises:
        InvalidInput: it is none.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return datetime.fromtimestamp(value, UTC)
        except (ValueError, OverflowError, OSError):
            pass  # far outside the calendar: refused below, with everything else that is no time
    raise InvalidInput("an event carries no time", reason="malformed_event")


def at_text(value: object) -> datetime:
    """A time given as ISO 8601 text; without a zone it is UTC.

    Raises:
        InvalidInput: it is none.
    """
    try:
        return in_utc(datetime.fromisoformat(str(value)))
    except ValueError:
        raise InvalidInput("an event carries no time", reason="malformed_event") from None


def mapping(value: object) -> dict[str, Any]:
    """A JSON object.

    Raises:
        InvalidInput: it is something else.
    """
    if not isinstance(value, dict):
        raise InvalidInput("an event is not a JSON object", reason="malformed_event")
    return value
