"""What anybody may see: is it alive, and what does a company document look like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from functions.integrations_api import VERSION
from functions.integrations_api.routing import Answer, Route
from shared.companies.model import Company

if TYPE_CHECKING:
    from functions.integrations_api.routing import Call


def get_health(call: Call) -> Answer:
    """The function runs and its settings are right. Says nothing of other services."""
    return Answer({"status": "ok", "stage": call.services.stage, "version": VERSION})


def get_schema(call: Call) -> Answer:  # noqa: ARG001 - every route takes the call
    """The JSON schema of the company document, for editors that check while one types."""
    return Answer(Company.model_json_schema())


ROUTES = (
    Route(
        "GET", "/api/health", get_health, "Is the API alive?", owner="open",
        answers=(200, "status, stage and version"),
    ),
    Route(
        "GET", "/api/companies/schema", get_schema, "Describe the company document", owner="open",
        answers=(200, "a JSON schema"),
    ),
)  # fmt: skip
