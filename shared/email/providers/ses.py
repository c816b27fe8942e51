"""Amazon SES, API version 2, with the message as MIME.

The SDK's retries are off: SES knows no client token, so a call retried after a lost answer is a second mail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
)

from shared.email.addresses import wire
from shared.email.mime import mime_bytes
from shared.email.providers.contract import (
    MEGABYTE,
    Accepted,
    Ambiguous,
    Capabilities,
    NotAccepted,
    Provider,
    Rejected,
    said,
)
from shared.email.rendered import COMPANY_ID, EMAIL_ID

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sesv2.type_defs import MessageTagTypeDef

    from shared.email.addresses import Mailbox
    from shared.email.rendered import Rendered
    from shared.platform.clock import Deadline
    from shared.platform.secret import Secret

CONNECT_TIMEOUT_SECONDS = 3.0
READ_TIMEOUT_SECONDS = 10.0
_PASSING = {"TooManyRequestsException", "LimitExceededException", "ThrottlingException", "Throttling"}
_MESSAGE = {"MessageRejected", "BadRequestException"}
_UNVERIFIED = "not verified"
_SERVER_ERROR = 500


class Ses(Provider):
    """A company's SES.

    Args:
        client: made by `ses_client`.
        configuration_set: where SES reports what became of mails; empty: nowhere.
    """

    capabilities: ClassVar[Capabilities] = Capabilities(
        max_bytes=40 * MEGABYTE, max_recipients=50, max_tags=10
    )

    def __init__(self, client: SESV2Client, configuration_set: str = "") -> None:
        self._client = client
        self._extras: dict[str, Any] = {}
        if configuration_set:
            self._extras["ConfigurationSetName"] = configuration_set

    def _send(self, rendered: Rendered, deadline: Deadline) -> Accepted:
        message = mime_bytes(rendered)
        self.require_size(len(message))
        if deadline.remaining_seconds() < CONNECT_TIMEOUT_SECONDS + READ_TIMEOUT_SECONDS:
            raise NotAccepted("no time was left for it", reason="no_time_left")
        try:
            answer = self._client.send_email(
                FromEmailAddress=wire(rendered.sender.address),
                Destination={
                    "ToAddresses": _addresses(rendered.to),
                    "CcAddresses": _addresses(rendered.cc),
                    "BccAddresses": _addresses(rendered.bcc),
                },
                Content={"Raw": {"Data": message}},
                EmailTags=_tags(rendered),
                **self._extras,
            )
        except ClientError as error:
            raise _judged(error) from error
        except (EndpointConnectionError, ConnectTimeoutError) as error:
            raise NotAccepted("SES could not be reached", reason="connection") from error
        except (NoCredentialsError, ParamValidationError) as error:
            raise Rejected("the SES access key is not usable", about="account", reason="denied") from error
        except BotoCoreError as error:
            raise Ambiguous("the answer of SES was lost", reason="connection") from error
        return Accepted(answer["MessageId"])


def ses_client(region: str, access_key_id: str, secret: Secret, endpoint_url: str = "") -> SESV2Client:
    """A client of a company's own account, without retries.

    Args:
        region: such as ``eu-west-1``.
        access_key_id: of the company's account.
        secret: its secret access key.
        endpoint_url: in place of the region's own; empty: that one. An ``AWS_ENDPOINT_URL`` of our
            surroundings is for Frontdesk's own account, and has no say here.
    """
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=READ_TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 1},
        ignore_configured_endpoint_urls=True,  # type: ignore[call-arg]  # the stubs do not know it yet
    )
    session = boto3.Session(
        aws_access_key_id=access_key_id, aws_secret_access_key=secret.reveal(), region_name=region
    )
    client: SESV2Client = session.client("sesv2", config=config, endpoint_url=endpoint_url or None)
    return client


def _addresses(mailboxes: Iterable[Mailbox]) -> list[str]:
    return [wire(one.address) for one in mailboxes]


def _tags(rendered: Rendered) -> list[MessageTagTypeDef]:
    own: list[MessageTagTypeDef] = [
        {"Name": EMAIL_ID, "Value": rendered.email_id},
        {"Name": COMPANY_ID, "Value": rendered.company_id},
    ]
    return own + [{"Name": f"tag_{n}", "Value": tag} for n, tag in enumerate(rendered.tags, 1)]


def _judged(error: ClientError) -> Rejected | NotAccepted | Ambiguous:
    told = error.response.get("Error", {})
    code, words = told.get("Code", ""), told.get("Message", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _PASSING:
        return NotAccepted("SES takes no more now", reason="throttled")
    if status >= _SERVER_ERROR or not code:
        return Ambiguous(f"SES answered {status}", reason=f"status_{status}")
    if code in _MESSAGE and _UNVERIFIED not in words.lower():
        return Rejected(f"SES refused the message: {said(words)}", about="message")
    return Rejected(f"SES refused the account: {said(f'{code}: {words}')}", about="account", reason="denied")
