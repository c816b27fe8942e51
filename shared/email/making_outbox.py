"""Puts the outbox together from settings and AWS clients; it needs no credentials and no provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.companies.store import CompanyStore
from shared.email.notices import StaffNotices
from shared.email.outbox import Outbox, SqsEmailQueue
from shared.platform import aws
from shared.platform.clock import SystemClock
from shared.platform.tables import Table

if TYPE_CHECKING:
    from shared.platform.settings import Environment


def make_outbox(environment: Environment) -> Outbox:
    """Where e-mails are put to be sent.

    Raises:
        SettingError: a setting is missing or wrong.
    """
    return Outbox(emails_table(environment), make_email_queue(environment), SystemClock())


def make_staff_notices(environment: Environment) -> StaffNotices:
    """E-mails to companies' own people.

    Raises:
        SettingError: a setting is missing or wrong.
    """
    clock = SystemClock()
    companies = CompanyStore(Table(aws.dynamodb(), environment.text("FRONTDESK_COMPANIES_TABLE")), clock)
    return StaffNotices(companies, make_outbox(environment), clock)


def make_email_queue(environment: Environment) -> SqsEmailQueue:
    """The queue of e-mails.

    Raises:
        SettingError: a setting is missing or wrong.
    """
    return SqsEmailQueue(aws.sqs(), environment.url("FRONTDESK_EMAIL_QUEUE_URL"))


def emails_table(environment: Environment) -> Table:
    """The e-mails' table.

    Raises:
        SettingError: a setting is missing or wrong.
    """
    return Table(aws.dynamodb(), environment.text("FRONTDESK_EMAILS_TABLE"))
