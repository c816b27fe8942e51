"""Amazon SES, API version 2, with the message as MIME.

The SDK's retries are off: SES knows no client token, so a call retried after a lost answer is a second mail.
"""

from __future__ import annotations

import ssl
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
    SSLError,
)

from shared.email.addresses import wire
from shared.email.mime import mime_bytes
from shared.email.providers.contract import (
    MEGABYTE,
    NO_TIME_LEFT,
    Accepted,
    Ambiguous,
    Capabilities,
    NotAccepted,
    Provider,
    Rejected,
    said,
    wait_seconds,
)
from shared.email.providers.http_answers import refuses
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
_THROTTLED, _TOO_LARGE = 429, 413


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

    def _written(self, rendered: Rendered) -> bytes:
        return mime_bytes(rendered)

    def _hand_over(self, rendered: Rendered, content: bytes, deadline: Deadline) -> Accepted:
        if deadline.remaining_seconds() < CONNECT_TIMEOUT_SECONDS + READ_TIMEOUT_SECONDS:
            raise NotAccepted("no time was left for it", reason=NO_TIME_LEFT)
        try:
            answer = self._client.send_email(
                FromEmailAddress=wire(rendered.sender.address),
                Destination={
                    "ToAddresses": _addresses(rendered.among(rendered.to)),
                    "CcAddresses": _addresses(rendered.among(rendered.cc)),
                    "BccAddresses": _addresses(rendered.among(rendered.bcc)),
                },
                Content={"Raw": {"Data": content}},
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
            if _not_trusted(error):
                raise NotAccepted("the certificate of SES is not right", reason="tls") from error
            raise Ambiguous("the answer of SES was lost", reason="connection") from error
        if not answer.get("MessageId"):
            raise Ambiguous("the answer of SES says nothing", reason="no_id")
        return Accepted(answer["MessageId"])


def ses_client(
    region: str,
    access_key_id: str,
    secret: Secret,
    endpoint_url: str = "",
    *,
    read_timeout_seconds: float = READ_TIMEOUT_SECONDS,
) -> SESV2Client:
    """A client of a company's own account, without retries.

    Args:
        region: such as ``eu-west-1``.
        access_key_id: of the company's account.
        secret: its secret access key.
        endpoint_url: in place of the region's own; empty: that one. An ``AWS_ENDPOINT_URL`` of our
            surroundings is for Frontdesk's own account, and has no say here.
        read_timeout_seconds: how long each part of an answer is waited for.
    """
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=read_timeout_seconds,
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


def _not_trusted(error: BotoCoreError) -> bool:
    """Whether nothing was sent because nobody vouches for the other side.

    Of all that goes wrong with TLS this alone is known to come before the request.
    """
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    return isinstance(error, SSLError) and cause is not None


def _judged(error: ClientError) -> Rejected | NotAccepted | Ambiguous:
    told = error.response.get("Error", {})
    code, words = told.get("Code", ""), told.get("Message", "")
    metadata = error.response.get("ResponseMetadata", {})
    status, headers = metadata.get("HTTPStatusCode", 0), metadata.get("HTTPHeaders", {})
    if code in _PASSING or status == _THROTTLED:
        wait = wait_seconds(headers.get("retry-after"))
        return NotAccepted("SES takes no more now", reason="throttled", after_seconds=wait)
    if not refuses(status) or not code:
        return Ambiguous(f"SES answered {status}", reason=f"status_{status}")
    if (code in _MESSAGE or status == _TOO_LARGE) and _UNVERIFIED not in words.lower():
        return Rejected(f"SES refused the message: {said(words)}", about="message")
    return Rejected(f"SES refused the account: {said(f'{code}: {words}')}", about="account", reason="denied")
