"""The Chatwoot connection of a company."""

from __future__ import annotations

import json
import os
from typing import Any, TextIO
from urllib.parse import urlencode

import click

from cli.client import path_of
from cli.context import Options, hidden, options_of

SECRETS = {
    "api_key": ("Chatwoot user's access token", "FRONTDESK_CHATWOOT_API_KEY"),
    "bot_token": ("Chatwoot agent bot's access token (empty for none)", "FRONTDESK_CHATWOOT_BOT_TOKEN"),
    "webhook_secret": ("secret of the webhook (empty for none)", "FRONTDESK_CHATWOOT_WEBHOOK_SECRET"),
}


@click.group()
def chatwoot() -> None:
    """A company's connection with its Chatwoot account."""


@chatwoot.command(name="connect")
@click.argument("company_id")
@click.option("--base-url", required=True, help="The Chatwoot server, such as https://app.chatwoot.com.")
@click.option("--account-id", required=True, type=int, help="The account's number there.")
@click.option("--register-webhook", is_flag=True, help="Add the webhook in Chatwoot and read its secret.")
@click.option(
    "--signature",
    type=click.Choice(["required", "legacy", "token"]),
    default="required",
    show_default=True,
    help="How deliveries prove themselves.",
)
@click.option(
    "--secrets-from",
    type=click.File(encoding="utf-8"),
    help="JSON with api_key, bot_token, webhook_secret; - reads standard input.",
)
@options_of
def connect(
    options: Options,
    company_id: str,
    base_url: str,
    account_id: int,
    signature: str,
    secrets_from: TextIO | None,
    *,
    register_webhook: bool,
) -> None:
    """Connect COMPANY_ID with a Chatwoot account.

    Tokens are never arguments: they come from --secrets-from, from FRONTDESK_CHATWOOT_API_KEY,
    FRONTDESK_CHATWOOT_BOT_TOKEN and FRONTDESK_CHATWOOT_WEBHOOK_SECRET, or are asked for without being shown.

    Example: frontdesk chatwoot connect clinica-sol --base-url https://app.chatwoot.com --account-id 3
    --register-webhook
    """
    body = {
        "company_id": company_id,
        "base_url": base_url,
        "account_id": account_id,
        "signature": signature,
        "register_webhook": register_webhook,
        **_secrets(secrets_from, with_webhook=not register_webhook and signature != "token"),
    }
    answer = options.client().call("POST", path_of("integrations", "chatwoot", "connect"), body)
    works = [f"  {'yes' if works else 'no '}  {name}" for name, works in answer["capabilities"].items()]
    lines = [f"Connected. Deliveries go to {answer['webhook_url']}", *works]
    options.show(answer, [*lines, *(f"Note: {warning}" for warning in answer["warnings"])])


@chatwoot.command(name="status")
@click.argument("company_id")
@options_of
def status(options: Options, company_id: str) -> None:
    """Tell whether and how COMPANY_ID is connected.

    Example: frontdesk chatwoot status clinica-sol
    """
    query = urlencode({"company_id": company_id})
    answer = options.client().call("GET", f"{path_of('integrations', 'chatwoot', 'status')}?{query}")
    lines = [f"{name}: {_shown(value)}" for name, value in answer.items() if name != "warnings"]
    options.show(answer, [*lines, *(f"Note: {warning}" for warning in answer.get("warnings", []))])


@chatwoot.command(name="disconnect")
@click.argument("company_id")
@options_of
def disconnect(options: Options, company_id: str) -> None:
    """Forget the tokens of COMPANY_ID, free its inboxes and take back the webhook.

    Example: frontdesk chatwoot disconnect clinica-sol
    """
    body = {"company_id": company_id}
    answer = options.client().call("POST", path_of("integrations", "chatwoot", "disconnect"), body)
    options.show(answer, ["Disconnected.", *answer["warnings"]])


def _secrets(file: TextIO | None, *, with_webhook: bool) -> dict[str, str]:
    if file is not None:
        return _from_file(file)
    wanted = [name for name in SECRETS if with_webhook or name != "webhook_secret"]
    given = {name: os.environ.get(SECRETS[name][1], "") for name in wanted}
    if not any(given.values()):
        otherwise = f"{SECRETS['api_key'][1]} or --secrets-from"
        given = {name: hidden(SECRETS[name][0], otherwise, optional=name != "api_key") for name in wanted}
    return {name: text for name, text in given.items() if text}


def _from_file(file: TextIO) -> dict[str, str]:
    try:
        given = json.load(file)
    except ValueError as error:
        raise click.UsageError(f"{file.name} is not JSON: {error}") from None
    if not isinstance(given, dict) or not set(given) <= set(SECRETS):
        raise click.UsageError(f"{file.name} must be an object with some of: {', '.join(SECRETS)}.")
    return given


def _shown(value: Any) -> str:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return ", ".join(f"{name} {'yes' if works else 'no'}" for name, works in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
