"""Tokens on DynamoDB, KMS and real sockets, against the Google and Calendly simulators."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from shared.companies.audit import Audit
from shared.credentials import oauth_calls
from shared.credentials.clients import OAuthClients
from shared.credentials.connections import Connections, NewConnection
from shared.credentials.refresh_rounds import RefreshRounds
from shared.credentials.refreshing import Refresher, Tools
from shared.credentials.token_rows import TokenRows
from shared.credentials.tokens import ReconnectRequired, Tokens
from shared.credentials.vault import Vault
from shared.platform.addresses import AddressGuard
from shared.platform.errors import AnswerLost, RetryLater
from shared.platform.http import HttpClient
from shared.platform.secret import Secret
from shared.platform.settings import Environment
from tests.support.atomic import AtomicTable
from tests.support.aws import make_table
from tests.support.simulators import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, calendly, google
from tests.support.tokens import RunningClock, SentErrands, received

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

    from tests.support.simulators import RunningVendor

__all__ = ["calendly", "google"]

LIFETIME_SECONDS = 600
NEARLY_OVER = timedelta(seconds=LIFETIME_SECONDS - 60)
OVER = timedelta(seconds=LIFETIME_SECONDS + 60)


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
        account = oauth_calls.account(tools.http(), client.provider, answer.access_token)
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
        tools = self.tools()
        oauth_calls.account(tools.http(), tools.clients.provider(self.name), token)
        return True

    def refreshes(self) -> int:
        """How many refresh calls reached the vendor."""
        return self.vendor.token_calls().get("refresh_token", 0)


@pytest.fixture(params=["google", "calendly"])
def deployment(request: pytest.FixtureRequest, dynamodb: DynamoDBClient, kms: KMSClient) -> Deployment:
    """A connected company, with each vendor in turn."""
    deployment = Deployment(request.param, request.getfixturevalue(request.param), dynamodb, kms)
    deployment.connect()
    return deployment


@pytest.mark.parametrize("ahead", [NEARLY_OVER, OVER])
def test_fifty_users_of_an_ending_token_cause_one_refresh_call(
    deployment: Deployment, ahead: timedelta
) -> None:
    """Over sockets, with an answer that takes its time."""
    deployment.vendor.switch({"path": deployment.vendor.token_path, "answer_delay_seconds": 0.5})
    workers = [deployment.worker(ahead) for _ in range(50)]
    together = threading.Barrier(50)

    def use(worker: Tokens) -> Secret:
        together.wait()
        return worker.access_token("sol", deployment.name).secret

    with ThreadPoolExecutor(50) as threads:
        got = set(threads.map(use, workers))
    assert len(got) == 1
    assert deployment.is_good(got.pop())
    assert deployment.refreshes() == 1


def test_a_round_renews_what_is_due_by_the_index(deployment: Deployment) -> None:
    """The index is sparse and holds keys only; its errand is enough to find the connection."""
    errands = SentErrands()
    assert deployment.rounds(errands, timedelta()).send_out() == 0
    assert deployment.rounds(errands, NEARLY_OVER).send_out() == 1
    rounds = deployment.rounds(errands, NEARLY_OVER)
    assert rounds.take_all([received("1", errands.sent[0].to_json())] * 2, 60.0) == []
    assert deployment.refreshes() == 1
    assert deployment.rounds(errands, NEARLY_OVER).send_out() == 0
    assert deployment.is_good(deployment.worker(NEARLY_OVER).access_token("sol", deployment.name).secret)


def test_an_answer_lost_on_its_way(deployment: Deployment) -> None:
    """Calendly's refresh token is gone with it, and the company is told; Google's is not."""
    deployment.vendor.switch({"path": deployment.vendor.token_path, "drop_after": True, "times": 1})
    if deployment.name == "calendly":
        with pytest.raises(ReconnectRequired):
            deployment.worker(OVER).access_token("sol", "calendly")
        connection = deployment.connections.get("sol", "calendly")
        assert connection is not None
        assert connection.last_error is not None
        assert connection.last_error.reason == "answer_lost"
        return
    with pytest.raises(AnswerLost):
        deployment.worker(OVER).access_token("sol", "google")
    later = OVER + timedelta(minutes=1)
    assert deployment.is_good(deployment.worker(later).access_token("sol", "google").secret)


def test_a_grant_that_was_ended_at_the_provider(deployment: Deployment) -> None:
    """Found dead by a turn, told by the next round, whole again once the company consents."""
    deployment.vendor.control("POST", "oauth/end", {"account": "owner@clinic.example"})
    with pytest.raises(ReconnectRequired):
        deployment.worker(OVER).access_token("sol", deployment.name)
    errands = SentErrands()
    assert deployment.rounds(errands, OVER).send_out() == 1
    rounds = deployment.rounds(errands, OVER)
    assert rounds.take_all([received("1", errands.sent[0].to_json())], 60.0) == []
    assert deployment.rounds(errands, OVER).send_out() == 0
    deployment.connect()
    assert deployment.is_good(deployment.worker().access_token("sol", deployment.name).secret)


def test_a_refused_access_token_is_renewed(deployment: Deployment) -> None:
    """The provider ended it early, and only it."""
    later = timedelta(minutes=2)
    worker = deployment.worker(later)
    refused = worker.access_token("sol", deployment.name)
    deployment.vendor.control("POST", "oauth/end", {"account": "owner@clinic.example", "how": "access"})
    assert deployment.is_good(worker.rejected("sol", deployment.name, refused).secret)
    assert deployment.refreshes() == 1


def test_an_outage_and_a_wrong_client_secret_leave_the_company_connected(deployment: Deployment) -> None:
    """Both pass, once somebody has mended them."""
    deployment.vendor.switch({"path": deployment.vendor.token_path, "status": 503})
    with pytest.raises(RetryLater):
        deployment.worker(OVER).access_token("sol", deployment.name)
    deployment.vendor.switch()
    deployment.client_secret = "an older one"
    later = OVER + timedelta(minutes=1)
    with pytest.raises(RetryLater) as told:
        deployment.worker(later).access_token("sol", deployment.name)
    assert told.value.reason == "oauth_client_refused"
    deployment.client_secret = CLIENT_SECRET
    later += timedelta(minutes=2)
    assert deployment.is_good(deployment.worker(later).access_token("sol", deployment.name).secret)
    connection = deployment.connections.get("sol", deployment.name)
    assert connection is not None
    assert (connection.status, connection.last_error) == ("connected", None)


def test_disconnecting_ends_the_grant_at_the_provider(deployment: Deployment) -> None:
    """With the token that is stored for it."""
    tools = deployment.tools()
    token = deployment.connections.token_to_revoke("sol", deployment.name)
    assert token is not None
    assert oauth_calls.revoke(tools.http(), tools.clients.of(deployment.name), token)
    with pytest.raises(ReconnectRequired):
        deployment.worker(OVER).access_token("sol", deployment.name)
