"""Everything together: a reply as the parts that are posted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.chatwoot.text.channels import CHANNELS, limit_for
from shared.chatwoot.text.fit import fit
from shared.chatwoot.text.liquid import neutralise
from tests.support import conversion
from tests.support.conversion import Conversion, converted

TWILIO = ("Channel::TwilioSms", "whatsapp:+34600000000")
EVERYWHERE = [(channel, None) for channel in [*CHANNELS, "Channel::WebWidget"]] + [TWILIO]
PROSE = "El tratamiento cuesta 150 euros, dura *unos* cuatro meses y **no duele**. Véase https://a.b/c_d. "


@pytest.mark.parametrize(("length", "parts"), [(1600, 1), (1601, 2), (1937, 2), (4319, 3)])
def test_replies_that_used_to_disappear_arrive_in_parts(length: int, parts: int) -> None:
    """Twilio's WhatsApp takes 1,600 characters and says nothing about the rest."""
    text = ("Palabras, y más palabras. " * 200)[:length].ljust(length, "s")
    found = fit(text, *TWILIO)
    assert len(found) == parts
    assert all(len(part) <= 1600 for part in found)


@pytest.mark.parametrize("by", [conversion.WHATSAPP, conversion.WHATSAPP_4_9, conversion.PLAIN])
@given(st.text(st.sampled_from("ab *_`~<>[]()#-1.&;\\\n{%}é😀"), max_size=4000))
def test_no_part_is_over_the_limit_after_the_conversion_either(by: Conversion, text: str) -> None:
    """What is counted is never less than what the provider gets."""
    limit = limit_for(*TWILIO)
    for part in fit(text * 2, *TWILIO):
        assert limit.fits(part)
        assert limit.fits(converted(part, by))


@pytest.mark.parametrize(("channel", "source_id"), EVERYWHERE)
@given(st.text(max_size=400), st.integers(1, 12))
def test_every_part_fits_and_has_something_to_see(
    channel: str, source_id: str | None, text: str, times: int
) -> None:
    """On every channel, for every text."""
    limit = limit_for(channel, source_id)
    for part in fit(text * times, channel, source_id):
        assert limit.fits(part)
        assert part.strip()
        assert neutralise(part) == part
        part.encode()  # no half of a surrogate pair is left


def test_nothing_to_see_is_nothing_to_send() -> None:
    """Chatwoot would take an empty message, and the channel would fail on it."""
    for text in ("", "   \n", "\u200b", "\x00", "\ufeff \u2060"):
        assert fit(text, "Channel::Whatsapp") == []


def test_what_no_database_takes_is_not_sent() -> None:
    """A null byte or half a surrogate pair would make Chatwoot answer with an error."""
    assert fit("a\x00b\ud83dc\r\nd", "Channel::Api") == ["ab\ufffdc\nd"]


def test_a_part_that_begins_in_the_middle_does_not_begin_a_list() -> None:
    """A year at the start of a part would be taken for a list's number and dropped."""
    text = "palabra " * 38 + "2024. Y sigue " * 60
    for part in fit(text, "Channel::Sms")[1:]:
        shown = converted(part, conversion.WHATSAPP_4_9)
        assert shown.count("2024.") == part.count("2024.")


def test_markdown_shortens_what_is_sent_and_never_the_number_of_prices() -> None:
    """A long reply with everything in it keeps every price."""
    prices = "\n".join(
        f"{number}. **Servicio {number}**: {number * 10} €, [más](https://a.b/{number})"
        for number in range(1, 90)
    )
    shown = "\n".join(converted(part, conversion.WHATSAPP_4_9) for part in fit(prices, *TWILIO)).replace(
        "\u00a0", " "
    )
    for number in range(1, 90):
        assert f"{number}. *Servicio {number}*: {number * 10} €, más: https://a.b/{number}" in shown
