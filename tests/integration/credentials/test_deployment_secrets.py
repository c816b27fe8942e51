"""Deployment secrets in the Parameter Store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.stub import Stubber

from shared.platform.errors import RetryLater
from shared.platform.secret import Secret
from shared.platform.secrets import DeploymentSecrets, SecretMissing

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


@pytest.fixture
def ssm(aws: None) -> SSMClient:  # noqa: ARG001 - needs the account
    """A Parameter Store with one secret of the stage ``dev``."""
    client: SSMClient = boto3.client("ssm", region_name="eu-west-1")
    client.put_parameter(Name="/frontdesk/dev/openai_api_key", Value="sk-1", Type="SecureString")
    return client


def test_a_secret_is_read_once_in_five_minutes(ssm: SSMClient) -> None:
    """A change is seen when the memory is over, and by a new process at once."""
    secrets = DeploymentSecrets(ssm, "dev")
    assert secrets.get("openai_api_key") == Secret("sk-1")
    ssm.put_parameter(Name="/frontdesk/dev/openai_api_key", Value="sk-2", Type="SecureString", Overwrite=True)
    assert secrets.get("openai_api_key") == Secret("sk-1")
    assert DeploymentSecrets(ssm, "dev").get("openai_api_key") == Secret("sk-2")


def test_a_missing_secret_says_how_to_set_it(ssm: SSMClient) -> None:
    """The stage's own, not another's."""
    with pytest.raises(SecretMissing, match="frontdesk secret set openai_api_key"):
        DeploymentSecrets(ssm, "prod").get("openai_api_key")


@pytest.mark.parametrize(
    ("code", "error"), [("ThrottlingException", RetryLater), ("AccessDeniedException", SecretMissing)]
)
def test_a_store_that_refuses_is_told_apart_from_one_that_is_busy(code: str, error: type[Exception]) -> None:
    """The first needs an operator, the second only time."""
    client = boto3.client("ssm", region_name="eu-west-1")
    with Stubber(client) as stub:
        stub.add_client_error("get_parameter", service_error_code=code)
        with pytest.raises(error):
            DeploymentSecrets(client, "dev").get("openai_api_key")


@pytest.mark.parametrize("name", ["", "../prod/openai_api_key", "A", "a/b"])
def test_a_name_leads_nowhere_else(ssm: SSMClient, name: str) -> None:
    """Names are words, not paths."""
    with pytest.raises(ValueError, match="small letters"):
        DeploymentSecrets(ssm, "dev").get(name)
