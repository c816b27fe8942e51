"""A key that asks too often is told when to come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.api import Api


def test_too_many_requests_get_429_with_the_time_to_wait(api: Api) -> None:
    """As problem details; other keys of the company go on, and so does this one in the next minute."""
    admin = api.company("sol")
    wish = {"name": "x", "scopes": ["read"], "requests_per_minute": 2}
    key = api("POST", "/api/companies/sol/api-keys", wish, key=admin).json["api_key"]
    answers = [api("GET", "/api/companies/sol", key=key) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[2].headers["retry-after"] == "60"  # the minute has just begun
    assert answers[2].headers["content-type"] == "application/problem+json"
    assert answers[2].json["type"] == "urn:frontdesk:problem:too_many_requests"
    assert api("GET", "/api/companies/sol", key=admin).status == 200
    api.clock.advance(60)
    assert api("GET", "/api/companies/sol", key=key).status == 200


def test_requests_that_are_refused_count_too(api: Api) -> None:
    """Guessing ids of other companies is limited as well."""
    admin = api.company("sol")
    wish = {"name": "x", "scopes": ["read"], "requests_per_minute": 2}
    key = api("POST", "/api/companies/sol/api-keys", wish, key=admin).json["api_key"]
    statuses = [api("GET", f"/api/companies/guess-{number}", key=key).status for number in range(3)]
    assert statuses == [404, 404, 429]


def test_a_company_cannot_raise_its_own_limit(api: Api) -> None:
    """The operator can."""
    admin = api.company("sol")
    wish = {"name": "x", "scopes": ["read"], "requests_per_minute": 121}
    refused = api("POST", "/api/companies/sol/api-keys", wish, key=admin)
    assert (refused.status, refused.fields) == (403, ["requests_per_minute"])
    made = api("POST", "/api/companies/sol/api-keys", wish, key=api.operator)
    assert (made.status, made.json["requests_per_minute"]) == (201, 121)


def test_a_key_with_an_end_shows_it_and_ends(api: Api) -> None:
    """The list tells when."""
    admin = api.company("sol")
    wish = {"name": "x", "scopes": ["read"], "lives_days": 1}
    made = api("POST", "/api/companies/sol/api-keys", wish, key=admin).json
    assert made["expires_at"] == "2026-11-24T09:00:00+00:00"
    api.clock.advance(86_400)
    assert api("GET", "/api/companies/sol", key=made["api_key"]).status == 401
    shown = api("GET", "/api/companies/sol/api-keys", key=admin).json["api_keys"]
    assert made["key_id"] not in [key["key_id"] for key in shown]
