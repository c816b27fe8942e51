"""A company with calendars, its bookings on a table in memory, and what must always hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from shared.calendars.appointments import UNSETTLED, Customer, Status
from shared.calendars.keys import sheet_key
from shared.calendars.making import make_calendars
from shared.calendars.providers.contract import PRIVATE_APPOINTMENT
from shared.calendars.requests import Request
from shared.calendars.sheets import days_of
from shared.companies.model import Company
from shared.platform.clock import Deadline
from tests.fakes.calendar import FakeCalendars
from tests.fakes.clock import FakeClock
from tests.fakes.table import MemoryTable

if TYPE_CHECKING:
    from shared.calendars.appointments import Appointment
    from shared.calendars.looking import BusySource
    from shared.calendars.making import Calendars
    from shared.calendars.requests import Outcome
    from shared.calendars.telling import Teller
    from shared.platform.clock import Clock
    from shared.platform.tables import Table

COMPANY = "clinic"
HOURS = [{"from": "09:00", "to": "18:00"}]
DOCUMENT: dict[str, Any] = {
    "name": "Clínica Sol",
    "zone": "Europe/Madrid",
    "language": "es",
    "opening_hours": dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), HOURS),
    "calendars": [
        {"id": "ana", "provider": "google", "calendar": "ana@g"},
        {"id": "bea", "provider": "google", "calendar": "bea@g"},
        {"id": "cabin", "provider": "google", "calendar": "cabin@g", "role": "room"},
        {"id": "hall", "provider": "google", "calendar": "hall@g", "role": "room", "capacity": 3},
    ],
    "services": [
        {"id": "cut", "name": "Corte", "duration_minutes": 30, "staff": ["ana"], "buffer_after_minutes": 15},
        {"id": "talk", "name": "Consulta", "duration_minutes": 30, "staff": ["ana", "bea"]},
        {"id": "laser", "name": "Láser", "duration_minutes": 60, "staff": ["ana"], "rooms": ["cabin"]},
        {"id": "course", "name": "Curso", "duration_minutes": 60, "rooms": ["hall"]},
        {"id": "walk", "name": "Paseo"},
    ],
}
# The clock of the tests stands at 9:00 UTC, 10:00 in Madrid, on Monday the 23rd.
LONG_AGO, LONG_AHEAD = datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 4, 1, tzinfo=UTC)
TUESDAY = datetime(2026, 11, 24, tzinfo=UTC)
MARIA = Customer("contact-1", "María", "maria@example.org", "3#1#55")


def at(hour: int, minute: int = 0, day: datetime = TUESDAY) -> datetime:
    """A time in UTC; Madrid's is one hour later."""
    return day + timedelta(hours=hour, minutes=minute)


class Desk:
    """Everything of one company.

    Args:
        table: where it is kept.
        vendor: the calendars behind it.
        clock: time.
        changes: to the company's document.
        source: tells when calendars are taken.
        teller: tells customers.
    """

    def __init__(
        self,
        table: Table | None = None,
        vendor: FakeCalendars | None = None,
        clock: Clock | None = None,
        changes: dict[str, Any] | None = None,
        source: BusySource | None = None,
        teller: Teller | None = None,
    ) -> None:
        self.clock = clock or FakeClock()
        self.table = table or MemoryTable()
        self.vendor = vendor or FakeCalendars()
        self.company = Company.parse({**DOCUMENT, **(changes or {})})
        self.calendars: Calendars = make_calendars(self.table, self.vendor, self.clock, source, teller)

    @property
    def deadline(self) -> Deadline:
        """Enough time."""
        return Deadline(self.clock, 30)

    def book(
        self,
        start: datetime,
        service: str = "cut",
        key: str = "k1",
        customer: Customer = MARIA,
        **more: Any,  # noqa: ANN401 - of `Request`
    ) -> Outcome:
        """Book."""
        request = Request(service, start, customer, **more)
        return self.calendars.booking.book(COMPANY, self.company, request, key=key, deadline=self.deadline)

    def hold(
        self, start: datetime, service: str = "cut", key: str = "k1", customer: Customer = MARIA
    ) -> Outcome:
        """Hold."""
        request = Request(service, start, customer)
        return self.calendars.booking.hold(COMPANY, self.company, request, key=key, deadline=self.deadline)

    def confirm(self, appointment: str, key: str = "c1", contact: str | None = "contact-1") -> Outcome:
        """Make an appointment of a hold."""
        return self.calendars.booking.confirm(
            COMPANY, self.company, appointment, contact_id=contact, key=key, deadline=self.deadline
        )

    def move(
        self,
        appointment: str,
        start: datetime,
        key: str = "m1",
        contact: str | None = "contact-1",
        calendars: tuple[str, ...] = (),
    ) -> Outcome:
        """Move."""
        return self.calendars.booking.move(
            COMPANY,
            self.company,
            appointment,
            start,
            contact_id=contact,
            key=key,
            deadline=self.deadline,
            calendars=calendars,
        )

    def cancel(self, appointment: str, key: str = "x1", contact: str | None = "contact-1") -> Outcome:
        """Cancel."""
        return self.calendars.booking.cancel(
            COMPANY, self.company, appointment, contact_id=contact, key=key, deadline=self.deadline
        )

    def sweep(self) -> Any:  # noqa: ANN401 - a `Swept`
        """Settle what is half done."""
        return self.calendars.reconciling.sweep(COMPANY, self.company, self.deadline)

    def compare(self) -> dict[str, int]:
        """Hold the calendars against the appointments, where the vendor can list its events."""
        done: dict[str, int] = {}
        if self.vendor.capabilities.lists_events:
            for calendar in self.company.calendars:
                found = self.calendars.reconciling.compare(
                    COMPANY, self.company, calendar.id, LONG_AGO, LONG_AHEAD, self.deadline
                )
                done |= {name: done.get(name, 0) + times for name, times in found.items()}
        return done

    def found(self, appointment: str) -> Appointment:
        """An appointment as it is now."""
        found = self.calendars.appointments.find(COMPANY, appointment)
        assert found is not None
        return found

    def all(self) -> list[Appointment]:
        """Every appointment there is."""
        rows = [item for item in self.table.scan() if item["sk"] == "appointment"]
        return [self.found(item["id"]) for item in rows]

    def reminders(self, appointment: str) -> dict[str, str]:
        """When each of its reminders is due."""
        rows = self.table.query(f"company#{COMPANY}#appointment#{appointment}", prefix="reminder#")
        due = {row["sk"]: datetime.fromtimestamp(row["due_at"] / 1000, UTC) for row in rows}
        return {name.removeprefix("reminder#"): f"{moment:%d %H:%M}" for name, moment in due.items()}

    def check(self) -> None:
        """No overlap, no loss, no orphan: what must hold when everything is at rest."""
        claims: set[tuple[str, str]] = set()
        events: set[tuple[str, str]] = set()
        for one in self.all():
            assert one.status not in UNSETTLED, one.status
            if one.status == Status.CONFIRMED:
                self._check_sheets(one)
                claims |= {(one.id, calendar) for calendar in one.place.calendars}
                events |= {(ref.calendar, ref.event_id) for ref in one.events}
                assert {ref.calendar for ref in one.events} == set(one.place.calendars)
            if one.status == Status.HOLD:
                claims |= {(one.id, calendar) for calendar in one.place.calendars}
        assert self._claims() == claims
        assert self._standing(events) == events
        self._check_capacity()

    def _check_sheets(self, one: Appointment) -> None:
        for calendar in one.place.calendars:
            for day in days_of(one.place.buffered):
                sheet = self.table.get(sheet_key(COMPANY, calendar, day))
                assert sheet is not None
                mine = [entry for entry in sheet["entries"] if entry["appointment"] == one.id]
                assert [entry["number"] for entry in mine] == [one.place.number]

    def _claims(self) -> set[tuple[str, str]]:
        now = self.clock.now().timestamp() * 1000
        return {
            (entry["appointment"], item["pk"].rpartition("#")[2])
            for item in self.table.scan()
            if item["sk"].startswith("day#")
            for entry in item["entries"]
            if not entry["until"] or entry["until"] > now
        }

    def _standing(self, expected: set[tuple[str, str]]) -> set[tuple[str, str]]:
        found = set()
        for calendar in self.company.calendars:
            for event in self.vendor.standing(calendar.calendar):
                if PRIVATE_APPOINTMENT in event.private:
                    found.add((calendar.id, event.id))
                    if (calendar.id, event.id) in expected:
                        one = self.found(event.private[PRIVATE_APPOINTMENT])
                        assert event.interval == one.place.interval
        return found

    def _check_capacity(self) -> None:
        standing = [one for one in self.all() if one.status == Status.CONFIRMED]
        for calendar in self.company.calendars:
            here = [one for one in standing if calendar.id in one.place.calendars]
            for one in here:
                beside = [
                    other
                    for other in here
                    if other.place.buffered.start <= one.place.buffered.start < other.place.buffered.end
                ]
                assert len(beside) <= calendar.capacity, calendar.id
