"""The look at one company: each calendar by itself, then what calendars and appointments owe each other."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from shared.calendars.providers.contract import PRIVATE_APPOINTMENT, PRIVATE_COMPANY, Event
from shared.companies.calendars import CalendarSettings
from shared.platform.errors import FrontdeskError, GiveUp, InvalidInput, RetryLater
from shared.platform.observability import bound, count, log, milliseconds
from shared.platform.tables import ConditionFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.calendars.appointments import Appointment
    from shared.calendars.calendly_webhooks import BookingChange
    from shared.calendars.providers.contract import CalendarProvider, CalendarProviders
    from shared.calendars.reconciling import Swept
    from shared.calendars.sync.cache import Cache, Look
    from shared.calendars.sync.channels import Channels
    from shared.calendars.sync.reading import Reader, Seen
    from shared.companies.model import Company
    from shared.platform.clock import Clock, Deadline

# One that is overtaken looks again, because the other may have asked before it.
TRIES = 3
# Vendors that list events and tell no changes: how often their events are held against appointments.
COMPARE_EVERY = timedelta(hours=1)
# Appointments further ahead than a document allows (`HorizonDays`) do not exist.
FURTHEST = timedelta(days=401)
LEAST_SECONDS = 5.0
# After one of these no other calendar of the same vendor is asked in this round.
_OF_THE_CONNECTION = {
    "calendar_throttled",
    "not_connected",
    "reconnect_required",
    "insufficient_scopes",
    "token_refresh_failed",
}


class Reconciler(Protocol):
    """See `shared.calendars.reconciling.Reconciling`."""

    def sweep(self, company_id: str, company: Company, deadline: Deadline) -> Swept:
        """Settle what is half done."""
        ...

    def seen(
        self, company_id: str, company: Company, calendar_id: str, event: Event, deadline: Deadline
    ) -> str:
        """Look at one event of ours."""
        ...

    def compare(
        self,
        company_id: str,
        company: Company,
        calendar_id: str,
        start: datetime,
        end: datetime,
        deadline: Deadline,
    ) -> dict[str, int]:
        """Hold a window's events against the appointments."""
        ...


class AppointmentFinder(Protocol):
    """See `shared.calendars.appointment_store.Appointments`."""

    def between(self, company_id: str, start: datetime, end: datetime) -> list[Appointment]:
        """Those that begin in a window."""
        ...


class BookingsTold(Protocol):
    """See `shared.calendars.calendly_webhooks.CalendlyWebhooks`."""

    def changed(self, company_id: str) -> list[BookingChange]:
        """What was told and not yet looked at."""
        ...

    def looked_at(self, company_id: str, change: BookingChange) -> None:
        """Forget a change."""
        ...


@dataclass(frozen=True)
class Looked:
    """How a company's look ended.

    Args:
        synced: calendars that were read.
        failed: those that were not, each with the reason.
        left: those for which no time was left.
    """

    synced: tuple[str, ...]
    failed: dict[str, str]
    left: tuple[str, ...]


@dataclass(frozen=True)
class Syncing:
    """See the module.

    Args:
        cache: what is known of calendars.
        reader: looks at them.
        channels: who tells us of changes.
        providers: finds the vendors.
        reconciling: makes calendars and appointments agree.
        appointments: finds appointments.
        told: what Calendly told of bookings.
        clock: time.
    """

    cache: Cache
    reader: Reader
    channels: Channels
    providers: CalendarProviders
    reconciling: Reconciler
    appointments: AppointmentFinder
    told: BookingsTold
    clock: Clock

    def every(self, company_id: str, company: Company, deadline: Deadline) -> Looked:
        """Look at all calendars of a company, those first that were read longest ago."""
        looked = self.some(company_id, company, self._in_turn(company_id, company), deadline)
        if deadline.remaining_seconds() >= LEAST_SECONDS:
            self._apart("told", lambda: self._follow_told(company_id, company, deadline))
            self._sweep(company_id, company, deadline)
        return looked

    def some(
        self, company_id: str, company: Company, calendars: Sequence[CalendarSettings], deadline: Deadline
    ) -> Looked:
        """Look at some calendars; one that fails keeps what was known of it, and harms no other."""
        synced: list[str] = []
        failed: dict[str, str] = {}
        left: list[str] = []
        given_up: dict[str, str] = {}
        for calendar in calendars:
            if deadline.remaining_seconds() < LEAST_SECONDS:
                left.append(calendar.id)
                continue
            reason = given_up.get(calendar.provider) or self._one(company_id, company, calendar, deadline)
            if not reason:
                synced.append(calendar.id)
                continue
            failed[calendar.id] = reason
            if reason in _OF_THE_CONNECTION:
                given_up[calendar.provider] = reason
            failures = self.cache.failed(company_id, calendar.id, calendar, reason, self.clock.now())
            log.warning(
                "a calendar could not be read", calendar=calendar.id, reason=reason, failures=failures
            )
            count("CalendarSyncsFailed", provider=calendar.provider)
        return Looked(tuple(synced), failed, tuple(left))

    def forget(self, company_id: str, calendar_id: str, deadline: Deadline) -> bool:
        """A calendar is no longer the company's: stop its channels, forget what is known.

        Returns:
            Whether it is done; if not, it is tried again with the next round.
        """
        known = self.cache.read(company_id, calendar_id)
        vendor = self._vendor_of(company_id, known) if known else None
        if not self.channels.stop_all(company_id, calendar_id, vendor, deadline):
            return False
        self.cache.forget(company_id, calendar_id)
        count("CalendarsForgotten")
        return True

    def _vendor_of(self, company_id: str, known: Look) -> CalendarProvider | None:
        settings = CalendarSettings.model_validate(
            {"id": "gone", "provider": known.provider, "calendar": known.calendar}
        )
        with suppress(FrontdeskError):
            return self.providers.of(company_id, settings)
        return None

    def _in_turn(self, company_id: str, company: Company) -> list[CalendarSettings]:
        def read_at(calendar: CalendarSettings) -> float:
            known = self.cache.condition(company_id, calendar.id)
            return known.synced_at.timestamp() if known and known.synced_at else 0.0

        return sorted(company.calendars, key=read_at)

    def _one(self, company_id: str, company: Company, calendar: CalendarSettings, deadline: Deadline) -> str:
        """Look at one calendar; why not, if not."""
        with bound(calendar=calendar.id):
            started = self.clock.monotonic()
            try:
                provider = self.providers.of(company_id, calendar)
                self.channels.begun(company_id, calendar.id)
                seen, before = self._looked(company_id, calendar, provider, deadline)
            except (RetryLater, GiveUp, InvalidInput) as problem:
                return problem.reason
            milliseconds("CalendarSyncDuration", (self.clock.monotonic() - started) * 1000)
            count("CalendarCalls", seen.calls, provider=calendar.provider)
            count("CalendarSyncs", outcome="full" if seen.full else seen.look.way, provider=calendar.provider)
            self._apart("channel", lambda: self.channels.keep(company_id, calendar, provider, deadline))
            if seen.look.unreconciled:
                self._apart(
                    "appointments",
                    lambda: self._reconcile(company_id, company, calendar, seen, before, deadline),
                )
        return ""

    def _looked(
        self, company_id: str, calendar: CalendarSettings, provider: CalendarProvider, deadline: Deadline
    ) -> tuple[Seen, Look | None]:
        """Read, and write down; overtaken by another look, once more."""
        for _ in range(TRIES):
            last, version = self.cache.numbered(company_id, calendar.id)
            known = last if last and last.fits(calendar) else None
            seen = self.reader.look(provider, calendar, known, deadline)
            look = replace(seen.look, unreconciled=self._owes(company_id, provider, seen, known))
            try:
                stored = self.cache.store(company_id, calendar.id, look, after=last, version=version)
            except ConditionFailed:
                continue
            return replace(seen, look=stored), known
        raise RetryLater("other looks at the calendar keep being quicker", reason="overtaken")

    def _owes(self, company_id: str, provider: CalendarProvider, seen: Seen, known: Look | None) -> bool:
        """Whether appointments may have to follow what was seen."""
        if seen.full or (known is not None and known.unreconciled):
            return True
        if seen.look.way == "events":
            return any(_ours(event, company_id) or _nameless(event) for event in seen.events)
        compared = seen.look.compared_at
        due = compared is None or seen.look.synced_at - compared >= COMPARE_EVERY
        return provider.capabilities.lists_events and due

    def _reconcile(
        self,
        company_id: str,
        company: Company,
        calendar: CalendarSettings,
        seen: Seen,
        before: Look | None,
        deadline: Deadline,
    ) -> None:
        look, compared_at = seen.look, None
        if seen.full or look.way == "free_busy" or (before is not None and before.unreconciled):
            compared_at = look.synced_at
            start, end = look.synced_at, look.window.end
            done = self.reconciling.compare(company_id, company, calendar.id, start, end, deadline)
        else:
            done = {}
        for event in self._told(company_id, seen.events):
            what = self.reconciling.seen(company_id, company, calendar.id, event, deadline)
            done[what] = done.get(what, 0) + 1
        _tell(done)
        with suppress(ConditionFailed):
            self.cache.reconciled(company_id, calendar.id, look, compared_at)

    def _told(self, company_id: str, events: Sequence[Event]) -> list[Event]:
        """Our events; of those that were deleted vendors tell no more than the id."""
        ours = [event for event in events if _ours(event, company_id)]
        nameless = [event for event in events if _nameless(event)]
        if not nameless:
            return ours
        owners = self._owners(company_id)
        return ours + [
            replace(event, private=_mark(company_id, owners[event.id][0]))
            for event in nameless
            if event.id in owners
        ]

    def _follow_told(self, company_id: str, company: Company, deadline: Deadline) -> None:
        """What Calendly told. Whose booking it is follows from its id alone: marks in it prove nothing."""
        changes = self.told.changed(company_id)
        owners = self._owners(company_id) if changes else {}
        for change in changes:
            if change.event_id in owners:
                appointment, calendar = owners[change.event_id]
                cancelled = change.state == "cancelled"
                private = _mark(company_id, appointment)
                event = Event(change.event_id, change.interval, cancelled=cancelled, private=private)
                _tell({self.reconciling.seen(company_id, company, calendar, event, deadline): 1})
            self.told.looked_at(company_id, change)

    def _owners(self, company_id: str) -> dict[str, tuple[str, str]]:
        """Appointment and calendar of each event of ours that is still to come."""
        now = self.clock.now()
        found = self.appointments.between(company_id, now - timedelta(days=1), now + FURTHEST)
        return {ref.event_id: (one.id, ref.calendar) for one in found for ref in one.events}

    def _sweep(self, company_id: str, company: Company, deadline: Deadline) -> None:
        def sweep() -> None:
            swept = self.reconciling.sweep(company_id, company, deadline)
            _tell({"settled": swept.settled, "expired": swept.expired})
            if swept.left:
                log.warning("appointments could not be settled", left=swept.left)
                count("AppointmentsUnsettled", sum(swept.left.values()))

        self._apart("sweep", sweep)

    def _apart(self, what: str, work: Callable[[], None]) -> None:
        """What is owed beside the reading: it is tried again with the next look, and harms nothing else."""
        try:
            work()
        except FrontdeskError as problem:
            log.warning("left for the next look", what=what, reason=problem.reason)
            count("CalendarSyncLeftovers", what=what)


def _ours(event: Event, company_id: str) -> bool:
    return event.private.get(PRIVATE_COMPANY) == company_id


def _mark(company_id: str, appointment: str) -> dict[str, str]:
    return {PRIVATE_COMPANY: company_id, PRIVATE_APPOINTMENT: appointment}


def _nameless(event: Event) -> bool:
    return event.cancelled and PRIVATE_COMPANY not in event.private


def _tell(done: dict[str, int]) -> None:
    changed = {what: times for what, times in done.items() if times and what != "nothing"}
    for what, times in changed.items():
        count("AppointmentsReconciled", times, what=what)
    if changed:
        log.info("calendars and appointments agree again", changed=changed)
