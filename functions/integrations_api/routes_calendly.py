"""What Calendly tells of bookings, and having it told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from functions.integrations_api.routing import Answer, Route, require_company_id
from shared.calendars.calendly_webhooks import SIGNATURE_HEADER
from shared.companies.names import is_company_id
from shared.platform.errors import InvalidInput, Untrusted

if TYPE_CHECKING:
    from functions.integrations_api.routing import Call

_PATH = "/api/webhook/calendly/{company_id}"


def receive(call: Call) -> Answer:
    """Take one delivery: verified, kept, answered at once."""
    company_id, body = call.request.path["company_id"], call.request.body
    if len(body) > call.services.body_limit_bytes:
        raise InvalidInput("the delivery is too large", reason="too_large", status=413)
    if not is_company_id(company_id):
        raise Untrusted("there is no such company", reason="no_secret")
    header = call.request.headers.get(SIGNATURE_HEADER, "")
    if call.services.calendly_webhooks.receive(company_id, header, body) is not None:
        call.services.pushes().wake(company_id)
    return Answer({"status": "received"})


def subscribe(call: Call) -> Answer:
    """Have Calendly tell of the company's bookings from now on, under a new signing key."""
    call.services.companies.get(require_company_id(call.owner))
    calendars = call.services.calendars()
    url = call.request.base_url + _PATH.format(company_id=call.owner)
    key = call.services.calendly_webhooks.new_key(call.owner)
    calendars.subscribe_to_calendly(call.owner, url, key)
    call.audit("calendly.subscribe")
    return Answer({"url": url})


ROUTES = (
    Route(
        "POST", _PATH, receive, "Take what Calendly tells of a booking", owner="open",
        answers=(200, "received"),
    ),
    Route(
        "PUT", "/api/companies/{company_id}/calendly-webhook", subscribe,
        "Have Calendly tell of bookings", scope="admin", answers=(200, "the address that is told"),
    ),
)  # fmt: skip
