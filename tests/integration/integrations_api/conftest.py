"""The API on moto."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.api import Api

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient


@pytest.fixture
def api(dynamodb: DynamoDBClient, kms: KMSClient) -> Api:
    """An API with an operator and no company."""
    return Api(dynamodb, kms)
