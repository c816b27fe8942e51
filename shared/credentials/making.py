"""Puts tokens and their renewal together from settings and AWS clients."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from shared.companies.audit import Audit
from shared.companies.errands import ErrandQueue
from shared.credentials.clients import OAuthClients
from shared.credentials.connections import Connections
from shared.credentials.refresh_rounds import RefreshRounds, no_notice
from shared.credentials.refreshing import Refresher, Tools
from shared.credentials.store import Credentials
from shared.credentials.token_rows import TokenRows
from shared.credentials.tokens import Tokens
from shared.credentials.vault import Vault
from shared.platform import aws
from shared.platform.addresses import AddressGuard
from shared.platform.clock import SystemClock
from shared.platform.http import HttpClient
from shared.platform.secrets import DeploymentSecrets
from shared.platform.tables import Table

if TYPE_CHECKING:
    from shared.credentials.refresh_rounds import ReconnectNotice
    from shared.platform.settings import Environment


def make_oauth_clients(environment: Environment) -> OAuthClients:
    """Who this deployment is at the OAuth providers.

    Raises:
        SettingError: a setting is missing or wrong.
    """
    return OAuthClients(environment, DeploymentSecrets(aws.ssm(), environment.text("FRONTDESK_STAGE")))


def make_connections(environment: Environment) -> Connections:
    """The companies' connections.

    Raises:
        SettingError: a setting is missing or wrong.
    """
    table, vault = _table_and_vault(environment)
    return Connections(table, vault, SystemClock())


def make_credentials(environment: Environment) -> Credentials:
    """Companies' secrets that are no connections.

    Raises:
        SettingError: a setting is missing or wrong.
    """
    table, vault = _table_and_vault(environment)
    return Credentials(vault, table)


def make_tokens(environment: Environment) -> Tokens:
    """Access tokens; one object serves all companies and threads, and should live as long as the process.

    Raises:
        SettingError: a setting is missing or wrong.
    """
    tools = _tools(environment)
    return Tokens(tools, Refresher(tools))


def make_refresh_rounds(environment: Environment, notice: ReconnectNotice = no_notice) -> RefreshRounds:
    """The work of ``token_refresh``.

    Args:
        environment: the settings.
        notice: tells a company's staff that it must connect again.

    Raises:
        SettingError: a setting is missing or wrong.
    """
    tools = _tools(environment)
    companies = Table(aws.dynamodb(), environment.text("FRONTDESK_COMPANIES_TABLE"))
    return RefreshRounds(
        _table_and_vault(environment)[0],
        tools,
        Refresher(tools),
        ErrandQueue(aws.sqs(), environment.url("FRONTDESK_REFRESH_QUEUE_URL")),
        Audit(companies, SystemClock()),
        notice,
    )


def _table_and_vault(environment: Environment) -> tuple[Table, Vault]:
    table = Table(aws.dynamodb(), environment.text("FRONTDESK_CREDENTIALS_TABLE"))
    return table, Vault(aws.kms(), table, environment.text("FRONTDESK_KMS_KEY_ARN"), SystemClock())


def _tools(environment: Environment) -> Tools:
    table, vault = _table_and_vault(environment)
    guard = AddressGuard(loopback_allowed=environment.flag("FRONTDESK_LOOPBACK_ALLOWED"))
    clock = SystemClock()
    return Tools(
        rows=TokenRows(table, clock),
        vault=vault,
        clients=make_oauth_clients(environment),
        http=partial(HttpClient, guard),
        clock=clock,
    )
