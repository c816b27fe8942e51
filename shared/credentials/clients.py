"""This deployment as the providers know it: a client id, and a secret that SSM keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from shared.credentials.providers.registry import PROVIDERS, provider_named
from shared.platform.errors import Conflict

if TYPE_CHECKING:
    from shared.credentials.providers.contract import OAuthProvider
    from shared.platform.secret import Secret
    from shared.platform.settings import Environment

_OFF = "-"


class ProviderOff(Conflict):
    """The operator has not set this provider up, or has switched it off."""

    default_reason = "provider_off"


class Secrets(Protocol):
    """See `shared.platform.secrets.DeploymentSecrets`."""

    def get(self, name: str) -> Secret:
        """A deployment secret.

        Raises:
            SecretMissing: it was never set, or may not be read.
            RetryLater: it cannot be read now.
        """
        ...


@dataclass(frozen=True)
class OAuthClient:
    """A provider, and who we are there.

    Args:
        provider: at the hosts of this deployment.
        client_id: public; stands in settings.
        secrets: where the client's secret is.
    """

    provider: OAuthProvider
    client_id: str
    secrets: Secrets

    def secret(self) -> Secret:
        """The client's secret, read when it is used.

        Raises:
            SecretMissing: it was never set, or may not be read.
            RetryLater: it cannot be read now.
        """
        return self.secrets.get(f"{self.provider.name}_client_secret")


class OAuthClients:
    """The providers of this deployment.

    Args:
        environment: the settings ``FRONTDESK_<PROVIDER>_CLIENT_ID`` and ``_BASE_URL``; ``-`` is off, or the
            provider's own hosts.
        secrets: where the clients' secrets are.

    Raises:
        SettingError: a setting is wrong.
    """

    def __init__(self, environment: Environment, secrets: Secrets) -> None:
        settings = {name: f"FRONTDESK_{name.upper()}" for name in PROVIDERS}
        self._ids = {name: environment.text(f"{own}_CLIENT_ID", _OFF) for name, own in settings.items()}
        self._bases = {name: _base(environment, f"{own}_BASE_URL") for name, own in settings.items()}
        self._secrets = secrets

    def available(self) -> dict[str, bool]:
        """Every provider there is, and whether this deployment has a client for it."""
        return {name: client_id != _OFF for name, client_id in self._ids.items()}

    def provider(self, name: str) -> OAuthProvider:
        """A provider at this deployment's hosts; service accounts and API keys need no client.

        Raises:
            NotFound: there is no such provider.
        """
        provider, base = provider_named(name), self._bases.get(name, "")
        return provider.below(base) if base else provider

    def of(self, name: str) -> OAuthClient:
        """Who we are at a provider.

        Raises:
            NotFound: there is no such provider.
            ProviderOff: this deployment has no client for it.
        """
        provider = self.provider(name)
        if not self.available()[name]:
            raise ProviderOff(
                f"{provider.title} is not set up in this deployment: the operator sets {name}_client_id"
            )
        return OAuthClient(provider, self._ids[name], self._secrets)


def _base(environment: Environment, name: str) -> str:
    return "" if environment.text(name, _OFF) == _OFF else environment.url(name)
