"""A company's own AWS account, as far as it sends e-mail: the local AWS plays it.

Two steps that the company takes on AWS: it verifies the domain that it sends from, and makes an access key
that may send and do nothing else.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from local import aws
from local.world import REGION

# The local AWS asks for ses:SendEmail on any resource; on AWS ses:SendRawEmail on the identity is enough.
_MAY_SEND = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["ses:SendEmail", "ses:SendRawEmail"], "Resource": "*"}],
}


@dataclass(frozen=True)
class SesKey:
    """An access key.

    Args:
        access_key_id: for the company's document.
        secret: for the vault.
    """

    access_key_id: str
    secret: str = field(repr=False)

    def provider(self, provider_id: str) -> dict[str, Any]:
        """The provider with it, as a company's document has it."""
        return {
            "id": provider_id,
            "vendor": "ses",
            "region": REGION,
            "access_key_id": self.access_key_id,
        }


def verify(aws_endpoint_url: str, domain: str) -> None:
    """Verify a domain, so that it may be sent from; the local AWS believes it at once.

    Args:
        aws_endpoint_url: the local AWS.
        domain: such as ``clinica-sol.example``.
    """
    aws.client("sesv2", aws_endpoint_url).create_email_identity(EmailIdentity=domain)


def new_key(aws_endpoint_url: str, *, may_send: bool = True) -> SesKey:
    """An access key of a new user.

    Args:
        aws_endpoint_url: the local AWS.
        may_send: whether the user has a policy that lets it send.
    """
    iam, name = aws.client("iam", aws_endpoint_url), f"mail-{uuid.uuid4().hex[:12]}"
    iam.create_user(UserName=name)
    if may_send:
        iam.put_user_policy(UserName=name, PolicyName="send", PolicyDocument=json.dumps(_MAY_SEND))
    made = iam.create_access_key(UserName=name)["AccessKey"]
    return SesKey(made["AccessKeyId"], made["SecretAccessKey"])
