"""A company's accounts at Google, Calendly and Microsoft."""

from __future__ import annotations

import json
from typing import Any, TextIO
from urllib.parse import urlencode

import click

from cli.client import path_of
from cli.context import Options, options_of

PROVIDERS = click.Choice(["google", "calendly", "microsoft"])


@click.group()
def integration() -> None:
    """A company's accounts at Google, Calendly and Microsoft."""


@integration.command(name="connect")
@click.argument("provider", type=PROVIDERS)
@click.argument("company_id")
@click.option("--return-to", help="Where the browser goes at the end: one of the company's return_urls.")
@click.option(
    "--service-account",
    type=click.File(encoding="utf-8"),
    help="Google: the JSON key of a service account; - reads standard input.",
)
@click.option("--subject", help="Google: the Workspace user whom the service account acts for.")
@click.option(
    "--key-from",
    type=click.File(encoding="utf-8"),
    help="Calendly: a file that holds a personal access token; - reads standard input.",
)
@click.option("--organization-uri", help="Calendly: the organization that the token must belong to.")
@options_of
def connect(
    options: Options,
    provider: str,
    company_id: str,
    *,
    return_to: str | None,
    service_account: TextIO | None,
    subject: str | None,
    key_from: TextIO | None,
    organization_uri: str | None,
) -> None:
    """Connect COMPANY_ID with its account at PROVIDER.

    Prints a link that a person of the company opens within the hour, in the browser where the account is
    signed in. With a service account or a token nobody needs to consent: it is checked and stored.

    Example: frontdesk integration connect google clinica-sol
    """
    body = {
        "company_id": company_id,
        "return_to": return_to,
        "service_account": _json(service_account) if service_account else None,
        "subject": subject,
        "api_key": key_from.read().strip() if key_from else None,
        "organization_uri": organization_uri,
    }
    given = {name: value for name, value in body.items() if value is not None}
    answer = options.client().call("POST", path_of("integrations", provider, "connect"), given)
    if "auth_url" in answer:
        options.show(answer, ["Open this link within the hour; it works once:", answer["auth_url"]])
        return
    notes = [f"Note: {warning}" for warning in answer.get("warnings", [])]
    options.show(answer, [f"Connected: {answer['account_email']}", *notes])


@integration.command(name="status")
@click.argument("provider", type=PROVIDERS)
@click.argument("company_id")
@options_of
def status(options: Options, provider: str, company_id: str) -> None:
    """Tell whether and how COMPANY_ID is connected with PROVIDER.

    Example: frontdesk integration status google clinica-sol
    """
    query = urlencode({"company_id": company_id})
    answer = options.client().call("GET", f"{path_of('integrations', provider, 'status')}?{query}")
    options.show(answer, [f"{name}: {_shown(value)}" for name, value in answer.items()])


@integration.command(name="disconnect")
@click.argument("provider", type=PROVIDERS)
@click.argument("company_id")
@options_of
def disconnect(options: Options, provider: str, company_id: str) -> None:
    """End the grant of COMPANY_ID at PROVIDER, and delete its tokens.

    Example: frontdesk integration disconnect google clinica-sol
    """
    body = {"company_id": company_id}
    answer = options.client().call("POST", path_of("integrations", provider, "disconnect"), body)
    options.show(answer, ["Disconnected.", *answer["warnings"]])


def _json(file: TextIO) -> Any:  # noqa: ANN401 - any JSON; the API says what is wrong with it
    try:
        return json.load(file)
    except ValueError:
        # Its words would quote the file, which holds a private key.
        raise click.UsageError(f"{file.name} is not JSON.") from None


def _shown(value: Any) -> str:  # noqa: ANN401 - any JSON
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(one) for one in value) or "none"
    return json.dumps(value) if isinstance(value, dict) else str(value if value is not None else "none")
