"""Connecting with a Chatwoot that behaves like one, and the doctor for its deliveries."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

import pytest

from shared.companies.card import Directory
from tests.support import webhooks
from tests.support.api import PUBLIC_URL, Api

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

    from tests.support.api import Told
    from tests.support.chatwoot import ChatwootHandle

CONNECT = "/api/integrations/chatwoot/connect"
WEBHOOK_URL = f"{PUBLIC_URL}/api/webhook/chatwoot/sol"


def connect(api: Api, chatwoot: ChatwootHandle, company_id: str = "sol", **fields: object) -> Told:
    """Connect with the administrator's and the bot's token."""
    body = {
        "company_id": company_id,
        "base_url": chatwoot.base_url,
        "account_id": chatwoot.account_id,
        "api_key": chatwoot.administrator_token,
        "bot_token": chatwoot.bot_token,
        **fields,
    }
    return api("POST", CONNECT, {k: v for k, v in body.items() if v is not None}, key=api.operator)


def hooks_of(chatwoot: ChatwootHandle) -> list[dict[str, Any]]:
    """The account's webhooks as Chatwoot shows them."""
    hooks: list[dict[str, Any]] = chatwoot.api("GET", "/webhooks").json()["payload"]["webhooks"]
    return hooks


def secret_of(api: Api, field: str = "secret") -> str | None:
    """A stored webhook secret of the company."""
    found = api.credentials.get("sol", "chatwoot_webhook", field)
    return found.reveal() if found else None


def status(api: Api) -> dict[str, Any]:
    """What ``status`` says."""
    found: dict[str, Any] = api(
        "GET", "/api/integrations/chatwoot/status?company_id=sol", key=api.operator
    ).json
    return found


def test_connecting_checks_stores_and_registers(api: Api, chatwoot: ChatwootHandle) -> None:
    """Tokens in the vault, the webhook at Chatwoot with its secret here, the inboxes claimed."""
    api.company("sol")
    answer = connect(api, chatwoot, register_webhook=True)
    assert answer.status == 200, answer.text
    told = answer.json
    assert (told["status"], told["webhook_url"], told["webhook_registered"]) == (
        "connected",
        WEBHOOK_URL,
        True,
    )
    assert told["capabilities"]["list_messages"] is True
    (hook,) = hooks_of(chatwoot)
    assert hook["url"] == WEBHOOK_URL
    assert set(hook["subscriptions"]) >= {"message_created", "conversation_status_changed"}
    assert secret_of(api) == hook["secret"]
    tokens = api.credentials.fields("sol", "chatwoot")
    assert tokens["user_token"].reveal() == chatwoot.administrator_token
    assert tokens["bot_token"].reveal() == chatwoot.bot_token
    card = Directory(api.table).card("sol")
    assert card is not None
    assert card.connection is not None
    assert card.connection.user_id == chatwoot.administrator_id
    assert card.connection.inbox_channels[str(chatwoot.inboxes["Website"])] == "Channel::WebWidget"


def test_no_answer_and_no_table_shows_a_token_or_secret(api: Api, chatwoot: ChatwootHandle) -> None:
    """Neither does the status."""
    api.company("sol")
    answer = connect(api, chatwoot, register_webhook=True)
    planted = [chatwoot.administrator_token, chatwoot.bot_token, hooks_of(chatwoot)[0]["secret"]]
    seen = answer.text + json.dumps(status(api)) + repr([*api.table.scan(), *api.credentials_table.scan()])
    assert not [secret for secret in planted if secret in seen]


def test_status_tells_whether_and_how(api: Api, chatwoot: ChatwootHandle) -> None:
    """Before, during and after."""
    api.company("sol")
    assert status(api) == {"connected": False}
    connect(api, chatwoot, register_webhook=True)
    told = status(api)
    assert (told["connected"], told["account_id"], told["can_verify"]) == (True, chatwoot.account_id, True)
    assert (told["has_user_token"], told["has_bot_token"]) == (True, True)
    assert (told["finds_lost_webhooks"], told["warnings"]) == (True, [])
    key = api.key("sol", "read")
    assert api("GET", "/api/integrations/chatwoot/status", key=key).json == told  # its own, without saying so


def test_with_a_bots_token_alone_it_is_said_that_lost_webhooks_cannot_be_found(
    api: Api, chatwoot: ChatwootHandle
) -> None:
    """When connecting, by the status, and by the doctor, who does not refuse the delivery for it."""
    patient = Patient(api, chatwoot, api_key=None)
    sentence = "webhooks that were lost cannot be found"
    connected = connect(api, chatwoot, api_key=None).json
    told = status(api)
    assert told["finds_lost_webhooks"] is False
    for warnings in (connected["warnings"], told["warnings"]):
        assert any(sentence in warning for warning in warnings)
    found = patient.examined()
    assert found["lost_webhooks"][0] == "failed"
    assert sentence in found["lost_webhooks"][1]
    assert found["would"]["status"] == "queued"


def test_connecting_again_keeps_the_old_secret_valid(api: Api, chatwoot: ChatwootHandle) -> None:
    """Deliveries on their way were signed with it; the webhook is not registered twice."""
    api.company("sol")
    connect(api, chatwoot, webhook_secret="first")
    connect(api, chatwoot, webhook_secret="second")
    assert (secret_of(api), secret_of(api, "previous_secret")) == ("second", "first")
    connect(api, chatwoot, webhook_secret="second")
    assert (secret_of(api), secret_of(api, "previous_secret")) == ("second", "first")
    for _ in range(2):
        connect(api, chatwoot, register_webhook=True)
    assert len(hooks_of(chatwoot)) == 1
    assert (secret_of(api), secret_of(api, "previous_secret")) == (hooks_of(chatwoot)[0]["secret"], "second")
    connect(api, chatwoot)  # neither given: what is there stays
    assert secret_of(api) == hooks_of(chatwoot)[0]["secret"]
    assert status(api)["webhook_registered"] is True


def test_a_path_token_is_made_once_and_told_to_who_connects_only(api: Api, chatwoot: ChatwootHandle) -> None:
    """The URL stays valid when one connects again."""
    api.company("sol")
    first = connect(api, chatwoot, signature="token", register_webhook=True).json
    token = first["webhook_url"].removeprefix(f"{WEBHOOK_URL}/")
    assert len(token) >= 22  # 128 bits or more
    assert secret_of(api, "path_token") == token
    assert connect(api, chatwoot, signature="token").json["webhook_url"] == first["webhook_url"]
    assert token not in json.dumps(status(api))
    assert hooks_of(chatwoot)[0]["url"] == first["webhook_url"]


def test_another_url_replaces_the_webhook(api: Api, chatwoot: ChatwootHandle) -> None:
    """Two webhooks would deliver everything twice."""
    api.company("sol")
    connect(api, chatwoot, register_webhook=True)
    connect(api, chatwoot, register_webhook=True, signature="token")
    assert [hook["url"] for hook in hooks_of(chatwoot)] == [f"{WEBHOOK_URL}/{secret_of(api, 'path_token')}"]


def test_a_connection_that_can_verify_nothing_says_so(api: Api, chatwoot: ChatwootHandle) -> None:
    """With the way out."""
    api.company("sol")
    warnings = connect(api, chatwoot).json["warnings"]
    assert any("every delivery is refused" in warning for warning in warnings)
    assert status(api)["can_verify"] is False


@pytest.mark.parametrize(
    ("fields", "status_code", "field", "words"),
    [
        ({"api_key": "wrong"}, 422, "api_key", "does not accept this token"),
        ({"bot_token": "wrong"}, 422, "bot_token", "does not accept this token"),
        ({"account_id": 99}, 422, "account_id", "not in this account"),
        ({"base_url": "http://127.0.0.1:9"}, 502, "base_url", "cannot be reached"),
        ({"base_url": "ftp://127.0.0.1"}, 422, "base_url", "https://"),
        ({"base_url": "http://10.0.0.1"}, 422, "base_url", "not a public one"),
        ({"base_url": "https://user:pass@example.com"}, 422, "base_url", "user name"),
        ({"base_url": "https://example.com/?a=b"}, 422, "base_url", "query"),
        ({"account_id": "1"}, 422, "account_id", "whole number"),
        ({"signature": "off"}, 422, "signature", "'required', 'legacy' or 'token'"),
        ({"webhook_secret": "x", "register_webhook": True}, 422, "", "either webhook_secret or register"),
        ({"api_key": None, "bot_token": None}, 422, "", "must have an api_key"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_stored(
    api: Api, chatwoot: ChatwootHandle, *, fields: dict[str, Any], status_code: int, field: str, words: str
) -> None:
    """A connection that works is not harmed by a wrong one."""
    api.company("sol")
    connect(api, chatwoot, webhook_secret="before")
    before = [*api.table.query("company#sol", prefix="connection"), *api.credentials_table.scan()]
    answer = connect(api, chatwoot, **fields)
    assert answer.status == status_code, answer.text
    assert {one["field"]: one["problem"] for one in answer.json["fields"]}[field].find(words) >= 0
    assert [*api.table.query("company#sol", prefix="connection"), *api.credentials_table.scan()] == before


def test_loopback_is_for_the_local_stage(
    dynamodb: DynamoDBClient, kms: KMSClient, chatwoot: ChatwootHandle
) -> None:
    """Anywhere else it would be a way into our own network."""
    api = Api(dynamodb, kms, loopback_allowed=False)
    api.company("sol")
    for address in (chatwoot.base_url, "https://127.0.0.1", "https://localhost", "https://[::1]"):
        answer = connect(api, chatwoot, base_url=address)
        assert (answer.status, answer.fields) == (422, ["base_url"]), answer.text
    assert chatwoot.calls() == []


def test_an_agents_token_cannot_register_and_says_so_before_anything_is_stored(
    api: Api, chatwoot: ChatwootHandle
) -> None:
    """The way out is in the words."""
    api.company("sol")
    answer = connect(api, chatwoot, api_key=chatwoot.agent_token, register_webhook=True)
    assert (answer.status, answer.fields) == (422, ["register_webhook"])
    assert "administrator" in answer.json["detail"]
    assert status(api) == {"connected": False}
    told = connect(api, chatwoot, api_key=chatwoot.agent_token).json
    assert told["capabilities"]["register_webhook"] is False
    assert any("administrator" in warning for warning in told["warnings"])


def test_an_inbox_of_another_company_is_refused_and_nobody_is_named(
    api: Api, chatwoot: ChatwootHandle
) -> None:
    """Their tokens may well be right: it is the same account."""
    api.company("owner-of-it", inboxes=[{"id": chatwoot.inboxes["Website"]}])
    api.company("sol")
    assert connect(api, chatwoot, "owner-of-it").status == 200
    answer = connect(api, chatwoot)
    assert (answer.status, answer.fields) == (409, ["inboxes"])
    assert "owner-of-it" not in answer.text
    assert api.credentials_table.query("company#sol") == []


def test_moving_to_another_account_takes_leave_of_the_old_one(api: Api, chatwoot: ChatwootHandle) -> None:
    """Its webhook goes, and its secret verifies nothing any more."""
    api.company("sol")
    connect(api, chatwoot, register_webhook=True)
    old_secret = secret_of(api)
    other = chatwoot.add_account("Other")
    answer = connect(api, other, register_webhook=True)
    assert answer.status == 200, answer.text
    assert hooks_of(chatwoot) == []
    assert len(hooks_of(other)) == 1
    assert secret_of(api) != old_secret
    assert secret_of(api, "previous_secret") is None
    assert Directory(api.table).claims(chatwoot.account_id) == {}


def test_disconnecting_takes_back_the_webhook_and_forgets_the_tokens(
    api: Api, chatwoot: ChatwootHandle
) -> None:
    """Twice does no harm."""
    api.company("sol")
    connect(api, chatwoot, register_webhook=True)
    path, body = "/api/integrations/chatwoot/disconnect", {"company_id": "sol"}
    answer = api("POST", path, body, key=api.operator)
    assert answer.json == {"status": "disconnected", "webhook_removed": True, "warnings": []}
    assert hooks_of(chatwoot) == []
    assert api.credentials_table.query("company#sol", prefix="credential#") == []
    assert status(api) == {"connected": False}
    assert Directory(api.table).claims(chatwoot.account_id) == {}
    again = api("POST", path, body, key=api.operator)
    assert again.json == {"status": "disconnected", "webhook_removed": None, "warnings": []}
    assert api("DELETE", "/api/companies/sol", key=api.operator).json["warnings"] == []


def test_what_chatwoot_does_not_let_us_take_back_is_told(api: Api, chatwoot: ChatwootHandle) -> None:
    """And does not stop the rest."""
    api.company("sol")
    connect(api, chatwoot, register_webhook=True)
    chatwoot.faults({"method": "DELETE", "path": "/api/v1/accounts/*/webhooks/*", "times": 9, "status": 500})
    answer = api("POST", "/api/integrations/chatwoot/disconnect", {"company_id": "sol"}, key=api.operator)
    assert answer.json["webhook_removed"] is False
    assert "by hand" in answer.json["warnings"][0]
    assert api.credentials_table.query("company#sol", prefix="credential#") == []


def test_an_inbox_that_the_token_does_not_see_is_told(api: Api, chatwoot: ChatwootHandle) -> None:
    """A wrong number in the document is found here."""
    api.company("sol", inboxes=[{"id": 4711}])
    warnings = connect(api, chatwoot).json["warnings"]
    assert any("4711" in warning for warning in warnings)


# -- the doctor ---------------------------------------------------------------------------------------


class Patient:
    """A connected company and a delivery for it.

    Args:
        api: the API.
        chatwoot: its Chatwoot.
    """

    def __init__(self, api: Api, chatwoot: ChatwootHandle, **fields: object) -> None:
        self.api = api
        api.company("sol", inboxes=[{"id": webhooks.INBOX}])
        chosen: dict[str, Any] = {"webhook_secret": "right", **fields}
        assert connect(api, chatwoot, **chosen).status == 200
        block = webhooks.conversation(account={"id": chatwoot.account_id})
        self.body = webhooks.encoded(
            webhooks.message_created("¿<Precio>?", conversation=block, account={"id": chatwoot.account_id})
        )
        self.now = int(api.clock.now().timestamp())
        self.headers = webhooks.signed_headers("right", self.body, self.now)

    def examined(self, **fields: object) -> dict[str, Any]:
        """The diagnosis: result and words by check, and what would happen."""
        body = {
            "company_id": "sol",
            "headers": self.headers,
            "body_base64": base64.b64encode(self.body).decode(),
            **fields,
        }
        answer = self.api("POST", "/api/webhook/test", body, key=self.api.operator)
        assert answer.status == 200, answer.text
        checks = {check["name"]: (check["result"], check["detail"]) for check in answer.json["checks"]}
        return {"would": answer.json["would"], **checks}


def test_a_right_delivery_passes_every_check(api: Api, chatwoot: ChatwootHandle) -> None:
    """And would be queued."""
    patient = Patient(api, chatwoot)
    found = patient.examined()
    would = found.pop("would")
    assert would["status"] == "queued"
    assert {name: result for name, (result, _) in found.items()} == dict.fromkeys(
        ["company", "header", "secret", "clock", "encoding", "account", "inbox", "lost_webhooks"], "ok"
    )
    text = patient.examined(body=patient.body.decode(), body_base64=None)
    assert text["secret"][0] == "ok"
    capitals = {name.title(): value for name, value in patient.headers.items()}
    assert patient.examined(headers=capitals)["would"]["status"] == "queued"


def test_each_wrong_thing_is_found_where_it_is(api: Api, chatwoot: ChatwootHandle) -> None:
    """The other checks go on, so that one look is enough."""
    patient = Patient(api, chatwoot)
    now, body = patient.now, patient.body

    def with_headers(**changes: str | None) -> dict[str, Any]:
        headers = {**patient.headers, **{f"x-chatwoot-{name}": value for name, value in changes.items()}}
        return patient.examined(headers={name: value for name, value in headers.items() if value is not None})

    unsigned = with_headers(signature=None, timestamp=None)
    assert unsigned["header"][0] == "failed"
    assert "automation rules" in unsigned["header"][1]
    assert unsigned["secret"][0] == "skipped"
    assert unsigned["would"] == {"status": "refused", "reason": "header"}
    assert with_headers(signature="sha256=AB")["header"][0] == "failed"
    assert with_headers(timestamp="soon")["header"][0] == "failed"

    other = patient.examined(headers=webhooks.signed_headers("wrong", body, now))
    assert (other["header"][0], other["secret"][0], other["clock"][0]) == ("ok", "failed", "ok")
    assert "another secret" in other["secret"][1]

    late = patient.examined(headers=webhooks.signed_headers("right", body, now - 4000))
    assert (late["secret"][0], late["clock"][0]) == ("ok", "failed")
    assert "4000 seconds in the past" in late["clock"][1]

    broken = patient.examined(body=None, body_base64=base64.b64encode(b"\xff{").decode())
    assert broken["encoding"] == ("failed", "the body is not UTF-8")
    assert broken["account"][0] == "skipped"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda body: body + b"\n", "line ending"),
        (lambda body: json.dumps(json.loads(body)).encode(), "written anew"),
        (lambda body: json.dumps(json.loads(body), separators=(",", ":")).encode(), "written anew"),
        (lambda body: body.replace(b"Precio", b"Price"), "another secret"),
    ],
)
def test_a_body_that_was_changed_on_the_way_is_recognised(
    api: Api,
    chatwoot: ChatwootHandle,
    change: Callable[[bytes], bytes],
    words: str,
) -> None:
    """The usual ways to spoil a signature have names."""
    patient = Patient(api, chatwoot)
    found = patient.examined(body_base64=base64.b64encode(change(patient.body)).decode())
    assert found["secret"][0] == "failed"
    assert words in found["secret"][1]


def test_the_previous_secret_still_counts_and_is_named(api: Api, chatwoot: ChatwootHandle) -> None:
    """During a rotation."""
    patient = Patient(api, chatwoot)
    connect(api, chatwoot, webhook_secret="newer")
    assert patient.examined()["secret"] == ("ok", "the signature was made with the previous secret")


def test_foreign_accounts_are_refused_and_foreign_inboxes_ignored(api: Api, chatwoot: ChatwootHandle) -> None:
    """As at the door."""
    patient = Patient(api, chatwoot)
    patient.body = webhooks.encoded(
        webhooks.message_created(conversation=webhooks.conversation(account={"id": 99}))
    )
    patient.headers = webhooks.signed_headers("right", patient.body, patient.now)
    assert patient.examined()["would"] == {"status": "refused", "reason": "account"}
    block = webhooks.conversation(account={"id": chatwoot.account_id}, inbox_id=77)
    patient.body = webhooks.encoded(
        webhooks.message_created(conversation=block, inbox={"id": 77}, account={"id": chatwoot.account_id})
    )
    patient.headers = webhooks.signed_headers("right", patient.body, patient.now)
    found = patient.examined()
    assert found["inbox"][0] == "failed"
    assert found["would"]["status"] == "ignored"


def test_a_company_with_a_path_token_is_examined_by_it(api: Api, chatwoot: ChatwootHandle) -> None:
    """No signature is looked for."""
    patient = Patient(api, chatwoot, signature="token", webhook_secret=None)
    token = secret_of(api, "path_token")
    assert patient.examined(headers={}, path_token=token)["would"]["status"] == "queued"
    assert patient.examined(headers={}, path_token="guess")["secret"][0] == "failed"
    assert "must end in it" in patient.examined(headers={})["secret"][1]


def test_a_company_without_secret_or_connection_is_told_so(api: Api, chatwoot: ChatwootHandle) -> None:
    """These are the first things to look at."""
    patient = Patient(api, chatwoot, webhook_secret=None)
    assert "no webhook secret is stored" in patient.examined()["secret"][1]
    api("POST", "/api/integrations/chatwoot/disconnect", {"company_id": "sol"}, key=api.operator)
    found = patient.examined()
    assert found["company"][0] == "failed"
    assert found["would"] == {"status": "refused", "reason": "company_off"}


def test_the_older_form_of_signature_is_recognised(api: Api, chatwoot: ChatwootHandle) -> None:
    """Told apart from a wrong secret."""
    patient = Patient(api, chatwoot)
    legacy = hmac.new(b"right", patient.body, hashlib.sha256).hexdigest()
    patient.headers["x-chatwoot-signature"] = f"sha256={legacy}"
    assert "“legacy”" in patient.examined()["secret"][1]


@pytest.mark.parametrize("fields", [{}, {"body": "a", "body_base64": "YQ=="}, {"body_base64": "not base64!"}])
def test_a_question_without_one_right_body_is_refused(api: Api, fields: dict[str, str]) -> None:
    """In words."""
    api.company("sol")
    question = {"company_id": "sol", "headers": {}, **fields}
    answer = api("POST", "/api/webhook/test", question, key=api.operator)
    assert answer.status == 422
    assert "body" in answer.json["detail"]
