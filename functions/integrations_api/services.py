"""What routes work with, made once from the environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from functions.integrations_api.email_services import Bucket, EmailServices, make_email_services
from shared.calendars.calendly_webhooks import CalendlyWebhooks
from shared.calendars.customer_shelf import AppointmentShelf
from shared.calendars.providers.making import make_calendar_providers
from shared.calendars.sync.cache import Cache
from shared.calendars.sync.making import make_pushes
from shared.companies.api_keys import ApiKeys, Caller
from shared.companies.audit import Audit
from shared.companies.customers import Customers
from shared.companies.idempotency import Repeat
from shared.companies.pulse import Pulse
from shared.companies.store import CompanyStore
from shared.conversations.customer_shelf import CustomerShelf
from shared.conversations.doctor import Doctor
from shared.conversations.making import make_appointments, make_desk, make_replayer
from shared.conversations.making_chatwoot import make_credentials
from shared.conversations.reader import Reader
from shared.conversations.sandbox import Sandbox
from shared.credentials.clients import OAuthClients
from shared.credentials.connections import Connections
from shared.credentials.vault import Vault
from shared.email.customer_shelf import EmailShelf
from shared.email.making_outbox import emails_table, make_email_queue
from shared.integrations.calendar_health import CalendarHealth
from shared.integrations.chatwoot import ChatwootIntegration
from shared.integrations.check import HealthCheck
from shared.integrations.email_health import EmailHealth
from shared.integrations.making_oauth import make_oauth
from shared.platform import aws
from shared.platform.addresses import AddressGuard
from shared.platform.clock import SystemClock
from shared.platform.http import HttpClient
from shared.platform.secrets import DeploymentSecrets
from shared.platform.settings import Environment, SettingError
from shared.platform.tables import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.calendars.making import Calendars
    from shared.calendars.providers.registry import VendorProviders
    from shared.calendars.sync.pushes import Pushes
    from shared.companies.customers import Shelf
    from shared.conversations.replaying import Replayer
    from shared.credentials.store import Credentials
    from shared.integrations.making_oauth import OAuth
    from shared.integrations.oauth_accounts import OAuthAccounts
    from shared.integrations.oauth_flow import OAuthFlow
    from shared.platform.clock import Clock
    from shared.platform.secret import Secret

BODY_LIMIT_BYTES = 1024 * 1024
_SMALLEST_LIMIT, _LARGEST_LIMIT = 1024, 10 * 1024 * 1024
_NOBODY = Caller("", frozenset())


@dataclass(frozen=True)
class Services:
    """Everything behind the API.

    Args:
        companies: documents, connections, claims.
        api_keys: who may call.
        audit: what was done.
        credentials: tokens and secrets.
        chatwoot: connects companies with Chatwoot.
        health: tells how integrations are.
        doctor: says what is wrong with a delivery.
        reader: shows conversations and dead letters.
        customers: hands out and forgets what is kept of one customer.
        replayer: puts dead letters back.
        oauth_flow: leads people through consent at a provider.
        oauth_accounts: their connections.
        email: everything behind the routes of e-mail.
        calendly_webhooks: receives what Calendly tells of bookings.
        calendars: companies' calendars at their vendors; made when first needed.
        pushes: takes what vendors of calendars tell.
        booking: everything that works on appointments; the same.
        sandbox: makes a turn that sends nothing; made when first needed, because it needs the model.
        repeat: begins a request that may be a repetition.
        stage: the deployment's stage.
        public_url: the API's base address, empty: whatever address it was called at.
        allowed_origins: browser pages that may call.
        body_limit_bytes: larger bodies are refused.
    """

    companies: CompanyStore
    api_keys: ApiKeys
    audit: Audit
    credentials: Credentials
    chatwoot: ChatwootIntegration
    health: HealthCheck
    doctor: Doctor
    reader: Reader
    customers: Customers
    replayer: Replayer
    oauth_flow: OAuthFlow
    oauth_accounts: OAuthAccounts
    email: EmailServices
    calendly_webhooks: CalendlyWebhooks
    calendars: Callable[[], VendorProviders]
    pushes: Callable[[], Pushes]
    booking: Callable[[], Calendars]
    sandbox: Callable[[], Sandbox]
    repeat: Callable[[str, Secret, str], Repeat]
    stage: str = "local"
    public_url: str = ""
    allowed_origins: tuple[str, ...] = ()
    body_limit_bytes: int = BODY_LIMIT_BYTES
    nobody: Caller = field(default=_NOBODY)


def make_services(variables: Mapping[str, str]) -> Services:
    """The services of ``integrations_api``.

    Args:
        variables: the environment.

    Raises:
        SettingError: a setting is missing or wrong.
    """
    environment = Environment(variables)
    clock = SystemClock()
    table = Table(aws.dynamodb(), environment.text("FRONTDESK_COMPANIES_TABLE"))
    credentials = make_credentials(environment)
    guard = AddressGuard(loopback_allowed=environment.flag("FRONTDESK_LOOPBACK_ALLOWED"))
    conversations = Table(aws.dynamodb(), environment.text("FRONTDESK_CONVERSATIONS_TABLE"))
    companies, audit = CompanyStore(table, clock), Audit(table, clock)
    oauth = _oauth(environment, companies, audit, guard)
    chatwoot = ChatwootIntegration(companies, credentials, guard, clock)
    sealed = Table(aws.dynamodb(), environment.text("FRONTDESK_CREDENTIALS_TABLE"))
    emails = emails_table(environment)
    email = make_email_services(
        emails,
        make_email_queue(environment),
        Bucket(aws.s3(), environment.text("FRONTDESK_FILES_BUCKET")),
        companies,
        credentials,
        lambda: HttpClient(guard),
        clock,
    )
    calendars = Table(aws.dynamodb(), environment.text("FRONTDESK_CALENDARS_TABLE"))
    return Services(
        companies=companies,
        api_keys=ApiKeys(table, clock),
        audit=audit,
        credentials=credentials,
        chatwoot=chatwoot,
        health=make_health(
            chatwoot,
            credentials,
            sealed,
            conversations,
            clock,
            EmailHealth(companies, email.secrets, emails, clock),
            CalendarHealth(companies, Cache(calendars), clock),
        ),
        doctor=Doctor(table, credentials, clock),
        reader=Reader(conversations, clock),
        customers=make_customers(
            companies,
            conversations,
            clock,
            EmailShelf(emails, email.aftermath, email.removal),
            AppointmentShelf(calendars),
        ),
        replayer=make_replayer(environment),
        oauth_flow=oauth.flow,
        oauth_accounts=oauth.accounts,
        email=email,
        pushes=lambda: make_pushes(environment),
        calendly_webhooks=CalendlyWebhooks(credentials, calendars, clock),
        calendars=cache(lambda: make_calendar_providers(environment)),
        booking=cache(lambda: make_appointments(environment).calendars),
        sandbox=lambda: Sandbox(make_desk(environment)),
        repeat=lambda owner, bearer, key: Repeat(table, clock, owner, bearer, key),
        **_settings(environment),
    )


def make_customers(companies: CompanyStore, conversations: Table, clock: Clock, *others: Shelf) -> Customers:
    """What is kept of customers: one shelf for each part of the program that keeps something.

    Args:
        companies: say to how many Chatwoot accounts a company was connected.
        conversations: the conversations table.
        clock: for times.
        others: the shelves of other tables.
    """
    return Customers((CustomerShelf(conversations, companies.installations, clock), *others), clock)


def _oauth(environment: Environment, companies: CompanyStore, audit: Audit, guard: AddressGuard) -> OAuth:
    clock = SystemClock()
    table = Table(aws.dynamodb(), environment.text("FRONTDESK_CREDENTIALS_TABLE"))
    vault = Vault(aws.kms(), table, environment.text("FRONTDESK_KMS_KEY_ARN"), clock)
    secrets = DeploymentSecrets(aws.ssm(), environment.text("FRONTDESK_STAGE"))
    clients = OAuthClients(environment, secrets)
    return make_oauth(table, vault, clients, companies, audit, lambda: HttpClient(guard), clock)


def make_health(
    chatwoot: ChatwootIntegration,
    credentials: Credentials,
    sealed: Table,
    conversations: Table,
    clock: Clock,
    email: EmailHealth | None = None,
    calendars: CalendarHealth | None = None,
) -> HealthCheck:
    """How integrations are, by what is stored of them.

    Args:
        chatwoot: tells of the connection with Chatwoot.
        credentials: those that everything else uses, so that asking how KMS does costs nothing.
        sealed: the credentials table.
        conversations: the conversations table.
        clock: for times.
        email: how the providers of e-mail are.
        calendars: how calendars could be read.
    """
    connections = Connections(sealed, credentials.vault, clock)
    pulse = Pulse(conversations, clock)
    return HealthCheck(chatwoot, connections, credentials, pulse, clock, email, calendars)


def _settings(environment: Environment) -> dict[str, Any]:
    return {
        "stage": environment.text("FRONTDESK_STAGE"),
        "public_url": _public_url(environment),
        "allowed_origins": _origins(environment.text("FRONTDESK_ALLOWED_ORIGINS", "-")),
        "body_limit_bytes": environment.integer(
            "FRONTDESK_BODY_LIMIT_BYTES", BODY_LIMIT_BYTES, minimum=_SMALLEST_LIMIT, maximum=_LARGEST_LIMIT
        ),
    }


def _public_url(environment: Environment) -> str:
    return (
        environment.url("FRONTDESK_PUBLIC_URL")
        if environment.text("FRONTDESK_PUBLIC_URL", "-") != "-"
        else ""
    )


def _origins(text: str) -> tuple[str, ...]:
    origins = tuple(origin.strip().rstrip("/") for origin in text.split(",") if origin.strip(" -"))
    for origin in origins:
        if origin == "*" or "://" not in origin:
            raise SettingError(
                f"FRONTDESK_ALLOWED_ORIGINS holds {origin!r}; each must be an origin such as https://app.example"
            )
    return origins
