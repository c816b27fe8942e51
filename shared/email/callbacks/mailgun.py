"""Mailgun's webhooks.

``signature`` is an HMAC-SHA256 over timestamp and token with the account's signing key (Mailgun's page
"Securing webhooks"). It does not cover the event: whoever saw one delivery could put another event beside its
signature. So a token is good for one event only; `Token.digest` is what the caller remembers it by.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.email.callbacks.reports import Fate, Report, at_seconds, email_id, mapping, text
from shared.email.rendered import EMAIL_ID
from shared.platform.errors import Untrusted

if TYPE_CHECKING:
    from shared.platform.secret import Secret

# Mailgun tries a delivery again for eight hours.
TOLERANCE_SECONDS = 9 * 3600
_HEX_DIGITS = 64
_MAX_TIMESTAMP_DIGITS = 12
_MAX_TOKEN = 200

_FATES = {
    "accepted": Fate.ACCEPTED,
    "delivered": Fate.DELIVERED,
    "rejected": Fate.DROPPED,
    "complained": Fate.COMPLAINED,
    "unsubscribed": Fate.UNSUBSCRIBED,
}
# Mailgun did not try, because of an earlier bounce, complaint or unsubscription.
_SUPPRESSED = "suppress-"


@dataclass(frozen=True)
class Token:
    """What makes a delivery single.

    Args:
        name: a digest of the token, safe to store.
        event: a digest of the event that came with it; the same name with another event is a forgery.
    """

    name: str
    event: str


@dataclass(frozen=True)
class Delivery:
    """A delivery that was signed: its token, and what it says."""

    token: Token
    reports: tuple[Report, ...]


def read(body: bytes, signing_key: Secret, *, now_seconds: float) -> Delivery:
    """Check that a delivery comes from Mailgun, and read it.

    The caller must refuse a token that came with another event before.

    Args:
        body: the raw body.
        signing_key: the account's "HTTP webhook signing key".
        now_seconds: the current Unix time.

    Raises:
        Untrusted: no signature, too old, or a wrong one.
        InvalidInput: it is signed, and no event.
    """
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        given = {}
    if not isinstance(given, dict):
        given = {}  # who has proven nothing is told nothing of what was expected
    token = _verified(given.get("signature"), signing_key, now_seconds)
    event = mapping(given.get("event-data"))
    digest = hashlib.sha256(json.dumps(event, sort_keys=True).encode()).hexdigest()
    report = _report(event)
    return Delivery(Token(token, digest), (report,) if report else ())


def _verified(signature: object, signing_key: Secret, now_seconds: float) -> str:
    given = signature if isinstance(signature, dict) else {}
    stamp, token, digits = (given.get(name) for name in ("timestamp", "token", "signature"))
    if not isinstance(stamp, str) or not isinstance(token, str) or not isinstance(digits, str):
        raise Untrusted("the delivery carries no signature", reason="signature_missing")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= _MAX_TIMESTAMP_DIGITS):
        raise Untrusted("the timestamp is no number", reason="timestamp_malformed")
    if not (0 < len(token) <= _MAX_TOKEN and len(digits) == _HEX_DIGITS and digits.isascii()):
        raise Untrusted("the signature is malformed", reason="signature_malformed")
    if abs(now_seconds - int(stamp)) > TOLERANCE_SECONDS:
        raise Untrusted("the delivery is too old", reason="timestamp_off")
    right = hmac.new(signing_key.reveal().encode(), signed_text(stamp, token), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(right, digits):
        raise Untrusted("the signature is wrong", reason="signature_wrong")
    return hashlib.sha256(signed_text("", token)).hexdigest()


def signed_text(stamp: str, token: str) -> bytes:
    """What Mailgun signs. JSON can hold half a surrogate pair, which no signature of Mailgun's covers."""
    return (stamp + token).encode(errors="surrogatepass")


def _report(event: dict[str, Any]) -> Report | None:
    fate = _fate(event)
    if fate is None:
        return None
    variables = event.get("user-variables")
    headers = _inner(_inner(event, "message"), "headers")
    return Report(
        event_id=text(event.get("id")),
        fate=fate,
        address=text(event.get("recipient"), 320),
        at=at_seconds(event.get("timestamp")),
        email_id=email_id(variables.get(EMAIL_ID)) if isinstance(variables, dict) else "",
        provider_id=text(headers.get("message-id")),
        permanent=_lasting(fate, event),
        words=_words(event),
    )


def _fate(event: dict[str, Any]) -> Fate | None:
    kind = event.get("event")
    if kind != "failed":
        return _FATES.get(kind) if isinstance(kind, str) else None
    if event.get("severity") != "permanent":
        return Fate.DELAYED
    return Fate.DROPPED if text(event.get("reason")).startswith(_SUPPRESSED) else Fate.BOUNCED


def _lasting(fate: Fate, event: dict[str, Any]) -> bool:
    if fate is Fate.BOUNCED:
        # "old": Mailgun gave up after hours of trying, which says nothing of the address.
        return event.get("reason") != "old"
    if fate is Fate.DROPPED:
        return text(event.get("reason")).startswith(_SUPPRESSED)
    return fate in {Fate.COMPLAINED, Fate.UNSUBSCRIBED}


def _words(event: dict[str, Any]) -> str:
    status = _inner(event, "delivery-status")
    return text(status.get("message")) or text(status.get("description")) or text(event.get("reason"))


def _inner(parent: dict[str, Any], name: str) -> dict[str, Any]:
    found = parent.get(name)
    return found if isinstance(found, dict) else {}
