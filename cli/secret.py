"""Deployment secrets: written to the Parameter Store, never shown again."""

from __future__ import annotations

import re
import sys

import boto3
import click

from cli.context import Options, hidden, options_of, table
from cli.failures import aws_errors
from infra import names

_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
LARGEST_SECRET = 4_096  # a standard parameter's size in bytes

_stage = click.option(
    "--stage", envvar="FRONTDESK_STAGE", default="dev", show_default=True, help="The deployment's stage."
)


@click.group()
def secret() -> None:
    """Secrets of the deployment, such as the model provider's key."""


@secret.command(name="set")
@click.argument("name")
@_stage
@options_of
def set_secret(options: Options, name: str, stage: str) -> None:
    """Store the secret NAME. Its value is read from standard input, or asked for without being shown.

    Functions see a change within five minutes.

    Example: frontdesk secret set openai_api_key --stage dev < key.txt
    """
    path = _path(stage, name)
    value = hidden(name, "standard input") if sys.stdin.isatty() else sys.stdin.read().strip()
    if not value:
        raise click.UsageError("The secret is empty.")
    if len(value.encode()) > LARGEST_SECRET:
        raise click.UsageError(f"The secret is longer than {LARGEST_SECRET} bytes.")
    with aws_errors(f"storing the secret {name}"):
        boto3.client("ssm").put_parameter(Name=path, Value=value, Type="SecureString", Overwrite=True)
    options.show({"name": name, "parameter": path}, [f"Stored {name} as {path}."])


@secret.command(name="list")
@_stage
@options_of
def list_secrets(options: Options, stage: str) -> None:
    """List the secrets that are stored, without their values.

    Example: frontdesk secret list --stage dev
    """
    prefix = _path(stage, "x").removesuffix("x")
    filters = [{"Key": "Name", "Option": "BeginsWith", "Values": [prefix]}]
    with aws_errors("the list of secrets"):
        pages = boto3.client("ssm").get_paginator("describe_parameters").paginate(ParameterFilters=filters)
        found = [
            {
                "name": one["Name"].removeprefix(prefix),
                "changed_at": one["LastModifiedDate"].isoformat(timespec="seconds"),
            }
            for page in pages
            for one in page["Parameters"]
        ]
    options.show({"secrets": found}, table(found, "name", "changed_at"))


def _path(stage: str, name: str) -> str:
    if not _NAME.fullmatch(name) or not _NAME.fullmatch(stage):
        raise click.BadParameter("Names and stages are made of small letters, digits and underscores.")
    return names.parameter(stage, name)
