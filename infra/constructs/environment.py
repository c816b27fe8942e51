"""The environment variables of each function: what it needs, and no secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra import names

if TYPE_CHECKING:
    from infra.constructs.grants import Resources


def environment(function: str, on: Resources) -> dict[str, str]:
    """The environment of a function."""
    return {**_common(function, on), **_OWN[function](on)}


def _common(function: str, on: Resources) -> dict[str, str]:
    settings = on.settings
    return {
        "FRONTDESK_STAGE": settings.stage.name,
        "FRONTDESK_COMPANIES_TABLE": on.tables.companies.table_name,
        "FRONTDESK_CREDENTIALS_TABLE": on.tables.credentials.table_name,
        "FRONTDESK_CONVERSATIONS_TABLE": on.tables.conversations.table_name,
        "FRONTDESK_KMS_KEY_ARN": on.keys.used_arn,
        # Metrics carry it as a dimension, so that two stages in one account stay apart.
        "POWERTOOLS_SERVICE_NAME": names.function(settings.stage.name, function),
        "POWERTOOLS_LOG_LEVEL": settings.log_level,
    }


def _bookings(on: Resources) -> dict[str, str]:
    """Of functions that look into calendars."""
    return {"FRONTDESK_CALENDARS_TABLE": on.tables.calendars.table_name}


def _outbox(on: Resources) -> dict[str, str]:
    """Of functions that have e-mails sent."""
    return {
        "FRONTDESK_EMAILS_TABLE": on.tables.emails.table_name,
        "FRONTDESK_EMAIL_QUEUE_URL": on.queues.emails.queue_url,
    }


def _files(on: Resources) -> dict[str, str]:
    """Of functions that take e-mails' large files in, or send them."""
    return {"FRONTDESK_FILES_BUCKET": on.files.bucket.bucket_name}


def _door(on: Resources) -> dict[str, str]:
    return {
        "FRONTDESK_INCOMING_QUEUE_URL": on.queues.incoming.queue_url,
        "FRONTDESK_BODY_LIMIT_BYTES": str(1024 * 1024),
    }


def _outside(on: Resources) -> dict[str, str]:
    """Of functions that call Chatwoot."""
    return {
        "FRONTDESK_LOOPBACK_ALLOWED": "false" if on.settings.stage.on_aws else "true",
        **{f"FRONTDESK_{name.upper()}": value for name, value in on.settings.tunables.items()},
    }


def _model(on: Resources) -> dict[str, str]:
    """Of functions that ask the model."""
    settings = on.settings
    chosen = {
        "FRONTDESK_OPENAI_API": settings.openai_api,
        "FRONTDESK_OPENAI_MODEL": settings.openai_model,
        "FRONTDESK_ROUTING_MODEL": settings.routing_model or settings.openai_model,
    }
    if settings.openai_base_url:
        chosen["FRONTDESK_OPENAI_BASE_URL"] = settings.openai_base_url
    return chosen


def _oauth(on: Resources) -> dict[str, str]:
    """Of functions that use companies' OAuth connections; ``-`` is off, or the provider's own hosts."""
    settings = on.settings
    return {
        "FRONTDESK_GOOGLE_CLIENT_ID": settings.google_client_id or "-",
        "FRONTDESK_GOOGLE_BASE_URL": settings.google_base_url or "-",
        "FRONTDESK_CALENDLY_CLIENT_ID": settings.calendly_client_id or "-",
        "FRONTDESK_CALENDLY_BASE_URL": settings.calendly_base_url or "-",
        "FRONTDESK_MICROSOFT_CLIENT_ID": settings.microsoft_client_id or "-",
        "FRONTDESK_MICROSOFT_BASE_URL": settings.microsoft_base_url or "-",
    }


def _turns(on: Resources) -> dict[str, str]:
    return {
        **_outside(on),
        **_model(on),
        **_bookings(on),
        **_oauth(on),
        **_outbox(on),
        "FRONTDESK_INCOMING_QUEUE_URL": on.queues.incoming.queue_url,
        "FRONTDESK_DEAD_LETTER_QUEUE_URL": on.queues.dead_letters.queue_url,
    }


def _dead_letters(on: Resources) -> dict[str, str]:
    return {
        **_outside(on),
        **_outbox(on),
        "FRONTDESK_DEAD_LETTER_QUEUE_URL": on.queues.dead_letters.queue_url,
    }


def _missed_messages(on: Resources) -> dict[str, str]:
    return {
        **_outside(on),
        "FRONTDESK_INCOMING_QUEUE_URL": on.queues.incoming.queue_url,
        "FRONTDESK_MISSED_QUEUE_URL": on.queues.missed.queue_url,
    }


def _token_refresh(on: Resources) -> dict[str, str]:
    return {
        **_outside(on),
        **_oauth(on),
        **_outbox(on),
        "FRONTDESK_REFRESH_QUEUE_URL": on.queues.refresh.queue_url,
    }


def _appointment_reminders(on: Resources) -> dict[str, str]:
    return {
        **_bookings(on),
        **_outbox(on),
        "FRONTDESK_INCOMING_QUEUE_URL": on.queues.incoming.queue_url,
        "FRONTDESK_REMINDER_QUEUE_URL": on.queues.reminders.queue_url,
    }


def _email_delivery(on: Resources) -> dict[str, str]:
    return {
        **_outside(on),
        **_oauth(on),
        **_outbox(on),
        **_files(on),
        "FRONTDESK_MAIL_BASE_URL": on.settings.mail_base_url or "-",
        "FRONTDESK_SES_BASE_URL": on.settings.ses_base_url or "-",
    }


def _calendar_sync(on: Resources) -> dict[str, str]:
    return {**_outside(on), **_oauth(on), **_bookings(on), **_outbox(on), **_looks(on)}


def _looks(on: Resources) -> dict[str, str]:
    """Of functions that ask for looks at calendars; vendors are told our public address."""
    return {
        "FRONTDESK_SYNC_QUEUE_URL": on.queues.sync.queue_url,
        "FRONTDESK_PUBLIC_URL": on.settings.public_url,
    }


def _integrations_api(on: Resources) -> dict[str, str]:
    return {
        **_outside(on),
        **_model(on),
        **_bookings(on),
        **_oauth(on),
        **_outbox(on),
        **_looks(on),
        **_files(on),
        "FRONTDESK_INCOMING_QUEUE_URL": on.queues.incoming.queue_url,
        "FRONTDESK_ALLOWED_ORIGINS": ",".join(on.settings.allowed_origins),
        "FRONTDESK_BODY_LIMIT_BYTES": str(1024 * 1024),
    }


_OWN = {
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
