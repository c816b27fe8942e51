"""Writes appointments: one version after the other, together with day sheets and reminders, by one worker."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.calendars.appointment_store import write
from shared.calendars.appointments import Appointment, Status
from shared.calendars.reminder_rows import armed
from shared.platform.errors import RetryLater
from shared.platform.tables import ConditionFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.calendars.appointments import Place
    from shared.calendars.sheets import Sheets, SheetSet
    from shared.companies.model import Company
    from shared.platform.clock import Clock
    from shared.platform.tables import Table, TransactionPart

LEASE = timedelta(seconds=45)
# When the sweeper looks after what was left half done.
SWEPT_AFTER = timedelta(seconds=60)
# Two hundred at once on one sheet: each round lets one through, and few are left after some rounds.
MOST_TRIES = 60
LONGEST_PAUSE_SECONDS = 0.25


@dataclass(frozen=True)
class Writing:
    """See the module.

    Args:
        table: the calendars table.
        sheets: the day sheets.
        clock: time.
    """

    table: Table
    sheets: Sheets
    clock: Clock

    def take(self, appointment: Appointment) -> Appointment:
        """Have an appointment for oneself.

        Raises:
            RetryLater: somebody else works on it.
        """
        now = self.clock.now()
        if appointment.working_until is not None and now < appointment.working_until:
            wait = (appointment.working_until - now).total_seconds()
            raise RetryLater("somebody works on this appointment", reason="booking_busy", after_seconds=wait)
        return self.save(self.begun(appointment))

    def begun(self, appointment: Appointment) -> Appointment:
        """The appointment with a lease, to be written."""
        now = self.clock.now()
        return replace(appointment, working_until=now + LEASE, due_at=now + SWEPT_AFTER)

    def save(
        self,
        appointment: Appointment,
        rows: Sequence[TransactionPart] = (),
        change: Callable[[SheetSet], None] | None = None,
        places: Sequence[Place | None] = (),
    ) -> Appointment:
        """Write the next version, together with what belongs to it.

        Args:
            appointment: as it shall be; its ``version`` is the one that was read.
            rows: more to write.
            change: what is to be done to the day sheets; again, where they changed meanwhile.
            places: which sheets it touches; without any those of the appointment's place.

        Raises:
            RetryLater: somebody else wrote the appointment meanwhile, or keeps writing the sheets.
        """
        for attempt in range(MOST_TRIES):
            parts: list[TransactionPart] = [write(appointment), *rows]
            if change is not None:
                sheets = self._sheets_of(appointment, places or (appointment.place,))
                change(sheets)
                parts += sheets.parts()
            try:
                self.table.transact(parts)
            except (ConditionFailed, RetryLater):
                if change is None or self._is_newer(appointment):
                    raise RetryLater("somebody works on this appointment", reason="booking_busy") from None
                pause(self.clock, attempt)
            else:
                return replace(appointment, version=appointment.version + 1)
        raise RetryLater("the day sheets are being written all the time", reason="sheets_busy")

    def rest(self, appointment: Appointment) -> Appointment:
        """Nothing is to be done after all."""
        return self.save(at_rest(appointment))

    def adopt(
        self, appointment: Appointment, company: Company, change: Callable[[SheetSet], None]
    ) -> Appointment:
        """Write an appointment that is known from its event only, with its reminders."""
        rows, names = armed(appointment, company.booking.reminders, self.clock.now())
        return self.save(replace(appointment, reminders=names), rows, change)

    def expire(self, appointment: Appointment) -> Appointment:
        """End a hold: its time is free for others at once."""
        expired = at_rest(replace(appointment, status=Status.EXPIRED))
        return self.save(expired, change=lambda sheets: sheets.release(appointment.id))

    def _sheets_of(self, appointment: Appointment, places: Sequence[Place | None]) -> SheetSet:
        wanted = [one for place in places if place is not None for one in place.wanted]
        return self.sheets.read(appointment.company_id, wanted)

    def _is_newer(self, appointment: Appointment) -> bool:
        item = self.table.get(appointment.key, consistent=True)
        return (item["version"] if item else 0) != appointment.version


def pause(clock: Clock, attempt: int) -> None:
    """Wait a moment, longer with each attempt and never as long as another."""
    clock.sleep((1 + secrets.randbelow(1000)) / 1000 * min(0.01 * 2**attempt, LONGEST_PAUSE_SECONDS))


def at_rest(appointment: Appointment) -> Appointment:
    """Nobody works on it, and nothing is left to be done."""
    return replace(appointment, working_until=None, due_at=None, begun_at=None, left_at=())
