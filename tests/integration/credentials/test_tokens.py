"""Tokens on DynamoDB, KMS and real sockets, against every vendor's simulator."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from shared.credentials import oauth_calls
from shared.credentials.providers.registry import PROVIDERS
from shared.credentials.tokens import ReconnectRequired
from shared.platform.errors import AnswerLost, RetryLater
from tests.support.oauth_deployment import LIFETIME_SECONDS, Deployment
from tests.support.simulators import (
    CLIENT_SECRET,
    calendly,
    google,
    microsoft,
)
from tests.support.tokens import SentErrands, received

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

    from shared.credentials.tokens import Tokens
    from shared.platform.secret import Secret
    from tests.support.simulators import RunningVendor

__all__ = ["calendly", "google", "microsoft"]

NEARLY_OVER = timedelta(seconds=LIFETIME_SECONDS - 60)
OVER = timedelta(seconds=LIFETIME_SECONDS + 60)


@pytest.fixture(params=sorted(PROVIDERS))
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
        for _ in range(10):
            # Whoever has waited for long is told to come later, and does: see `WAIT_SECONDS`.
            with suppress(RetryLater):
                return worker.access_token("sol", deployment.name).secret
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
    """Calendly's refresh token is gone with it, and the company is told; the others' are not."""
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
        deployment.worker(OVER).access_token("sol", deployment.name)
    later = OVER + timedelta(minutes=1)
    assert deployment.is_good(deployment.worker(later).access_token("sol", deployment.name).secret)


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
    """With the token that is stored for it; Microsoft has no such call, and that is not claimed."""
    tools = deployment.tools()
    token = deployment.connections.token_to_revoke("sol", deployment.name)
    assert token is not None
    ended = oauth_calls.revoke(tools.http(), tools.clients.of(deployment.name), token)
    assert ended is (deployment.name != "microsoft")
    if not ended:
        assert deployment.is_good(deployment.worker(OVER).access_token("sol", deployment.name).secret)
        return
    with pytest.raises(ReconnectRequired):
        deployment.worker(OVER).access_token("sol", deployment.name)


@pytest.mark.parametrize("how", ["revoked", "consent_withdrawn", "interaction_required"])
def test_each_way_in_which_microsoft_ends_a_grant_is_told_as_one(
    microsoft: RunningVendor, dynamodb: DynamoDBClient, kms: KMSClient, how: str
) -> None:
    """Also where only the person can go on: a second factor, a consent."""
    deployment = Deployment("microsoft", microsoft, dynamodb, kms)
    deployment.connect()
    microsoft.control("POST", "oauth/end", {"how": how})
    with pytest.raises(ReconnectRequired):
        deployment.worker(OVER).access_token("sol", "microsoft")
    connection = deployment.connections.get("sol", "microsoft")
    assert connection is not None
    assert connection.status == "reconnect_required"


def test_every_refresh_of_microsofts_brings_the_next_token_and_it_is_the_one_that_is_kept(
    microsoft: RunningVendor, dynamodb: DynamoDBClient, kms: KMSClient
) -> None:
    """Each lives 90 days: who kept the first one would have to ask the person again after them."""
    deployment = Deployment("microsoft", microsoft, dynamodb, kms)
    deployment.connect()
    first = deployment.connections.token_to_revoke("sol", "microsoft")
    assert first is not None
    deployment.worker(OVER).access_token("sol", "microsoft")
    second = deployment.connections.token_to_revoke("sol", "microsoft")
    assert second is not None
    assert second != first
    assert microsoft.refresh(first.reveal()).ok, "the earlier one stays good"
    microsoft.advance(91 * 86400)
    assert microsoft.refresh(second.reveal()).json()["error"] == "invalid_grant"
