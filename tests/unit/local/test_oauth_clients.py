from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from local import oauth_clients
from local.ports import Ports, url
from tests.support.simulators import OWNER, RunningVendor, calendly, google, microsoft

if TYPE_CHECKING:
    from local.oauth_clients import OAuthClients

__all__ = ["calendly", "google", "microsoft"]


@dataclass(frozen=True)
class PortsOfSimulators(Ports):
    """The ports that the simulators took."""

    google_port: int = 0
    calendly_port: int = 0
    microsoft_port: int = 0

    @property
    def google(self) -> int:
        """See `Ports`."""
        return self.google_port

    @property
    def calendly(self) -> int:
        """See `Ports`."""
        return self.calendly_port

    @property
    def microsoft(self) -> int:
        """See `Ports`."""
        return self.microsoft_port


def port_of(vendor: RunningVendor) -> int:
    """Where it listens."""
    return int(vendor.base_url.rpartition(":")[2])


@pytest.fixture
def clients(google: RunningVendor, calendly: RunningVendor, microsoft: RunningVendor) -> OAuthClients:
    """Registered at each, for an API on its usual port."""
    ports = PortsOfSimulators(8480, port_of(google), port_of(calendly), port_of(microsoft))
    return oauth_clients.register(ports)


def test_the_stack_is_told_ids_and_addresses_but_no_secret(
    clients: OAuthClients, google: RunningVendor, calendly: RunningVendor, microsoft: RunningVendor
) -> None:
    """The secrets go into the Parameter Store instead."""
    assert clients.context() == {
        "google_client_id": "frontdesk-local",
        "google_base_url": google.base_url,
        "calendly_client_id": "frontdesk-local",
        "calendly_base_url": calendly.base_url,
        "microsoft_client_id": "frontdesk-local",
        "microsoft_base_url": microsoft.base_url,
    }
    names = {"google_client_secret", "calendly_client_secret", "microsoft_client_secret"}
    assert set(clients.secrets()) == names


def test_people_can_come_back_to_our_callback(clients: OAuthClients, google: RunningVendor) -> None:
    """And the client proves itself with the secret that was put away."""
    callback = f"{url(8480)}/api/integrations/google/callback"
    scope = "https://www.googleapis.com/auth/calendar.freebusy"
    address = google.address([scope], client_id="frontdesk-local", redirect_uri=callback)

    came_back = google.consent(address, account=OWNER)
    answer = google.token(
        client_id="frontdesk-local",
        client_secret=clients.secrets()["google_client_secret"].reveal(),
        grant_type="authorization_code",
        code=came_back.partition("code=")[2].partition("&")[0].replace("%2F", "/"),
        redirect_uri=callback,
    )

    assert came_back.startswith(f"{callback}?")
    assert answer.status_code == 200
