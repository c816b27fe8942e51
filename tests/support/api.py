"""The HTTP API as its callers see it, on moto: events of API Gateway in, answers out."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn

from functions.integrations_api.email_services import make_email_services
from functions.integrations_api.gateway import make_app
from functions.integrations_api.routes import ROUTES
from functions.integrations_api.services import Services, make_customers, make_health
from shared.calendars.calendly_webhooks import CalendlyWebhooks
from shared.calendars.customer_shelf import AppointmentShelf
from shared.calendars.making import make_calendars
from shared.calendars.providers.contract import Unsupported
from shared.calendars.sync.cache import Cache
from shared.calendars.sync.pushes import Pushes
from shared.companies.api_keys import ApiKeys
from shared.companies.audit import Audit
from shared.companies.idempotency import Repeat
from shared.companies.store import CompanyStore
from shared.conversations.desk import Desk
from shared.conversations.doctor import Doctor
from shared.conversations.reader import Reader
from shared.conversations.replaying import Replayer
from shared.conversations.sandbox import Sandbox
from shared.conversations.settings import TurnSettings
from shared.credentials.clients import OAuthClients
from shared.credentials.store import Credentials
from shared.credentials.vault import Vault
from shared.email.customer_shelf import EmailShelf
from shared.integrations.calendar_health import CalendarHealth
from shared.integrations.chatwoot import ChatwootIntegration
from shared.integrations.email_health import EmailHealth
from shared.integrations.making_oauth import OAuth, make_oauth
from shared.platform.addresses import AddressGuard
from shared.platform.http import HttpClient
from shared.platform.settings import Environment
from tests.fakes.calendar import FakeCalendars
from tests.fakes.clock import FakeClock
from tests.fakes.consents import FakeConsents
from tests.fakes.fifo import FakeFifoQueue
from tests.fakes.mind import FakeMind
from tests.support.atomic import AtomicTable
from tests.support.aws import make_table
from tests.support.buckets import make_bucket
from tests.support.calendar_sync import SentErrands

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

PUBLIC_URL = "https://desk.example.com"
OAUTH_SETTINGS = {
    "FRONTDESK_GOOGLE_CLIENT_ID": "frontdesk.apps.example",
    "FRONTDESK_CALENDLY_CLIENT_ID": "frontdesk-calendly",
    "FRONTDESK_MICROSOFT_CLIENT_ID": "frontdesk-microsoft",
}
DOCUMENT: dict[str, Any] = {"name": "Clínica Sol", "zone": "Europe/Madrid", "language": "es"}


@dataclass(frozen=True)
class Told:
    """What the caller got."""

    status: int
    headers: Mapping[str, str]
    text: str
    cookies: tuple[str, ...] = ()

    @property
    def json(self) -> Any:  # noqa: ANN401 - any JSON
        """The body."""
        return json.loads(self.text)

    @property
    def fields(self) -> list[str]:
        """The wrong fields that a problem names."""
        return [field["field"] for field in self.json.get("fields", [])]


class Api:
    """The API, its services and an operator.

    Args:
        dynamodb: moto's.
        kms: moto's.
        loopback_allowed: whether Chatwoot may stand on the loopback interface.
        oauth_settings: client ids of the providers.
    """

    def __init__(
        self,
        dynamodb: DynamoDBClient,
        kms: KMSClient,
        *,
        loopback_allowed: bool = True,
        oauth_settings: Mapping[str, str] = OAUTH_SETTINGS,
        **changes: object,
    ) -> None:
        self.clock = FakeClock()
        self.table = AtomicTable(make_table(dynamodb, "companies"))
        self.credentials_table = AtomicTable(make_table(dynamodb, "credentials"))
        conversations = self.conversations_table = AtomicTable(make_table(dynamodb, "conversations"))
        key_arn = kms.create_key()["KeyMetadata"]["Arn"]
        self.vault = Vault(kms, self.credentials_table, key_arn, self.clock)
        self.credentials = Credentials(self.vault, self.credentials_table)
        self.companies = CompanyStore(self.table, self.clock)
        self.vendor = FakeCalendars()
        self.api_keys = ApiKeys(self.table, self.clock)
        self.mind = FakeMind()
        guard = AddressGuard(loopback_allowed=loopback_allowed)
        audit = Audit(self.table, self.clock)
        self.provider = FakeConsents(self.clock)
        oauth = self._oauth(audit, oauth_settings)
        desk = Desk(
            table=conversations,
            companies=self.companies,
            chatwoot=_no_chatwoot,
            mind=self.mind.lend,
            clock=self.clock,
            new_id=lambda: "marker",
            settings=TurnSettings(),
        )
        chatwoot = ChatwootIntegration(self.companies, self.credentials, guard, self.clock)
        self.emails_table = AtomicTable(make_table(dynamodb, "emails"))
        self.queued: list[str] = []
        self.calendars_table = AtomicTable(make_table(dynamodb, "calendars"))
        self.looks = SentErrands()
        self.bucket = make_bucket()
        email = make_email_services(
            self.emails_table,
            self,
            self.bucket,
            self.companies,
            self.credentials,
            lambda: HttpClient(guard),
            self.clock,
            sns_address_allowed=lambda url: url.startswith("http://127.0.0.1:"),
        )
        health = EmailHealth(self.companies, email.secrets, self.emails_table, self.clock)
        self.services = Services(
            companies=self.companies,
            api_keys=self.api_keys,
            audit=audit,
            credentials=self.credentials,
            chatwoot=chatwoot,
            health=make_health(
                chatwoot,
                self.credentials,
                self.credentials_table,
                conversations,
                self.clock,
                health,
                CalendarHealth(self.companies, Cache(self.calendars_table), self.clock),
            ),
            doctor=Doctor(self.table, self.credentials, self.clock),
            reader=Reader(conversations, self.clock),
            customers=make_customers(
                self.companies,
                conversations,
                self.clock,
                EmailShelf(self.emails_table, email.aftermath, email.removal),
                AppointmentShelf(self.calendars_table),
            ),
            replayer=Replayer(desk, FakeFifoQueue(self.clock)),  # type: ignore[arg-type]
            oauth_flow=oauth.flow,
            oauth_accounts=oauth.accounts,
            email=email,
            calendly_webhooks=CalendlyWebhooks(self.credentials, self.calendars_table, self.clock),
            calendars=_no_calendars,
            pushes=lambda: Pushes(self.calendars_table, self.looks, self.clock),
            booking=lambda: make_calendars(self.calendars_table, self.vendor, self.clock),
            sandbox=lambda: Sandbox(desk),
            repeat=lambda owner, bearer, key: Repeat(self.table, self.clock, owner, bearer, key),
            public_url=PUBLIC_URL,
        )
        self.services = replace(self.services, **changes)  # type: ignore[arg-type]
        self.app = make_app(self.services, ROUTES)
        self.operator = self.key("operator")

    def send(self, company_id: str, email_id: str, *, delay_seconds: int = 0) -> None:
        """The queue of e-mails: see `shared.email.outbox.EmailQueue`."""
        del company_id, delay_seconds
        self.queued.append(email_id)

    def _oauth(self, audit: Audit, settings: Mapping[str, str]) -> OAuth:
        """Providers of this process: no call leaves it."""
        self.oauth_clients = OAuthClients(Environment(settings), self.provider.secrets)
        return make_oauth(
            self.credentials_table,
            self.vault,
            self.oauth_clients,
            self.companies,
            audit,
            lambda: self.provider,
            self.clock,
        )

    def key(self, owner: str, *scopes: str) -> str:
        """A new API key's text."""
        return self.api_keys.create(owner, "test", scopes or ("admin",))[1].reveal()

    def company(self, company_id: str, **fields: object) -> str:
        """A new company; gives an API key of it."""
        answer = self("PUT", f"/api/companies/{company_id}", {**DOCUMENT, **fields}, key=self.operator)
        assert answer.status == 201, answer.text
        return self.key(company_id)

    def __call__(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        raw: str | None = None,
        encoded: bool = False,
        cookies: tuple[str, ...] | None = None,
        **headers: str,
    ) -> Told:
        """One request.

        Args:
            method: GET, POST …
            path: with the query, as a URL has it.
            body: sent as JSON.
            key: an API key.
            raw: a body sent as it is, instead of ``body``.
            encoded: whether the gateway says that it has put the body into base64.
            cookies: as AWS lists them; the local AWS leaves them in the header ``cookie``.
            headers: more headers, with ``_`` for ``-``.
        """
        path, _, query = path.partition("?")
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        text = raw
        if body is not None:
            text = json.dumps(body)
            sent = {"content-type": "application/json", **sent}
        if key is not None:
            sent["authorization"] = f"Bearer {key}"
        event = _event(method, path, query, text, sent) | {"isBase64Encoded": encoded}
        if cookies is not None:
            event["cookies"] = list(cookies)
        answer = self.app.resolve(event, None)  # type: ignore[arg-type]
        got = {name.lower(): str(value) for name, value in answer["headers"].items()}
        return Told(answer["statusCode"], got, answer.get("body") or "", tuple(answer.get("cookies") or ()))


def _no_calendars() -> NoReturn:
    raise Unsupported("this test has no calendars")


def _no_chatwoot(*_: object) -> Any:  # noqa: ANN401 - never returns
    raise AssertionError("the sandbox must not call Chatwoot")


def _event(method: str, path: str, query: str, body: str | None, headers: dict[str, str]) -> dict[str, Any]:
    """An event of an HTTP API, payload format 2.0."""
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "queryStringParameters": {name: value for name, _, value in pairs} or None,
        "requestContext": {
            "domainName": "abc.execute-api.eu-west-1.amazonaws.com",
            "stage": "$default",
            "http": {"method": method, "path": path, "sourceIp": "203.0.113.9"},
        },
        "body": body,
    }
