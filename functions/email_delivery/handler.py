"""The clock or a batch of e-mails in; see `shared.email.post_office`."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from shared.email.making import make_post_office
from shared.platform.queue_records import read_records

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from shared.email.post_office import PostOffice


@cache
def _post_office() -> PostOffice:
    return make_post_office(os.environ)


def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Look for e-mails that were lost when the clock calls; deliver a batch when the queue does."""
    if "Records" not in event:
        return {"emails": _post_office().sweep()}
    remaining_seconds = context.get_remaining_time_in_millis() / 1000
    staying = _post_office().take_all(read_records(event), remaining_seconds)
    return {"batchItemFailures": [{"itemIdentifier": sqs_id} for sqs_id in staying]}
