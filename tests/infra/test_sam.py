"""The SAM CLI and the synthesized template: valid, every function and route found, every handler fed."""

from __future__ import annotations

import importlib
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from infra import names, sam
from tests.infra.templates import target
from tests.support.aws import make_table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_sqs import SQSClient

    from tests.infra.conftest import Synthesizer
    from tests.infra.templates import StageTemplate


class InvocationContext:
    """What Lambda passes beside the event."""

    aws_request_id = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
    function_name = "frontdesk-dev"

    def get_remaining_time_in_millis(self) -> int:
        """Plenty."""
        return 60_000


@pytest.fixture
def environment_of(
    synthesized: Synthesizer, dynamodb: DynamoDBClient, kms: KMSClient, sqs: SQSClient
) -> Callable[[str], dict[str, str]]:
    """Gives a function's environment from the template, with what it refers to made in moto."""
    template = synthesized("dev")
    made = _made(template, dynamodb, kms, sqs)

    def environment(function: str) -> dict[str, str]:
        variables = template.function(function)["Properties"]["Environment"]["Variables"]
        return {k: v if isinstance(v, str) else made[target(v)] for k, v in variables.items()}

    return environment


def _made(
    template: StageTemplate, dynamodb: DynamoDBClient, kms: KMSClient, sqs: SQSClient
) -> dict[str, str]:
    """What Ref or Fn::GetAtt Arn gives for the resources that environments refer to, by logical id."""
    made = {template.vault_key[0]: kms.create_key()["KeyMetadata"]["Arn"]}
    made |= dict.fromkeys(template.of_type("AWS::S3::Bucket"), "files")
    for name in names.TABLES:
        make_table(dynamodb, names.table("dev", name))
        made[template.table(name)] = names.table("dev", name)
    for name in ("incoming", "dead-letters"):
        queue = sqs.create_queue(QueueName=names.queue("dev", name), Attributes={"FifoQueue": "true"})
        made[template.queue(name)[0]] = queue["QueueUrl"]
    for name in ("token-refresh", "calendar-sync", "emails", "appointment-reminders"):
        queue = sqs.create_queue(QueueName=names.standard_queue("dev", name))
        made[template.standard_queue(name)[0]] = queue["QueueUrl"]
    return made


@pytest.fixture
def invoke(
    environment_of: Callable[[str], dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], dict[str, Any]]:
    """Runs a function's handler, freshly imported, with the event that SAM generates for it."""

    def run(function: str) -> dict[str, Any]:
        for name, value in environment_of(function).items():
            monkeypatch.setenv(name, value)
        module = f"functions.{function}.handler"
        monkeypatch.delitem(sys.modules, module, raising=False)
        handler = importlib.import_module(module).handler
        answer: dict[str, Any] = handler(sam.sample_event(function), InvocationContext())
        json.dumps(answer)  # Lambda could not return it otherwise
        return answer

    return run


def test_sam_validates_the_template_and_finds_every_function_and_route(prod: StageTemplate) -> None:
    """SAM's own linter, function provider and API provider read the template as AWS would."""
    sam.validate(prod.file)
    found = sam.resolve(prod.file)
    expected = {names.function("prod", name): names.handler(name) for name in names.FUNCTIONS}
    assert {f["name"]: f["handler"] for f in found["functions"]} == expected
    assert all(f["code"].endswith(".zip") and f["runtime"] == "python3.13" for f in found["functions"])
    door, api = (names.function("prod", name) for name in (names.CHATWOOT_WEBHOOK, names.INTEGRATIONS_API))
    assert {route["path"]: route["function"] for route in found["routes"]} == {
        "/api/webhook/chatwoot": door,
        "/api/webhook/chatwoot/{company_id}": door,
        "/api/webhook/chatwoot/{company_id}/{token}": door,
        "$default": api,
    }


def test_a_template_that_is_not_valid_is_refused_in_sams_words(tmp_path: Path) -> None:
    """The check is a check: a time-out that Lambda does not know fails it."""
    function = {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Code": {"ZipFile": "pass"},
            "Handler": "index.handler",
            "Role": "arn:aws:iam::123456789012:role/any",
            "Runtime": "python3.13",
            "Timeout": 9000,
        },
    }
    file = tmp_path / "broken.template.json"
    file.write_text(json.dumps({"Resources": {"Broken": function}}))
    with pytest.raises(sam.SamError, match="9000"):
        sam.validate(file)


def test_the_door_answers_sams_event(invoke: Callable[[str], dict[str, Any]]) -> None:
    """A body that proves nothing is refused as problem+json, base64 and all."""
    answer = invoke(names.CHATWOOT_WEBHOOK)
    assert answer["statusCode"] in {400, 401}
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    assert headers["content-type"] == "application/problem+json"


def test_the_api_answers_sams_event(invoke: Callable[[str], dict[str, Any]]) -> None:
    """The health route needs no key."""
    assert invoke(names.INTEGRATIONS_API)["statusCode"] == 200


def test_turns_keep_a_record_they_cannot_read(invoke: Callable[[str], dict[str, Any]]) -> None:
    """Nothing of ours writes such a body: it stays, and ends among the dead letters."""
    event = sam.sample_event(names.CONVERSATION_TURNS)
    failed = [{"itemIdentifier": event["Records"][0]["messageId"]}]
    assert invoke(names.CONVERSATION_TURNS) == {"batchItemFailures": failed}


def test_reminders_keep_a_record_they_cannot_read(invoke: Callable[[str], dict[str, Any]]) -> None:
    """Everything they are made of can be made from the template's environment."""
    event = sam.sample_event(names.APPOINTMENT_REMINDERS)
    failed = [{"itemIdentifier": event["Records"][0]["messageId"]}]
    assert invoke(names.APPOINTMENT_REMINDERS) == {"batchItemFailures": failed}


def test_the_renewal_of_tokens_keeps_a_record_it_cannot_read(
    invoke: Callable[[str], dict[str, Any]],
) -> None:
    """As turns do; everything it is made of can be made from the template's environment."""
    event = sam.sample_event(names.TOKEN_REFRESH)
    failed = [{"itemIdentifier": event["Records"][0]["messageId"]}]
    assert invoke(names.TOKEN_REFRESH) == {"batchItemFailures": failed}


def test_dead_letters_take_a_record_they_cannot_read_out_of_the_way(
    invoke: Callable[[str], dict[str, Any]],
) -> None:
    """It is written down as it is and leaves the queue."""
    assert invoke(names.DEAD_LETTERS) == {"batchItemFailures": []}


def test_without_docker_a_sentence_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`make sam-invoke` on a machine without Docker ends at once and says what is missing."""
    monkeypatch.setenv("PATH", "/nowhere")
    assert sam.main([names.CHATWOOT_WEBHOOK]) == 1
    assert "needs Docker" in capsys.readouterr().err
