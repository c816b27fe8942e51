"""Vendors of calendars tell that something changed; see `shared.calendars.sync.pushes`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from functions.integrations_api.routing import Answer, Route
from shared.platform.observability import bound, log

if TYPE_CHECKING:
    from functions.integrations_api.routing import Call


def google_tells(call: Call) -> Answer:
    """One notification of a channel of ours; the look that it asks for happens elsewhere."""
    company_id = call.request.path["company_id"]
    with bound(company_id=company_id):
        outcome = call.services.pushes().take(company_id, call.request.headers)
        log.info("a calendar changed", outcome=outcome)
    return Answer(None, 204)


ROUTES = (
    Route(
        "POST", "/api/webhook/google/{company_id}", google_tells, "A Google calendar changed", owner="open",
        answers=(204, "taken; 404 for whoever is no channel of ours"),
    ),
)  # fmt: skip
