"""Who the local deployment is at Google, Calendly and Microsoft: a client, registered at each simulator."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.calls import Caller
from local.ports import url
from shared.platform.secret import Secret

if TYPE_CHECKING:
    from local.ports import Ports

CLIENT_ID = "frontdesk-local"


@dataclass(frozen=True)
class OAuthClient:
    """One client: where its provider is, and what it proves itself with."""

    base_url: str
    secret: Secret


@dataclass(frozen=True)
class OAuthClients:
    """The clients by the providers' names."""

    of: dict[str, OAuthClient]

    def context(self) -> dict[str, str]:
        """What the stack is told (`infra.stages.Settings`)."""
        ids = {f"{provider}_client_id": CLIENT_ID for provider in self.of}
        return ids | {f"{provider}_base_url": client.base_url for provider, client in self.of.items()}

    def secrets(self) -> dict[str, Secret]:
        """The deployment's secrets by their names."""
        return {f"{provider}_client_secret": client.secret for provider, client in self.of.items()}


def register(ports: Ports) -> OAuthClients:
    """Register a client at each simulator, with a new secret and our callback as the only way back.

    Raises:
        Failure: a simulator refused.
    """
    made = {}
    places = {"google": ports.google, "calendly": ports.calendly, "microsoft": ports.microsoft}
    for provider, port in places.items():
        secret = secrets.token_urlsafe(24)
        callback = f"{url(ports.api)}/api/integrations/{provider}/callback"
        client = {"client_id": CLIENT_ID, "client_secret": secret, "redirect_uris": [callback]}
        Caller(url(port))("PUT", "/simulator/clients", [client])
        made[provider] = OAuthClient(url(port), Secret(secret))
    return OAuthClients(made)
