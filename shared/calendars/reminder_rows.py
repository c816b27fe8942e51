"""Reminders as rows, written in their appointment's own transaction: none is missing, none is left behind.

A row's ``sequence`` and ``start`` are those of its appointment when it was written; who sends it compares
both with the appointment as it is then. ``status`` begins as ``due``; who takes a row to send it changes that
on a condition and removes the index's keys.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from shared.calendars.keys import (
    DUE_INDEX,
    appointment_pk,
    reminder_key,
    reminder_shard,
    reminders_due_pk,
    time_sk,
)
from shared.companies.names import SCHEMA_VERSION
from shared.companies.opening import moment_of
from shared.platform.clock import epoch_milliseconds
from shared.platform.tables import Delete, Key, Put

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shared.calendars.appointments import Appointment
    from shared.companies.calendars import CustomerReminder

DUE = "due"
KEPT_AFTER = timedelta(days=30)


def due_at(appointment: Appointment, minutes_before: int) -> datetime:
    """When a reminder is due: so long before on the company's clock, whatever that did meanwhile."""
    zone = ZoneInfo(appointment.zone)
    wall = appointment.start.astimezone(zone).replace(tzinfo=None)
    return moment_of(wall - timedelta(minutes=minutes_before), zone)


def armed(
    appointment: Appointment, reminders: Sequence[CustomerReminder], now: datetime
) -> tuple[list[Put | Delete], tuple[str, ...]]:
    """The writes that give an appointment its reminders in place of those it had, and the rows' sort keys.

    Reminders whose time has passed are not written.
    """
    rows = {}
    for one in reminders:
        due = due_at(appointment, one.minutes_before)
        if due > now:
            key = reminder_key(appointment.company_id, appointment.id, one.minutes_before, one.by)
            rows[key.sk] = Put(_row(appointment, one, key, due))
    gone = [sk for sk in appointment.reminders if sk not in rows]
    return [*rows.values(), *disarmed(appointment, gone)], tuple(rows)


def disarmed(appointment: Appointment, rows: Sequence[str]) -> list[Put | Delete]:
    """The writes that take reminders away."""
    pk = appointment_pk(appointment.company_id, appointment.id)
    return [Delete(Key(pk, sk)) for sk in rows]


def _row(appointment: Appointment, one: CustomerReminder, key: Key, due: datetime) -> dict[str, object]:
    return {
        **key.as_item(),
        "v": SCHEMA_VERSION,
        "company_id": appointment.company_id,
        "appointment_id": appointment.id,
        "minutes_before": one.minutes_before,
        "by": one.by,
        "status": DUE,
        "sequence": appointment.sequence,
        "start": epoch_milliseconds(appointment.start),
        "due_at": epoch_milliseconds(due),
        f"{DUE_INDEX}_pk": reminders_due_pk(reminder_shard(appointment.id)),
        f"{DUE_INDEX}_sk": time_sk(due, appointment.company_id, key.pk.rpartition("#")[2], key.sk),
        "expires_at": int((appointment.place.interval.end + KEPT_AFTER).timestamp()),
    }
