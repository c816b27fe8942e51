"""The API's Lambda function; see `functions.integrations_api.gateway`."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from functions.integrations_api.gateway import make_app
from functions.integrations_api.routes import ROUTES
from functions.integrations_api.services import make_services

if TYPE_CHECKING:
    from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
    from aws_lambda_powertools.utilities.typing import LambdaContext


@cache
def _app() -> APIGatewayHttpResolver:
    return make_app(make_services(os.environ), ROUTES)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request (payload format 2.0 of API Gateway's HTTP APIs)."""
    return _app().resolve(event, context)
