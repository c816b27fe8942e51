"""What anybody may see: is it alive, and how is it called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from functions.integrations_api import VERSION, openapi
from functions.integrations_api.routing import Answer, Route
from shared.companies.model import Company

if TYPE_CHECKING:
    from functions.integrations_api.routing import Call

# The page has no script, and loads nothing from anywhere.
_PAGE_HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}


def get_health(call: Call) -> Answer:
    """The function runs and its settings are right. Says nothing of other services."""
    return Answer({"status": "ok", "stage": call.services.stage, "version": VERSION})


def get_openapi(call: Call) -> Answer:
    """The API's description in OpenAPI 3.1."""
    from functions.integrations_api.routes import ROUTES  # noqa: PLC0415 - this route describes all, itself too

    return Answer(openapi.document(ROUTES, call.request.base_url))


def get_docs(call: Call) -> Answer:
    """The same as a page."""
    from functions.integrations_api.routes import ROUTES  # noqa: PLC0415 - the same

    page = openapi.page(openapi.document(ROUTES, call.request.base_url))
    return Answer(page, headers=_PAGE_HEADERS, content_type="text/html; charset=utf-8")


def get_schema(call: Call) -> Answer:  # noqa: ARG001 - every route takes the call
    """The JSON schema of the company document, for editors that check while one types."""
    return Answer(Company.model_json_schema())


ROUTES = (
    Route(
        "GET", "/api/health", get_health, "Is the API alive?", owner="open",
        answers=(200, "status, stage and version"),
    ),
    Route(
        "GET", "/api/openapi.json", get_openapi, "Describe the API", owner="open",
        answers=(200, "an OpenAPI 3.1 document"),
    ),
    Route(
        "GET", "/api/docs", get_docs, "Show the API as a page", owner="open",
        answers=(200, "an HTML page"),
    ),
    Route(
        "GET", "/api/companies/schema", get_schema, "Describe the company document", owner="open",
        answers=(200, "a JSON schema"),
    ),
)  # fmt: skip
