from __future__ import annotations

import pytest

from shared.agent.settings import ModelSettings
from shared.platform.settings import Environment, SettingError


def test_the_defaults_are_a_current_model_of_openai() -> None:
    """Nothing needs to be set."""
    settings = ModelSettings.from_environment(Environment({}))
    assert settings == ModelSettings()
    assert (settings.model, settings.routing_model) == ("gpt-6-luna", "gpt-6-luna")
    assert settings.is_openai


def test_every_setting_can_be_chosen() -> None:
    """A compatible server with another model."""
    settings = ModelSettings.from_environment(
        Environment(
            {
                "FRONTDESK_OPENAI_BASE_URL": "http://127.0.0.1:8483/v1/",
                "FRONTDESK_OPENAI_API": "chat_completions",
                "FRONTDESK_OPENAI_MODEL": "llama",
                "FRONTDESK_TRANSCRIPTION_MODEL": "whisper-large",
                "FRONTDESK_MODEL_TIMEOUT_SECONDS": "7.5",
                "FRONTDESK_OPENAI_REASONING_EFFORT": "none",
                "FRONTDESK_OPENAI_MAX_OUTPUT_TOKENS": "900",
            }
        )
    )
    assert settings == ModelSettings(
        "http://127.0.0.1:8483/v1", "chat_completions", "llama", "llama", "whisper-large", 7.5, "none", 900
    )
    assert not settings.is_openai


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("FRONTDESK_OPENAI_API", "completions"),
        ("FRONTDESK_OPENAI_BASE_URL", "api.openai.com"),
        ("FRONTDESK_MODEL_TIMEOUT_SECONDS", "0"),
        ("FRONTDESK_OPENAI_REASONING_EFFORT", "much"),
        ("FRONTDESK_OPENAI_MAX_OUTPUT_TOKENS", "1.5"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(name: str, wrong: str) -> None:
    """The sentence names the variable."""
    with pytest.raises(SettingError, match=name):
        ModelSettings.from_environment(Environment({name: wrong}))
