"""One customer's data."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import click

from cli.client import path_of
from cli.context import Options, options_of
from shared.companies.receipt import receipt_lines

if TYPE_CHECKING:
    from cli.client import ApiClient

# A customer with very much of everything; each request goes on where the one before stopped.
_MOST_REQUESTS = 60
_PAUSE_SECONDS = 1.0


@click.group()
def contact() -> None:
    """Hand out or forget the data of a customer: CONTACT is account and contact id, such as 3-481."""


@contact.command(name="export")
@click.argument("company_id")
@click.argument("contact")
@options_of
def export_contact(options: Options, company_id: str, contact: str) -> None:
    """Print everything that is kept of CONTACT of COMPANY_ID, as JSON.

    Example: frontdesk contact export clinica-sol 3-481 > contact.json
    """
    client, path = options.client(), path_of("companies", company_id, "contacts", contact, "export")
    whole = page = client.call("GET", path)
    while page["next_cursor"] is not None:
        page = client.call("GET", f"{path}?{urlencode({'cursor': page['next_cursor']})}")
        for section, entries in page.items():
            if isinstance(entries, list):
                whole[section] += entries
    whole.pop("next_cursor")
    Options(options.api_url, options.api_key, as_json=True).show(whole, [])


@contact.command(name="forget")
@click.argument("company_id")
@click.argument("contact")
@click.confirmation_option(prompt="Everything that Frontdesk keeps of this customer will be gone. Go on?")
@options_of
def forget_contact(options: Options, company_id: str, contact: str) -> None:
    """Remove everything that is kept of CONTACT of COMPANY_ID, and print a receipt.

    Example: frontdesk contact forget clinica-sol 3-481 --yes
    """
    receipt = _forgotten(options.client(), path_of("companies", company_id, "contacts", contact, "forget"))
    options.show(receipt, receipt_lines(receipt))


def _forgotten(client: ApiClient, path: str) -> dict[str, Any]:
    """Asks until nothing is left to do; the receipt counts everything."""
    counts: dict[str, int] = {}
    for _ in range(_MOST_REQUESTS):
        receipt: dict[str, Any] = client.call("POST", path)
        for line in receipt["removed"]:
            counts[line["what"]] = counts.get(line["what"], 0) + line["count"]
        if receipt["complete"]:
            break
        time.sleep(_PAUSE_SECONDS)
    return receipt | {"removed": [{"what": what, "count": number} for what, number in counts.items()]}
