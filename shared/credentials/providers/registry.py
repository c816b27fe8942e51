"""Which OAuth providers there are. Nothing else imports their modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.credentials.providers.calendly import CALENDLY
from shared.credentials.providers.google import GOOGLE
from shared.credentials.providers.microsoft import MICROSOFT
from shared.platform.errors import NotFound

if TYPE_CHECKING:
    from shared.credentials.providers.contract import OAuthProvider

PROVIDERS = {provider.name: provider for provider in (GOOGLE, CALENDLY, MICROSOFT)}


def provider_named(name: str) -> OAuthProvider:
    """A provider at its real hosts.

    Raises:
        NotFound: there is no such provider.
    """
    if name not in PROVIDERS:
        raise NotFound(f"there is no OAuth provider {name!r}", reason="unknown_provider")
    return PROVIDERS[name]
