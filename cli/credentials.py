"""Credentials at rest: new keys for all of them, and those of an older program taken over."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, TextIO

import boto3
import click

from cli.context import Options, options_of, table
from cli.deployment import deployment_of
from cli.failures import Refused, aws_errors, our_errors
from shared.companies.audit import Audit
from shared.companies.names import DOCUMENT, OPERATOR, company_pk, is_company_id
from shared.credentials.connections import Connections
from shared.credentials.importing import Import, fernet_keys, read_rows
from shared.credentials.rotation import Rotation
from shared.credentials.vault import Vault
from shared.platform.clock import SystemClock
from shared.platform.tables import Key

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.deployment import Deployment
    from shared.credentials.importing import Verdict
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
        stored, clock = deployment.credentials, SystemClock()
        vault = Vault(boto3.client("kms"), stored, kms_key, clock)
        outcome = Rotation(stored, vault, kms_key, clock).run(company_id, _shown(), wait=not no_wait)
        detail = asdict(outcome) | {"kms_key": kms_key, "company": company_id or "all", "go_on_at": None}
        Audit(deployment.companies, clock).record(OPERATOR, ACTOR, "credentials.rotate", detail)
    _tell(options, outcome)


@credentials.command(name="import-fernet")
@click.argument("file", type=click.File(encoding="utf-8-sig"))
@click.option(
    "--key-file", required=True, type=click.File(encoding="utf-8"), help="Fernet keys; - is standard input."
)
@click.option("--map", "pairs", multiple=True, metavar="OLD=NEW", help="A company's id there and here.")
@click.option("--map-file", type=click.File(encoding="utf-8"), help="Such pairs, one a line.")
@click.option("--apply/--dry-run", "applied", help="Store them, or only show what would happen (default).")
@deployment_of
@options_of
def import_fernet(
    options: Options,
    *,
    file: TextIO,
    key_file: TextIO,
    pairs: tuple[str, ...],
    map_file: TextIO | None,
    applied: bool,
    deployment: Deployment,
) -> None:
    """Take over Google and Calendly connections from FILE, an export of the table oauth_credentials.

    Shows what would happen; --apply does it. What stands here is never overwritten. Stop the older program
    first: two programs that refresh the same token end each other's access.

    Example: frontdesk credentials import-fernet export.csv --key-file keys.txt --map 7=sol --stage prod
    """
    ids = _pairs([*pairs, *(map_file.read().splitlines() if map_file else [])])
    with aws_errors("the import"), our_errors():
        rows, keys = read_rows(file), fernet_keys(key_file.read())
        companies, clock = deployment.companies, SystemClock()
        vault = Vault(boto3.client("kms"), deployment.credentials, deployment.kms_key, clock)
        run = Import(
            Connections(deployment.credentials, vault, clock),
            lambda company_id: companies.get(Key(company_pk(company_id), DOCUMENT)) is not None,
            keys,
            ids,
            clock.now(),
        )
        verdicts = run.judge(rows)
        if applied:
            verdicts = run.apply(verdicts)
            _note_imported(Audit(companies, clock), verdicts)
    _tell_verdicts(options, verdicts, applied=applied)


def _pairs(texts: list[str]) -> dict[str, str]:
    ids = {}
    for text in filter(None, map(str.strip, texts)):
        old, mark, new = text.partition("=" if "=" in text else ",")
        if not mark or not old.strip() or not is_company_id(new.strip()):
            raise click.UsageError(f"{text!r} is no pair OLD=NEW with a company's id of here as NEW.")
        ids[old.strip()] = new.strip()
    return ids


def _note_imported(audit: Audit, verdicts: list[Verdict]) -> None:
    for verdict in verdicts:
        if verdict.fate == "imported":
            audit.record(verdict.company_id, ACTOR, "credentials.import", {"provider": verdict.provider})


def _tell_verdicts(options: Options, verdicts: list[Verdict], *, applied: bool) -> None:
    rows = [verdict.as_dict() for verdict in verdicts]
    lines = table(rows, "line", "company_id", "provider", "fate", "note")
    if not applied:
        lines.append("Nothing was changed: this was a dry run. --apply stores the rows marked import.")
    options.show({"applied": applied, "rows": rows}, lines)
    failed = sum(verdict.fate == "failed" for verdict in verdicts)
    if failed:
        raise Refused(f"{failed} of {len(verdicts)} rows could not be read or stored.")


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
