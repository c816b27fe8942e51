"""Hostile e-mails over real HTTP: every text that a request can hold, by its model and not by a list."""

from __future__ import annotations

import base64
import json
import re
import types
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

import boto3
import pytest
import requests
from moto import mock_aws
from pydantic import BaseModel

from functions.integrations_api.routes_emails import EmailRequest
from tests.support.api import DOCUMENT, Api
from tests.support.api_server import ApiServer
from tests.support.email import invitation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb import DynamoDBClient

MAIL: dict[str, Any] = {
    "from_address": "hola@luna.example",
    "providers": [{"id": "main", "vendor": "sendgrid"}],
}
INJECTION = "Bcc: eve@evil.example"
BREAKS = {
    "CR LF": f"\r\n{INJECTION}",
    "LF": f"\n{INJECTION}",
    "CR": f"\r{INJECTION}",
    "NUL": "\x00",
    "ESC": "\x1b[2J",
    "NEL": f"\x85{INJECTION}",
    "line separator": f"\u2028{INJECTION}",
    "paragraph separator": f"\u2029{INJECTION}",
    "right to left": "\u202egpj.exe",
    "isolated": "\u2067gpj.exe",
}
# What a refusal must not repeat: whoever reads a log or a screen has no business with it.
PRIVATE = ("evil.example", "gpj.exe", "cliente.example", "Ana", "Bea", "Jefe", "\\u0000", "\\u001b")
# Texts of many lines: they stand in no header, and a line from right to left is a text like any other.
BODIES = {
    "message.text",
    "message.html",
    "message.invitation.description",
    "templated.invitation.description",
    "templated.values.*",  # a subject that shows them is flattened: see below
}
# Taken in and cleaned: the name comes from a file, not from a person's hand.
CLEANED = {"message.attachments[].name", "templated.attachments[].name"}
# The words name it, but no field: there is no such company, no such contact.
MISSING = {"company_id", "contact"}
# Where a file lies in S3; written into no mail, and this deployment refuses it whole.
STORED = {
    f"{kind}.attachments[].stored.{name}"
    for kind in ("message", "templated")
    for name in ("key", "version_id", "sha256")
}
ENVELOPE: dict[str, Any] = {
    "to": [{"address": "ana@cliente.example", "name": "Ana López"}],
    "cc": [{"address": "bea@cliente.example", "name": "Bea"}],
    "bcc": [{"address": "jefe@luna.example", "name": "Jefe"}],
    "reply_to": {"address": "citas@luna.example", "name": "Citas"},
    "headers": {"References": "<1@luna.example>"},
    "tags": ["cita"],
    "attachments": [
        {"name": "logo.png", "content_type": "image/png", "content": "aG9sYQ==", "content_id": "logo"}
    ],
    "invitation": {**invitation().model_dump(mode="json"), "sent_by": "citas@luna.example"},
}
VALUES: dict[str, Any] = {
    "company": {"name": "Luna"},
    "appointment": {"service": "Corte", "date": "martes", "time": "10:00", "zone": "Madrid"},
}
EXAMPLES: dict[str, dict[str, Any]] = {
    "message": {**ENVELOPE, "subject": "Hola", "text": "Hola", "html": "<p>Hola</p>"},
    "templated": {**ENVELOPE, "template": "appointment_confirmed", "language": "es", "values": VALUES},
}
Step = str | int
Place = tuple[Step, ...]


def wish(kind: str) -> dict[str, Any]:
    """A whole request with every field that there is, as JSON would bring it."""
    whole = {
        "company_id": "luna",
        "kind": "transactional",
        kind: EXAMPLES[kind],
        "contact": "1-7",
        "expires_at": "2026-11-26T09:00:00Z",
    }
    copy: dict[str, Any] = json.loads(json.dumps(whole))
    return copy


def places(data: object, place: Place = ()) -> Iterator[Place]:
    """Where a request holds texts; the name of a key stands there as ``{name}``."""
    if isinstance(data, dict):
        for name, value in data.items():
            if place[-1:] == ("headers",):
                yield (*place, f"{{{name}}}")
            yield from places(value, (*place, name))
    elif isinstance(data, list):
        for number, value in enumerate(data):
            yield from places(value, (*place, number))
    elif isinstance(data, str):
        yield place


def shape(place: Place) -> str:
    """A place without the names and numbers that differ from request to request."""
    path = "".join("[]" if isinstance(step, int) else f".{step}" for step in place).lstrip(".")
    path = re.sub(r"(headers)\.\{.*", r"\1.{}", path)
    return re.sub(r"(headers|values)\.(?!\{\}).*", r"\1.*", path)


def texts_of(annotation: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - a type
    """Where a type holds texts; whatever is no number counts as one."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from texts_of(inner[0], path)
    elif origin in {Union, types.UnionType}:
        for one in inner:
            yield from texts_of(one, path)
    elif origin is list:
        yield from texts_of(inner[0], f"{path}[]")
    elif origin is dict:
        # Keys of a mapping that holds anything are no header's.
        yield from [] if inner[1] is Any else [f"{path}.{{}}"]
        yield from texts_of(inner[1], f"{path}.*")
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            yield from texts_of(field.annotation, f"{path}.{name}".lstrip("."))
    elif annotation not in {int, float, bool, type(None)}:
        yield path


def broken(kind: str, place: Place, bad: str) -> dict[str, Any]:
    """The request with something hostile in the middle of one of its texts."""
    whole = wish(kind)
    target: Any = whole
    for step in place[:-1]:
        target = target[step]
    last = place[-1]
    if isinstance(last, str) and last.startswith("{"):
        name = last.strip("{}")
        target[name[:3] + bad + name[3:]] = target.pop(name)
    else:
        target[last] = target[last][:3] + bad + target[last][3:]
    return whole


CASES = [(kind, place) for kind in EXAMPLES for place in places(wish(kind))]


def named(place: Place) -> str:
    """A place as a problem names it; a key of the caller's own making is not repeated."""
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).lstrip(".")
    return re.sub(r"\.\{.*", ".…", path)


class Door:
    """The API over HTTP, with a company that sends e-mails."""

    def __init__(self, api: Api, url: str, dynamodb: DynamoDBClient) -> None:
        self.api = api
        self._dynamodb = dynamodb
        self._url = url
        self._key = api.company("luna", email=MAIL)
        self._session = requests.Session()
        self._session.trust_env = False
        self.kept_before = 0

    def __call__(self, body: object, *, method: str = "POST", path: str = "/api/emails") -> requests.Response:
        """One request; a text is sent as it is."""
        self.api.clock.advance(1)  # a key may ask so often a minute
        self.kept_before = self.kept()
        raw = body if isinstance(body, str) else json.dumps(body)
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        return self._session.request(method, self._url + path, data=raw.encode(), headers=headers)

    def close(self) -> None:
        """Hang up."""
        self._session.close()

    def kept(self) -> int:
        """How much there is: what was stored and what was queued."""
        stored: int = self._dynamodb.describe_table(TableName="emails")["Table"]["ItemCount"]
        return len(self.api.queued) + stored


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    """Open for all tests: a refusal leaves nothing behind."""
    with mock_aws():
        dynamodb = boto3.client("dynamodb", region_name="eu-west-1")
        api = Api(dynamodb, boto3.client("kms", region_name="eu-west-1"))
        with ApiServer(api) as server:
            opened = Door(api, server.url, dynamodb)
            yield opened
            opened.close()


def refused(door: Door, answer: requests.Response, status: int = 422) -> list[str]:
    """The fields that a problem names, after everything that holds for each of them."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["detail"]
    assert len(answer.text) < 4_000
    assert [word for word in PRIVATE if word in answer.text] == []
    assert door.kept() == door.kept_before
    return [one["field"] for one in problem.get("fields", [])]


def test_the_examples_hold_every_text_that_a_request_can_have() -> None:
    """A new field is in none of them, and fails this until it is swept as well."""
    assert set(texts_of(EmailRequest, "")) - {"templated.values.*"} - STORED == {
        shape(place) for _, place in CASES
    } - {"templated.values.*"}


@pytest.mark.parametrize("kind", EXAMPLES)
def test_without_anything_hostile_they_are_taken(door: Door, kind: str) -> None:
    """Otherwise refusals would prove nothing."""
    assert door(wish(kind)).status_code == 202


@pytest.mark.parametrize(("kind", "place"), CASES, ids=[f"{named(place)}-{kind}" for kind, place in CASES])
def test_no_text_can_begin_a_header_or_deceive(
    door: Door, kind: str, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    """Refused with words that name it, and that repeat nothing; nothing is kept, queued or logged of it."""
    where = shape(place)
    for name, bad in BREAKS.items():
        answer = door(broken(kind, place, bad))
        if where in CLEANED or (where in BODIES and name not in {"NUL", "ESC", "NEL"}):
            assert answer.status_code == 202
            continue
        if where in MISSING:
            assert refused(door, answer, 404) == []
            assert where.partition("_")[0] in answer.json()["detail"]
            continue
        assert refused(door, answer) == [named(place)], name
    assert "evil" not in capsys.readouterr().out


@pytest.mark.parametrize("bad", BREAKS.values(), ids=BREAKS)
def test_a_files_name_is_cleaned(door: Door, bad: str) -> None:
    """It comes from a file, not from a person's hand: what is kept is a name and nothing else."""
    sent = door(broken("message", ("message", "attachments", 0, "name"), bad)).json()
    told = door("", method="GET", path=f"/api/emails/{sent['email_id']}").json()
    [file] = told["content"]["attachments"]
    assert file["name"].isprintable()
    assert "/" not in file["name"]


@pytest.mark.parametrize("bad", BREAKS.values(), ids=BREAKS)
@pytest.mark.parametrize(
    ("part", "name"), [(part, name) for part, values in VALUES.items() for name in values]
)
def test_values_do_not_break_a_subject(door: Door, part: str, name: str, bad: str) -> None:
    """It is one line of what can be seen, whatever they hold."""
    values = {**VALUES, part: {**VALUES[part], name: f"a{bad}b"}}
    texts = {"subject": f"Cita: {{{{ {part}.{name} }}}}", "html": "<p>Hola</p>"}
    templates = {"appointment_confirmed": {"es": texts}}
    assert door(document(templates=templates), method="PUT", path="/api/companies/luna").ok
    asked = {"template": "appointment_confirmed", "language": "es", "values": values}
    shown = door(asked, path="/api/companies/luna/email/preview").json()
    assert shown["subject"].startswith("Cita: a")
    assert shown["subject"].isprintable()


def document(**email: object) -> dict[str, Any]:
    """The company's document with other settings of e-mail."""
    return {**DOCUMENT, "email": {**MAIL, **email}}


PROVIDERS = [
    {"id": "smtp", "vendor": "smtp", "host": "mail.luna.example", "username": "hola"},
    {"id": "mailgun", "vendor": "mailgun", "domain": "mg.luna.example"},
    {"id": "ses", "vendor": "ses", "region": "eu-west-1", "access_key_id": "AKIAIOSFODNN7EXAMPLE"},
]
SETTINGS: dict[str, Any] = {
    "providers": PROVIDERS,
    "from_address": "hola@luna.example",
    "from_name": "Luna",
    "reply_to": "citas@luna.example",
    "rules": {"staff": {"from_name": "Luna", "reply_to": "gente@luna.example", "providers": ["ses"]}},
}


@pytest.mark.parametrize("place", [one for one in places(SETTINGS) if one[-1] != "vendor"], ids=named)
def test_no_setting_of_a_company_can_begin_a_header(door: Door, place: Place) -> None:
    """As whom it writes, and with whom its providers are opened."""
    for bad in BREAKS.values():
        settings: Any = json.loads(json.dumps(SETTINGS))
        target = settings
        for step in place[:-1]:
            target = target[step]
        target[place[-1]] = target[place[-1]][:3] + bad + target[place[-1]][3:]
        answer = door(document(**settings), method="PUT", path="/api/companies/luna")
        assert refused(door, answer) == [f"email.{named(place)}"]


BOMBS = {
    "a loop": "{% for a in range(10**9) %}x{% endfor %}",
    "a product": "{{ 'x' * 10**9 }}",
    "a power": "{{ 10**10**10 }}",
    "Python": "{{ ''.__class__.__mro__ }}",
    "a call": "{{ company.name.format(company) }}",
    "a macro": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "nested": "{% if company.name %}" * 200 + "{% endif %}" * 200,
    "a file": "{% include '/etc/passwd' %}",
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
@pytest.mark.parametrize("part", ["subject", "html", "text"])
def test_a_template_bomb_is_no_companys_words(door: Door, part: str, bomb: str) -> None:
    """Whichever of its texts it stands in."""
    texts = {"subject": "Cita", "html": "<p>Hola</p>", "text": "Hola", part: bomb[:300]}
    templates = {"appointment_confirmed": {"es": texts}}
    answer = door(document(templates=templates), method="PUT", path="/api/companies/luna")
    assert refused(door, answer) == ["email.templates.appointment_confirmed.es"]


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_template_bomb_as_a_value_is_a_text(door: Door, bomb: str) -> None:
    """Values are filled in once."""
    assert door(document(), method="PUT", path="/api/companies/luna").ok
    values = {**VALUES, "customer": {"name": bomb[:2000]}}
    asked = {"template": "appointment_confirmed", "language": "es", "values": values}
    assert bomb[:40] in door(asked, path="/api/companies/luna/email/preview").json()["text"]


PEOPLE = [f"a{number}@cliente.example" for number in range(10_000)]
THIRTY_MB = base64.b64encode(bytes(30 * 1024 * 1024)).decode()
FILE = {"name": "a.bin", "content_type": "application/octet-stream", "content": "aG9sYQ=="}


@pytest.mark.parametrize(
    ("fields", "status", "field"),
    [
        ({"to": PEOPLE}, 422, "message.to"),
        ({"cc": PEOPLE}, 422, "message.cc"),
        ({"bcc": PEOPLE}, 422, "message.bcc"),
        ({"to": ["ana@cliente.example"] * 2}, 422, "message"),
        ({"bcc": ["ANA@cliente.example"]}, 422, "message"),
        ({"tags": ["a"] * 10_000}, 422, "message.tags"),
        ({"attachments": [FILE] * 10_000}, 422, "message.attachments"),
        ({"attachments": [{**FILE, "content": "%%%"}]}, 422, "message.attachments[0].content"),
        ({"attachments": [{**FILE, "content": "aG9sYQ"}]}, 422, "message.attachments[0].content"),
        ({"attachments": [{**FILE, "content": THIRTY_MB}]}, 413, ""),
        ({"text": "x" * 30_000_000}, 413, ""),
        ({"headers": {f"X-{number}": "a" for number in range(10_000)}}, 422, "message.headers.X-0"),
        ({"headers": {"X" * 100_000: "a"}}, 422, "message.headers.…"),
        ({"from": "jefe@banco.example"}, 422, "message.from"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else None,
)
def test_too_much_or_twice(door: Door, fields: dict[str, Any], status: int, field: str) -> None:
    """Said at once, in few words."""
    whole = wish("message")
    whole["message"] |= fields
    answer = door(whole)
    problem = answer.json()
    named_ = [one["field"] for one in problem.get("fields", [])]
    assert (answer.status_code, named_[:1]) == (status, [field] if field else [])
    assert "bytes" in problem["detail"] or status != 413
    assert door.kept() == door.kept_before


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        ('{"message": ' + "[" * 100_000 + "]" * 100_000 + "}", 400),
        ('{"templated": ' + '{"values": ' * 300 + "1" + "}" * 301, 422),
        ('{"message": {"subject": NaN}}', 400),
        ('{"message": {"subject": "a\\ud800b"}}', 422),
        ("[]", 422),
        ("null", 422),
        ("", 400),
    ],
    ids=["deep", "nested values", "NaN", "half a character", "a list", "null", "nothing"],
)
def test_what_is_no_request(door: Door, raw: str, status: int) -> None:
    """Told so, however it is broken."""
    refused(door, door(raw), status)
