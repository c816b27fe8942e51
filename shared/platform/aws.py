"""AWS clients with time-outs and retries fit for a function that somebody waits for."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient

# Three tries of at most three seconds each: long enough for a slow shard.
PATIENT = Config(
    connect_timeout=1.5,
    read_timeout=3,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=32,
)
# For whoever is waited for himself: Chatwoot waits five seconds at the door. Two tries, and at most a second
# between them (botocore's standard retries): a service that stalls is given up within four seconds.
HURRIED = PATIENT.merge(
    Config(connect_timeout=1, read_timeout=1.2, retries={"mode": "standard", "total_max_attempts": 2})
)


@cache
def _session() -> boto3.Session:
    return boto3.Session()


def _client(service: str, config: Config) -> Any:  # noqa: ANN401 - narrowed by the functions below
    return _session().client(service, config=config)


def dynamodb(config: Config = PATIENT) -> DynamoDBClient:
    """A DynamoDB client."""
    client: DynamoDBClient = _client("dynamodb", config)
    return client


def sqs(config: Config = PATIENT) -> SQSClient:
    """An SQS client."""
    client: SQSClient = _client("sqs", config)
    return client


def kms(config: Config = PATIENT) -> KMSClient:
    """A KMS client."""
    client: KMSClient = _client("kms", config)
    return client


def s3(config: Config = PATIENT) -> S3Client:
    """An S3 client; what it signs for others is signed by version 4, the only one that binds headers."""
    client: S3Client = _client("s3", config.merge(Config(signature_version="s3v4")))
    return client


def ssm(config: Config = PATIENT) -> SSMClient:
    """A Systems Manager (Parameter Store) client."""
    client: SSMClient = _client("ssm", config)
    return client
