"""What the sync queue carries: look at this company's calendars, or at one of them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from shared.companies.names import SCHEMA_VERSION

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_KIND = "calendar_sync"
EVERY_CALENDAR = ""


@dataclass(frozen=True)
class SyncErrand:
    """Look at calendars as they are when the errand is read: copies and late ones do no harm.

    Args:
        company_id: whose.
        calendar_id: ours; `EVERY_CALENDAR`: all of them.
        run: when a round began, in whole seconds since 1970; 0 where no round asks.
    """

    company_id: str
    calendar_id: str = EVERY_CALENDAR
    run: int = 0

    def to_json(self) -> str:
        """For the queue."""
        return json.dumps({"v": SCHEMA_VERSION, "kind": _KIND, **asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> SyncErrand:
        """Read what `to_json` wrote.

        Raises:
            ValueError: it is something else.
        """
        try:
            data = json.loads(text)
            if data["kind"] != _KIND:
                raise ValueError("not an errand")
            return cls(str(data["company_id"]), str(data["calendar_id"]), int(data["run"]))
        except (KeyError, TypeError) as error:
            raise ValueError("not an errand") from error


class SyncQueue:
    """A standard queue, fair between companies.

    Args:
        client: an SQS client.
        url: the queue's address.
    """

    def __init__(self, client: SQSClient, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, errand: SyncErrand, delay_seconds: int) -> None:
        """Enqueue, to be read after a delay (at most 900 s); the company is the group."""
        self._client.send_message(
            QueueUrl=self._url,
            MessageBody=errand.to_json(),
            MessageGroupId=errand.company_id,
            DelaySeconds=delay_seconds,
        )
