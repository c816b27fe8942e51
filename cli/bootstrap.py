"""The first API key of a deployment: made in the table itself, because nobody may ask the API yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import click

from cli.context import Options, options_of
from cli.deployment import stack_output
from cli.failures import Refused, aws_errors
from infra import names
from shared.companies.api_keys import ApiKeys
from shared.companies.audit import Audit
from shared.companies.names import OPERATOR
from shared.platform.clock import SystemClock
from shared.platform.errors import InvalidInput
from shared.platform.tables import Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def create_operator_key(dynamodb_client: DynamoDBClient, table_name: str, name: str) -> str:
    """Make an API key of the operator that may do everything.

    Args:
        dynamodb_client: with the rights of whoever deploys.
        table_name: the companies table.
        name: what the key is called in lists.

    Returns:
        The key's text, which is stored nowhere.

    Raises:
        InvalidInput: the name is empty or too long, or there are too many keys.
    """
    table, clock = Table(dynamodb_client, table_name), SystemClock()
    key, text = ApiKeys(table, clock).create(OPERATOR, name, ["admin"])
    Audit(table, clock).record(OPERATOR, "bootstrap", "api_key.create", {"key_id": key.key_id, "name": name})
    return text.reveal()


@click.command()
@click.option("--name", default="bootstrap", show_default=True, help="What the key is called in lists.")
@click.option("--stage", envvar="FRONTDESK_STAGE", help="The deployment's stage, such as dev or prod.")
@click.option("--stack", help="The CloudFormation stack to find the table in.")
@click.option("--companies-table", envvar="FRONTDESK_COMPANIES_TABLE", help="The table itself.")
@options_of
def bootstrap(
    options: Options, name: str, stage: str | None, stack: str | None, companies_table: str | None
) -> None:
    """Make the operator's first API key, with your AWS rights, and print it once.

    Example: frontdesk bootstrap --stage dev
    """
    table_name = _table_name(stage, stack, companies_table)
    try:
        with aws_errors(f"a key in the table {table_name}"):
            text = create_operator_key(boto3.client("dynamodb"), table_name, name)
    except InvalidInput as error:
        raise Refused(str(error)) from None
    options.show({"api_key": text, "name": name}, [text])
    if not options.as_json:
        click.echo("Keep this key now: it is shown this once.", err=True)


def _table_name(stage: str | None, stack: str | None, companies_table: str | None) -> str:
    if companies_table:
        return companies_table
    if stack:
        return stack_output(stack, names.Outputs.COMPANIES_TABLE)
    if stage:
        return names.table(stage, names.COMPANIES)
    raise click.UsageError("Say which deployment: --stage, --stack or --companies-table.")
