"""The clock or a batch of errands in; see `shared.credentials.refresh_rounds`."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from shared.credentials.making import make_refresh_rounds
from shared.email.making_outbox import make_staff_notices
from shared.platform.queue_records import read_records
from shared.platform.settings import Environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from shared.credentials.refresh_rounds import RefreshRounds


@cache
def _rounds() -> RefreshRounds:
    environment = Environment(os.environ)
    return make_refresh_rounds(environment, make_staff_notices(environment).reconnect)


def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Begin a round when the clock calls; renew one connection after another when the queue does."""
    if "Records" not in event:
        return {"connections": _rounds().send_out()}
    remaining_seconds = context.get_remaining_time_in_millis() / 1000
    staying = _rounds().take_all(read_records(event), remaining_seconds)
    return {"batchItemFailures": [{"itemIdentifier": sqs_id} for sqs_id in staying]}
