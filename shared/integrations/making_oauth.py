"""Puts together what connects companies with OAuth providers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.credentials.connections import Connections
from shared.credentials.states import States
from shared.integrations.oauth_accounts import OAuthAccounts
from shared.integrations.oauth_arrivals import Arrivals
from shared.integrations.oauth_flow import OAuthFlow

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.companies.audit import Audit
    from shared.companies.store import CompanyStore
    from shared.credentials.clients import OAuthClients
    from shared.credentials.vault import Vault
    from shared.platform.clock import Clock
    from shared.platform.http import HttpClient
    from shared.platform.tables import Table


@dataclass(frozen=True)
class OAuth:
    """The two halves: leading people through consent, and the connections themselves."""

    flow: OAuthFlow
    accounts: OAuthAccounts


def make_oauth(
    table: Table,
    vault: Vault,
    clients: OAuthClients,
    companies: CompanyStore,
    audit: Audit,
    http: Callable[[], HttpClient],
    clock: Clock,
) -> OAuth:
    """Both halves over one credentials table.

    Args:
        table: the credentials table.
        vault: seals what is secret.
        clients: who we are at the providers.
        companies: for whom.
        audit: where it is written down.
        http: makes a client for one visit.
        clock: for times.
    """
    connections, states = Connections(table, vault, clock), States(table, vault, clock)
    accounts = OAuthAccounts(companies, connections, clients, http, clock)
    arrivals = Arrivals(connections, states, clients, accounts, http, audit, clock)
    return OAuth(OAuthFlow(companies, connections, states, clients, arrivals), accounts)
