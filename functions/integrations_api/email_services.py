"""What the routes of e-mail work with."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.email.aftermath import Aftermath
from shared.email.breakers import Breakers
from shared.email.callbacks.reception import Reception
from shared.email.callbacks.sns import Certificates, is_sns_address
from shared.email.desk import EmailDesk
from shared.email.file_intake import FileIntake
from shared.email.file_removal import FileRemoval
from shared.email.ledger import EmailLedger
from shared.email.outbox import Outbox
from shared.email.secrets import EmailSecrets
from shared.email.suppression import Suppressions

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client

    from shared.companies.store import CompanyStore
    from shared.credentials.store import Credentials
    from shared.email.outbox import EmailQueue
    from shared.platform.clock import Clock
    from shared.platform.http import HttpClient
    from shared.platform.tables import Table


@dataclass(frozen=True)
class Bucket:
    """Where files of e-mails lie: S3, and the bucket's name."""

    client: S3Client
    name: str


@dataclass(frozen=True)
class EmailServices:
    """Everything behind the routes of e-mail.

    Args:
        outbox: takes e-mails in.
        files: gives out places for files, and pins what lies there.
        removal: removes files.
        desk: shows them.
        aftermath: keeps what providers report.
        suppressions: addresses that are not written to.
        secrets: what providers are opened with.
        reception: takes providers' reports.
        clock: for times.
    """

    outbox: Outbox
    files: FileIntake
    removal: FileRemoval
    desk: EmailDesk
    aftermath: Aftermath
    suppressions: Suppressions
    secrets: EmailSecrets
    reception: Reception
    clock: Clock


def make_email_services(
    table: Table,
    queue: EmailQueue,
    bucket: Bucket,
    companies: CompanyStore,
    credentials: Credentials,
    http: Callable[[], HttpClient],
    clock: Clock,
    *,
    sns_address_allowed: Callable[[str], bool] = is_sns_address,
) -> EmailServices:
    """Put them together.

    Args:
        table: the e-mails' table.
        queue: calls the worker.
        bucket: where files lie.
        companies: documents.
        credentials: the vault's rows.
        http: makes a client for calls to SNS.
        clock: for times.
        sns_address_allowed: which addresses are SNS's; tests on loopback pass their own.
    """
    suppressions = Suppressions(table)
    aftermath = Aftermath(table, suppressions, clock)
    certificates = Certificates(http, sns_address_allowed)
    return EmailServices(
        outbox=Outbox(table, queue, clock),
        files=FileIntake(bucket.client, bucket.name, clock, new_name=lambda: uuid.uuid4().hex),
        removal=FileRemoval(bucket.client, bucket.name),
        desk=EmailDesk(table, EmailLedger(table, clock), aftermath, suppressions, queue, clock),
        aftermath=aftermath,
        suppressions=suppressions,
        secrets=EmailSecrets(companies, credentials, Breakers(table, clock)),
        reception=Reception(companies, credentials, aftermath, certificates, http, clock),
        clock=clock,
    )
