"""The vendors of calendars: the only module that knows each of them.

A vendor's module is imported when the first calendar of it is asked for: Google's library alone costs a cold
start 140 ms and more, which a company without a Google calendar does not pay.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from shared.calendars.providers.contract import DEFAULT_TIMEOUT_SECONDS, Unsupported
from shared.platform.clock import Deadline
from shared.platform.http import HttpClient

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.calendars.providers.access import SecretSource, TokenSource
    from shared.calendars.providers.contract import CalendarProvider
    from shared.companies.calendars import CalendarSettings
    from shared.platform.addresses import AddressGuard
    from shared.platform.clock import Clock
    from shared.platform.secret import Secret

    Vendor = Callable[["Surroundings", str, CalendarSettings], CalendarProvider]

MOST_KEPT = 256


@dataclass(frozen=True)
class Surroundings:
    """What vendors work with.

    Args:
        tokens: companies' access tokens.
        secrets: companies' secrets that are no tokens.
        guard: which addresses may be called.
        clock: where time comes from.
        google_url: in place of Google's hosts; empty: its own.
        calendly_url: in place of Calendly's hosts; empty: its own.
    """

    tokens: TokenSource
    secrets: SecretSource
    guard: AddressGuard
    clock: Clock
    google_url: str = ""
    calendly_url: str = ""

    def client(self) -> HttpClient:
        """An HTTP client for one thread."""
        return HttpClient(self.guard)


def _google(around: Surroundings, company_id: str, _: CalendarSettings) -> CalendarProvider:
    from shared.calendars.providers.google import GoogleCalendar  # noqa: PLC0415 - see the module
    from shared.calendars.providers.google_calls import GoogleCalls  # noqa: PLC0415 - see the module

    calls = GoogleCalls(company_id, around.tokens, around.client)
    return GoogleCalendar(calls, around.clock, around.google_url, company_id)


def _calendly(around: Surroundings, company_id: str, _: CalendarSettings) -> CalendarProvider:
    from shared.calendars.providers.calendly import CalendlyCalendar  # noqa: PLC0415 - see the module
    from shared.calendars.providers.calendly_calls import CalendlyCalls  # noqa: PLC0415 - see the module

    calls = CalendlyCalls(company_id, around.tokens, around.client, around.calendly_url)
    return CalendlyCalendar(calls, around.clock)


def _generic(around: Surroundings, company_id: str, _: CalendarSettings) -> CalendarProvider:
    from shared.calendars.providers.generic import GenericCalendar  # noqa: PLC0415 - see the module
    from shared.calendars.providers.generic_calls import GenericCalls  # noqa: PLC0415 - see the module

    calls = GenericCalls(company_id, around.secrets, around.client, around.clock)
    return GenericCalendar(calls, around.clock)


VENDORS: Mapping[str, Vendor] = {
    "google": _google,
    "calendly": _calendly,
    "generic": _generic,
}


class VendorProviders:
    """Finds the provider of a calendar, see `shared.calendars.providers.contract.CalendarProviders`.

    A company's provider is made once and kept, with its open connections, until `MOST_KEPT` others were
    asked for more lately. Safe to use from several threads.

    Args:
        around: what vendors work with.
        vendors: how each vendor's provider is made.
    """

    def __init__(self, around: Surroundings, vendors: Mapping[str, Vendor] = VENDORS) -> None:
        self._around = around
        self._vendors = {name: partial(make, around) for name, make in vendors.items()}
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, ...], CalendarProvider] = OrderedDict()

    def subscribe_to_calendly(self, company_id: str, url: str, key: Secret) -> None:
        """Have Calendly tell an address of ours of a company's bookings.

        Args:
            company_id: whose.
            url: the address.
            key: what Calendly is to sign with.

        Raises:
            GiveUp: not connected, or the plan has no webhooks.
            RetryLater: it did not work now.
        """
        from shared.calendars.providers.calendly_calls import CalendlyCalls  # noqa: PLC0415 - see the module
        from shared.calendars.providers.calendly_subscriptions import subscribe  # noqa: PLC0415 - see the module

        around = self._around
        calls = CalendlyCalls(company_id, around.tokens, around.client, around.calendly_url)
        subscribe(calls, url, key, Deadline(around.clock, DEFAULT_TIMEOUT_SECONDS))

    def of(self, company_id: str, calendar: CalendarSettings) -> CalendarProvider:
        """See `CalendarProviders`; asks nobody, so a missing connection shows at the first call.

        Raises:
            Unsupported: there is no such vendor.
        """
        make = self._vendors.get(calendar.provider)
        if make is None:
            raise Unsupported(f"calendars of {calendar.provider} cannot be used yet")
        key = (company_id, calendar.provider)
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                found = self._kept[key] = make(company_id, calendar)
            self._kept.move_to_end(key)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
            return found
