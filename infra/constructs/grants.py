"""What each function may do: per table, queue, key purpose and parameter, action by action."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_iam as iam

from infra import names
from infra.constructs.keys import CONTEXT_PURPOSE

if TYPE_CHECKING:
    from aws_cdk import aws_dynamodb as dynamodb
    from aws_cdk import aws_sqs as sqs

    from infra.constructs.files import Files
    from infra.constructs.keys import Keys
    from infra.constructs.queues import Queues
    from infra.constructs.tables import Tables
    from infra.stages import Settings

READ = ("GetItem", "BatchGetItem", "Query")
WRITE = ("PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem")
GROW = ("PutItem", "UpdateItem", "ConditionCheckItem", "BatchWriteItem")
CONSUME = ("ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes")
OPEN = ("Decrypt",)
OPEN_AND_MAKE = ("Decrypt", "GenerateDataKey")

# Purposes of data keys; a function opens only those it is granted (design: "Credentials").
WEBHOOK = "webhook"
CHATWOOT = "chatwoot"
MODEL = "model"
OAUTH = "oauth"
EMAIL = "email"


@dataclass(frozen=True)
class Resources:
    """What grants are given on."""

    settings: Settings
    tables: Tables
    queues: Queues
    keys: Keys
    files: Files


def grants(function: str, on: Resources) -> list[iam.PolicyStatement]:
    """The statements of a function's own policy."""
    return [*_GRANTS[function](on), *_append_only(on)]


def purposes(function: str) -> tuple[str, ...]:
    """The purposes whose data keys a function may open."""
    return _PURPOSES[function]


_PURPOSES = {
    names.CHATWOOT_WEBHOOK: (WEBHOOK,),
    names.CONVERSATION_TURNS: (CHATWOOT, MODEL, OAUTH),
    names.DEAD_LETTERS: (CHATWOOT,),
    names.MISSED_MESSAGES: (CHATWOOT,),
    names.TOKEN_REFRESH: (OAUTH,),
    names.CALENDAR_SYNC: (OAUTH,),
    names.EMAIL_DELIVERY: (EMAIL, OAUTH),
    # It hands reminders on: to conversations, whose function posts them, and to the outbox.
    names.APPOINTMENT_REMINDERS: (),
    names.INTEGRATIONS_API: (WEBHOOK, CHATWOOT, MODEL, OAUTH, EMAIL),
}


def _door(on: Resources) -> list[iam.PolicyStatement]:
    return [
        _table(on.tables.companies, READ),
        _table(on.tables.credentials, ("GetItem", "Query")),
        # It records what a turn must see, and takes out what was deleted; it reads nothing.
        _table(on.tables.conversations, ("PutItem", "UpdateItem", "DeleteItem")),
        _queue(on.queues.incoming, ("SendMessage",)),
        _key(on, names.CHATWOOT_WEBHOOK, OPEN),
    ]


def _turns(on: Resources) -> list[iam.PolicyStatement]:
    return [
        # UpdateItem: it notes where a Chatwoot drops our markers, and which inboxes assign by themselves.
        _table(on.tables.companies, (*READ, "UpdateItem")),
        # UpdateItem: a token that is about to end is renewed when it is used.
        _table(on.tables.credentials, ("GetItem", "Query", "UpdateItem")),
        _table(on.tables.conversations, READ + GROW),
        # SendMessage: a record that waited often is put back as a new one.
        _queue(on.queues.incoming, (*CONSUME, "SendMessage")),
        _queue(on.queues.dead_letters, ("SendMessage",)),
        *_bookings(on),
        *_outbox(on),
        _key(on, names.CONVERSATION_TURNS, OPEN),
        _parameter(on, names.OPENAI_API_KEY),
        *_client_secrets(on, names.CALENDAR_CLIENT_SECRETS),
    ]


def _dead_letters(on: Resources) -> list[iam.PolicyStatement]:
    return [
        _table(on.tables.companies, (*READ, "UpdateItem")),
        _table(on.tables.credentials, ("GetItem", "Query")),
        _table(on.tables.conversations, READ + GROW),
        _queue(on.queues.dead_letters, CONSUME),
        *_outbox(on),
        _key(on, names.DEAD_LETTERS, OPEN),
    ]


def _missed_messages(on: Resources) -> list[iam.PolicyStatement]:
    return [
        _table(on.tables.companies, ("GetItem", "Query")),
        _table(on.tables.credentials, ("GetItem", "Query")),
        # It compares, and notes what it did and which persons it saw.
        _table(on.tables.conversations, ("GetItem", "Query", "PutItem", "UpdateItem")),
        _queue(on.queues.incoming, ("SendMessage", "GetQueueAttributes")),
        _queue(on.queues.missed, ("SendMessage", *CONSUME)),
        _key(on, names.MISSED_MESSAGES, OPEN),
    ]


def _token_refresh(on: Resources) -> list[iam.PolicyStatement]:
    due = f"{on.tables.credentials.table_arn}/index/{names.REFRESH_DUE_INDEX}"
    return [
        # It writes down, in the audit trail, that a company must connect again, and whom to tell it reads.
        _table(on.tables.companies, ("GetItem", "Query", "PutItem")),
        _table(on.tables.credentials, ("GetItem", "Query", "UpdateItem")),
        _allow("dynamodb", ("Query",), due),
        _queue(on.queues.refresh, ("SendMessage", *CONSUME)),
        *_outbox(on),
        _key(on, names.TOKEN_REFRESH, OPEN),
        *_client_secrets(on),
    ]


def _appointment_reminders(on: Resources) -> list[iam.PolicyStatement]:
    due = f"{on.tables.calendars.table_arn}/index/{names.DUE_INDEX}"
    return [
        _table(on.tables.companies, ("GetItem",)),
        # The customer's newest conversation, and what is known of its channel.
        _table(on.tables.conversations, ("Query",)),
        # PutItem: an e-mail in place of a message that cannot be sent.
        _table(on.tables.calendars, ("GetItem", "UpdateItem", "PutItem")),
        _allow("dynamodb", ("Query",), due),
        _queue(on.queues.reminders, ("SendMessage", *CONSUME)),
        _queue(on.queues.incoming, ("SendMessage",)),
        *_outbox(on),
    ]


def _email_delivery(on: Resources) -> list[iam.PolicyStatement]:
    waiting = f"{on.tables.emails.table_arn}/index/{names.WAITING_INDEX}"
    return [
        _table(on.tables.companies, ("GetItem", "Query")),
        # UpdateItem: a mail server's access token that is about to end is renewed when it is used.
        _table(on.tables.credentials, ("GetItem", "Query", "UpdateItem")),
        # PutItem: an e-mail of its own for recipients that a server takes only later. DeleteItem: a breaker
        # is forgotten when its provider works again.
        _table(on.tables.emails, ("GetItem", "PutItem", "UpdateItem", "DeleteItem")),
        _allow("dynamodb", ("Query",), waiting),
        _queue(on.queues.emails, ("SendMessage", *CONSUME)),
        _files(on, ("GetObjectVersion",)),
        # Without it S3 says 403 of what is not there, as it does where a policy is wrong.
        _allow("s3", ("ListBucket",), on.files.bucket.bucket_arn),
        _key(on, names.EMAIL_DELIVERY, OPEN),
        *_client_secrets(on),
    ]


def _calendar_sync(on: Resources) -> list[iam.PolicyStatement]:
    return [
        _table(on.tables.companies, ("GetItem", "Query")),
        # UpdateItem: a token that is about to end is renewed when it is used.
        _table(on.tables.credentials, ("GetItem", "Query", "UpdateItem")),
        *_bookings(on),
        # Customers are told what staff did to their appointments.
        *_outbox(on),
        _queue(on.queues.sync, ("SendMessage", *CONSUME)),
        _key(on, names.CALENDAR_SYNC, OPEN),
        *_client_secrets(on, names.CALENDAR_CLIENT_SECRETS),
    ]


def _integrations_api(on: Resources) -> list[iam.PolicyStatement]:
    return [
        _table(on.tables.companies, READ + WRITE),
        _table(on.tables.credentials, READ + WRITE),
        # It reads them for people, changes records and inboxes when a dead letter is replayed, and forgets.
        _table(on.tables.conversations, (*READ, "UpdateItem", "DeleteItem")),
        _allow("dynamodb", ("Query",), f"{on.tables.conversations.table_arn}/index/{names.RECENT_INDEX}"),
        _queue(on.queues.incoming, ("SendMessage",)),
        # Vendors tell of changes.
        _queue(on.queues.sync, ("SendMessage",)),
        *_bookings(on),
        _table(on.tables.emails, READ + WRITE),
        _allow("dynamodb", ("Query",), f"{on.tables.emails.table_arn}/index/{names.WRITTEN_INDEX}"),
        _queue(on.queues.emails, ("SendMessage",)),
        # It signs uploads, looks whether they came, and forgets a customer's.
        _files(on, ("PutObject", "GetObject", "GetObjectVersion", "DeleteObjectVersion")),
        _allow("s3", ("ListBucket", "ListBucketVersions"), on.files.bucket.bucket_arn),
        _key(on, names.INTEGRATIONS_API, OPEN_AND_MAKE),
        _parameter(on, names.OPENAI_API_KEY),
        *_client_secrets(on),
    ]


def _outbox(on: Resources) -> list[iam.PolicyStatement]:
    """Of functions that have e-mails sent: they write one down, look whether it was there, and queue it."""
    return [
        _table(on.tables.emails, ("GetItem", "PutItem")),
        _queue(on.queues.emails, ("SendMessage",)),
    ]


def _bookings(on: Resources) -> list[iam.PolicyStatement]:
    """Of functions that look for free times, book, move and cancel."""
    indexes = (names.CONTACT_INDEX, names.MONTH_INDEX, names.DUE_INDEX)
    return [
        _table(on.tables.calendars, READ + WRITE),
        *(
            _allow("dynamodb", ("Query",), f"{on.tables.calendars.table_arn}/index/{name}")
            for name in indexes
        ),
    ]


_GRANTS = {
    names.CHATWOOT_WEBHOOK: _door,
    names.CONVERSATION_TURNS: _turns,
    names.DEAD_LETTERS: _dead_letters,
    names.MISSED_MESSAGES: _missed_messages,
    names.TOKEN_REFRESH: _token_refresh,
    names.CALENDAR_SYNC: _calendar_sync,
    names.EMAIL_DELIVERY: _email_delivery,
    names.APPOINTMENT_REMINDERS: _appointment_reminders,
    names.INTEGRATIONS_API: _integrations_api,
}


def _append_only(on: Resources) -> list[iam.PolicyStatement]:
    """No function changes or deletes what stands in everybody's audit trail, whatever else it may do.

    A policy sees an item's partition and not its place in it, so the trail has partitions of its own
    (docs/decisions/0013-audit-trail.md). The local AWS does not know the condition key.
    """
    if not on.settings.stage.on_aws:
        return []
    statement = iam.PolicyStatement(
        effect=iam.Effect.DENY,
        actions=["dynamodb:UpdateItem", "dynamodb:DeleteItem"],
        resources=[on.tables.companies.table_arn],
    )
    statement.add_conditions({"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": [names.TRAIL]}})
    return [statement]


def _allow(service: str, actions: tuple[str, ...], resource: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=[f"{service}:{action}" for action in actions], resources=[resource])


def _table(table: dynamodb.Table, actions: tuple[str, ...]) -> iam.PolicyStatement:
    return _allow("dynamodb", actions, table.table_arn)


def _files(on: Resources, actions: tuple[str, ...]) -> iam.PolicyStatement:
    return _allow("s3", actions, on.files.bucket.arn_for_objects(f"{names.FILES_PREFIX}*"))


def _queue(queue: sqs.Queue, actions: tuple[str, ...]) -> iam.PolicyStatement:
    return _allow("sqs", actions, queue.queue_arn)


def _key(on: Resources, function: str, actions: tuple[str, ...]) -> iam.PolicyStatement:
    statement = iam.PolicyStatement(
        actions=[f"kms:{action}" for action in actions], resources=list(on.keys.arns)
    )
    if on.settings.stage.on_aws:
        statement.add_conditions({"StringEquals": {CONTEXT_PURPOSE: list(purposes(function))}})
    return statement


def _client_secrets(
    on: Resources, secrets: tuple[str, ...] = names.CLIENT_SECRETS
) -> list[iam.PolicyStatement]:
    """Who this deployment is at the OAuth providers."""
    return [_parameter(on, name) for name in secrets]


def _parameter(on: Resources, name: str) -> iam.PolicyStatement:
    """A SecureString; the policy of its key ``aws/ssm`` lets every caller of Parameter Store in."""
    arn = Stack.of(on.tables).format_arn(
        service="ssm",
        resource="parameter",
        resource_name=names.parameter(on.settings.stage.name, name).removeprefix("/"),
    )
    return _allow("ssm", ("GetParameter",), arn)
