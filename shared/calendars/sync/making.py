"""Puts the looks at calendars together from settings and AWS clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.calendars.calendly_webhooks import CalendlyWebhooks
from shared.calendars.making import make_calendars
from shared.calendars.providers.making import make_calendar_providers
from shared.calendars.sync.cache import Cache
from shared.calendars.sync.channels import Channels, reachable
from shared.calendars.sync.pushes import Pushes
from shared.calendars.sync.reading import Reader
from shared.calendars.sync.rounds import SyncRounds
from shared.calendars.sync.syncing import Syncing
from shared.companies.errands import ErrandQueue
from shared.companies.store import CompanyStore
from shared.credentials.making import make_credentials
from shared.platform import aws
from shared.platform.clock import SystemClock
from shared.platform.tables import Table

if TYPE_CHECKING:
    from shared.calendars.telling import Teller
    from shared.platform.settings import Environment

_NOWHERE = "-"


def make_sync_rounds(environment: Environment, teller: Teller | None = None) -> SyncRounds:
    """The work of ``calendar_sync``.

    Args:
        environment: the settings.
        teller: tells customers what staff did to their appointments.

    Raises:
        SettingError: a setting is missing or wrong.
    """
    clock, table = SystemClock(), _calendars_table(environment)
    providers = make_calendar_providers(environment)
    cache, calendars = Cache(table), make_calendars(table, providers, clock, teller=teller)
    syncing = Syncing(
        cache=cache,
        reader=Reader(clock),
        channels=Channels(table, clock, _public_url(environment)),
        providers=providers,
        reconciling=calendars.reconciling,
        appointments=calendars.appointments,
        told=CalendlyWebhooks(make_credentials(environment), table, clock),
        clock=clock,
    )
    companies = CompanyStore(Table(aws.dynamodb(), environment.text("FRONTDESK_COMPANIES_TABLE")), clock)
    return SyncRounds(companies, cache, syncing, _queue(environment), clock)


def make_pushes(environment: Environment) -> Pushes:
    """What takes vendors' notifications.

    Raises:
        SettingError: a setting is missing or wrong.
    """
    return Pushes(_calendars_table(environment), _queue(environment), SystemClock())


def _calendars_table(environment: Environment) -> Table:
    return Table(aws.dynamodb(), environment.text("FRONTDESK_CALENDARS_TABLE"))


def _queue(environment: Environment) -> ErrandQueue:
    return ErrandQueue(aws.sqs(), environment.url("FRONTDESK_SYNC_QUEUE_URL"))


def _public_url(environment: Environment) -> str:
    if environment.text("FRONTDESK_PUBLIC_URL", _NOWHERE) == _NOWHERE:
        return ""
    loopback = environment.flag("FRONTDESK_LOOPBACK_ALLOWED")
    return reachable(environment.url("FRONTDESK_PUBLIC_URL"), loopback=loopback)
