"""Puts the search for missed messages together from settings and AWS clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.companies.card import Directory
from shared.companies.errands import ErrandQueue
from shared.companies.store import CompanyStore
from shared.conversations.backlog import Backlog
from shared.conversations.making_chatwoot import chatwoot_opener
from shared.conversations.missed.memory import SweepMemory
from shared.conversations.missed.rounds import Rounds, Tools
from shared.conversations.missed.search import Place
from shared.conversations.missed.settings import MissedSettings
from shared.conversations.queues import ConversationQueue
from shared.platform import aws
from shared.platform.clock import SystemClock
from shared.platform.settings import Environment
from shared.platform.tables import Table

if TYPE_CHECKING:
    from collections.abc import Mapping


def make_rounds(variables: Mapping[str, str]) -> Rounds:
    """The work of ``missed_messages``.

    Args:
        variables: the environment.

    Raises:
        SettingError: a setting is missing or wrong.
    """
    environment, clock = Environment(variables), SystemClock()
    settings = MissedSettings.from_environment(environment)
    companies = Table(aws.dynamodb(), environment.text("FRONTDESK_COMPANIES_TABLE"))
    conversations = Table(aws.dynamodb(), environment.text("FRONTDESK_CONVERSATIONS_TABLE"))
    incoming = ConversationQueue(aws.sqs(), environment.url("FRONTDESK_INCOMING_QUEUE_URL"))
    return Rounds(
        Tools(
            companies=CompanyStore(companies, clock),
            card=Directory(companies).card,
            chatwoot=chatwoot_opener(environment, settings.call_seconds),
            errands=ErrandQueue(aws.sqs(), environment.url("FRONTDESK_MISSED_QUEUE_URL")),
            backlog=Backlog(incoming.waiting, conversations, clock, limit_seconds=settings.backlog_seconds),
            place=Place(conversations, SweepMemory(conversations, clock), incoming, clock, settings),
        )
    )
