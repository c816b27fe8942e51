"""Puts e-mail together from settings and AWS clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.companies.store import CompanyStore
from shared.credentials.making import make_tokens
from shared.credentials.store import Credentials
from shared.credentials.vault import Vault
from shared.email.breakers import Breakers
from shared.email.delivery import Delivery
from shared.email.files import S3Files
from shared.email.ledger import EmailLedger
from shared.email.making_outbox import emails_table, make_email_queue
from shared.email.outside import CompanyOutside
from shared.email.post_office import PostOffice
from shared.email.providers.registry import Surroundings
from shared.email.suppression import Suppressions
from shared.platform import aws
from shared.platform.addresses import AddressGuard
from shared.platform.clock import SystemClock
from shared.platform.settings import Environment
from shared.platform.tables import Table

if TYPE_CHECKING:
    from collections.abc import Mapping


def make_post_office(variables: Mapping[str, str]) -> PostOffice:
    """The work of ``email_delivery``.

    Args:
        variables: the environment.

    Raises:
        SettingError: a setting is missing or wrong.
    """
    environment, clock = Environment(variables), SystemClock()
    table = emails_table(environment)
    ledger = EmailLedger(table, clock)
    delivery = Delivery(ledger, _outside(environment), Breakers(table, clock), Suppressions(table), clock)
    return PostOffice(delivery, make_email_queue(environment), table, ledger, clock)


def _outside(environment: Environment) -> CompanyOutside:
    clock = SystemClock()
    companies = CompanyStore(Table(aws.dynamodb(), environment.text("FRONTDESK_COMPANIES_TABLE")), clock)
    sealed = Table(aws.dynamodb(), environment.text("FRONTDESK_CREDENTIALS_TABLE"))
    vault = Vault(aws.kms(), sealed, environment.text("FRONTDESK_KMS_KEY_ARN"), clock)
    tokens = make_tokens(environment)
    files = S3Files(aws.s3(), environment.text("FRONTDESK_FILES_BUCKET"))
    around = make_surroundings(environment)
    return CompanyOutside(companies, Credentials(vault, sealed), tokens, around, files)


def make_surroundings(environment: Environment) -> Surroundings:
    """What providers work with.

    Raises:
        SettingError: a setting is missing or wrong.
    """
    base_url = _base(environment, "FRONTDESK_MAIL_BASE_URL")
    ses_url = _base(environment, "FRONTDESK_SES_BASE_URL")
    guard = AddressGuard(loopback_allowed=environment.flag("FRONTDESK_LOOPBACK_ALLOWED"))
    return Surroundings(guard, SystemClock(), base_url, base_url, ses_url)


def _base(environment: Environment, name: str) -> str:
    """An address in place of the vendors' own hosts, empty for those; ``-``, because no setting is empty."""
    return "" if environment.text(name, "-") == "-" else environment.url(name)
