"""A batch of the incoming queue in, the records that stay out."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from shared.conversations.making import make_worker
from shared.platform.queue_records import read_records

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from shared.conversations.worker import Worker


@cache
def _worker() -> Worker:
    return make_worker(os.environ)


def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Work through one batch; what is not listed in the answer is deleted by the event source mapping."""
    remaining_seconds = context.get_remaining_time_in_millis() / 1000
    staying = _worker().work(read_records(event), remaining_seconds)
    return {"batchItemFailures": [{"itemIdentifier": sqs_id} for sqs_id in staying]}
