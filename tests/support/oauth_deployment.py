"""The project connected with one OAuth vendor: moto, the vendor's simulator, and sockets between them."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from shared.companies.audit import Audit
from shared.credentials import oauth_calls
from shared.credentials.accounts import account_of
from shared.credentials.clients import OAuthClients
from shared.credentials.connections import Connections, NewConnection
from shared.credentials.refresh_rounds import RefreshRounds
from shared.credentials.refreshing import Refresher, Tools
from shared.credentials.token_rows import TokenRows
from shared.credentials.tokens import Tokens
from shared.credentials.vault import Vault
from shared.platform.addresses import AddressGuard
from shared.platform.http import HttpClient
from shared.platform.secret import Secret
from shared.platform.settings import Environment
from tests.support.atomic import AtomicTable
from tests.support.aws import make_table
from tests.support.simulators import CLIENT_ID, CLIENT_SECRET, OWNER, REDIRECT_URI
from tests.support.tokens import RunningClock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

    from tests.support.simulators import RunningVendor
    from tests.support.tokens import SentErrands

LIFETIME_SECONDS = 600


class Deployment:
    """The project with one vendor, whose tokens live ten minutes.

    Args:
        name: the vendor's.
        vendor: its simulator.
        dynamodb: for the tables.
        kms: for the key.
    """

    def __init__(self, name: str, vendor: RunningVendor, dynamodb: DynamoDBClient, kms: KMSClient) -> None:
        self.name, self.vendor = name, vendor
        self._kms, self._key = kms, kms.create_key()["KeyMetadata"]["Arn"]
        self.table = AtomicTable(make_table(dynamodb, "credentials"))
        self._companies = AtomicTable(make_table(dynamodb, "companies"))
        self.client_secret = CLIENT_SECRET
        upper = name.upper()
        self._settings = {
            f"FRONTDESK_{upper}_CLIENT_ID": CLIENT_ID,
            f"FRONTDESK_{upper}_BASE_URL": vendor.base_url,
        }
        vendor.control("PATCH", "oauth", {"access_token_seconds": LIFETIME_SECONDS})

    def get(self, name: str) -> Secret:
        """The deployment's secrets."""
        assert name == f"{self.name}_client_secret"
        return Secret(self.client_secret)

    def tools(self, ahead: timedelta = timedelta()) -> Tools:
        """A process with nothing in memory, at another time of day."""
        clock = RunningClock(ahead)
        vault = Vault(self._kms, self.table, self._key, clock)
        http = partial(HttpClient, AddressGuard(loopback_allowed=True))
        return Tools(
            TokenRows(self.table, clock), vault, OAuthClients(Environment(self._settings), self), http, clock
        )

    def worker(self, ahead: timedelta = timedelta()) -> Tokens:
        """A process that wants tokens."""
        tools = self.tools(ahead)
        return Tokens(tools, Refresher(tools))

    def rounds(self, errands: SentErrands, ahead: timedelta) -> RefreshRounds:
        """A process of ``token_refresh``."""
        tools = self.tools(ahead)
        audit = Audit(self._companies, tools.clock)
        return RefreshRounds(self.table, tools, Refresher(tools), errands, audit)

    @property
    def connections(self) -> Connections:
        """To store and to look."""
        tools = self.tools()
        return Connections(self.table, tools.vault, tools.clock)

    def connect(self) -> None:
        """The owner consents, and the callback does what a callback does."""
        tools = self.tools()
        client = tools.clients.of(self.name)
        came_back = self.vendor.came_back(client.provider.asked)
        answer = oauth_calls.exchange(
            tools.http(), client, code=came_back["code"], verifier="v" * 43, redirect_uri=REDIRECT_URI
        )
        account = account_of(tools.http(), client, answer, tools.clock.now())
        assert account.email == OWNER
        new = NewConnection(
            kind="oauth",
            account_id=account.account_id,
            account_email=account.email,
            scopes=answer.scopes,
            access_token=answer.access_token,
            refresh_token=answer.refresh_token,
            access_lifetime_seconds=answer.lifetime_seconds,
            settings=account.settings,
        )
        assert self.connections.store("sol", self.name, new).status == "connected"

    def is_good(self, token: Secret) -> bool:
        """Whether the vendor takes a token."""
        if self.name == "microsoft":  # its tokens are for the mail server alone
            seen = self.vendor.control("POST", "oauth/look", {"token": token.reveal()})
            return bool(seen.get("account") == OWNER)
        tools = self.tools()
        oauth_calls.account(tools.http(), tools.clients.provider(self.name), token)
        return True

    def refreshes(self) -> int:
        """How many refresh calls reached the vendor."""
        return self.vendor.token_calls().get("refresh_token", 0)
