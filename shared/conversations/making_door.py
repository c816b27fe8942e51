"""Puts the door together. Apart from `shared.conversations.making`, because the door must start fast."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.companies.card import Directory
from shared.conversations.door import BODY_LIMIT_BYTES, Door
from shared.conversations.door_cache import DoorCache
from shared.conversations.people import PeopleRecorder
from shared.conversations.queues import ConversationQueue
from shared.credentials.store import Credentials
from shared.credentials.vault import Vault
from shared.platform import aws
from shared.platform.clock import SystemClock
from shared.platform.settings import Environment
from shared.platform.tables import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

_SMALLEST_LIMIT, _LARGEST_LIMIT = 1024, 10 * 1024 * 1024


def make_door(variables: Mapping[str, str]) -> Door:
    """The door of ``chatwoot_webhook``.

    Args:
        variables: the environment.

    Raises:
        SettingError: a setting is missing or wrong.
    """
    environment = Environment(variables)
    clock, dynamodb = SystemClock(), aws.dynamodb(aws.HURRIED)
    credentials = Table(dynamodb, environment.text("FRONTDESK_CREDENTIALS_TABLE"))
    vault = Vault(aws.kms(aws.HURRIED), credentials, environment.text("FRONTDESK_KMS_KEY_ARN"), clock)
    directory = Directory(Table(dynamodb, environment.text("FRONTDESK_COMPANIES_TABLE")))
    return Door(
        DoorCache(directory, Credentials(vault, credentials), clock),
        ConversationQueue(aws.sqs(aws.HURRIED), environment.url("FRONTDESK_INCOMING_QUEUE_URL")),
        PeopleRecorder(Table(dynamodb, environment.text("FRONTDESK_CONVERSATIONS_TABLE"))),
        clock,
        body_limit_bytes=environment.integer(
            "FRONTDESK_BODY_LIMIT_BYTES", BODY_LIMIT_BYTES, minimum=_SMALLEST_LIMIT, maximum=_LARGEST_LIMIT
        ),
    )
