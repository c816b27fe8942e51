"""Whether a reminder is still right at the moment at which it is to be sent."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from shared.calendars.appointments import UNSETTLED, Status

if TYPE_CHECKING:
    from datetime import datetime

    from shared.calendars.appointments import Appointment
    from shared.companies.model import Company
    from shared.reminders.rows import Reminder

# A reminder that comes so much later than the company chose comes at a time that nobody chose.
LATEST = timedelta(hours=2)
UNSETTLED_REASON = "unsettled"


def why_not(
    reminder: Reminder, appointment: Appointment | None, company: Company | None, now: datetime
) -> str:
    """Why a reminder is not sent now, as a slug; empty where it is right.

    `UNSETTLED_REASON` passes: somebody works on the appointment.

    Args:
        reminder: as it was armed.
        appointment: as it is now.
        company: as it is now.
        now: the current moment.
    """
    if appointment is None or company is None:
        return "gone"
    same = appointment.sequence == reminder.sequence and appointment.start == reminder.start
    facts = {
        "moved": not same,
        "started": now >= appointment.start,
        UNSETTLED_REASON: appointment.status in UNSETTLED - {Status.CANCELLING},
        str(appointment.status): appointment.status != Status.CONFIRMED,
        "company_off": company.mode == "off",
        "rule_gone": not reminder.instead and not _is_wanted(reminder, company),
        "too_late": now > useful_until(reminder),
    }
    return next((reason for reason, holds in facts.items() if holds), "")


def useful_until(reminder: Reminder) -> datetime:
    """Until when a reminder is worth sending.

    Half of the time that it leaves the customer, at most `LATEST` after it was due; before the appointment
    always. A day's reminder may be two hours late, one of two hours half as much.
    """
    lead = reminder.start - reminder.due_at
    return reminder.due_at + min(lead / 2, LATEST)


def _is_wanted(reminder: Reminder, company: Company) -> bool:
    """Whether the company still has the rule under which it was armed."""
    rules = company.booking.reminders
    return any((one.minutes_before, one.by) == (reminder.minutes_before, reminder.by) for one in rules)
