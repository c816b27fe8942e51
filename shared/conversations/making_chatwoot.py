"""Puts together what calls companies' Chatwoot accounts, from settings and AWS clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.chatwoot.client import ChatwootClient
from shared.credentials.store import Credentials
from shared.credentials.vault import Vault
from shared.platform import aws
from shared.platform.addresses import AddressGuard
from shared.platform.clock import SystemClock
from shared.platform.http import HttpClient
from shared.platform.tables import Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.companies.connection import ChatwootConnection
    from shared.platform.settings import Environment


def make_credentials(environment: Environment) -> Credentials:
    """The companies' credentials.

    Raises:
        SettingError: a setting is missing or wrong.
    """
    table = Table(aws.dynamodb(), environment.text("FRONTDESK_CREDENTIALS_TABLE"))
    vault = Vault(aws.kms(), table, environment.text("FRONTDESK_KMS_KEY_ARN"), SystemClock())
    return Credentials(vault, table)


def chatwoot_opener(
    environment: Environment, timeout_seconds: float
) -> Callable[[str, ChatwootConnection], ChatwootClient]:
    """Opens companies' accounts: a client of its own each time, never shared between companies or threads.

    Args:
        environment: the settings.
        timeout_seconds: for one call to Chatwoot, in total.

    Raises:
        SettingError: a setting is missing or wrong.
    """
    guard = AddressGuard(loopback_allowed=environment.flag("FRONTDESK_LOOPBACK_ALLOWED"))
    credentials, clock = make_credentials(environment), SystemClock()

    def opened(company_id: str, connection: ChatwootConnection) -> ChatwootClient:
        tokens = credentials.fields(company_id, "chatwoot")
        return ChatwootClient(
            HttpClient(guard),
            connection.base_url,
            connection.account_id,
            user_token=tokens.get("user_token"),
            bot_token=tokens.get("bot_token"),
            timeout_seconds=timeout_seconds,
            clock=clock,
        )

    return opened
