"""A customer's data through the API: whose it is, who may ask, what is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.api import Api
from tests.support.desk import World

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

EXPORT = "/api/companies/sol/contacts/3-481/export"
FORGET = "/api/companies/sol/contacts/3-481/forget"


@pytest.fixture
def api(dynamodb: DynamoDBClient, kms: KMSClient) -> Api:
    """An API whose company has answered a customer."""
    api = Api(dynamodb, kms)
    api.company("sol")
    world = World(api.conversations_table)
    world.customer_writes("planted words", 70_011)
    world.work_until_done()
    return api


def test_what_is_kept_of_a_customer_is_handed_out(api: Api) -> None:
    """To a key that may read texts, and to no other."""
    told = api("GET", EXPORT, key=api.key("sol", "read:text"))
    assert told.status == 200
    assert told.json["messages"][0]["message"]["text"] == "planted words"
    assert told.json["next_cursor"] is None
    assert api("GET", EXPORT, key=api.key("sol", "read", "act")).status == 403


def test_forgetting_gives_a_receipt_and_stands_in_the_trail(api: Api) -> None:
    """By the contact's number, without a name; again it is fine."""
    first = api("POST", FORGET, key=api.key("sol"))
    assert (first.status, first.json["complete"]) == (200, True)
    assert {line["what"]: line["count"] for line in first.json["removed"]}["messages"] == 1
    again = api("POST", FORGET, key=api.operator)
    assert (again.status, again.json["removed"]) == (200, [])
    assert "planted" not in api("GET", EXPORT, key=api.operator).text
    records = api("GET", "/api/companies/sol/audit", key=api.operator).json["records"]
    acts = [record["detail"] for record in records if record["action"] == "contact.forget"]
    assert acts == [{"contact": "3-481", "complete": True}] * 2


def test_what_is_not_finished_is_accepted_only(api: Api) -> None:
    """202: the same request goes on."""
    world = World(api.conversations_table)
    answers = []
    world.mind.while_thinking = lambda: answers.append(api("POST", FORGET, key=api.operator))
    world.customer_writes("more", 70_012)
    world.work_until_done()
    assert [(answer.status, answer.json["complete"]) for answer in answers] == [(202, False)]
    assert api("POST", FORGET, key=api.operator).status == 200


def test_nobody_forgets_or_reads_anothers_customer(api: Api) -> None:
    """404, and nothing is gone. Scopes below admin do not forget."""
    luna = api.company("luna")
    assert {api("GET", EXPORT, key=luna).status, api("POST", FORGET, key=luna).status} == {404}
    assert api("POST", FORGET, key=api.key("sol", "act", "read:text")).status == 403
    own = api("GET", "/api/companies/luna/contacts/3-481/export", key=luna)
    assert (own.status, own.json["messages"]) == (200, [])
    assert api("GET", EXPORT, key=api.operator).json["messages"]


@pytest.mark.parametrize("contact", ["3-0", "481", "3-x", "%2e%2e"])
def test_what_names_no_contact_is_not_found(api: Api, contact: str) -> None:
    """In both routes."""
    for method, act in (("GET", "export"), ("POST", "forget")):
        assert api(method, f"/api/companies/sol/contacts/{contact}/{act}", key=api.operator).status == 404


def test_the_operator_has_no_customers(api: Api) -> None:
    """Only companies have."""
    path = "/api/companies/operator/contacts/3-481/forget"
    assert api("POST", path, key=api.operator).status == 404
