"""Where everything stands in the calendars table.

| what | pk | sk |
|---|---|---|
| an appointment | ``company#<id>#appointment#<appointment>`` | ``appointment`` |
| its reminders | the same | ``reminder#<minutes before>#<by>`` |
| a day sheet | ``company#<id>#sheet#<calendar>`` | ``day#<UTC day>`` |
| what was proposed to a contact | ``company#<id>#contact#<contact>`` | ``proposals`` |
| what is known of a calendar (cache, sync token, channel) | ``company#<id>#calendar#<calendar>`` | its own |
| what Calendly told of bookings | ``company#<id>#calendly-changes`` | ``event#<event>`` |

Indexes (keys ``<index>_pk``, ``<index>_sk``; sparse; they project keys only, so read the item):
``due``: reminders (`reminders_due_pk`) and unfinished bookings (`unsettled_pk`) by the time at which they
want attention, and every calendar of which something is known (`KNOWN_CALENDARS`); ``contact``: a contact's
appointments by their start; ``month``: a company's, by the month.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from shared.platform.tables import Key

if TYPE_CHECKING:
    from datetime import date, datetime

DUE_INDEX = "due"
CONTACT_INDEX = "contact"
MONTH_INDEX = "month"

APPOINTMENT = "appointment"
# The partition of the index ``due`` in which every calendar stands of which something is known.
KNOWN_CALENDARS = "calendars"
# Reminders of a whole deployment are due at round times together: eight partitions share them.
REMINDER_SHARDS = 8


def appointment_pk(company_id: str, appointment_id: str) -> str:
    """The partition of an appointment and of its reminders."""
    return f"company#{company_id}#appointment#{appointment_id}"


def appointment_key(company_id: str, appointment_id: str) -> Key:
    """An appointment's record."""
    return Key(appointment_pk(company_id, appointment_id), APPOINTMENT)


def reminder_key(company_id: str, appointment_id: str, minutes_before: int, by: str) -> Key:
    """One reminder of an appointment."""
    return Key(appointment_pk(company_id, appointment_id), f"reminder#{minutes_before:05d}#{by}")


def sheet_key(company_id: str, calendar_id: str, day: date) -> Key:
    """A calendar's sheet of one UTC day."""
    return Key(f"company#{company_id}#sheet#{calendar_id}", f"day#{day.isoformat()}")


def calendar_pk(company_id: str, calendar_id: str) -> str:
    """The partition of what is known of a calendar at its provider: cache, sync token, channel."""
    return f"company#{company_id}#calendar#{calendar_id}"


def contact_pk(company_id: str, contact_id: str) -> str:
    """A contact's partition of the index ``contact``."""
    return f"company#{company_id}#contact#{contact_id}"


def proposals_key(company_id: str, contact_id: str) -> Key:
    """What was proposed to a contact and waits for a yes."""
    return Key(contact_pk(company_id, contact_id), "proposals")


def month_pk(company_id: str, moment: datetime) -> str:
    """A company's partition of the index ``month``, by the UTC month of an appointment's start."""
    return f"company#{company_id}#month#{moment:%Y-%m}"


def time_sk(moment: datetime, *rest: str) -> str:
    """A sort key by time (UTC, to the second) and then by names."""
    return "#".join((f"{moment:%Y-%m-%dT%H:%M:%SZ}", *rest))


def unsettled_pk(company_id: str) -> str:
    """A company's partition of the index ``due``: bookings that are half done, and holds."""
    return f"unsettled#{company_id}"


def reminders_due_pk(shard: int) -> str:
    """One partition of the index ``due`` for reminders of all companies."""
    return f"reminders#{shard}"


def reminder_shard(appointment_id: str) -> int:
    """Which of the `REMINDER_SHARDS` partitions an appointment's reminders stand in."""
    return hashlib.sha256(appointment_id.encode()).digest()[0] % REMINDER_SHARDS


def calendly_changes_pk(company_id: str) -> str:
    """The partition of what Calendly told of a company's bookings."""
    return f"company#{company_id}#calendly-changes"
