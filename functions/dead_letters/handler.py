"""A batch of the dead-letter queue in, the records that stay out."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from shared.conversations.making import make_dead_letter_office
from shared.platform.queue_records import read_records

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from shared.conversations.dead_letters import DeadLetterOffice


@cache
def _office() -> DeadLetterOffice:
    return make_dead_letter_office(os.environ)


def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take on the cases of one batch; what is not listed in the answer is deleted."""
    staying = _office().take_all(read_records(event), lambda: context.get_remaining_time_in_millis() / 1000)
    return {"batchItemFailures": [{"itemIdentifier": sqs_id} for sqs_id in staying]}
