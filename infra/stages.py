"""Stages, and the settings of a deployment: read from CDK context (``-c name=value``), refused when wrong."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_MODEL = "gpt-6-luna"
# Lambda, "Configuring maximum concurrency for Amazon SQS event sources": 2 to 1,000.
CONCURRENCY_RANGE = (2, 1000)
# EventBridge Scheduler fires by the minute; companies may limit the search to messages of the last hour.
EVERY_MINUTES_RANGE = (1, 60)
# Tokens are renewed from fifteen minutes before their end.
REFRESH_MINUTES_RANGE = (1, 10)
# Below the twenty minutes for which what is known of a calendar is fresh by default.
SYNC_MINUTES_RANGE = (5, 15)
# Passed on as FRONTDESK_<NAME> to the functions that read it.
TUNABLES = (
    "chatwoot_timeout_seconds",
    "lease_seconds",
    "missed_backlog_seconds",
    "missed_calls",
    "missed_min_age_seconds",
    "model_timeout_seconds",
    "openai_max_output_tokens",
    "openai_reasoning_effort",
    "part_pace_seconds",
    "retry_seconds",
    "transcription_model",
    "turn_seconds",
)


class ContextError(Exception):
    """A context value is wrong. The message names it and says what it must be."""


@dataclass(frozen=True)
class Stage:
    """What differs between the places Frontdesk runs in.

    Args:
        name: ``local``, ``dev`` or ``prod``.
        keeps_data: tables, key and queues survive the deletion of the stack.
        log_days: how long logs are kept, in days (a value CloudWatch Logs knows).
        on_aws: ``False`` for the local AWS, which speaks plain HTTP on loopback, has no CDK bootstrap and
            whose IAM evaluator does not know ``kms:EncryptionContext`` conditions.
        door_reserved_concurrency: default of the setting of the same name.
    """

    name: str
    keeps_data: bool
    log_days: int
    on_aws: bool = True
    door_reserved_concurrency: int = 0


STAGES = {
    "local": Stage("local", keeps_data=False, log_days=1, on_aws=False),
    "dev": Stage("dev", keeps_data=False, log_days=14),
    "prod": Stage("prod", keeps_data=True, log_days=90, door_reserved_concurrency=20),
}


@dataclass(frozen=True)
class Settings:
    """Everything that a deployment may choose. Defaults are documented in docs/how-to/deploy.md.

    Args:
        stage: see `Stage`.
        public_url: base URL of the API as others see it; empty: taken from each request.
        allowed_origins: browser origins that may call the API; none by default, never a wildcard.
        openai_base_url: where the model is.
        openai_api: ``responses`` or ``chat_completions``.
        openai_model: model that answers.
        routing_model: model that chooses the agent; empty: the same.
        turn_concurrency: ``MaximumConcurrency`` of the turns' event source mapping.
        door_reserved_concurrency: 0 for none.
        missed_every_minutes: how often messages are searched for whose webhook was lost.
        google_client_id: this deployment's OAuth client at Google; empty: Google is switched off.
        calendly_client_id: the same at Calendly.
        microsoft_client_id: the same at Microsoft.
        google_base_url: where Google's hosts are; empty: where they really are.
        calendly_base_url: the same for Calendly.
        microsoft_base_url: the same for Microsoft.
        refresh_every_minutes: how often connections are looked for whose tokens are to be renewed.
        mail_base_url: where SendGrid's and Mailgun's hosts are; empty: where they really are.
        ses_base_url: the same for SES.
        email_sweep_every_minutes: how often e-mails are looked for whose message in the queue was lost.
        sync_every_minutes: how often calendars are looked at.
        requests_per_second: API Gateway's steady rate for the whole API; bursts may be twice as large.
        kms_key_arn: a KMS key to make data keys under instead of the stack's own; empty: the stack's.
        alarm_email: address that gets the operator's alarms; empty: none.
        log_level: Powertools' log level.
        local_python: interpreter that runs the functions at stage local.
        tunables: those of `TUNABLES` that are set; the functions check them and know their defaults.
    """

    stage: Stage
    public_url: str = ""
    allowed_origins: tuple[str, ...] = ()
    openai_base_url: str = ""
    openai_api: str = "responses"
    openai_model: str = DEFAULT_MODEL
    routing_model: str = ""
    turn_concurrency: int = 50
    door_reserved_concurrency: int = 0
    missed_every_minutes: int = 2
    google_client_id: str = ""
    calendly_client_id: str = ""
    microsoft_client_id: str = ""
    google_base_url: str = ""
    calendly_base_url: str = ""
    microsoft_base_url: str = ""
    refresh_every_minutes: int = 5
    sync_every_minutes: int = 15
    mail_base_url: str = ""
    ses_base_url: str = ""
    email_sweep_every_minutes: int = 5
    requests_per_second: int = 200
    kms_key_arn: str = ""
    alarm_email: str = ""
    log_level: str = "INFO"
    local_python: str = ""
    tunables: dict[str, str] = field(default_factory=dict)


def read_settings(context: Callable[[str], object]) -> Settings:
    """Settings out of CDK context.

    Args:
        context: gives the value of a name, or ``None``.

    Raises:
        ContextError: a value is wrong.
    """
    reader = _Reader(context)
    stage = STAGES[reader.choice("stage", "dev", tuple(STAGES))]
    return Settings(
        stage=stage,
        public_url=reader.url("public_url"),
        allowed_origins=reader.origins("allowed_origins"),
        openai_base_url=reader.url("openai_base_url"),
        openai_api=reader.choice("openai_api", "responses", ("responses", "chat_completions")),
        openai_model=reader.text("openai_model", DEFAULT_MODEL),
        routing_model=reader.text("routing_model"),
        turn_concurrency=reader.number("turn_concurrency", 50, CONCURRENCY_RANGE),
        door_reserved_concurrency=reader.number(
            "door_reserved_concurrency", stage.door_reserved_concurrency, (0, 1000)
        ),
        missed_every_minutes=reader.number("missed_every_minutes", 2, EVERY_MINUTES_RANGE),
        google_client_id=reader.text("google_client_id"),
        calendly_client_id=reader.text("calendly_client_id"),
        microsoft_client_id=reader.text("microsoft_client_id"),
        google_base_url=reader.url("google_base_url"),
        calendly_base_url=reader.url("calendly_base_url"),
        microsoft_base_url=reader.url("microsoft_base_url"),
        refresh_every_minutes=reader.number("refresh_every_minutes", 5, REFRESH_MINUTES_RANGE),
        sync_every_minutes=reader.number("sync_every_minutes", 15, SYNC_MINUTES_RANGE),
        mail_base_url=reader.url("mail_base_url"),
        ses_base_url=reader.url("ses_base_url"),
        email_sweep_every_minutes=reader.number("email_sweep_every_minutes", 5, EVERY_MINUTES_RANGE),
        requests_per_second=reader.number("requests_per_second", 200, (1, 10_000)),
        kms_key_arn=reader.kms_key("kms_key_arn"),
        alarm_email=reader.email("alarm_email"),
        log_level=reader.choice("log_level", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
        local_python=reader.text("local_python", sys.executable),
        tunables={name: reader.text(name) for name in TUNABLES if reader.text(name)},
    )


class _Reader:
    """Reads single values; every refusal is a sentence that names the value."""

    def __init__(self, context: Callable[[str], object]) -> None:
        self._context = context

    def text(self, name: str, default: str = "") -> str:
        value = self._context(name)
        return str(value).strip() if value not in {None, ""} else default

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        value = self.text(name, default)
        if value not in choices:
            raise ContextError(f"-c {name}={value}: it must be one of {', '.join(choices)}")
        return value

    def number(self, name: str, default: int, allowed: tuple[int, int]) -> int:
        value = self.text(name, str(default))
        low, high = allowed
        if not value.isdecimal() or not low <= int(value) <= high:
            raise ContextError(f"-c {name}={value}: it must be a whole number from {low} to {high}")
        return int(value)

    def url(self, name: str) -> str:
        value = self.text(name).rstrip("/")
        if value and not re.fullmatch(r"https?://[^\s/@]+(/[^\s@]*)?", value):
            raise ContextError(f"-c {name}={value}: it must be a URL such as https://api.example.com")
        return value

    def origins(self, name: str) -> tuple[str, ...]:
        origins = tuple(part.strip() for part in self.text(name).split(",") if part.strip())
        for origin in origins:
            if not re.fullmatch(r"https?://[^\s/@*,]+", origin):
                raise ContextError(
                    f"-c {name}: {origin!r} is no origin; write https://desk.example.com, "
                    "several separated by commas, without path and without wildcard"
                )
        return origins

    def kms_key(self, name: str) -> str:
        value = self.text(name)
        if value and not re.fullmatch(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+", value):
            raise ContextError(f"-c {name}={value}: it must be the ARN of a KMS key, not of an alias")
        return value

    def email(self, name: str) -> str:
        value = self.text(name)
        if value and not re.fullmatch(r"[^@\s]+@[^@\s]+", value):
            raise ContextError(f"-c {name}={value}: it must be an e-mail address")
        return value
