"""The clock or a batch of errands in; see `shared.reminders.rounds`."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from shared.conversations.making_reminders import make_reminder_rounds
from shared.platform.queue_records import read_records
from shared.platform.settings import Environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from shared.reminders.rounds import ReminderRounds


@cache
def _rounds() -> ReminderRounds:
    return make_reminder_rounds(Environment(os.environ))


def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Begin a round when the clock calls; hand on one reminder after another when the queue does."""
    if "Records" not in event:
        return {"reminders": _rounds().send_out()}
    remaining_seconds = context.get_remaining_time_in_millis() / 1000
    staying = _rounds().take_all(read_records(event), remaining_seconds)
    return {"batchItemFailures": [{"itemIdentifier": sqs_id} for sqs_id in staying]}
