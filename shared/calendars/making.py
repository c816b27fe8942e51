"""Puts the booking together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.calendars.appointment_store import Appointments
from shared.calendars.booking import Booking
from shared.calendars.events import Events
from shared.calendars.holds import Holds
from shared.calendars.looking import LiveBusy, Looking
from shared.calendars.reconciling import Reconciling
from shared.calendars.settling import Settling
from shared.calendars.sheets import Sheets
from shared.calendars.telling import Telling
from shared.calendars.writing import Writing

if TYPE_CHECKING:
    from shared.calendars.looking import BusySource
    from shared.calendars.providers.contract import CalendarProviders
    from shared.calendars.telling import Teller
    from shared.platform.clock import Clock
    from shared.platform.tables import Table


@dataclass(frozen=True)
class Calendars:
    """Everything that works on appointments.

    Args:
        booking: books, moves, cancels.
        looking: finds free times.
        appointments: reads appointments.
        reconciling: makes calendars and records agree.
        holds: ends holds.
    """

    booking: Booking
    looking: Looking
    appointments: Appointments
    reconciling: Reconciling
    holds: Holds


def make_calendars(
    table: Table,
    providers: CalendarProviders,
    clock: Clock,
    source: BusySource | None = None,
    teller: Teller | None = None,
) -> Calendars:
    """Everything that works on appointments.

    Args:
        table: the calendars table.
        providers: finds the vendors.
        clock: time.
        source: tells when calendars are taken, to who looks for times; without one the vendors are asked. Who
            books asks them in any case.
        teller: tells customers what became of their appointments; without one nobody does.
    """
    sheets, appointments = Sheets(table, clock), Appointments(table)
    events, writing = Events(providers, sheets), Writing(table, sheets, clock)
    settling = Settling(writing, events, Telling(teller, writing, clock), clock)
    live = Looking(sheets, LiveBusy(providers, clock), clock)
    looking = Looking(sheets, source, clock) if source else live
    return Calendars(
        Booking(appointments, live, events, settling, writing, clock),
        looking,
        appointments,
        Reconciling(appointments, settling, writing, events, providers, clock),
        Holds(appointments, writing),
    )
