"""The calendars of every vendor, open on their simulators, all with one handle."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import requests

from local.calendly_simulator.app import create_app as create_calendly
from local.generic_calendar_simulator.app import SECRET
from local.generic_calendar_simulator.app import create_app as create_generic
from local.google_simulator.app import create_app as create_google
from local.serving import Server
from shared.calendars.calendar_secrets import PROVIDER, secret_field
from shared.calendars.intervals import Interval
from shared.calendars.providers.contract import Attendee, NewEvent
from shared.calendars.providers.registry import Surroundings, VendorProviders
from shared.companies.calendars import CalendarSettings
from shared.credentials.tokens import AccessToken
from shared.platform.addresses import AddressGuard
from shared.platform.clock import SystemClock
from shared.platform.secret import Secret
from tests.support.simulators import RunningVendor, bearer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.calendars.providers.contract import CalendarProvider

COMPANY = "clinica-sol"
EVENT_ID = "0123456789abcdefghijkv"
MADRID = ZoneInfo("Europe/Madrid")
VENDORS = ("google", "calendly", "generic")
MARTA = Attendee("marta@example.org", "Marta")
_GOOGLE_SCOPES = (
    "openid",
    *(f"https://www.googleapis.com/auth/{one}" for one in ("calendar.freebusy", "calendar.events.owned")),
)
_CALENDLY_SCOPES = (
    "users:read",
    "event_types:read",
    "availability:read",
    "scheduled_events:read",
    "scheduled_events:write",
    "scheduling_links:write",
)


@dataclass
class Tokens:
    """One living token, and the secrets of a company's own calendars."""

    token: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    read: int = 0

    def access_token(self, company_id: str, provider: str) -> AccessToken:
        """See `TokenSource`."""
        assert company_id == COMPANY
        assert provider in VENDORS
        return AccessToken(Secret(self.token), frozenset(), None, 1, self.settings)

    def rejected(self, company_id: str, provider: str, token: AccessToken) -> AccessToken:
        """See `TokenSource`."""
        assert token.secret.reveal() == self.token
        return self.access_token(company_id, provider)

    def get(self, company_id: str, provider: str, name: str) -> Secret | None:
        """See `SecretSource`."""
        assert (company_id, provider) == (COMPANY, PROVIDER)
        self.read += 1
        return Secret(self.secrets[name]) if name in self.secrets else None


class Control:
    """A simulator's own calls.

    Args:
        base_url: where it listens.
    """

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.http = requests.Session()
        self.http.trust_env = False

    def control(self, method: str, what: str, body: object = None) -> Any:  # noqa: ANN401 - any JSON value
        """One of them."""
        answer = self.http.request(method, f"{self.base_url}/simulator/{what}", json=body, timeout=10)
        assert answer.ok, answer.text
        return answer.json()


class Vendor(ABC):
    """A vendor's simulator, a connected company, and what its people do there.

    Args:
        stack: closes what was opened.
    """

    name: str
    # Paths of its calls, for faults.
    busy_path: str
    create_method = "POST"
    create_path: str

    def __init__(self, stack: ExitStack) -> None:
        self.tokens = Tokens()
        self.desk = self.opened(stack)
        around = Surroundings(
            self.tokens,
            self.tokens,
            AddressGuard(loopback_allowed=True),
            SystemClock(),
            google_url=self.desk.base_url,
            calendly_url=self.desk.base_url,
        )
        self.providers = VendorProviders(around)
        self.calendar = self.connected()

    @property
    def provider(self) -> CalendarProvider:
        """As the desk finds it."""
        settings = CalendarSettings.model_validate({"id": "ana", "provider": self.name})
        return self.providers.of(COMPANY, settings)

    def fault(self, method: str, path: str, **fault: Any) -> None:  # noqa: ANN401 - a fault's fields
        """Switch a fault on, and every other off."""
        self.desk.control("PUT", "faults", [{"times": None, "method": method, "path": path, **fault}])

    def works_again(self) -> None:
        """Switch every fault off."""
        self.desk.control("PUT", "faults", [])

    def calls(self, method: str, status: int) -> int:
        """How many calls were answered so."""
        found = self.desk.control("GET", "calls")
        return len([one for one in found if (one["method"], one["status"]) == (method, status)])

    def booking(self, start: datetime, **fields: Any) -> NewEvent:  # noqa: ANN401 - the event's fields
        """An appointment of half an hour."""
        given = {"id": EVENT_ID, "title": "Consulta · Marta", "zone": "Europe/Madrid", **fields}
        private = {"frontdesk_company": COMPANY, "frontdesk_appointment": "a1"}
        return NewEvent(interval=half_hour(start), customer=MARTA, private=private, **given)

    @abstractmethod
    def opened(self, stack: ExitStack) -> Control | RunningVendor:
        """Start the simulator."""

    @abstractmethod
    def connected(self) -> str:
        """Connect the company; returns the calendar's name."""

    @abstractmethod
    def staff_takes(self, start: datetime, end: datetime) -> None:
        """Somebody writes into the calendar by hand."""

    @abstractmethod
    def break_calendar(self) -> str:
        """A calendar that cannot be read; returns its name."""

    @abstractmethod
    def free(self, start: datetime) -> bool:
        """Whether the desk sees this half hour as free."""


class GoogleVendor(Vendor):
    """See `Vendor`."""

    name = "google"
    busy_path, create_path = "/calendar/v3/freeBusy", "/calendar/v3/calendars/*/events"

    def opened(self, stack: ExitStack) -> RunningVendor:
        """See `Vendor`."""
        server = stack.enter_context(Server(create_google()))
        return RunningVendor(server.base_url, "/o/oauth2/v2/auth", "/token")

    def connected(self) -> str:
        """See `Vendor`."""
        assert isinstance(self.desk, RunningVendor)
        self.tokens.token = self.desk.connected(_GOOGLE_SCOPES)["access_token"]
        return "primary"

    def staff_takes(self, start: datetime, end: datetime) -> None:
        """See `Vendor`."""
        times = {"start": {"dateTime": start.isoformat()}, "end": {"dateTime": end.isoformat()}}
        self.desk.control("POST", "calendars/owner@clinic.example/events", times)

    def takes_the_day(self, day: str, after: str) -> None:
        """An all-day event."""
        times = {"start": {"date": day}, "end": {"date": after}}
        self.desk.control("POST", "calendars/owner@clinic.example/events", times)

    def break_calendar(self) -> str:
        """See `Vendor`."""
        self.desk.control("PATCH", "calendars/room2@group.calendar.example", {"broken": "internalError"})
        return "room2@group.calendar.example"

    def free(self, start: datetime) -> bool:
        """See `Vendor`."""
        return _free_by_busy_time(self, start)


class CalendlyVendor(Vendor):
    """See `Vendor`."""

    name = "calendly"
    busy_path, create_path = "/event_type_available_times", "/invitees"

    def opened(self, stack: ExitStack) -> RunningVendor:
        """See `Vendor`."""
        server = stack.enter_context(Server(create_calendly()))
        return RunningVendor(server.base_url, "/oauth/authorize", "/oauth/token")

    def connected(self) -> str:
        """See `Vendor`."""
        assert isinstance(self.desk, RunningVendor)
        account = {"account": "owner@clinic.example", "scopes": _CALENDLY_SCOPES}
        self.tokens.token = self.desk.control("POST", "personal-access-tokens", account)["token"]
        me = self._asked("/users/me")["resource"]
        self.tokens.settings = {"user_uri": me["uri"], "organization_uri": me["current_organization"]}
        found: str = self._asked(f"/event_types?user={me['uri']}")["collection"][0]["uri"]
        return found

    def _asked(self, path: str) -> Any:  # noqa: ANN401 - any JSON value
        assert isinstance(self.desk, RunningVendor)
        return self.desk.send("GET", path, headers=bearer(self.tokens.token)).json()

    def staff_takes(self, start: datetime, end: datetime) -> None:
        """See `Vendor`."""
        times = [[start.isoformat(), end.isoformat()]]
        self.desk.control("PUT", "busy", {"account": "owner@clinic.example", "times": times})

    def break_calendar(self) -> str:
        """See `Vendor`."""
        return "NOSUCHTYPE"

    def free(self, start: datetime) -> bool:
        """See `Vendor`."""
        found = self.provider.free_busy([self.calendar], start, start + timedelta(minutes=30))
        return start in found.offered[self.calendar]


class GenericVendor(Vendor):
    """See `Vendor`."""

    name = "generic"
    busy_path, create_method = "/calendars/*/busy", "PUT"
    create_path = "/calendars/*/events/*"

    def opened(self, stack: ExitStack) -> Control:
        """See `Vendor`."""
        return Control(stack.enter_context(Server(create_generic())).base_url)

    def connected(self) -> str:
        """See `Vendor`."""
        self.tokens.secrets[secret_field(self.desk.base_url)] = SECRET
        return f"{self.desk.base_url}/calendars/ana"

    def staff_takes(self, start: datetime, end: datetime) -> None:
        """See `Vendor`."""
        times = {"start": start.isoformat(), "end": end.isoformat()}
        self.desk.control("PUT", "calendars/ana/events/staffs", times)

    def takes_the_day(self, day: str, after: str) -> None:
        """An all-day event."""
        self.desk.control("PUT", "calendars/ana/events/holiday", {"start": day, "end": after})

    def break_calendar(self) -> str:
        """See `Vendor`."""
        return f"{self.desk.base_url}/calendars/nobodys"

    def free(self, start: datetime) -> bool:
        """See `Vendor`."""
        return _free_by_busy_time(self, start)


KINDS: dict[str, type[Vendor]] = {one.name: one for one in (GoogleVendor, CalendlyVendor, GenericVendor)}


@dataclass
class Opened:
    """A vendor as a context manager.

    Args:
        name: which.
    """

    name: str
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Vendor:
        return KINDS[self.name](self._stack)

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def half_hour(start: datetime) -> Interval:
    """From a moment on."""
    return Interval(start, start + timedelta(minutes=30))


def monday(hour: int = 9, minute: int = 0) -> datetime:
    """The Monday in two weeks, on Madrid's clocks: within Calendly's hours, and in nobody's past."""
    today = datetime.now(MADRID)
    day = today + timedelta(days=14 - today.weekday())
    return day.replace(hour=hour, minute=minute, second=0, microsecond=0)


def _free_by_busy_time(vendor: Vendor, start: datetime) -> bool:
    found = vendor.provider.free_busy([vendor.calendar], start, start + timedelta(minutes=30))
    return not any(one.overlaps(half_hour(start)) for one in found.busy[vendor.calendar])
