"""House rules of the functions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from infra import names
from tests.infra.templates import StageTemplate, target

if TYPE_CHECKING:
    from tests.infra.conftest import Synthesizer


@pytest.mark.parametrize("name", names.FUNCTIONS)
def test_runs_on_arm_with_tracing_and_a_handler_of_its_name(template: StageTemplate, name: str) -> None:
    """The same runtime everywhere; the handler's path is the function's name."""
    properties = template.function(name)["Properties"]
    assert properties["Architectures"] == ["arm64"]
    assert properties["Runtime"] == "python3.13"
    assert properties["Handler"] == f"functions.{name}.handler.handler"
    assert properties["TracingConfig"] == {"Mode": "Active"}


def test_there_are_no_functions_without_house_rules(template: StageTemplate) -> None:
    """A new function must be named in infra/names.py, where these tests find it."""
    expected = {names.function(template.stage, name) for name in names.FUNCTIONS}
    found = template.of_type("AWS::Lambda::Function").values()
    assert {function["Properties"]["FunctionName"] for function in found} == expected


@pytest.mark.parametrize("name", names.FUNCTIONS)
def test_has_a_log_group_with_retention(template: StageTemplate, name: str) -> None:
    """Logs end; the group has Lambda's own name, so that no unbounded second one appears."""
    group = template.function(name)["Properties"]["LoggingConfig"]["LogGroup"]
    properties = template.body["Resources"][target(group)]["Properties"]
    assert properties["LogGroupName"] == f"/aws/lambda/{names.function(template.stage, name)}"
    assert properties["RetentionInDays"] == template.settings.stage.log_days


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        (names.CHATWOOT_WEBHOOK, 10),
        (names.CONVERSATION_TURNS, 120),
        (names.DEAD_LETTERS, 120),
        (names.MISSED_MESSAGES, 60),
        (names.TOKEN_REFRESH, 60),
        (names.CALENDAR_SYNC, 60),
        (names.EMAIL_DELIVERY, 120),
        (names.APPOINTMENT_REMINDERS, 60),
        (names.INTEGRATIONS_API, 29),
    ],
)
def test_has_the_time_its_caller_grants(template: StageTemplate, name: str, seconds: int) -> None:
    """The API's function ends before API Gateway gives up at 30 s."""
    assert template.function(name)["Properties"]["Timeout"] == seconds


def test_the_door_has_code_of_its_own(template: StageTemplate) -> None:
    """The door's bundle is the light one; the others share the other."""
    keys = {name: str(template.function(name)["Properties"]["Code"]["S3Key"]) for name in names.FUNCTIONS}
    assert keys[names.CHATWOOT_WEBHOOK] not in {
        key for name, key in keys.items() if name != names.CHATWOOT_WEBHOOK
    }
    assert len(set(keys.values())) == 2


@pytest.mark.parametrize("name", names.FUNCTIONS)
def test_waits_for_its_grants(template: StageTemplate, name: str) -> None:
    """A first invocation finds its permissions in place."""
    policies = set(template.of_type("AWS::IAM::Policy"))
    assert policies & set(template.function(name)["DependsOn"])


def test_no_environment_holds_a_secret(template: StageTemplate) -> None:
    """Secrets come from Parameter Store and the vault; an environment is shown in every console."""
    for name in names.FUNCTIONS:
        variables = template.function(name)["Properties"]["Environment"]["Variables"]
        suspicious = [k for k in variables if any(w in k for w in ("SECRET", "TOKEN", "PASSWORD", "API_KEY"))]
        assert suspicious == [], name


# The door and the reminders' rounds speak with AWS alone.
CALLS_NOBODY = {names.CHATWOOT_WEBHOOK, names.APPOINTMENT_REMINDERS}


def test_only_the_local_stage_allows_loopback(template: StageTemplate) -> None:
    """On AWS the guard against request forgery stays closed."""
    for name in names.FUNCTIONS:
        variables = template.function(name)["Properties"]["Environment"]["Variables"]
        loopback = variables.get("FRONTDESK_LOOPBACK_ALLOWED", "false")
        assert loopback == "true" or template.stage != "local" or name in CALLS_NOBODY
        assert loopback == "false" or template.stage == "local"


def test_settings_reach_the_functions_that_read_them(synthesized: Synthesizer) -> None:
    """What the operator writes as context arrives as environment variable."""
    template = synthesized(
        "dev",
        openai_base_url="https://models.example.com/v1/",
        openai_api="chat_completions",
        openai_model="some-model",
        public_url="https://desk.example.com",
        allowed_origins="https://a.example.com, https://b.example.com",
        retry_seconds="1,2",
        transcription_model="whisper-large",
        ses_base_url="https://ses.example.com/",
    )
    turns = template.function(names.CONVERSATION_TURNS)["Properties"]["Environment"]["Variables"]
    assert turns["FRONTDESK_OPENAI_BASE_URL"] == "https://models.example.com/v1"
    assert turns["FRONTDESK_OPENAI_API"] == "chat_completions"
    assert turns["FRONTDESK_OPENAI_MODEL"] == turns["FRONTDESK_ROUTING_MODEL"] == "some-model"
    assert turns["FRONTDESK_RETRY_SECONDS"] == "1,2"
    assert turns["FRONTDESK_TRANSCRIPTION_MODEL"] == "whisper-large"
    api = template.function(names.INTEGRATIONS_API)["Properties"]["Environment"]["Variables"]
    assert api["FRONTDESK_PUBLIC_URL"] == "https://desk.example.com"
    assert api["FRONTDESK_ALLOWED_ORIGINS"] == "https://a.example.com,https://b.example.com"
    mails = template.function(names.EMAIL_DELIVERY)["Properties"]["Environment"]["Variables"]
    assert mails["FRONTDESK_SES_BASE_URL"] == "https://ses.example.com"
    assert mails["FRONTDESK_MAIL_BASE_URL"] == "-"


@pytest.mark.parametrize(
    ("stage", "context", "reserved"),
    [
        ("local", {}, None),
        ("dev", {}, None),
        ("prod", {}, 20),
        ("dev", {"door_reserved_concurrency": "20"}, 20),
        ("prod", {"door_reserved_concurrency": "0"}, None),
    ],
)
def test_the_door_is_reserved_where_it_is_asked_for(
    synthesized: Synthesizer, stage: str, context: dict[str, str], reserved: int | None
) -> None:
    """New accounts have ten concurrent executions in all: a reservation there would fail the deployment."""
    template = synthesized(stage, **context)
    properties = template.function(names.CHATWOOT_WEBHOOK)["Properties"]
    assert properties.get("ReservedConcurrentExecutions") == reserved
    others = set(names.FUNCTIONS) - {names.CHATWOOT_WEBHOOK}
    assert not any("ReservedConcurrentExecutions" in template.function(n)["Properties"] for n in others)


def test_a_planted_secret_appears_nowhere_in_the_template(
    synthesized: Synthesizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever deploys may have the model's key in the shell; the template must not pick it up."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted")
    monkeypatch.setenv("FRONTDESK_OPENAI_API_KEY", "sk-planted")
    template = synthesized("dev", log_level="DEBUG")
    assert "sk-planted" not in json.dumps(template.body)
