"""Puts the reminders' rounds together from settings and AWS clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.calendars.appointment_store import Appointments
from shared.companies.errands import ErrandQueue
from shared.companies.store import CompanyStore
from shared.conversations.queues import ConversationQueue
from shared.conversations.reminders import Handing
from shared.email.making_outbox import make_outbox
from shared.platform import aws
from shared.platform.clock import SystemClock
from shared.platform.tables import Table
from shared.reminders.rounds import ReminderRounds
from shared.reminders.rows import ReminderRows

if TYPE_CHECKING:
    from shared.platform.settings import Environment


def make_reminder_rounds(environment: Environment) -> ReminderRounds:
    """The work of ``appointment_reminders``.

    Raises:
        SettingError: a setting is missing or wrong.
    """
    clock = SystemClock()
    companies = CompanyStore(Table(aws.dynamodb(), environment.text("FRONTDESK_COMPANIES_TABLE")), clock)
    calendars = Table(aws.dynamodb(), environment.text("FRONTDESK_CALENDARS_TABLE"))
    conversations = Table(aws.dynamodb(), environment.text("FRONTDESK_CONVERSATIONS_TABLE"))
    incoming = ConversationQueue(aws.sqs(), environment.url("FRONTDESK_INCOMING_QUEUE_URL"))
    return ReminderRounds(
        ReminderRows(calendars, clock),
        Appointments(calendars),
        companies,
        ErrandQueue(aws.sqs(), environment.url("FRONTDESK_REMINDER_QUEUE_URL")),
        Handing(conversations, companies, incoming, clock),
        make_outbox(environment),
        clock,
    )
