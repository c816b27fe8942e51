"""Whether a webhook delivery really comes from Chatwoot.

Chatwoot signs ``timestamp + "." + raw body`` with HMAC-SHA256; the key is the secret's text as shown, and the
header is ``sha256=`` and lower-case hex (Chatwoot's ``lib/webhooks/trigger.rb``, first in 4.12.0). The raw
bytes count: parsing and writing the JSON again never gives the same ones.

Verification raises; it never returns a bool that somebody may forget to look at.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from shared.platform.errors import Untrusted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.platform.secret import Secret

SIGNATURE_HEADER = "x-chatwoot-signature"
TIMESTAMP_HEADER = "x-chatwoot-timestamp"
PREFIX = "sha256="
TOLERANCE_SECONDS = 300
_HEX_DIGITS = 64
_MAX_TIMESTAMP_DIGITS = 12


def sign(secret: Secret, timestamp: str, body: bytes) -> str:
    """The signature header that Chatwoot would send.

    Args:
        secret: the webhook's secret.
        timestamp: Unix seconds as decimal text, exactly as in its own header.
        body: the raw body.
    """
    return PREFIX + _digest(secret, timestamp.encode() + b"." + body)


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[Secret], *, now_seconds: float) -> None:
    """Check a delivery signed as Chatwoot 4.12.0 and newer sign.

    Args:
        headers: the request's headers, names in lower case.
        body: the raw body, base64 of the gateway already undone.
        secrets: those that are valid now: one, or two during a rotation.
        now_seconds: the current Unix time.

    Raises:
        Untrusted: ``reason`` is ``signature_missing``, ``signature_malformed``, ``timestamp_missing``,
            ``timestamp_malformed``, ``timestamp_off``, ``no_secret`` or ``signature_wrong``.
    """
    given = _digits_of(headers, required_prefix=True)
    timestamp = _timestamp_of(headers, now_seconds)
    _compare(given, timestamp.encode() + b"." + body, secrets)


def verify_legacy(headers: Mapping[str, str], body: bytes, secrets: Sequence[Secret]) -> None:
    """Check the older form: hex HMAC-SHA256 of the body alone, with or without the prefix.

    Nothing limits its age, so a recorded delivery can be played again; what a conversation has answered
    stays answered, which is why a company may still choose it.

    Args:
        headers: the request's headers, names in lower case.
        body: the raw body.
        secrets: those that are valid now.

    Raises:
        Untrusted: see `verify`.
    """
    _compare(_digits_of(headers, required_prefix=False), body, secrets)


def _digest(secret: Secret, message: bytes) -> str:
    return hmac.new(secret.reveal().encode(), message, hashlib.sha256).hexdigest()


def _digits_of(headers: Mapping[str, str], *, required_prefix: bool) -> str:
    value = headers.get(SIGNATURE_HEADER, "")
    if not value:
        raise Untrusted("the delivery carries no signature", reason="signature_missing")
    if required_prefix and not value.startswith(PREFIX):
        raise Untrusted("the signature does not begin with sha256=", reason="signature_malformed")
    digits = value.removeprefix(PREFIX)
    if len(digits) != _HEX_DIGITS or any(digit not in "0123456789abcdef" for digit in digits):
        raise Untrusted("the signature is not 64 lower-case hex digits", reason="signature_malformed")
    return digits


def _timestamp_of(headers: Mapping[str, str], now_seconds: float) -> str:
    value = headers.get(TIMESTAMP_HEADER, "")
    if not value:
        raise Untrusted("the delivery carries no timestamp", reason="timestamp_missing")
    # isdigit() alone would accept digits of other scripts, which int() reads and Chatwoot never sends.
    if not (value.isascii() and value.isdigit() and len(value) <= _MAX_TIMESTAMP_DIGITS):
        raise Untrusted("the timestamp is not a number of seconds", reason="timestamp_malformed")
    if abs(now_seconds - int(value)) > TOLERANCE_SECONDS:
        raise Untrusted("the timestamp is more than five minutes off", reason="timestamp_off")
    return value


def _compare(given: str, message: bytes, secrets: Sequence[Secret]) -> None:
    if not secrets:
        raise Untrusted("no secret is configured for this company", reason="no_secret")
    # Every secret is tried, so that the time taken does not tell which one matched.
    matches = [hmac.compare_digest(given, _digest(secret, message)) for secret in secrets]
    if not any(matches):
        raise Untrusted("the signature does not fit the body", reason="signature_wrong")
