"""The clock or a batch of errands in; see `shared.conversations.missed`."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from shared.conversations.missed.making import make_rounds
from shared.platform.queue_records import read_records

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from shared.conversations.missed.rounds import Rounds


@cache
def _rounds() -> Rounds:
    return make_rounds(os.environ)


def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Begin a run when the clock calls; search one company after another when the queue does."""
    if "Records" not in event:
        return {"companies": _rounds().send_out(str(event.get("scheduled_at", "")))}
    remaining_seconds = context.get_remaining_time_in_millis() / 1000
    staying = _rounds().take_all(read_records(event), remaining_seconds)
    return {"batchItemFailures": [{"itemIdentifier": sqs_id} for sqs_id in staying]}
