"""What the rounds' queue carries: look at this company, in this run."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from shared.conversations.keys import SCHEMA_VERSION

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_KIND = "missed_messages"


@dataclass(frozen=True)
class Errand:
    """Look for one company's missed messages.

    Args:
        company_id: whose.
        run: the run's moment, whole seconds since 1970: the same in every copy of the same run.
    """

    company_id: str
    run: int

    def to_json(self) -> str:
        """For the queue."""
        return json.dumps({"v": SCHEMA_VERSION, "kind": _KIND, **asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> Errand:
        """Read what `to_json` wrote.

        Raises:
            ValueError: it is something else.
        """
        try:
            data = json.loads(text)
            if data["kind"] != _KIND:
                raise ValueError("not an errand")
            return cls(str(data["company_id"]), int(data["run"]))
        except (KeyError, TypeError) as error:
            raise ValueError("not an errand") from error


class ErrandQueue:
    """A standard queue, fair between companies: a slow one does not keep the others waiting.

    Args:
        client: an SQS client.
        url: the queue's address.
    """

    def __init__(self, client: SQSClient, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, errand: Errand) -> None:
        """Enqueue; the company is the group ("Amazon SQS fair queues")."""
        self._client.send_message(
            QueueUrl=self._url, MessageBody=errand.to_json(), MessageGroupId=errand.company_id
        )
