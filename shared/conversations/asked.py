"""What customers were asked by reminders: so that a yes or a no reaches the right appointment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from shared.conversations.keys import SCHEMA_VERSION
from shared.platform.clock import epoch_milliseconds, from_epoch_milliseconds

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shared.conversations.history import Entry
    from shared.conversations.keys import ContactKey
    from shared.platform.tables import Item, Table
    from shared.reminders.rows import Reminder

_KEPT_AFTER = timedelta(days=1)
_NOTE = (
    "On {at} the desk sent this reminder of an appointment at {start} and asked whether the customer will "
    "come: «{words}» When they answer that they cannot, offer to move the appointment or to cancel it; do "
    "neither before they choose. When it is unclear which appointment they mean, ask."
)


@dataclass(frozen=True)
class Asked:
    """A reminder that a customer has read, perhaps.

    Args:
        appointment_id: of which appointment.
        sequence: how often that had moved.
        start: when it begins, in UTC.
        message_id: our message, as Chatwoot numbers it.
        at: when it was sent, in UTC.
        words: what it said.
    """

    appointment_id: str
    sequence: int
    start: datetime
    message_id: int
    at: datetime
    words: str


def asked_item(contact: ContactKey, reminder: Reminder, message_id: int, words: str, now: datetime) -> Item:
    """The item of a reminder that was sent; a later one of the same appointment takes its place."""
    appointment_id = reminder.name.appointment_id
    return contact.asked(appointment_id).as_item() | {
        "appointment_id": appointment_id,
        "sequence": reminder.sequence,
        "start_ms": reminder.start_ms,
        "message_id": message_id,
        "at_ms": epoch_milliseconds(now),
        "text": words,
        "expires_at": int((reminder.start + _KEPT_AFTER).timestamp()),
        "v": SCHEMA_VERSION,
    }


def read_asked(table: Table, contact: ContactKey, now: datetime) -> list[Asked]:
    """What a contact was asked about appointments that are still to come, in the order of their starts."""
    items = table.query(contact.pk, prefix="asked#", consistent=True)
    every = [
        Asked(
            item["appointment_id"],
            item["sequence"],
            from_epoch_milliseconds(item["start_ms"]),
            item["message_id"],
            from_epoch_milliseconds(item["at_ms"]),
            item["text"],
        )
        for item in items
    ]
    return sorted((one for one in every if one.start > now), key=lambda one: one.start)


def reminder_note(asked: Asked, zone: str) -> str:
    """The same in words, for the model."""
    when = f"{asked.start.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
    at = f"{asked.at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
    return _NOTE.format(at=at, start=when, words=" ".join(asked.words.split()))


def answered_one(asked: Sequence[Asked], past: Sequence[Entry], in_reply_to: int | None) -> Asked | None:
    """The reminder that a bare yes or no answers: the one it quotes, else the only one said last.

    Args:
        asked: what the customer was asked.
        past: what was said before, oldest first.
        in_reply_to: which message the customer quotes.
    """
    quoted = [one for one in asked if one.message_id == in_reply_to]
    if quoted:
        return quoted[0]
    newest_said = max((one.message_id for one in past if one.role != "customer"), default=0)
    heard = max((one.message_id for one in past if one.role == "customer"), default=0)
    # More than one reminder since the customer last wrote: nobody knows which one a bare yes is for.
    open_ones = [one for one in asked if one.message_id > heard]
    return open_ones[0] if len(open_ones) == 1 and open_ones[0].message_id == newest_said else None
