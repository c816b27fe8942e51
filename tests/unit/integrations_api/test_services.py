"""The API's settings: right ones are read, wrong ones refused by name."""

from __future__ import annotations

import pytest

from functions.integrations_api.services import make_services
from shared.platform.settings import SettingError

RIGHT = {
    "FRONTDESK_STAGE": "dev",
    "FRONTDESK_COMPANIES_TABLE": "companies",
    "FRONTDESK_CREDENTIALS_TABLE": "credentials",
    "FRONTDESK_CONVERSATIONS_TABLE": "conversations",
    "FRONTDESK_CALENDARS_TABLE": "calendars",
    "FRONTDESK_INCOMING_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/1/incoming.fifo",
    "FRONTDESK_EMAILS_TABLE": "emails",
    "FRONTDESK_FILES_BUCKET": "files",
    "FRONTDESK_EMAIL_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/1/emails",
    "FRONTDESK_KMS_KEY_ARN": "arn:aws:kms:eu-west-1:123456789012:key/1",
}


def test_what_is_not_set_has_a_safe_default() -> None:
    """No browser origin, no loopback, the address that was called."""
    services = make_services(RIGHT)
    assert (services.stage, services.public_url, services.allowed_origins) == ("dev", "", ())
    assert services.body_limit_bytes == 1024 * 1024


def test_lists_and_addresses_are_read_in_any_spelling() -> None:
    """Empty variables are how the stack says: nothing."""
    services = make_services(
        {
            **RIGHT,
            "FRONTDESK_PUBLIC_URL": "https://desk.example.com/",
            "FRONTDESK_ALLOWED_ORIGINS": "https://a.example, https://b.example/",
        }
    )
    assert services.public_url == "https://desk.example.com"
    assert services.allowed_origins == ("https://a.example", "https://b.example")
    empty = make_services({**RIGHT, "FRONTDESK_PUBLIC_URL": "", "FRONTDESK_ALLOWED_ORIGINS": ""})
    assert (empty.public_url, empty.allowed_origins) == ("", ())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FRONTDESK_ALLOWED_ORIGINS", "*"),
        ("FRONTDESK_ALLOWED_ORIGINS", "https://a.example,b.example"),
        ("FRONTDESK_PUBLIC_URL", "desk.example.com"),
        ("FRONTDESK_BODY_LIMIT_BYTES", "many"),
        ("FRONTDESK_LOOPBACK_ALLOWED", "perhaps"),
        ("FRONTDESK_KMS_KEY_ARN", ""),
        ("FRONTDESK_COMPANIES_TABLE", ""),
        ("FRONTDESK_INCOMING_QUEUE_URL", "incoming.fifo"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(name: str, value: str) -> None:
    """At start, not with the first request."""
    with pytest.raises(SettingError, match=name):
        make_services({**RIGHT, name: value})
