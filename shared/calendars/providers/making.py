"""Puts the vendors of calendars together from settings and AWS clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.calendars.providers.registry import Surroundings, VendorProviders
from shared.credentials.making import make_credentials, make_tokens
from shared.platform.addresses import AddressGuard
from shared.platform.clock import SystemClock

if TYPE_CHECKING:
    from shared.credentials.tokens import Tokens
    from shared.platform.settings import Environment

_OWN_HOSTS = "-"


def make_calendar_providers(environment: Environment, tokens: Tokens | None = None) -> VendorProviders:
    """The vendors of this deployment; one object serves all companies and threads, for the process's life.

    Args:
        environment: the settings.
        tokens: companies' access tokens, where the process has them already.

    Raises:
        SettingError: a setting is missing or wrong.
    """
    around = Surroundings(
        tokens=tokens or make_tokens(environment),
        secrets=make_credentials(environment),
        guard=AddressGuard(loopback_allowed=environment.flag("FRONTDESK_LOOPBACK_ALLOWED")),
        clock=SystemClock(),
        google_url=_base(environment, "FRONTDESK_GOOGLE_BASE_URL"),
        calendly_url=_base(environment, "FRONTDESK_CALENDLY_BASE_URL"),
    )
    return VendorProviders(around)


def _base(environment: Environment, name: str) -> str:
    return "" if environment.text(name, _OWN_HOSTS) == _OWN_HOSTS else environment.url(name)
