"""What holds for every route, so also for one that is added tomorrow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from functions.integrations_api.routes import ROUTES
from shared.credentials.providers.registry import PROVIDERS
from tests.support.api import DOCUMENT, PUBLIC_URL, Api

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

    from functions.integrations_api.routing import Route
    from tests.support.api import Told

CLOSED = [route for route in ROUTES if route.owner != "open"]
OF_A_COMPANY = [route for route in CLOSED if route.owner != "list"]
WITH_BODY = [route for route in CLOSED if route.body is not None]

# A right body for each route that takes one: a new route needs one here.
BODIES: dict[str, dict[str, Any]] = {
    "PUT /api/companies/{company_id}": DOCUMENT,
    "POST /api/companies/{company_id}/try": {"message": "Hola"},
    "POST /api/companies/{company_id}/api-keys": {"name": "x", "scopes": ["read"]},
    "PUT /api/companies/{company_id}/calendars/{calendar_id}/secret": {},
    "POST /api/integrations/chatwoot/connect": {
        "company_id": "luna",
        "base_url": "http://127.0.0.1:9",
        "account_id": 1,
        "api_key": "t",
    },
    "POST /api/integrations/chatwoot/disconnect": {"company_id": "luna"},
    **{
        f"POST /api/integrations/{provider}/{act}": {"company_id": "luna"}
        for provider in PROVIDERS
        for act in ("connect", "disconnect")
    },
    "POST /api/dead-letters/{letter_id}/replay": {"company_id": "luna"},
    "POST /api/emails": {
        "company_id": "luna",
        "message": {"to": ["ana@cliente.example"], "subject": "Hola", "text": "Hola"},
    },
    "POST /api/emails/files": {
        "company_id": "luna",
        "content_type": "application/pdf",
        "size_bytes": 3,
        "sha256": "0" * 64,
    },
    "POST /api/emails/{email_id}/resend": {"company_id": "luna"},
    "POST /api/companies/{company_id}/email/suppressions": {"address": "ana@cliente.example"},
    "POST /api/companies/{company_id}/email/suppressions/remove": {"address": "ana@cliente.example"},
    "POST /api/companies/{company_id}/email/preview": {"template": "appointment_confirmed"},
    "PUT /api/companies/{company_id}/email/secrets/{provider_id}": {"secret": "SG.right"},
    "POST /api/calendar/appointments": {
        "company_id": "luna",
        "service": "cut",
        "start": "2026-11-24T10:00:00+01:00",
    },
    "PATCH /api/calendar/appointments/{appointment_id}": {
        "company_id": "luna",
        "start": "2026-11-24T10:00:00+01:00",
    },
    "POST /api/webhook/test": {"company_id": "luna", "headers": {}, "body": "{}"},
}


NAMES = {
    "appointment_id": "0123456789abcdef0123456789abcdef",
    "contact": "3-91",
    "calendar_id": "ana",
    "key_id": "0123456789ab",
    "conversation": "3-214",
    "letter_id": "1795510800000-3-214-70011",
    "email_id": "em-0123456789abcdef0123456789abcdef",
    "provider_id": "main",
}


def filled(route: Route, company_id: str = "luna") -> str:
    """A route's path with something right in place of each name."""
    return route.path.format(company_id=company_id, **NAMES)


def call(api: Api, route: Route, key: str | None, company_id: str = "luna") -> Told:
    """A right request to a route, for a company."""
    path = filled(route, company_id)
    if route.owner == "query":
        path += f"?company_id={company_id}"
    body = BODIES[route.key] if route.body else None
    if body and "company_id" in body:
        body = body | {"company_id": company_id}
    return api(route.method, path, body, key=key)


def names(route: Route) -> str:
    """How a test of a route is called."""
    return route.key


@pytest.mark.parametrize("route", OF_A_COMPANY, ids=names)
def test_a_key_of_one_company_finds_nothing_of_another(api: Api, route: Route) -> None:
    """A company that exists and one that does not look the same to it."""
    api.company("luna")
    key = api.company("sol")
    there, nowhere = (call(api, route, key, other) for other in ("luna", "nobody"))
    assert there.status == nowhere.status == 404
    assert there.text == nowhere.text
    assert there.headers["content-type"] == "application/problem+json"
    assert api("GET", "/api/companies/luna", key=api.operator).json == DOCUMENT


@pytest.mark.parametrize("route", OF_A_COMPANY, ids=names)
def test_a_companys_key_is_not_the_operators(api: Api, route: Route) -> None:
    """The operator's own keys and trail are out of reach."""
    assert call(api, route, api.company("sol"), "operator").status == 404


@pytest.mark.parametrize("route", CLOSED, ids=names)
def test_nobody_gets_in_without_a_valid_key(api: Api, route: Route) -> None:
    """None, rubbish, a changed one, a revoked one: the same 401, which says nothing."""
    key = api.company("luna")
    revoked = api.key("luna")
    api.api_keys.revoke("luna", revoked.split(".")[1])
    answers = [call(api, route, bad) for bad in (None, "rubbish", key[:-2] + "xx", revoked)]
    assert {answer.status for answer in answers} == {401}
    assert {answer.headers["www-authenticate"] for answer in answers} == {"Bearer"}
    assert len({answer.text for answer in answers}) == 1


@pytest.mark.parametrize("route", CLOSED, ids=names)
def test_a_key_without_the_scope_is_refused_before_anything_happens(api: Api, route: Route) -> None:
    """403, in words, for a company's own key as well."""
    api.company("luna")
    weaker = {"read": "read:text", "read:text": "read", "act": "read", "admin": "act"}[route.scope]
    answer = call(api, route, api.key("luna", weaker))
    assert answer.status == 403
    assert route.scope in answer.json["detail"]


WRONG_BODIES = [
    ('{"a": 1', "application/json", 400),
    ("", "application/json", 400),
    ("\udcff", "application/json", 400),
    ("[" * 100_000, "application/json", 400),
    ('{"a": NaN}', "application/json", 400),
    ("{}", "text/plain", 415),
    ("{}", "", 415),
    ("[]", "application/json", 422),
    ("null", "application/json", 422),
    ('"text"', "application/json", 422),
    ("{}" + " " * 1_050_000, "application/json", 413),
]


@pytest.mark.parametrize("route", WITH_BODY, ids=names)
def test_a_body_that_is_none_is_refused_in_words(api: Api, route: Route) -> None:
    """As problem details, whatever arrives."""
    api.company("luna")
    path = filled(route)
    for raw, kind, status in WRONG_BODIES:
        answer = api(route.method, path, raw=raw, key=api.operator, content_type=kind)
        assert (answer.status, raw[:20], kind) == (status, raw[:20], kind), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json["detail"]


@pytest.mark.parametrize("route", WITH_BODY, ids=names)
def test_an_unknown_field_is_refused_by_name(api: Api, route: Route) -> None:
    """A misspelt optional field would otherwise be a setting that silently does nothing."""
    api.company("luna")
    body = BODIES[route.key] | {"colour": "blue"}
    answer = api(route.method, filled(route), body, key=api.operator)
    assert (answer.status, answer.fields) == (422, ["colour"])


@pytest.mark.parametrize("route", ROUTES, ids=names)
def test_every_route_stands_in_the_description(api: Api, route: Route) -> None:
    """And what the description points to exists in it."""
    described = api("GET", "/api/openapi.json").json
    operation = described["paths"][route.path][route.method.lower()]
    assert ("security" in operation) == (route.owner != "open")
    if route.body:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        assert schema.rpartition("/")[2] in described["components"]["schemas"]
    assert f"{route.method} {route.path}" in api("GET", "/api/docs").text


@pytest.mark.parametrize("route", ROUTES, ids=names)
def test_other_methods_are_told_which_ones_there_are(api: Api, route: Route) -> None:
    """405 with ``Allow``, as problem details."""
    known = {other.method for other in ROUTES if other.path == route.path}
    answer = api("PATCH" if "PATCH" not in known else "PUT", filled(route), key=api.operator)
    assert answer.status == 405
    assert route.method in answer.headers["allow"]
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_path_that_leads_nowhere_is_not_found(api: Api) -> None:
    """With or without a key."""
    for path in (
        "/",
        "/api",
        "/api/companies/sol/nothing",
        "/api/companies/",
        "/api/health/x",
        "/../etc/passwd",
    ):
        assert (api("GET", path).status, api("GET", path, key=api.operator).status) == (404, 404)


def test_every_reference_in_the_description_leads_somewhere(api: Api) -> None:
    """A generator of clients would stumble otherwise."""
    described = api("GET", "/api/openapi.json").json
    schemas = set(described["components"]["schemas"])
    assert {reference.rpartition("/")[2] for reference in references(described)} <= schemas
    assert described["servers"] == [{"url": PUBLIC_URL}]


def references(node: Any) -> list[str]:  # noqa: ANN401 - any JSON
    """Every ``$ref`` below a node."""
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in references(value)]
    if isinstance(node, list):
        return [found for value in node for found in references(value)]
    return []


def test_the_docs_page_loads_nothing_from_anywhere(api: Api) -> None:
    """No script, no outside address: it may be opened beside secrets."""
    page = api("GET", "/api/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "<script" not in page.text
    assert "http" not in page.text.replace("http_", "").replace(PUBLIC_URL, "")


def test_health_says_stage_and_version(api: Api) -> None:
    """Without a key: load balancers and people ask it."""
    answer = api("GET", "/api/health")
    assert answer.json == {"status": "ok", "stage": "local", "version": "0.1.0"}
    assert answer.headers["cache-control"] == "no-store"


def test_only_pages_of_allowed_origins_may_call(dynamodb: DynamoDBClient, kms: KMSClient) -> None:
    """Preflights are answered; others get no permission, and no wildcard is ever sent."""
    api = Api(dynamodb, kms, allowed_origins=("https://app.example", "https://other.example"))
    for origin in ("https://app.example", "https://other.example"):
        preflight = api("OPTIONS", "/api/companies", origin=origin, access_control_request_method="PUT")
        assert preflight.status == 204
        assert preflight.headers["access-control-allow-origin"] == origin
        assert "PUT" in preflight.headers["access-control-allow-methods"]
        assert "Idempotency-Key" in preflight.headers["access-control-allow-headers"]
        assert api("GET", "/api/health", origin=origin).headers["access-control-allow-origin"] == origin
        refused = api("GET", "/api/companies", origin=origin)
        assert (refused.status, refused.headers["access-control-allow-origin"]) == (401, origin)
    for method in ("OPTIONS", "GET"):
        foreign = api(method, "/api/health", origin="https://evil.example")
        assert "access-control-allow-origin" not in foreign.headers


def test_without_allowed_origins_no_page_may_call(api: Api) -> None:
    """The default."""
    answer = api("GET", "/api/health", origin="https://app.example")
    assert "access-control-allow-origin" not in answer.headers


def test_what_breaks_inside_is_told_without_a_word_of_it(dynamodb: DynamoDBClient, kms: KMSClient) -> None:
    """500, as problem details, with nothing of the error in it."""

    class Broken:
        def __getattr__(self, name: str) -> None:
            raise RuntimeError("planted-secret in a message")

    api = Api(dynamodb, kms, doctor=Broken())
    answer = api(
        "POST", "/api/webhook/test", {"company_id": "luna", "headers": {}, "body": ""}, key=api.operator
    )
    assert answer.status == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "planted" not in answer.text
    assert "RuntimeError" not in answer.text
