"""Wrong settings are refused at the start with a sentence that names the variable."""

from __future__ import annotations

import pytest

from shared.conversations.settings import TurnSettings
from shared.platform.settings import Environment, SettingError


def test_defaults_hold_where_nothing_is_set() -> None:
    """A deployment needs few settings."""
    settings = TurnSettings.from_environment(Environment({}))
    assert settings == TurnSettings()
    assert settings.retry_seconds == (2, 5, 15, 40, 90)


def test_settings_are_read_with_their_types() -> None:
    """Text in, numbers out."""
    variables = {
        "FRONTDESK_TURN_SECONDS": "30",
        "FRONTDESK_RETRY_SECONDS": "1, 2.5",
        "FRONTDESK_LOOPBACK_ALLOWED": "true",
    }
    settings = TurnSettings.from_environment(Environment(variables))
    assert (settings.turn_seconds, settings.retry_seconds, settings.loopback_allowed) == (30, (1, 2.5), True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FRONTDESK_TURN_SECONDS", "soon"),
        ("FRONTDESK_TURN_SECONDS", "0"),
        ("FRONTDESK_TURN_SECONDS", "nan"),
        ("FRONTDESK_LEASE_SECONDS", "9999"),
        ("FRONTDESK_RETRY_SECONDS", "2,x"),
        ("FRONTDESK_RETRY_SECONDS", "-1"),
        ("FRONTDESK_LOOPBACK_ALLOWED", "perhaps"),
    ],
)
def test_a_wrong_value_is_refused_by_name(name: str, value: str) -> None:
    """The operator reads which variable it is."""
    with pytest.raises(SettingError, match=name):
        TurnSettings.from_environment(Environment({name: value}))


def test_a_missing_setting_without_default_is_refused_by_name() -> None:
    """At the start, not at the first customer."""
    with pytest.raises(SettingError, match="FRONTDESK_TABLE is not set"):
        Environment({"FRONTDESK_TABLE": "  "}).text("FRONTDESK_TABLE")


@pytest.mark.parametrize("value", ["example.com", "ftp://example.com", "https://"])
def test_an_address_must_be_one(value: str) -> None:
    """With scheme and host."""
    with pytest.raises(SettingError, match="ADDRESS"):
        Environment({"ADDRESS": value}).url("ADDRESS")


def test_choices_and_whole_numbers_are_checked() -> None:
    """One of a few words; no half numbers."""
    environment = Environment({"API": "soap", "SIZE": "1.5"})
    with pytest.raises(SettingError, match="one of: responses, chat_completions"):
        environment.choice("API", ("responses", "chat_completions"), "responses")
    with pytest.raises(SettingError, match="SIZE"):
        environment.integer("SIZE", 1, minimum=1, maximum=9)
    assert environment.url("OTHER", "https://example.com/") == "https://example.com"
