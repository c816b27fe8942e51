"""Whether a request comes from Frontdesk: the reference for those who build such a calendar.

It imports nothing of Frontdesk's, so that it can be read, and copied, by itself.
"""

from __future__ import annotations

import hashlib
import hmac

TOLERANCE_SECONDS = 300


class NotSigned(Exception):
    """The request does not prove that it comes from Frontdesk; the text says which check failed."""


def verify(
    secret: str, method: str, target: str, body: bytes, *, timestamp: str, signature: str, now: float
) -> None:
    """Check a request before anything else is done with it.

    Args:
        secret: shared with Frontdesk.
        method: of the request, in capital letters.
        target: path and query, exactly as they came.
        body: exactly as it came; empty where there is none.
        timestamp: the header ``Frontdesk-Timestamp``.
        signature: the header ``Frontdesk-Signature``.
        now: Unix time.

    Raises:
        NotSigned: it is not from Frontdesk, or too old.
    """
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= len("9999999999")):
        raise NotSigned("no timestamp")
    if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        raise NotSigned("the timestamp is too far away")
    lines = ("v1", timestamp, method, target, hashlib.sha256(body).hexdigest())
    expected = hmac.new(secret.encode(), "\n".join(lines).encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(f"v1={expected}".encode(), signature.encode()):
        raise NotSigned("the signature is wrong")
