"""Every route of the API, and the two that describe them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from functions.integrations_api import (
    openapi,
    routes_api_keys,
    routes_calendar,
    routes_calendar_pushes,
    routes_calendar_secrets,
    routes_calendly,
    routes_chatwoot,
    routes_companies,
    routes_connect,
    routes_contacts,
    routes_conversations,
    routes_email_reports,
    routes_email_settings,
    routes_emails,
    routes_open,
)
from functions.integrations_api.routing import Answer, Route

if TYPE_CHECKING:
    from functions.integrations_api.routing import Call

# The page has no script, and loads nothing from anywhere.
_PAGE_HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}


def get_openapi(call: Call) -> Answer:
    """The API's description in OpenAPI 3.1."""
    return Answer(openapi.document(ROUTES, call.request.base_url))


def get_docs(call: Call) -> Answer:
    """The same as a page."""
    page = openapi.page(openapi.document(ROUTES, call.request.base_url))
    return Answer(page, headers=_PAGE_HEADERS, content_type="text/html; charset=utf-8")


_DESCRIPTIONS = (
    Route(
        "GET", "/api/openapi.json", get_openapi, "Describe the API", owner="open",
        answers=(200, "an OpenAPI 3.1 document"),
    ),
    Route(
        "GET", "/api/docs", get_docs, "Show the API as a page", owner="open",
        answers=(200, "an HTML page"),
    ),
)  # fmt: skip

# In this order they are looked for: a fixed path before one with a name in it.
ROUTES = (
    *routes_open.ROUTES,
    *_DESCRIPTIONS,
    *routes_companies.ROUTES,
    *routes_api_keys.ROUTES,
    *routes_calendar_secrets.ROUTES,
    *routes_calendly.ROUTES,
    *routes_calendar_pushes.ROUTES,
    *routes_chatwoot.ROUTES,
    *routes_connect.ROUTES,
    *routes_conversations.ROUTES,
    *routes_contacts.ROUTES,
    *routes_calendar.ROUTES,
    *routes_emails.ROUTES,
    *routes_email_settings.ROUTES,
    *routes_email_reports.ROUTES,
)
