"""Errands: small requests to look after something of one company, carried by standard queues.

They come at least once and in no order; what is to be done is read when an errand is, so copies and late
ones do no harm.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from shared.companies.names import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_sqs import SQSClient

Read = TypeVar("Read")


class CompanyErrand(Protocol):
    """Something that a queue can carry."""

    @property
    def company_id(self) -> str:
        """Whose errand it is."""
        ...

    def to_json(self) -> str:
        """For the queue."""
        ...


def written(kind: str, **fields: object) -> str:
    """An errand as a queue's text."""
    return json.dumps({"v": SCHEMA_VERSION, "kind": kind, **fields})


def read(kind: str, text: str, build: Callable[[dict[str, Any]], Read]) -> Read:
    """What `written` wrote, built from its fields.

    Args:
        kind: what the queue carries.
        text: what came.
        build: makes the errand of its fields.

    Raises:
        ValueError: it is something else.
    """
    try:
        data = json.loads(text)
        if data["kind"] != kind:
            raise ValueError("not an errand")
        return build(data)
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

    def send(self, errand: CompanyErrand, delay_seconds: int = 0) -> None:
        """Enqueue, to be read after a delay (at most 900 s); the company is the group.

        The group is what "Amazon SQS fair queues" share out by.
        """
        delayed: Any = {"DelaySeconds": delay_seconds} if delay_seconds else {}
        self._client.send_message(
            QueueUrl=self._url, MessageBody=errand.to_json(), MessageGroupId=errand.company_id, **delayed
        )
