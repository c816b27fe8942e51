"""Companies and their documents."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import urlencode

import click

from cli.client import path_of
from cli.context import Options, options_of, table
from cli.deployment import deployment_of
from cli.failures import NotThere, aws_errors, our_errors
from infra import names
from shared.companies.forgetting import Forgetting, Leave
from shared.companies.names import is_company_id
from shared.companies.receipt import receipt_lines
from shared.platform.clock import SystemClock

if TYPE_CHECKING:
    from cli.deployment import Deployment


@click.group()
def company() -> None:
    """Companies: the documents that say how each one's desk behaves."""


@company.command(name="put")
@click.argument("company_id")
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option("--if-version", type=int, help="Write only if this is the version in place.")
@click.option("--new", is_flag=True, help="Write only if there is no such company yet.")
@options_of
def put_company(
    options: Options, company_id: str, file: TextIO, if_version: int | None, *, new: bool
) -> None:
    """Write the document of COMPANY_ID from FILE, JSON; - reads standard input.

    Example: frontdesk company put clinica-sol clinica-sol.json
    """
    headers = {"If-None-Match": "*"} if new else {}
    if if_version is not None:
        headers["If-Match"] = f'"{if_version}"'
    try:
        document = json.load(file)
    except ValueError as error:
        raise click.UsageError(f"{file.name} is not JSON: {error}") from None
    answer = options.client().call("PUT", path_of("companies", company_id), document, headers=headers)
    options.show(answer, [f"{company_id} is at version {answer['version']}."])


@company.command(name="show")
@click.argument("company_id")
@options_of
def show_company(options: Options, company_id: str) -> None:
    """Print the document of COMPANY_ID as it was written; it can be put again, also under another id.

    Example: frontdesk company show clinica-sol > clinica-sol.json
    """
    document = options.client().call("GET", path_of("companies", company_id))
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))


@company.command(name="list")
@options_of
def list_companies(options: Options) -> None:
    """List the companies that your key may see.

    Example: frontdesk company list
    """
    found = every_page(options, path_of("companies"), "companies")
    options.show({"companies": found}, table(found, "company_id", "name", "mode", "version"))


@company.command(name="delete")
@click.argument("company_id")
@click.confirmation_option(prompt="The company, its keys and its credentials will be gone. Go on?")
@options_of
def delete_company(options: Options, company_id: str) -> None:
    """Delete COMPANY_ID with its connection, keys and credentials.

    Example: frontdesk company delete clinica-sol --yes
    """
    answer = options.client().call("DELETE", path_of("companies", company_id))
    options.show(answer, [f"{company_id} is deleted.", *answer["warnings"]])


@company.command(name="forget")
@click.argument("company_id")
@click.option("--no-wait", is_flag=True, help="Do not wait before the second look; run it again later.")
@click.confirmation_option(prompt="Everything of the company will be gone, its customers' too. Go on?")
@deployment_of
@options_of
def forget_company(options: Options, company_id: str, *, no_wait: bool, deployment: Deployment) -> None:
    """Delete COMPANY_ID with everything that tables and files hold of it and its customers; print a receipt.

    Needs your API key as the operator, and your AWS rights. It may be stopped at any moment: the same command
    goes on where it was.

    Example: frontdesk company forget clinica-sol --stage prod
    """
    if not is_company_id(company_id):
        raise click.UsageError("That is no company's id.")
    client = options.client()

    def take_leave() -> Leave:
        try:
            answer = client.call("DELETE", path_of("companies", company_id))
        except NotThere:
            return Leave()  # an earlier run, or `company delete`, did it
        return Leave({"documents": 1, **answer.get("removed", {})}, answer["warnings"])

    # Credentials first: nothing shall open any more, whatever comes after.
    tables = {name: deployment.table(name) for name in sorted(names.TABLES, key=_credentials_first)}
    with aws_errors(f"forgetting {company_id}"), our_errors():
        forgetting = Forgetting(tables, deployment.remove_files, deployment.companies, SystemClock())
        receipt = forgetting.run(company_id, take_leave, "command", _on_the_way, wait=not no_wait)
    told = receipt.as_dict()
    options.show(told, receipt_lines(told))


def _credentials_first(name: str) -> bool:
    return name != names.CREDENTIALS


def _on_the_way(sentence: str) -> None:
    click.echo(sentence, err=True)


@company.command(name="try")
@click.argument("company_id")
@click.argument("message")
@options_of
def try_company(options: Options, company_id: str, message: str) -> None:
    """Show what the desk of COMPANY_ID would say to MESSAGE. Nothing is sent or stored.

    Example: frontdesk company try clinica-sol "¿Cuánto cuesta el botox?"
    """
    answer = options.client().call("POST", path_of("companies", company_id, "try"), {"message": message})
    lines = [*answer["parts"], *(f"[note] {note}" for note in answer["notes"])]
    ending = f"({answer['outcome']}{', ' + answer['reason'] if answer['reason'] else ''})"
    options.show(answer, [*lines, ending])


@company.command(name="audit")
@click.argument("company_id", required=False)
@options_of
def show_audit(options: Options, company_id: str | None) -> None:
    """List who did what to COMPANY_ID, newest first; without it, to every company your key may see.

    "operator" shows the operator's own acts.

    Example: frontdesk company audit clinica-sol
    """
    path = path_of("companies", company_id, "audit") if company_id else path_of("audit")
    found = every_page(options, path, "records")
    options.show({"records": found}, table(found, "at", "owner", "actor", "action", "detail"))


def every_page(options: Options, path: str, name: str) -> list[dict[str, Any]]:
    """All entries of a list, page by page."""
    client, found, cursor = options.client(), [], ""
    while True:
        page = client.call("GET", path + cursor)
        found += page[name]
        if page["next_cursor"] is None:
            return found
        cursor = "?" + urlencode({"cursor": page["next_cursor"]})
