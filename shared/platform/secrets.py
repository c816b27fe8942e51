"""Secrets of the deployment itself, such as the model provider's key: SecureString parameters of SSM.

They stand in no template, no environment variable and no log. ``frontdesk secret set`` writes them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_lambda_powertools.utilities.parameters import SSMProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from botocore.exceptions import ClientError

from shared.platform.errors import GiveUp, RetryLater
from shared.platform.secret import Secret

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

CACHE_SECONDS = 300
_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
_PERMANENT = {"ParameterNotFound", "AccessDeniedException", "AccessDenied", "InvalidKeyId"}


class SecretMissing(GiveUp):
    """The deployment lacks a secret, or the function may not read it."""

    default_reason = "secret_missing"


def parameter_name(stage: str, name: str) -> str:
    """Where a secret of a stage stands in the Parameter Store.

    Raises:
        ValueError: the name is not made of small letters, digits and underscores.
    """
    if not _NAME.fullmatch(name):
        raise ValueError("a secret's name is made of small letters, digits and underscores")
    return f"/frontdesk/{stage}/{name}"


class DeploymentSecrets:
    """Reads deployment secrets, each at most once in five minutes.

    Args:
        ssm: an SSM client.
        stage: the deployment's stage.
    """

    def __init__(self, ssm: SSMClient, stage: str) -> None:
        self._provider = SSMProvider(boto3_client=ssm)
        self._stage = stage

    def get(self, name: str) -> Secret:
        """The secret of this name.

        Raises:
            SecretMissing: it was never set, or this function has no grant for it.
            RetryLater: the Parameter Store does not answer now.
        """
        path = parameter_name(self._stage, name)
        try:
            value = self._provider.get(path, max_age=CACHE_SECONDS, decrypt=True)
        except GetParameterError as error:
            raise _failure(name, error.__context__) from error
        return Secret(str(value))


def _failure(name: str, cause: BaseException | None) -> GiveUp | RetryLater:
    code = cause.response["Error"]["Code"] if isinstance(cause, ClientError) else ""
    if code in _PERMANENT:
        return SecretMissing(
            f"the secret {name} cannot be read ({code}): set it with: frontdesk secret set {name}"
        )
    return RetryLater("the Parameter Store does not answer", reason="secrets_unavailable")
