"""What tests of every kind share."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from hypothesis import HealthCheck, settings
from moto import mock_aws

from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_sqs import SQSClient

# Speed is shown in `benchmarks`: a machine that is busy for half a second breaks no property.
settings.register_profile("frontdesk", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("frontdesk")

# No test may reach a real account, whatever the developer's shell holds.
os.environ.update(
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_SESSION_TOKEN="testing",
    AWS_DEFAULT_REGION="eu-west-1",
    AWS_REGION="eu-west-1",
    POWERTOOLS_METRICS_NAMESPACE="Frontdesk",
)
os.environ.pop("AWS_PROFILE", None)


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still."""
    return FakeClock()


@pytest.fixture
def aws() -> Iterator[None]:
    """An empty AWS account in moto."""
    with mock_aws():
        yield


@cache
def client(service: str) -> Any:  # noqa: ANN401 - any service's client
    """A client of whatever account moto has at the moment: making one costs more than most tests."""
    return boto3.client(service, region_name="eu-west-1")


@pytest.fixture
def dynamodb(aws: None) -> DynamoDBClient:  # noqa: ARG001 - needs the account
    """A DynamoDB client of the empty account."""
    found: DynamoDBClient = client("dynamodb")
    return found


@pytest.fixture
def kms(aws: None) -> KMSClient:  # noqa: ARG001 - needs the account
    """A KMS client of the empty account."""
    found: KMSClient = client("kms")
    return found


@pytest.fixture
def sqs(aws: None) -> SQSClient:  # noqa: ARG001 - needs the account
    """An SQS client of the empty account."""
    found: SQSClient = client("sqs")
    return found
