"""How requests to a company's own calendar are signed (docs/reference/generic-calendar.md).

HMAC-SHA256 with the shared secret over five lines: ``v1``, the time in Unix seconds, the method, the request
target (path and query as sent), and the SHA-256 of the body in hex.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.platform.secret import Secret

TIMESTAMP_HEADER = "Frontdesk-Timestamp"
SIGNATURE_HEADER = "Frontdesk-Signature"
_VERSION = "v1"


def signed(secret: Secret, method: str, target: str, body: bytes, now_seconds: int) -> dict[str, str]:
    """The headers that prove a request.

    Args:
        secret: shared with the other side.
        method: in capital letters.
        target: path and query, as they are sent.
        body: as it is sent; empty where there is none.
        now_seconds: Unix time.
    """
    lines = (_VERSION, str(now_seconds), method, target, hashlib.sha256(body).hexdigest())
    digest = hmac.new(secret.reveal().encode(), "\n".join(lines).encode(), hashlib.sha256).hexdigest()
    return {TIMESTAMP_HEADER: str(now_seconds), SIGNATURE_HEADER: f"{_VERSION}={digest}"}
