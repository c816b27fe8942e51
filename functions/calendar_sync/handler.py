"""The clock or a batch of errands in; see `shared.calendars.sync.rounds`."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from shared.calendars.sync.making import make_sync_rounds
from shared.platform.queue_records import read_records
from shared.platform.settings import Environment
from shared.reminders.making import make_appointment_emails

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from shared.calendars.sync.rounds import SyncRounds


@cache
def _rounds() -> SyncRounds:
    environment = Environment(os.environ)
    return make_sync_rounds(environment, make_appointment_emails(environment))


def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Begin a round when the clock calls; look at one company after another when the queue does."""
    if "Records" not in event:
        return {"companies": _rounds().send_out(str(event.get("scheduled_at", "")))}
    remaining_seconds = context.get_remaining_time_in_millis() / 1000
    staying = _rounds().take_all(read_records(event), remaining_seconds)
    return {"batchItemFailures": [{"itemIdentifier": sqs_id} for sqs_id in staying]}
