"""What the deployed functions logged, out of the local AWS's CloudWatch Logs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from infra import names
from local import aws
from local.failure import Failure
from local.world import STAGE, World

if TYPE_CHECKING:
    from local.options import Options


def show(options: Options) -> int:
    """Print the log lines of one function, or of all, oldest first."""
    world = World.load(options.state)
    for event in events(world, options.function):
        moment = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
        print(f"{moment:%H:%M:%S.%f} {event['function']:18} {event['message'].rstrip()}")
    return 0


def events(world: World, function: str = "") -> list[dict[str, Any]]:
    """The log events of one function, or of all, oldest first, each with its function's name.

    Raises:
        Failure: there is no such function.
    """
    if function and function not in names.FUNCTIONS:
        raise Failure(f"There is no function {function!r}: it is one of {', '.join(names.FUNCTIONS)}.")
    client = aws.client("logs", world.aws_endpoint_url)
    found = []
    for name in [function] if function else names.FUNCTIONS:
        pages = client.get_paginator("filter_log_events").paginate(
            logGroupName=names.function_logs(STAGE, name)
        )
        found += [{**event, "function": name} for page in pages for event in page["events"]]
    return sorted(found, key=lambda event: event["timestamp"])
