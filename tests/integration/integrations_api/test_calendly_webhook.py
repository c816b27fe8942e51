"""Calendly's deliveries at the API."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING

import pytest

from functions.integrations_api.routes_calendly import ROUTES
from functions.integrations_api.routing import Request, answer_request
from shared.platform.errors import InvalidInput, Untrusted

if TYPE_CHECKING:
    from shared.platform.secret import Secret
    from tests.support.api import Api

BODY = json.dumps(
    {
        "event": "invitee.created",
        "payload": {
            "scheduled_event": {
                "uri": "https://api.calendly.com/scheduled_events/E",
                "event_type": "https://api.calendly.com/event_types/T",
                "start_time": "2030-01-08T09:00:00Z",
                "end_time": "2030-01-08T09:30:00Z",
            }
        },
    }
).encode()
RECEIVE = ROUTES[0]


def delivery(api: Api, company_id: str, key: Secret, body: bytes = BODY) -> Request:
    """As the gateway hands it on."""
    now = int(api.clock.now().timestamp())
    digest = hmac.new(key.reveal().encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"calendly-webhook-signature": f"t={now},v1={digest}"}
    return Request("POST", {"company_id": company_id}, {}, headers, body, "https://desk.example.com")


def test_a_signed_delivery_is_kept(api: Api) -> None:
    """Until somebody has looked."""
    webhooks = api.services.calendly_webhooks
    key = webhooks.new_key("sol")
    told = answer_request(RECEIVE, delivery(api, "sol", key), api.services)
    assert (told.status, told.body) == (200, {"status": "received"})
    assert [one.event_id for one in webhooks.changed("sol")] == ["E"]


@pytest.mark.parametrize("company_id", ["luna", "nobody", "No Such Company", "operator"])
def test_a_delivery_for_another_company_is_refused(api: Api, company_id: str) -> None:
    """All alike."""
    key = api.services.calendly_webhooks.new_key("sol")
    api.services.calendly_webhooks.new_key("luna")
    with pytest.raises(Untrusted):
        answer_request(RECEIVE, delivery(api, company_id, key), api.services)


def test_a_large_delivery_is_not_looked_at(api: Api) -> None:
    """Before any signature is worked out."""
    key = api.services.calendly_webhooks.new_key("sol")
    with pytest.raises(InvalidInput) as caught:
        answer_request(RECEIVE, delivery(api, "sol", key, b" " * 1_048_577), api.services)
    assert caught.value.status == 413


def test_without_a_signature_the_answer_is_401(api: Api) -> None:
    """Through the gateway."""
    assert api("POST", "/api/webhook/calendly/sol", {"event": "invitee.created"}).status == 401
