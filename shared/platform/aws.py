"""AWS clients with time-outs and retries fit for a function that somebody waits for."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient

# Three tries of at most three seconds each: long enough for a slow shard, short enough to answer Chatwoot.
CLIENT_CONFIG = Config(
    connect_timeout=1.5,
    read_timeout=3,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=32,
)


@cache
def _session() -> boto3.Session:
    return boto3.Session()


def _client(service: str) -> Any:  # noqa: ANN401 - narrowed by the four functions below
    return _session().client(service, config=CLIENT_CONFIG)


def dynamodb() -> DynamoDBClient:
    """A DynamoDB client."""
    client: DynamoDBClient = _client("dynamodb")
    return client


def sqs() -> SQSClient:
    """An SQS client."""
    client: SQSClient = _client("sqs")
    return client


def kms() -> KMSClient:
    """A KMS client."""
    client: KMSClient = _client("kms")
    return client


def ssm() -> SSMClient:
    """A Systems Manager (Parameter Store) client."""
    client: SSMClient = _client("ssm")
    return client
