"""Puts the e-mails about appointments together from settings and AWS clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.email.making_outbox import make_outbox
from shared.platform.clock import SystemClock
from shared.reminders.appointment_emails import AppointmentEmails

if TYPE_CHECKING:
    from shared.platform.settings import Environment


def make_appointment_emails(environment: Environment) -> AppointmentEmails:
    """E-mails to customers about their appointments.

    Raises:
        SettingError: a setting is missing or wrong.
    """
    return AppointmentEmails(make_outbox(environment), SystemClock())
