"""What the refresh queue carries: renew this connection's token."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from shared.companies.names import SCHEMA_VERSION

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_KIND = "token_refresh"


@dataclass(frozen=True)
class RefreshErrand:
    """Renew one connection's token, if that is still due when the errand is read.

    Args:
        company_id: whose.
        provider: with whom.
    """

    company_id: str
    provider: str

    def to_json(self) -> str:
        """For the queue."""
        return json.dumps({"v": SCHEMA_VERSION, "kind": _KIND, **asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> RefreshErrand:
        """Read what `to_json` wrote.

        Raises:
            ValueError: it is something else.
        """
        try:
            data = json.loads(text)
            if data["kind"] != _KIND:
                raise ValueError("not an errand")
            return cls(str(data["company_id"]), str(data["provider"]))
        except (KeyError, TypeError) as error:
            raise ValueError("not an errand") from error


class RefreshQueue:
    """A standard queue, fair between companies.

    Args:
        client: an SQS client.
        url: the queue's address.
    """

    def __init__(self, client: SQSClient, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, errand: RefreshErrand, delay_seconds: int) -> None:
        """Enqueue, to be read after a delay (at most 900 s); the company is the group."""
        self._client.send_message(
            QueueUrl=self._url,
            MessageBody=errand.to_json(),
            MessageGroupId=errand.company_id,
            DelaySeconds=delay_seconds,
        )
