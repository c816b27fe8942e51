"""API Gateway's request in, the door's answer out. Everything odd is the sender's mistake, never a crash."""

from __future__ import annotations

import base64
import json
import os
from functools import cache
from typing import TYPE_CHECKING, Any

from shared.conversations.door import Delivery, Door
from shared.conversations.making_door import make_door
from shared.platform.errors import FrontdeskError, InvalidInput, Untrusted
from shared.platform.observability import count, log
from shared.platform.problems import problem_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_JSON = {"content-type": "application/json"}


@cache
def _door() -> Door:
    return make_door(os.environ)


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Receive one delivery (payload format 2.0 of API Gateway's HTTP APIs)."""
    return answer(_door(), event)


def answer(door: Door, event: Mapping[str, Any]) -> dict[str, Any]:
    """Translate an event for a door, and its answer for API Gateway."""
    try:
        received = door.receive(_delivery(event))
    except Exception as error:  # noqa: BLE001 - anything unforeseen is a 500, which Chatwoot's bots retry
        problem = problem_of(error if isinstance(error, InvalidInput | Untrusted) else Exception())
        reason = error.reason if isinstance(error, FrontdeskError) else type(error).__name__
        log.warning("delivery refused", status=problem.status, reason=reason)
        count("DeliveriesRefused", reason=reason)
        return {"statusCode": problem.status, "headers": dict(problem.headers()), "body": problem.body()}
    return {"statusCode": received.status, "headers": _JSON, "body": json.dumps(received.body)}


def _delivery(event: Mapping[str, Any]) -> Delivery:
    path = event.get("pathParameters") or {}
    headers = {str(name).lower(): str(value) for name, value in (event.get("headers") or {}).items()}
    return Delivery(headers, _body(event), path.get("company_id"), path.get("token"))


def _body(event: Mapping[str, Any]) -> bytes:
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(body).encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except ValueError:
        raise InvalidInput("the body is not base64", reason="not_base64") from None
