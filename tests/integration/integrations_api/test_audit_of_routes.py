"""Every administrative act leaves a record: who, what, when."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest

from functions.integrations_api.routes import ROUTES
from shared.credentials.providers.registry import PROVIDERS
from tests.integration.integrations_api.test_chatwoot import connect

if TYPE_CHECKING:
    from functions.integrations_api.routing import Route
    from tests.support.api import Api
    from tests.support.chatwoot import ChatwootHandle

# What is sent with another method than GET and yet changes nothing, and why there is nothing to record.
NO_ACTS = {
    "POST /api/companies/{company_id}/try": "sends and stores nothing",
    "POST /api/emails": "the e-mail itself stands in the list, for as long as it is kept",
    "POST /api/emails/files": "gives out an address; a file counts from the e-mail that names it",
    "POST /api/companies/{company_id}/email/preview": "shows, and stores nothing",
    **{
        f"POST /api/webhook/{vendor}/{{company_id}}/{{provider_id}}": "a report, kept in the story"
        for vendor in ("sendgrid", "mailgun", "ses")
    },
    "POST /api/webhook/calendly/{company_id}": "Calendly's word of a booking, not a person's act",
    "POST /api/webhook/google/{company_id}": "a vendor tells; nothing is changed but what is known",
    "POST /api/webhook/test": "looks at a delivery that was sent with it",
    **{
        f"POST /api/integrations/{provider}/{page}": "a person's click; what it stores, `Arrivals` records"
        for provider in PROVIDERS
        for page in ("start", "decide")
    },
}
ACTS = [route for route in ROUTES if route.method != "GET" and route.key not in NO_ACTS]


@pytest.mark.parametrize("route", ACTS, ids=lambda route: route.key)
def test_every_route_that_acts_writes_it_down(route: Route) -> None:
    """So that one that is added tomorrow cannot forget it."""
    assert "audit" in inspect.getsource(route.run)


def test_what_is_said_to_be_no_act_exists() -> None:
    """An exception must not outlive its route."""
    assert set(NO_ACTS) <= {route.key for route in ROUTES}


def trail(api: Api) -> list[dict[str, Any]]:
    """Everybody's records, oldest first."""
    records: list[dict[str, Any]] = api("GET", "/api/audit", key=api.operator).json["records"]
    return records[::-1]


def test_a_companys_life_in_the_trail(api: Api, chatwoot: ChatwootHandle) -> None:
    """Who did what to whom, in order, and no secret in it."""
    own = api.company("sol")
    api.clock.advance(1)
    made = api("POST", "/api/companies/sol/api-keys", {"name": "x", "scopes": ["read"]}, key=own).json
    api.clock.advance(1)
    api("DELETE", f"/api/companies/sol/api-keys/{made['key_id']}", key=own)
    api.clock.advance(1)
    connect(api, chatwoot, register_webhook=True)
    api.clock.advance(1)
    api("POST", "/api/integrations/chatwoot/disconnect", {"company_id": "sol"}, key=api.operator)
    api.clock.advance(1)
    api("DELETE", "/api/companies/sol", key=api.operator)
    records = trail(api)
    assert [record["action"] for record in records] == [
        "company.put",
        "api_key.create",
        "api_key.revoke",
        "chatwoot.connect",
        "chatwoot.disconnect",
        "company.delete",
    ]
    assert {record["owner"] for record in records} == {"sol"}
    assert records[1]["actor"] == f"sol/{own.split('.')[1]}"
    assert records[0]["actor"] == f"operator/{api.operator.split('.')[1]}"
    assert made["api_key"].rsplit(".", 1)[1] not in str(records)


def test_a_company_reads_its_own_trail_only(api: Api) -> None:
    """On both routes."""
    key = api.company("sol")
    api.company("luna")
    assert len(trail(api)) == 2
    for path in ("/api/audit", "/api/companies/sol/audit"):
        assert [record["owner"] for record in api("GET", path, key=key).json["records"]] == ["sol"]
    assert api("GET", "/api/companies/luna/audit", key=key).status == 404


def test_what_was_refused_is_no_act(api: Api) -> None:
    """Only what happened stands in the trail."""
    api.company("sol")
    before = len(trail(api))
    assert api("DELETE", "/api/companies/sol/api-keys/000000000000", key=api.operator).status == 404
    assert api("PUT", "/api/companies/sol", {"name": 1}, key=api.operator).status == 422
    assert len(trail(api)) == before
