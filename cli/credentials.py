"""Credentials at rest: new keys for all of them, and those of an older program taken over."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import boto3
import click

from cli.context import Options, options_of
from cli.deployment import deployment_of
from cli.failures import Refused, aws_errors, our_errors
from shared.companies.audit import Audit
from shared.companies.names import OPERATOR, is_company_id
from shared.credentials.rotation import Rotation
from shared.credentials.vault import Vault
from shared.platform.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.deployment import Deployment
    from shared.credentials.rotation import Outcome, Progress

ACTOR = "command"


@click.group()
def credentials() -> None:
    """Stored tokens and secrets: rotate the keys that seal them, import an older program's."""


@credentials.command(name="rotate")
@click.option("--company", "company_id", default="", help="Only this company's.")
@click.option("--all", "everybody", is_flag=True, help="Every company's.")
@click.option("--new-kms-key", default="", help="ARN of another KMS key; the deployment must use it already.")
@click.option("--no-wait", is_flag=True, help="Do not wait for the table to settle; say when to go on.")
@deployment_of
@options_of
def rotate(
    options: Options,
    *,
    company_id: str,
    everybody: bool,
    new_kms_key: str,
    no_wait: bool,
    deployment: Deployment,
) -> None:
    """Make new data keys and seal everything again under them, with your AWS rights, while work goes on.

    It may be stopped or crash at any moment: the same command goes on where it was. Old keys open until the
    table was scanned twice, 15 minutes apart, and nothing was found under them.

    Example: frontdesk credentials rotate --all --stage prod
    """
    if bool(company_id) == everybody or (company_id and not is_company_id(company_id)):
        raise click.UsageError("Say whose: --company with a company's id, or --all.")
    kms_key = _kms_key(deployment, new_kms_key)
    with aws_errors("the rotation"), our_errors():
        table, clock = deployment.credentials, SystemClock()
        vault = Vault(boto3.client("kms"), table, kms_key, clock)
        outcome = Rotation(table, vault, kms_key, clock).run(company_id, _shown(), wait=not no_wait)
        detail = asdict(outcome) | {"kms_key": kms_key, "company": company_id or "all", "go_on_at": None}
        Audit(deployment.companies, clock).record(OPERATOR, ACTOR, "credentials.rotate", detail)
    _tell(options, outcome)


def _kms_key(deployment: Deployment, new: str) -> str:
    used = deployment.kms_key
    if new and new != used:
        raise Refused(
            f"The deployment uses {used}. Deploy first with -c kms_key_arn={new}, so that its functions can "
            "open what the new key wraps; then run this again."
        )
    return used


def _shown() -> Callable[[Progress], None]:
    """Progress on standard error: every step's beginning and end, and every fiftieth company."""

    def show(progress: Progress) -> None:
        if progress.until is not None:
            click.echo(f"settling until {progress.until.isoformat(timespec='seconds')}", err=True)
        elif progress.done in {1, progress.total} or progress.done % 50 == 0:
            click.echo(
                f"{progress.phase}: {progress.done} of {progress.total} companies, "
                f"{progress.resealed} values sealed again",
                err=True,
            )

    return show


def _tell(options: Options, outcome: Outcome) -> None:
    made = f"{outcome.keys_made} data keys made, {outcome.resealed} values sealed again"
    lines = [f"{made}, {outcome.keys_destroyed} old data keys destroyed."]
    if outcome.finished:
        lines.append("Verified: nothing is sealed under an old key, and no old key is left.")
    elif outcome.go_on_at is not None:
        lines.append(f"Run it again at {outcome.go_on_at.isoformat(timespec='seconds')} or later.")
    go_on_at = outcome.go_on_at.isoformat() if outcome.go_on_at else None
    options.show(asdict(outcome) | {"go_on_at": go_on_at}, lines)
    if outcome.problems:
        told = "\n".join(["Not finished; the keys that these need were kept:", *outcome.problems])
        raise Refused(told)
