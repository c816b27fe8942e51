"""Looks at calendars on a table in memory: a company, a vendor, a queue."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from shared.calendars.intervals import Interval, merged
from shared.calendars.looking import BusyTimes, LiveBusy
from shared.calendars.sync.cache import Cache, Look
from shared.calendars.sync.cached_busy import CachedBusy
from shared.calendars.sync.channels import Channels
from shared.calendars.sync.pushes import Pushes
from shared.calendars.sync.reading import Reader
from shared.calendars.sync.rounds import SyncRounds
from shared.calendars.sync.syncing import Looked, Syncing
from shared.companies.store import CompanySummary
from shared.platform.clock import Deadline
from shared.platform.errors import NotFound
from shared.platform.queue_records import QueueRecord
from tests.fakes.clock import FakeClock
from tests.fakes.table import MemoryTable
from tests.fakes.telling_calendar import TellingCalendars
from tests.support.bookings import COMPANY, Desk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.calendars.calendly_webhooks import BookingChange
    from shared.calendars.intervals import Span
    from shared.calendars.providers.contract import CalendarProviders
    from shared.calendars.sync.errands import SyncErrand
    from shared.companies.model import Company
    from shared.platform.tables import Table

PUBLIC_URL = "https://desk.example"


@dataclass
class SentErrands:
    """Keeps what is sent."""

    sent: list[SyncErrand] = field(default_factory=list)
    delays: list[int] = field(default_factory=list)
    broken: bool = False

    def send(self, errand: SyncErrand, delay_seconds: int) -> None:
        """See `ErrandQueue`."""
        if self.broken:
            raise ConnectionError
        self.sent.append(errand)
        self.delays.append(delay_seconds)


@dataclass
class ToldBookings:
    """What Calendly told, without its signatures."""

    waiting: list[BookingChange] = field(default_factory=list)

    def changed(self, company_id: str) -> list[BookingChange]:
        """See `CalendlyWebhooks`."""
        return list(self.waiting) if company_id == COMPANY else []

    def looked_at(self, company_id: str, change: BookingChange) -> None:
        """See `CalendlyWebhooks`."""
        assert company_id == COMPANY
        self.waiting.remove(change)


def received(body: str, sqs_id: str = "1") -> QueueRecord:
    """A record as the queue gives it."""
    return QueueRecord(sqs_id, "r", body, 1)


@dataclass
class ListedCompanies:
    """Companies in memory."""

    documents: dict[str, Company]
    counted: bool = True

    def list(self, limit: int, cursor: str | None = None) -> tuple[Sequence[CompanySummary], str | None]:
        """See `CompanyStore`; one a page."""
        del limit
        ids = sorted(one for one in self.documents if one >= (cursor or ""))
        page = [
            CompanySummary(
                one, one, "live", 1, 0, len(self.documents[one].calendars) if self.counted else None
            )
            for one in ids[:1]
        ]
        return page, ids[1] if len(ids) > 1 else None

    def get(self, company_id: str) -> Company:
        """See `CompanyStore`."""
        if company_id not in self.documents:
            raise NotFound("there is no such company")
        return self.documents[company_id]


class SyncWorld:
    """Everything of a deployment with one company.

    Args:
        vendor: its calendars; by default ones that tell what changed.
        providers: finds the vendor; by default itself.
        changes: to the company's document.
        base_url: our public address.
        table: where everything is kept.
    """

    def __init__(
        self,
        vendor: TellingCalendars | None = None,
        providers: CalendarProviders | None = None,
        changes: dict[str, Any] | None = None,
        base_url: str = PUBLIC_URL,
        table: Table | None = None,
    ) -> None:
        self.clock = FakeClock()
        self.table: Table = table or MemoryTable()
        self.vendor = vendor or TellingCalendars()
        self.providers = providers or self.vendor
        self.desk = Desk(self.table, self.vendor, self.clock, changes)
        self.company = self.desk.company
        self.companies = ListedCompanies({COMPANY: self.company})
        self.told = ToldBookings()
        self.cache, self.errands = Cache(self.table), SentErrands()
        self.channels = Channels(self.table, self.clock, base_url)
        self.pushes = Pushes(self.table, self.errands, self.clock)
        self.source = CachedBusy(self.cache, LiveBusy(self.providers, self.clock), self.clock)

    @property
    def syncing(self) -> Syncing:
        """A worker."""
        return Syncing(
            cache=self.cache,
            reader=Reader(self.clock),
            channels=self.channels,
            providers=self.providers,
            reconciling=self.desk.calendars.reconciling,
            appointments=self.desk.calendars.appointments,
            told=self.told,
            clock=self.clock,
        )

    @property
    def rounds(self) -> SyncRounds:
        """The function's work."""
        return SyncRounds(self.companies, self.cache, self.syncing, self.errands, self.clock)

    def sync(self) -> Looked:
        """Look at every calendar."""
        return self.syncing.every(COMPANY, self.company, Deadline(self.clock, 30))

    def round(self) -> list[str]:
        """A whole round; returns what stays in the queue."""
        self.errands.sent.clear()
        self.rounds.send_out()
        return self.take(*self.errands.sent)

    def take(self, *errands: SyncErrand) -> list[str]:
        """Run errands, each in an invocation of its own."""
        staying: list[str] = []
        for errand in errands:
            staying += self.rounds.take_all([received(errand.to_json())], 60)
        return staying

    def look(self, calendar: str = "ana") -> Look:
        """What is known of a calendar."""
        found = self.cache.read(COMPANY, calendar)
        assert found is not None
        return found

    def busy(self, window: Interval, *calendars: str) -> BusyTimes:
        """What is told when free times are looked for."""
        wanted = [one for one in self.company.calendars if one.id in calendars or not calendars]
        return self.source.busy(COMPANY, self.company, wanted, window)

    def taken(self, window: Interval, calendar: str = "ana") -> list[Span]:
        """When a calendar is taken within a window, by what is told when free times are looked for."""
        return clipped(self.busy(window, calendar).calendars[calendar].intervals, window)

    def later(self, **delta: float) -> None:
        """Let time pass."""
        self.clock.advance(timedelta(**delta).total_seconds())


def clipped(intervals: Sequence[Interval], window: Interval) -> list[Span]:
    """Taken time within a window, in few pieces."""
    start, end = window.span
    spans = [(max(one.span[0], start), min(one.span[1], end)) for one in intervals if one.overlaps(window)]
    return merged(spans)


def around(moment: datetime, **delta: float) -> Interval:
    """From a moment on."""
    return Interval(moment, moment + timedelta(**delta))
