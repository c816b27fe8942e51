"""The secret that a company shares with the server of its own calendar.

It belongs to the server's origin: calendars on one server share it, and another server, also one that the
company's document is changed to later, never sees anything signed with it.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from shared.platform.errors import FieldError, InvalidInput
from shared.platform.secret import Secret

if TYPE_CHECKING:
    from shared.credentials.store import Credentials

PROVIDER = "generic_calendar"
SHORTEST = 32
_DEFAULT_PORTS = {"https": 443, "http": 80}


def secret_field(url: str) -> str:
    """The credential's name for the server of a URL.

    Raises:
        ValueError: it is no URL.
    """
    parts = urlsplit(url)
    port = parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    origin = f"{parts.scheme}://{parts.hostname or ''}:{port}"
    return f"secret_{hashlib.sha256(origin.encode()).hexdigest()[:24]}"


def set_secret(credentials: Credentials, company_id: str, url: str, given: str | None) -> Secret:
    """Store a secret in place of any earlier one; without one a new one is made.

    Args:
        credentials: the vault's store.
        company_id: whose.
        url: of a calendar of the company's.
        given: at least `SHORTEST` characters.

    Raises:
        InvalidInput: it is too short, or the calendar is not named by a URL.
    """
    if given is not None and len(given) < SHORTEST:
        problem = f"must have at least {SHORTEST} characters"
        raise InvalidInput(f"secret {problem}", fields=(FieldError("secret", problem),), status=422)
    if "://" not in url:
        raise InvalidInput("the company's document must name this calendar by its URL", status=422)
    secret = Secret(given or secrets.token_urlsafe(32))
    credentials.put(company_id, PROVIDER, secret_field(url), secret)
    return secret
