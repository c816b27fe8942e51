"""What everything is called, in one place. Imports nothing, so that any tool can ask for a name.

Physical names are fixed (not made by CloudFormation), so that an operator, an alarm and a runbook can name a
thing without looking it up. The price: CloudFormation cannot replace a named resource in place, so a change
that needs a replacement needs a new name here.
"""

from __future__ import annotations

PRODUCT = "frontdesk"

# Deployable units; each has functions/<name>/handler.py.
CHATWOOT_WEBHOOK = "chatwoot_webhook"
CONVERSATION_TURNS = "conversation_turns"
DEAD_LETTERS = "dead_letters"
MISSED_MESSAGES = "missed_messages"
TOKEN_REFRESH = "token_refresh"  # noqa: S105 - a name
CALENDAR_SYNC = "calendar_sync"
EMAIL_DELIVERY = "email_delivery"
APPOINTMENT_REMINDERS = "appointment_reminders"
INTEGRATIONS_API = "integrations_api"
FUNCTIONS = (
    CHATWOOT_WEBHOOK,
    CONVERSATION_TURNS,
    DEAD_LETTERS,
    MISSED_MESSAGES,
    TOKEN_REFRESH,
    CALENDAR_SYNC,
    EMAIL_DELIVERY,
    APPOINTMENT_REMINDERS,
    INTEGRATIONS_API,
)

COMPANIES = "companies"
CREDENTIALS = "credentials"
CONVERSATIONS = "conversations"
CALENDARS = "calendars"
EMAILS = "emails"
TABLES = (COMPANIES, CREDENTIALS, CONVERSATIONS, CALENDARS, EMAILS)

# The conversations table's index: a company's conversations by their newest closed turn.
RECENT_INDEX = "recent"
# The calendars table's indexes: what is to be done by a time (reminders, unfinished bookings), a contact's
# appointments, and a company's appointments by month; each by time.
DUE_INDEX = "due"
CONTACT_INDEX = "contact"
MONTH_INDEX = "month"
CALENDAR_INDEXES = (DUE_INDEX, CONTACT_INDEX, MONTH_INDEX)
# The e-mails table's indexes: what waits, by the moment it waits for; a company's e-mails by their time.
WAITING_INDEX = "waiting"
WRITTEN_INDEX = "written"
WRITTEN_ATTRIBUTES = ("kind", "state", "created_ms", "finished_ms", "provider", "attempts", "reason", "fate")
# The credentials table's index: connections by the moment at which their tokens are to be renewed.
REFRESH_DUE_INDEX = "refresh_due"

# Partitions of the companies table that hold everybody's audit trail (shared/companies/names.py).
TRAIL = "audit#*"

# Keys of files begin so (shared/email/files.py).
FILES_PREFIX = "company/"

OPENAI_API_KEY = "openai_api_key"
GOOGLE_CLIENT_SECRET = "google_client_secret"  # noqa: S105 - a name
CALENDLY_CLIENT_SECRET = "calendly_client_secret"  # noqa: S105 - a name
MICROSOFT_CLIENT_SECRET = "microsoft_client_secret"  # noqa: S105 - a name
CALENDAR_CLIENT_SECRETS = (GOOGLE_CLIENT_SECRET, CALENDLY_CLIENT_SECRET)
CLIENT_SECRETS = (*CALENDAR_CLIENT_SECRETS, MICROSOFT_CLIENT_SECRET)

# CloudWatch's namespace of what alarms count in logs; the functions' own metrics are in `Frontdesk`.
COUNTED = "Frontdesk/Alarms"


def stack(stage: str) -> str:
    """The CloudFormation stack."""
    return f"{PRODUCT}-{stage}"


def table(stage: str, name: str) -> str:
    """A DynamoDB table."""
    return f"{PRODUCT}-{stage}-{name}"


def files_bucket(stage: str, account: str, region: str) -> str:
    """The S3 bucket of e-mails' large files; buckets share one name space with all of the world's."""
    return f"{PRODUCT}-{stage}-files-{account}-{region}"


def queue(stage: str, name: str) -> str:
    """An SQS FIFO queue (AWS wants the suffix)."""
    return f"{PRODUCT}-{stage}-{name}.fifo"


def standard_queue(stage: str, name: str) -> str:
    """An SQS queue without order."""
    return f"{PRODUCT}-{stage}-{name}"


def schedule(stage: str, function_name: str) -> str:
    """What calls a function by the clock."""
    return function(stage, function_name)


def function(stage: str, name: str) -> str:
    """A Lambda function."""
    return f"{PRODUCT}-{stage}-{name.replace('_', '-')}"


def handler(name: str) -> str:
    """Lambda's handler string of a function."""
    return f"functions.{name}.handler.handler"


def function_logs(stage: str, name: str) -> str:
    """The log group of a function: Lambda's own default name, so that no second, unbounded one appears."""
    return f"/aws/lambda/{function(stage, name)}"


def access_logs(stage: str) -> str:
    """The log group of the API's access log.

    The prefix keeps the account's CloudWatch Logs resource policy short (API Gateway's "Configure logging").
    """
    return f"/aws/vendedlogs/{PRODUCT}-{stage}-api"


def api(stage: str) -> str:
    """The HTTP API."""
    return f"{PRODUCT}-{stage}"


def key_alias(stage: str) -> str:
    """The KMS key that wraps the data keys of the vault."""
    return f"alias/{PRODUCT}-{stage}"


def alarm(stage: str, name: str) -> str:
    """A CloudWatch alarm."""
    return f"{PRODUCT}-{stage}-{name}"


def counted(stage: str, what: str) -> str:
    """A metric that a metric filter counts in a log."""
    return f"{stage}-{what}"


def alarm_topic(stage: str) -> str:
    """The SNS topic that the operator's alarms go to."""
    return f"{PRODUCT}-{stage}-alarms"


def parameter(stage: str, name: str) -> str:
    """A deployment secret in Parameter Store."""
    return f"/{PRODUCT}/{stage}/{name}"


def assets_bucket(stage: str) -> str:
    """The bucket that ``cdk deploy`` puts the code into at stage local, where there is no CDK bootstrap.

    It must exist before the deployment.
    """
    return f"{PRODUCT}-{stage}-assets"


class Outputs:
    """Names of the stack's outputs."""

    API_URL = "ApiUrl"
    API_ID = "ApiId"
    COMPANIES_TABLE = "CompaniesTable"
    CREDENTIALS_TABLE = "CredentialsTable"
    CONVERSATIONS_TABLE = "ConversationsTable"
    CALENDARS_TABLE = "CalendarsTable"
    EMAILS_TABLE = "EmailsTable"
    INCOMING_QUEUE_URL = "IncomingQueueUrl"
    DEAD_LETTER_QUEUE_URL = "DeadLetterQueueUrl"
    PARKED_QUEUE_URL = "ParkedQueueUrl"
    MISSED_QUEUE_URL = "MissedQueueUrl"
    REFRESH_QUEUE_URL = "RefreshQueueUrl"
    EMAIL_QUEUE_URL = "EmailQueueUrl"
    SYNC_QUEUE_URL = "SyncQueueUrl"
    REMINDER_QUEUE_URL = "ReminderQueueUrl"
    FILES_BUCKET = "FilesBucket"
    KEY_ARN = "KeyArn"
    ALARM_TOPIC_ARN = "AlarmTopicArn"
