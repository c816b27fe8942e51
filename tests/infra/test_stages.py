"""Context: what a deployment may choose, and how wrong values are refused."""

from __future__ import annotations

import pytest

from infra.stages import ContextError, Settings, read_settings


def settings(context: dict[str, str]) -> Settings:
    """Settings under this context."""
    values: dict[str, object] = {**context}
    return read_settings(values.get)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("stage", "staging", "local, dev, prod"),
        ("turn_concurrency", "1", "from 2 to 1000"),
        ("turn_concurrency", "many", "whole number"),
        ("door_reserved_concurrency", "-1", "whole number"),
        ("requests_per_second", "0", "from 1 to 10000"),
        ("public_url", "desk.example.com", "https://api.example.com"),
        ("openai_base_url", "https://user@models.example.com", "URL"),
        ("openai_api", "assistants", "responses, chat_completions"),
        ("allowed_origins", "*", "without wildcard"),
        ("allowed_origins", "https://*.example.com", "without wildcard"),
        ("allowed_origins", "https://desk.example.com/path", "without path"),
        ("alarm_email", "nobody", "e-mail address"),
        ("kms_key_arn", "arn:aws:kms:eu-west-1:111122223333:alias/mine", "not of an alias"),
        ("log_level", "LOUD", "DEBUG"),
    ],
)
def test_a_wrong_value_is_refused_with_a_sentence_that_names_it(name: str, value: str, says: str) -> None:
    """The operator learns which value is wrong and what it must be."""
    with pytest.raises(ContextError) as refused:
        settings({name: value})
    assert name in str(refused.value)
    assert says in str(refused.value)


def test_the_default_stage_is_dev() -> None:
    """Nobody touches prod, and nobody loses data, by forgetting a word."""
    defaults = settings({})
    assert defaults.stage.name == "dev"
    assert defaults.allowed_origins == ()
    assert defaults.turn_concurrency == 50


def test_only_settings_that_are_given_are_passed_on() -> None:
    """The functions know their own defaults."""
    assert settings({}).tunables == {}
    assert settings({"turn_seconds": "60"}).tunables == {"turn_seconds": "60"}
