"""How a company's integrations are."""

from __future__ import annotations

import click

from cli.client import path_of
from cli.context import Options, options_of, table
from cli.conversations import of_company


@click.command()
@click.argument("company_id")
@options_of
def health(options: Options, company_id: str) -> None:
    """Tell how the integrations of COMPANY_ID are: what is wrong, since when, what mends it.

    Ends with exit code 1 where one is broken.

    Example: frontdesk health clinica-sol
    """
    path = of_company(path_of("integrations", "health"), company_id)
    # Broken is an answer, not a refusal: it is shown like the others.
    answer = options.client().call("GET", path, also=(503,))
    rows = [{"integration": name, **one} for name, one in answer["integrations"].items()]
    lines = table(rows, "integration", "status", "since", "reason", "remedy")
    options.show(answer, [answer["status"], *lines])
    if answer["status"] == "broken":
        raise SystemExit(1)
