"""Companies and API keys over the API."""

from __future__ import annotations

import base64
import json
from functools import partial
from typing import TYPE_CHECKING

import pytest

from shared.agent.values import AgentResponse, HandOver
from shared.platform.secret import Secret
from tests.support.api import DOCUMENT

if TYPE_CHECKING:
    from tests.support.api import Api

FULL = {**DOCUMENT, "services": [{"id": "botox", "name": "Bótox"}], "staff_email": "equipo@sol.es"}


def test_a_document_read_can_be_written_under_another_id(api: Api) -> None:
    """It holds neither id nor version; these stand in path and headers."""
    made = api("PUT", "/api/companies/sol", FULL, key=api.operator)
    assert (made.status, made.json, made.headers["etag"]) == (201, {"company_id": "sol", "version": 1}, '"1"')
    read = api("GET", "/api/companies/sol", key=api.operator)
    assert (read.json, read.headers["etag"]) == (FULL, '"1"')
    assert api("PUT", "/api/companies/luna", read.json, key=api.operator).status == 201
    assert api("GET", "/api/companies/luna", key=api.operator).json == FULL


def test_a_write_may_demand_the_version_it_was_made_from(api: Api) -> None:
    """``If-Match`` with the ETag, ``If-None-Match: *`` for a company that must be new."""
    api.company("sol")
    path, key = "/api/companies/sol", api.operator
    assert api("PUT", path, FULL, key=key, if_match='"1"').status == 200
    refused = api("PUT", path, FULL, key=key, if_match='"1"')
    assert (refused.status, refused.json["type"]) == (412, "urn:frontdesk:problem:version_changed")
    assert api("PUT", path, FULL, key=key, if_match="rubbish").status == 412
    assert api("PUT", path, FULL, key=key, if_none_match="*").status == 412
    assert api("PUT", path, FULL, key=key, if_match="*").status == 200


def test_a_wrong_document_is_refused_with_its_fields(api: Api) -> None:
    """All of them at once."""
    answer = api("PUT", "/api/companies/sol", {"name": "", "zone": "Mars"}, key=api.operator)
    assert answer.status == 422
    assert sorted(answer.fields) == ["language", "name", "zone"]
    assert api("PUT", "/api/companies/Not-An-Id", DOCUMENT, key=api.operator).fields == ["company_id"]


def test_templates_of_e_mails_are_tried_when_they_are_written(api: Api) -> None:
    """What would fail when a customer waits for it fails here, by its name."""
    wrong = {"es": {"subject": "Hola", "html": "{% for i in range(10**9) %}x{% endfor %}"}}
    answer = api("PUT", "/api/companies/sol", {**FULL, "email": _templates(wrong)}, key=api.operator)
    assert (answer.status, answer.fields) == (422, ["email.templates.appointment_confirmed.es"])
    right = {"es": {"subject": "Hola", "html": "<p>{{ appointment.date }}</p>"}}
    assert (
        api("PUT", "/api/companies/sol", {**FULL, "email": _templates(right)}, key=api.operator).status == 201
    )


def _templates(languages: dict[str, dict[str, str]]) -> dict[str, object]:
    return {"templates": {"appointment_confirmed": languages}}


def test_a_body_that_the_gateway_put_into_base64_is_read(api: Api) -> None:
    """API Gateway does so for bodies that it takes for binary; what is no base64 is refused."""
    send = partial(api, "PUT", "/api/companies/sol", key=api.operator, content_type="application/json")
    assert send(raw=base64.b64encode(json.dumps(FULL).encode()).decode(), encoded=True).status == 201
    assert api("GET", "/api/companies/sol", key=api.operator).json == FULL
    assert send(raw="not base64!", encoded=True).status == 400


def test_the_documents_schema_is_there_for_editors(api: Api) -> None:
    """Without a key, and not taken for a company of that name."""
    schema = api("GET", "/api/companies/schema").json
    assert schema["required"] == ["name", "zone", "language"]
    assert schema["additionalProperties"] is False


def test_the_operator_lists_all_and_a_company_itself(api: Api) -> None:
    """Page by page."""
    keys = {name: api.company(name) for name in ("a", "b", "c")}
    first = api("GET", "/api/companies?limit=2", key=api.operator).json
    rest = api("GET", f"/api/companies?limit=2&cursor={first['next_cursor']}", key=api.operator).json
    assert [one["company_id"] for one in first["companies"] + rest["companies"]] == ["a", "b", "c"]
    assert rest["next_cursor"] is None
    own = api("GET", "/api/companies", key=keys["b"]).json
    assert [one["company_id"] for one in own["companies"]] == ["b"]
    assert own["companies"][0].keys() == first["companies"][0].keys()


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", "1e2", "²", "9" * 5000])
def test_a_limit_that_is_none_is_refused(api: Api, limit: str) -> None:
    """By name."""
    answer = api("GET", f"/api/companies?limit={limit}", key=api.operator)
    assert (answer.status, answer.fields) == (400, ["limit"])


def test_a_deleted_company_is_gone_with_its_keys_and_credentials(api: Api) -> None:
    """A company of the same name starts with nothing of the old one's."""
    key = api.company("sol")
    api.credentials.put("sol", "chatwoot", "user_token", Secret("t"))
    removed = {"data keys": 1, "credentials": 1, "connections": 0, "consents under way": 0}
    answer = api("DELETE", "/api/companies/sol", key=key)
    assert answer.json == {"status": "deleted", "warnings": [], "removed": removed}
    assert api("GET", "/api/companies/sol", key=api.operator).status == 404
    assert api("DELETE", "/api/companies/sol", key=api.operator).status == 404
    assert api.credentials_table.query("company#sol") == []
    api.company("sol")
    assert api("GET", "/api/companies/sol", key=key).status == 401


def test_every_administrative_act_stands_in_the_trail(api: Api) -> None:
    """Who, what, when; the trail outlives the company."""
    api.company("sol")
    made = api("POST", "/api/companies/sol/api-keys", {"name": "x", "scopes": ["read"]}, key=api.operator)
    api("DELETE", f"/api/companies/sol/api-keys/{made.json['key_id']}", key=api.operator)
    api("DELETE", "/api/companies/sol", key=api.operator)
    records = api("GET", "/api/companies/sol/audit", key=api.operator).json["records"]
    actions = sorted(record["action"] for record in records)
    assert actions == ["api_key.create", "api_key.revoke", "company.delete", "company.put"]
    assert {record["actor"].split("/")[0] for record in records} == {"operator"}
    assert made.json["api_key"] not in str(records)


def test_a_new_key_works_until_it_is_revoked(api: Api) -> None:
    """Its text is told once and listed never."""
    admin = api.company("sol")
    made = api("POST", "/api/companies/sol/api-keys", {"name": "web", "scopes": ["read"]}, key=admin)
    assert made.status == 201
    text = made.json["api_key"]
    assert api("GET", "/api/companies/sol", key=text).status == 200
    assert api("PUT", "/api/companies/sol", FULL, key=text).status == 403
    listed = api("GET", "/api/companies/sol/api-keys", key=admin)
    assert {key["name"] for key in listed.json["api_keys"]} == {"test", "web"}
    assert text.rsplit(".", 1)[1] not in listed.text
    gone = api("DELETE", f"/api/companies/sol/api-keys/{made.json['key_id']}", key=admin)
    assert (gone.status, gone.text) == (204, "")
    assert api("GET", "/api/companies/sol", key=text).status == 401


def test_keys_are_made_for_companies_that_exist_and_for_the_operator(api: Api) -> None:
    """A key for a name that is free would belong to whoever takes the name."""
    wish = {"name": "x", "scopes": ["read"]}
    assert api("POST", "/api/companies/nobody/api-keys", wish, key=api.operator).status == 404
    made = api("POST", "/api/companies/operator/api-keys", wish, key=api.operator)
    assert made.json["owner"] == "operator"
    refused = api(
        "POST", "/api/companies/operator/api-keys", {"name": "x", "scopes": ["all"]}, key=api.operator
    )
    assert (refused.status, refused.fields) == (422, ["scopes"])


def test_a_repeated_post_makes_one_key_and_tells_it_twice(api: Api) -> None:
    """The answer was lost on its way; asking again must not leave a key behind that nobody knows."""
    admin = api.company("sol")
    wish = {"name": "x", "scopes": ["read"]}
    path = "/api/companies/sol/api-keys"
    first, second = (api("POST", path, wish, key=admin, idempotency_key="k1") for _ in range(2))
    assert (first.status, first.json) == (second.status, second.json)
    assert second.headers["idempotent-replayed"] == "true"
    other = api("POST", path, wish, key=admin, idempotency_key="k2")
    assert other.json["key_id"] != first.json["key_id"]
    assert len(api("GET", path, key=admin).json["api_keys"]) == 3
    assert first.json["api_key"].rsplit(".", 1)[1] not in str(list(api.table.scan()))


def test_an_idempotency_key_belongs_to_its_caller_and_its_request(api: Api) -> None:
    """Somebody else's, or another request's, is another thing."""
    admin, other = api.company("sol"), api.company("luna")
    path, wish = "/api/companies/sol/api-keys", {"name": "x", "scopes": ["read"]}
    first = api("POST", path, wish, key=admin, idempotency_key="k1")
    changed = api("POST", path, {"name": "y", "scopes": ["read"]}, key=admin, idempotency_key="k1")
    assert (changed.status, changed.json["type"]) == (422, "urn:frontdesk:problem:idempotency_key_reused")
    theirs = api("POST", path.replace("sol", "luna"), wish, key=other, idempotency_key="k1")
    assert theirs.json["owner"] == "luna"
    assert api("POST", path, wish, key=other, idempotency_key="k1").status == 404
    by_operator = api("POST", path, wish, key=api.operator, idempotency_key="k1")
    assert by_operator.json["key_id"] != first.json["key_id"]
    assert api("POST", path, wish, key=admin, idempotency_key="x" * 256).status == 400


def test_a_refused_post_may_be_tried_again_and_a_running_one_not_yet(api: Api) -> None:
    """A mistake does not burn the key; two at once do not both act; a day later it is a new request."""
    admin = api.company("sol")
    path, wish = "/api/companies/sol/api-keys", {"name": "x", "scopes": ["read"]}
    assert api("POST", path, {"name": "x", "scopes": ["no"]}, key=admin, idempotency_key="k").status == 422
    repeat = api.services.repeat("sol", Secret(admin), "k")
    where = "POST /api/companies/{company_id}/api-keys\n[('company_id', 'sol')]\n"
    request = (where + json.dumps(wish)).encode()
    assert repeat.begin(request) is None  # another process has begun
    running = api("POST", path, wish, key=admin, idempotency_key="k")
    assert (running.status, running.json["type"]) == (409, "urn:frontdesk:problem:in_progress")
    api.clock.advance(61)  # it died
    first = api("POST", path, wish, key=admin, idempotency_key="k")
    assert first.status == 201
    api.clock.advance(24 * 3600 + 1)
    assert api("POST", path, wish, key=admin, idempotency_key="k").json["key_id"] != first.json["key_id"]


def test_a_try_shows_what_the_desk_would_say_and_sends_nothing(api: Api) -> None:
    """Also for a company that is switched off or not connected, with the disclosure a new customer gets."""
    api.company("sol", mode="off", hand_over={"reply_patterns": ["especialista"]})
    answer = api("POST", "/api/companies/sol/try", {"message": "¿Precio?"}, key=api.operator)
    assert answer.status == 200, answer.text
    assert answer.json["outcome"] == "answered"
    assert "asistente virtual" in answer.json["parts"][0]
    assert answer.json["parts"][-1].endswith("Re: ¿Precio?")
    assert [asked.question for asked in api.mind.asked] == ["¿Precio?"]


def test_a_try_shows_a_hand_over(api: Api) -> None:
    """With the note that people would read and the status that would be set."""
    api.company("sol", disclosure={"enabled": False})
    api.mind.answer = lambda _: AgentResponse("Te paso.", "frontdesk", (HandOver("prices"),))
    answer = api("POST", "/api/companies/sol/try", {"message": "x"}, key=api.operator).json
    assert (answer["outcome"], answer["conversation_status"]) == ("handed_over", "pending")
    assert answer["parts"] == ["Te paso."]
    assert "prices" in answer["notes"][0]


def test_a_company_that_does_not_exist_cannot_be_tried(api: Api) -> None:
    """404, and no model is asked."""
    assert api("POST", "/api/companies/nobody/try", {"message": "x"}, key=api.operator).status == 404
    assert api.mind.asked == []
