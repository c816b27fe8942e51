"""Puts turns together from settings and AWS clients: what a function does once, when it starts."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from shared.agent.appointments.desk import make_appointment_desk
from shared.agent.connect import open_model_client
from shared.agent.orchestrator import Orchestrator
from shared.agent.settings import ModelSettings
from shared.agent.tools.registry import default_registry
from shared.calendars.looking import LiveBusy
from shared.calendars.making import make_calendars
from shared.calendars.providers.making import make_calendar_providers
from shared.calendars.sync.cache import Cache
from shared.calendars.sync.cached_busy import CachedBusy
from shared.companies.pulse import Pulse
from shared.companies.store import CompanyStore
from shared.conversations.dead_letters import DeadLetterOffice
from shared.conversations.desk import Desk, Lending
from shared.conversations.making_chatwoot import chatwoot_opener
from shared.conversations.making_ears import make_ears
from shared.conversations.queues import ConversationQueue
from shared.conversations.replaying import Replayer
from shared.conversations.settings import TurnSettings
from shared.conversations.worker import Worker
from shared.email.making_outbox import make_outbox, make_staff_notices
from shared.platform import aws
from shared.platform.addresses import AddressGuard
from shared.platform.clock import SystemClock
from shared.platform.secrets import DeploymentSecrets
from shared.platform.settings import Environment
from shared.platform.tables import Table
from shared.reminders.desk import ReminderDesk
from shared.reminders.making import make_appointment_emails

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.agent.appointments.desk import AppointmentDesk


def make_worker(variables: Mapping[str, str]) -> Worker:
    """The worker of ``conversation_turns``.

    Args:
        variables: the environment.

    Raises:
        SettingError: a setting is missing or wrong.
    """
    environment = Environment(variables)
    calendars = Table(aws.dynamodb(), environment.text("FRONTDESK_CALENDARS_TABLE"))
    return Worker(
        replace(
            make_desk(environment),
            reminders=ReminderDesk(calendars, SystemClock()),
            staff=make_staff_notices(environment),
        ),
        ConversationQueue(aws.sqs(), environment.url("FRONTDESK_INCOMING_QUEUE_URL")),
        ConversationQueue(aws.sqs(), environment.url("FRONTDESK_DEAD_LETTER_QUEUE_URL")),
    )


def make_dead_letter_office(variables: Mapping[str, str]) -> DeadLetterOffice:
    """The office of ``dead_letters``.

    Args:
        variables: the environment.

    Raises:
        SettingError: a setting is missing or wrong.
    """
    environment = Environment(variables)
    queue = ConversationQueue(aws.sqs(), environment.url("FRONTDESK_DEAD_LETTER_QUEUE_URL"))
    return DeadLetterOffice(replace(make_desk(environment), staff=make_staff_notices(environment)), queue)


def make_replayer(environment: Environment) -> Replayer:
    """Puts dead letters back.

    Raises:
        SettingError: a setting is missing or wrong.
    """
    queue = ConversationQueue(aws.sqs(), environment.url("FRONTDESK_INCOMING_QUEUE_URL"))
    return Replayer(make_desk(environment), queue)


def make_desk(environment: Environment) -> Desk:
    """The tools of turns.

    Raises:
        SettingError: a setting is missing or wrong.
    """
    clock, settings = SystemClock(), TurnSettings.from_environment(environment)
    guard = AddressGuard(loopback_allowed=settings.loopback_allowed)
    table = Table(aws.dynamodb(), environment.text("FRONTDESK_CONVERSATIONS_TABLE"))
    return Desk(
        table=table,
        companies=CompanyStore(Table(aws.dynamodb(), environment.text("FRONTDESK_COMPANIES_TABLE")), clock),
        chatwoot=chatwoot_opener(environment, settings.chatwoot_timeout_seconds),
        mind=Lending(lambda: make_mind(environment, guard)).lend,
        clock=clock,
        new_id=lambda: uuid.uuid4().hex,
        settings=settings,
        ears=make_ears(environment, guard),
        pulse=Pulse(table, clock),
    )


def make_mind(environment: Environment, guard: AddressGuard) -> Orchestrator:
    """The mind, for one thread at a time.

    Args:
        environment: the settings.
        guard: loopback is allowed at the local stage; a model's server is the operator's own choice.

    Raises:
        SettingError: a setting is missing or wrong.
        SecretMissing: no key is stored for the model's server.
    """
    secrets = DeploymentSecrets(aws.ssm(), environment.text("FRONTDESK_STAGE"))
    client = open_model_client(
        ModelSettings.from_environment(environment), secrets.get("openai_api_key"), guard
    )
    desk = make_appointments(environment)
    return Orchestrator(client, default_registry(desk, make_outbox(environment)), SystemClock())


def make_appointments(environment: Environment) -> AppointmentDesk:
    """What appointments are made with; vendors are asked and loaded when a company needs one.

    Raises:
        SettingError: a setting is missing or wrong.
    """
    clock = SystemClock()
    table = Table(aws.dynamodb(), environment.text("FRONTDESK_CALENDARS_TABLE"))
    providers = make_calendar_providers(environment)
    source = CachedBusy(Cache(table), LiveBusy(providers, clock), clock)
    teller = make_appointment_emails(environment)
    calendars = make_calendars(table, providers, clock, source, teller)
    return make_appointment_desk(calendars, table, clock)
