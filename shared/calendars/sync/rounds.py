"""A round, every fifteen minutes: an errand for each company that has calendars; then each company's look.

A company's errand comes at the same moment of each round, so that the time between two of its looks stays the
same, while the companies of a deployment are spread over `SPREAD_SECONDS`. What fails waits for the next
round; what is half done says so in its own items.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from shared.calendars.sync.errands import SyncErrand
from shared.platform.clock import Deadline
from shared.platform.errors import FrontdeskError, NotFound
from shared.platform.observability import bound, count, log, milliseconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.calendars.sync.cache import Cache
    from shared.calendars.sync.syncing import Looked, Syncing
    from shared.companies.model import Company
    from shared.companies.store import CompanySummary
    from shared.platform.clock import Clock
    from shared.platform.queue_records import QueueRecord

SPREAD_SECONDS = 300
# A round's errand that is older was overtaken by the next round.
STALE_SECONDS = 900
LEAST_SECONDS, RESERVE_SECONDS = 10.0, 3.0
# A company whose calendars need longer goes on in an errand of its own, behind those that wait.
COMPANY_SECONDS = 40.0
_PAGE = 100


class Companies(Protocol):
    """Finds companies; see `shared.companies.store.CompanyStore`."""

    def list(self, limit: int, cursor: str | None = None) -> tuple[Sequence[CompanySummary], str | None]:
        """A page of all companies."""
        ...

    def get(self, company_id: str) -> Company:
        """The company's document.

        Raises:
            NotFound: there is no such company.
        """
        ...


class Errands(Protocol):
    """See `shared.companies.errands.ErrandQueue`."""

    def send(self, errand: SyncErrand, delay_seconds: int) -> None:
        """Enqueue it."""
        ...


@dataclass(frozen=True)
class SyncRounds:
    """The work of ``calendar_sync``.

    Args:
        companies: finds companies.
        cache: what is known of calendars.
        syncing: looks at them.
        errands: takes one errand per company.
        clock: time.
    """

    companies: Companies
    cache: Cache
    syncing: Syncing
    errands: Errands
    clock: Clock

    def send_out(self, scheduled_at: str = "") -> int:
        """Begin a round; returns how many companies are looked at.

        Args:
            scheduled_at: when it was due, as ISO 8601; anything else means now.
        """
        run = self._moment(scheduled_at)
        # Who has none any more still has something to be forgotten.
        wanted = {company_id for company_id, _ in self.cache.known()} | self._with_calendars()
        for company_id in sorted(wanted):
            self.errands.send(SyncErrand(company_id, run=run), delay_of(company_id))
        log.info("calendars to look at", companies=len(wanted))
        count("CalendarCompanies", len(wanted))
        return len(wanted)

    def take_all(self, records: Sequence[QueueRecord], remaining_seconds: float) -> list[str]:
        """Run the errands of a batch, one after another.

        Args:
            records: the batch.
            remaining_seconds: how long the invocation may still take.

        Returns:
            The SQS ids of the records that stay in the queue: what nobody can read, and what broke.
        """
        time_left, staying = Deadline(self.clock, remaining_seconds), []
        for record in records:
            try:
                errand = SyncErrand.from_json(record.body)
            except ValueError:
                count("UnreadableRecords")
                log.error("a record cannot be read", sqs_id=record.sqs_id)
                staying.append(record.sqs_id)
                continue
            if not self._survived(errand, time_left):
                staying.append(record.sqs_id)
        return staying

    def _survived(self, errand: SyncErrand, time_left: Deadline) -> bool:
        with bound(company_id=errand.company_id):
            try:
                outcome = self._run(errand, time_left)
            except FrontdeskError as problem:
                log.warning("a company's calendars could not be looked at", reason=problem.reason)
                outcome = "refused"
            except Exception as broken:  # noqa: BLE001 - one company must not harm the others
                log.exception("a look at calendars broke", error=type(broken).__name__)
                count("CalendarSyncsBroken")
                return False
        count("CalendarErrands", outcome=outcome)
        return True

    def _run(self, errand: SyncErrand, time_left: Deadline) -> str:
        if errand.run and self.clock.now().timestamp() - errand.run > STALE_SECONDS:
            return "stale"
        if time_left.remaining_seconds() < LEAST_SECONDS:
            return "no_time" if errand.run else self._again(errand)
        seconds = min(COMPANY_SECONDS, time_left.remaining_seconds() - RESERVE_SECONDS)
        deadline = Deadline(self.clock, seconds)
        try:
            company = self.companies.get(errand.company_id)
        except NotFound:
            self._forget(errand.company_id, self.cache.known_of(errand.company_id), deadline)
            return "gone"
        if errand.calendar_id:
            return self._look_at_one(errand, company, deadline)
        return self._look_at_all(errand, company, deadline)

    def _look_at_all(self, errand: SyncErrand, company: Company, deadline: Deadline) -> str:
        looked = self.syncing.every(errand.company_id, company, deadline)
        for calendar_id in looked.left:
            self.errands.send(SyncErrand(errand.company_id, calendar_id, errand.run), 0)
        own = {calendar.id for calendar in company.calendars}
        gone = [one for one in self.cache.known_of(errand.company_id) if one not in own]
        self._forget(errand.company_id, gone, deadline)
        self._tell_ages(errand.company_id, company)
        return _outcome(looked)

    def _look_at_one(self, errand: SyncErrand, company: Company, deadline: Deadline) -> str:
        wanted = [one for one in company.calendars if one.id == errand.calendar_id]
        if not wanted:
            return "no_calendar"
        return _outcome(self.syncing.some(errand.company_id, company, wanted, deadline))

    def _again(self, errand: SyncErrand) -> str:
        self.errands.send(errand, 0)
        return "again"

    def _forget(self, company_id: str, calendars: Sequence[str], deadline: Deadline) -> None:
        for calendar_id in calendars:
            if not deadline.passed():
                self.syncing.forget(company_id, calendar_id, deadline)

    def _tell_ages(self, company_id: str, company: Company) -> None:
        """How old what is known is, for the metric and its alarm."""
        now = self.clock.now()
        for calendar in company.calendars:
            known = self.cache.condition(company_id, calendar.id)
            if known is None or known.synced_at is None:
                continue
            age = now - known.synced_at
            milliseconds("CalendarAge", age.total_seconds() * 1000)
            if age.total_seconds() > OLD_SECONDS:
                count("CalendarsOld")
                log.warning("a calendar was not read for an hour", calendar=calendar.id, reason=known.reason)

    def _with_calendars(self) -> set[str]:
        found: set[str] = set()
        cursor: str | None = None
        while True:
            page, cursor = self.companies.list(_PAGE, cursor)
            # Entries that were written before calendars were counted say nothing of them.
            found |= {one.company_id for one in page if one.calendars != 0}
            if cursor is None:
                return found

    def _moment(self, scheduled_at: str) -> int:
        try:
            return int(datetime.fromisoformat(scheduled_at).timestamp())
        except ValueError:
            return int(self.clock.now().timestamp())


# Four rounds in a row did not read it.
OLD_SECONDS = 3600


def delay_of(company_id: str) -> int:
    """When in a round a company is looked at: the same in each."""
    return int.from_bytes(hashlib.sha256(company_id.encode()).digest()[:4], "big") % SPREAD_SECONDS


def _outcome(looked: Looked) -> str:
    if looked.left:
        return "unfinished"
    if looked.failed:
        return "failed" if not looked.synced else "partly"
    return "done"
