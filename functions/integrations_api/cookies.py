"""Cookies, as API Gateway and the local AWS hand them over.

AWS puts them into the event's list ``cookies`` and takes them out of the headers (payload format 2.0); the
local AWS leaves them in ``headers.cookie``. Both are read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.shared.cookies import Cookie, SameSite

from shared.platform.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "frontdesk-connect"
# Browsers accept a cookie of this prefix only with Secure, with Path=/ and without Domain (RFC 6265bis,
# section 4.1.3.2), so that no neighbouring host can plant one.
HOST_PREFIX = "__Host-"
# Longer than a state and the question after it live together.
MAX_AGE_SECONDS = 1800
SHORTEST, LONGEST = 32, 128
LOCAL = "local"


def cookies_of(event: Mapping[str, Any]) -> dict[str, Secret]:
    """The request's cookies by name. Of two with one name the first counts, as browsers order them."""
    listed = event.get("cookies")
    texts = [str(one) for one in listed] if isinstance(listed, list) else []
    for name, value in (event.get("headers") or {}).items():
        if str(name).lower() == "cookie":
            texts.append(str(value))
    found: dict[str, Secret] = {}
    for text in texts:
        for pair in text.split(";"):
            name, equals, value = pair.strip().partition("=")
            if equals and name:
                found.setdefault(name, Secret(value.strip().strip('"')))
    return found


def name_at(stage: str) -> str:
    """What the cookie is called: at stage local, which speaks plain http, it cannot have the prefix."""
    return NAME if stage == LOCAL else HOST_PREFIX + NAME


def browser_of(cookies: Mapping[str, Secret], stage: str) -> Secret | None:
    """The value that tells this browser apart from others, where it has one that we could have given."""
    value = cookies.get(name_at(stage))
    if value is None:
        return None
    text = value.reveal()
    plain = text.isascii() and text.replace("-", "").replace("_", "").isalnum()
    return value if plain and SHORTEST <= len(text) <= LONGEST else None


def cookie(value: Secret, stage: str) -> Cookie:
    """What the browser is to keep.

    Lax, not Strict: the provider sends the person back with a navigation from its own site.
    """
    return Cookie(
        name_at(stage),
        value.reveal(),
        path="/",
        max_age=MAX_AGE_SECONDS,
        http_only=True,
        secure=stage != LOCAL,
        same_site=SameSite.LAX_MODE,
    )
