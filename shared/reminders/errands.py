"""What the reminders' queue carries: these reminders of a company are due."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.companies.names import SCHEMA_VERSION
from shared.reminders.rows import RowName

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_KIND = "appointment_reminders"


@dataclass(frozen=True)
class ReminderErrand:
    """Send some reminders of one company, if that is still right when the errand is read.

    Args:
        company_id: whose.
        rows: which: the appointment and the row's name.
    """

    company_id: str
    rows: tuple[RowName, ...]

    def to_json(self) -> str:
        """For the queue."""
        rows = [[one.appointment_id, one.row] for one in self.rows]
        return json.dumps({"v": SCHEMA_VERSION, "kind": _KIND, "company_id": self.company_id, "rows": rows})

    @classmethod
    def from_json(cls, text: str) -> ReminderErrand:
        """Read what `to_json` wrote.

        Raises:
            ValueError: it is something else.
        """
        try:
            data = json.loads(text)
            if data["kind"] != _KIND:
                raise ValueError("not an errand")
            company_id = str(data["company_id"])
            rows = tuple(RowName(company_id, str(appointment), str(row)) for appointment, row in data["rows"])
        except (KeyError, TypeError) as error:
            raise ValueError("not an errand") from error
        return cls(company_id, rows)


class ReminderQueue:
    """A standard queue, fair between companies: many reminders of one delay nobody else's.

    Args:
        client: an SQS client.
        url: the queue's address.
    """

    def __init__(self, client: SQSClient, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, errand: ReminderErrand) -> None:
        """Enqueue; the company is the group ("Amazon SQS fair queues")."""
        self._client.send_message(
            QueueUrl=self._url, MessageBody=errand.to_json(), MessageGroupId=errand.company_id
        )
