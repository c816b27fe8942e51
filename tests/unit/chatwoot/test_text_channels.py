"""How much text a channel takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.chatwoot.text.channels import Limit, Unit, limit_for


def test_twilio_serves_whatsapp_and_sms_under_one_type() -> None:
    """The contact's address tells them apart; without one it is the shorter SMS."""
    assert limit_for("Channel::TwilioSms", "whatsapp:+34600000000").size == 1600
    assert limit_for("Channel::TwilioSms", "+34600000000").size == 320
    assert limit_for("Channel::TwilioSms").size == 320


@pytest.mark.parametrize(
    ("channel", "provider"),
    [
        ("Channel::Whatsapp", 4096),
        ("Channel::Telegram", 4096),
        ("Channel::Line", 5000),
        ("Channel::Instagram", 1000),
        ("Channel::FacebookPage", 2000),
        ("Channel::Sms", 320),
        ("Channel::Tiktok", 6000),
        ("Channel::Email", 25_000),
        ("Channel::WebWidget", 10_000),
        ("Channel::Api", 10_000),
        ("Channel::Newer", 10_000),
        ("", 10_000),
    ],
)
def test_no_channel_gets_more_than_its_provider_takes(channel: str, provider: int) -> None:
    """An unknown channel gets what Chatwoot's own editor allows."""
    assert limit_for(channel).size <= provider


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_counts_are_those_of_the_encodings(text: str) -> None:
    """Python's own codecs say the same."""
    assert Limit(100, Unit.CHARACTERS).count(text) == len(text)
    assert Limit(100, Unit.UTF16).count(text) == len(text.encode("utf-16-le")) // 2
    assert Limit(100, Unit.BYTES).count(text) == len(text.encode())
