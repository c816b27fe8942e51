"""Which deployment a command works on with your AWS rights: its tables and its KMS key."""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import boto3
import click

from cli.failures import Refused, aws_errors
from infra import names
from shared.email.file_removal import FileRemoval
from shared.email.files import company_prefix
from shared.platform.tables import Table

if TYPE_CHECKING:
    from collections.abc import Callable

_TABLE_OPTIONS = tuple((f"{name}-table", f"FRONTDESK_{name.upper()}_TABLE") for name in names.TABLES)
_OTHER_OPTIONS = (("kms-key", "FRONTDESK_KMS_KEY_ARN"), ("files-bucket", "FRONTDESK_FILES_BUCKET"))


@dataclass(frozen=True)
class Deployment:
    """A deployment, found through its stack's outputs, except for what is named one by one.

    Args:
        stack: the CloudFormation stack; empty where everything is named.
        given: outputs by name that need not be looked up.
    """

    stack: str
    given: dict[str, str]

    def output(self, name: str) -> str:
        """What the deployment calls a thing.

        Raises:
            click.UsageError: it is not named, and neither is the deployment.
            Refused: the stack does not have it.
        """
        if self.given.get(name):
            return self.given[name]
        if not self.stack:
            raise click.UsageError("Say which deployment: --stage or --stack.")
        return stack_output(self.stack, name)

    def table(self, name: str) -> Table:
        """One of its tables, by our name for it."""
        return Table(boto3.client("dynamodb"), self.output(_output_of(name)))

    @property
    def companies(self) -> Table:
        """The companies table."""
        return self.table(names.COMPANIES)

    @property
    def credentials(self) -> Table:
        """The credentials table."""
        return self.table(names.CREDENTIALS)

    def remove_files(self, company_id: str, count: Callable[[int], None]) -> None:
        """Delete a company's files of e-mails; see `shared.companies.forgetting.Forgetting`."""
        removal = FileRemoval(boto3.client("s3"), self.output(names.Outputs.FILES_BUCKET))
        removal.remove(company_prefix(company_id), count)

    @property
    def kms_key(self) -> str:
        """The ARN of the KMS key that its functions make data keys under."""
        return self.output(names.Outputs.KEY_ARN)


def deployment_of(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that name a deployment, and a `Deployment` as ``deployment``."""

    @wraps(command)
    def with_deployment(
        *words: Any,  # noqa: ANN401 - passed through
        stage: str | None,
        stack: str | None,
        kms_key: str | None,
        files_bucket: str | None,
        **options: Any,  # noqa: ANN401 - passed through
    ) -> None:
        given = {_output_of(name): options.pop(f"{name}_table") or "" for name in names.TABLES}
        given |= {names.Outputs.KEY_ARN: kms_key or "", names.Outputs.FILES_BUCKET: files_bucket or ""}
        deployment = Deployment(stack or (names.stack(stage) if stage else ""), given)
        command(*words, deployment=deployment, **options)

    found = with_deployment
    for option, variable in (*reversed(_TABLE_OPTIONS), *_OTHER_OPTIONS):
        found = click.option(f"--{option}", envvar=variable, help="Instead of the stack's.")(found)
    found = click.option("--stack", help="Its CloudFormation stack, where it is called otherwise.")(found)
    stage_help = "The deployment's stage, such as dev or prod."
    return click.option("--stage", envvar="FRONTDESK_STAGE", help=stage_help)(found)


def _output_of(table: str) -> str:
    """What the stack calls a table."""
    return f"{table.capitalize()}Table"


def stack_output(stack: str, name: str) -> str:
    """An output of a stack.

    Raises:
        Refused: there is no such stack, or it has no such output.
    """
    with aws_errors(f"the outputs of the stack {stack}"):
        found = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    for output in found.get("Outputs", []):
        if output.get("OutputKey") == name:
            return str(output["OutputValue"])
    raise Refused(f"The stack {stack} has no output {name}: is it a stack of Frontdesk's?")
