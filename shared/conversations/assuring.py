"""Customers' answers to reminders: a bare yes is noted, and the model is told what was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.conversations.answers import is_yes
from shared.conversations.asked import answered_one, read_asked, reminder_note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.calendars.appointments import Appointment
    from shared.conversations.desk import Desk
    from shared.conversations.history import Entry
    from shared.conversations.incoming import IncomingMessage
    from shared.conversations.keys import ContactKey


def assured(
    desk: Desk, messages: Sequence[IncomingMessage], past: Sequence[Entry], words: str
) -> Appointment | None:
    """The appointment that a customer says they will come to, noted on it; ``None`` where they do not.

    Args:
        desk: the tools.
        messages: what the customer wrote.
        past: what was said before, oldest first.
        words: the customer's words.

    Raises:
        RetryLater: others keep writing the appointment.
    """
    newest = messages[-1]
    if desk.reminders is None or len(messages) > 1 or not is_yes(words):
        return None
    asked = read_asked(desk.table, newest.contact, desk.clock.now())
    one = answered_one(asked, past, newest.in_reply_to) if asked else None
    if one is None:
        return None
    contact_id = f"{newest.key.account_id}:{newest.contact_id}"
    return desk.reminders.assure(newest.key.company_id, one.appointment_id, contact_id, one.sequence)


def reminder_notes(desk: Desk, contact: ContactKey, zone: str) -> tuple[str, ...]:
    """What the model must know of reminders that the customer may be answering."""
    if desk.reminders is None:
        return ()
    return tuple(reminder_note(one, zone) for one in read_asked(desk.table, contact, desk.clock.now()))
