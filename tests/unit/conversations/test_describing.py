"""What came with a customer's words is told in words, and never dropped."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.conversations.describing import described, notes_on, only_unheard
from shared.conversations.incoming import IncomingMessage, State
from shared.conversations.keys import ConversationKey
from tests.fakes.ears import attachment

PLAIN = IncomingMessage(
    key=ConversationKey("sol", 3, 214),
    message_id=70011,
    text="",
    cut=False,
    content_type="text",
    created_at="",
    received_at_ms=0,
    inbox_id=12,
    channel="Channel::Whatsapp",
    contact_id=481,
    contact_name="Ana",
    contact_source_id="",
    in_reply_to=None,
    attachments=(),
    state=State("open", None, "", can_reply=True, labels=(), updated_at_us=None),
)


def words(*attachments: dict[str, Any], **changes: Any) -> str:  # noqa: ANN401 - fields of a message
    """A message with attachments, in words."""
    return described(replace(PLAIN, attachments=attachments, **changes))


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (attachment("image", heard={"as": "picture"}), "[a picture]"),
        (attachment("image", heard={"as": "unseen"}), "[a picture that could not be opened]"),
        (attachment("image", heard={"as": "skipped"}), "[a picture that was not opened]"),
        (attachment("image"), "[a picture]"),
        (attachment("audio"), "[a voice message]"),
        (attachment("audio", heard={"as": "transcript", "text": "hola"}), "[voice message, transcript] hola"),
        (attachment("audio", heard={"as": "unheard"}), "[a voice message that could not be understood]"),
        (
            attachment(
                "file",
                "https://a.example/rails/active_storage/blobs/redirect/x/factura%20mayo.pdf?disposition=inline",
                content_type="application/pdf",
                file_size=204_833,
            ),
            "[a file: factura mayo.pdf, application/pdf, 200 KB]",
        ),
        (
            attachment("video", "https://a.example/x.mp4", file_size=3 * 1024 * 1024),
            "[a video: x.mp4, 3.0 MB]",
        ),
        (
            attachment(
                "location", coordinates_lat="38.8977", coordinates_long="-77.0365", fallback_title="Plaza"
            ),
            "[a location: latitude 38.8977, longitude -77.0365, Plaza]",
        ),
        (attachment("location"), "[a location]"),
        (
            attachment("contact", fallback_title="+34600", meta={"firstName": "Ana", "lastName": "Pérez"}),
            "[a contact card: Ana Pérez, +34600]",
        ),
        (attachment("contact"), "[a contact card]"),
        (
            attachment("fallback", "https://b.example/", fallback_title="A\npost"),
            "[a link: A post, https://b.example/]",
        ),
        (attachment("ig_reel", "https://cdn.example/1", heard={"as": "closed"}), "[a reel]"),
        (attachment("story_mention"), "[a mention in a story]"),
        (attachment("of next year"), "[an attachment]"),
        (attachment("file", "http://[", file_size=0), "[a file]"),
        ({"file_type": "unsupported"}, "[a message of a kind that this channel does not show]"),
        ({}, "[an attachment]"),
    ],
)
def test_every_kind_of_attachment_has_words(sent: dict[str, Any], told: str) -> None:
    """With what is known of it."""
    assert words(sent) == told


def test_text_comes_first_and_each_attachment_after_it() -> None:
    """In their order."""
    told = words(attachment("image"), attachment("location"), text="mire esto", cut=True)
    assert told == "mire esto [a picture] [a location] [the text was longer and has been cut]"


def test_a_sticker_is_told_as_one() -> None:
    """However Chatwoot stores it."""
    assert words(attachment("image"), content_type="sticker") == "[a sticker]"


def test_a_message_without_anything_is_told_as_empty() -> None:
    """Better than silence."""
    assert words() == "[an empty message]"


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (attachment("audio", heard={"as": "transcript", "text": "x"}), "may be misheard"),
        (attachment("audio", heard={"as": "unheard"}), "ask kindly for words"),
        (attachment("image", heard={"as": "unseen"}), "do not guess"),
        (attachment("image", heard={"as": "skipped"}), "not opened all"),
        (attachment("file"), "people of the company can"),
        (attachment("ig_reel", heard={"as": "closed"}), "people of the company can"),
    ],
)
def test_the_model_is_told_how_to_take_it(sent: dict[str, Any], told: str) -> None:
    """One sentence for each way."""
    (note,) = notes_on([replace(PLAIN, attachments=(sent,))])
    assert told in note


def test_what_the_model_sees_itself_needs_no_note() -> None:
    """Nor does plain text, nor what the words say already."""
    seen = replace(PLAIN, attachments=(attachment("file", heard={"as": "picture"}), attachment("location")))
    assert notes_on([PLAIN, seen]) == ()


UNHEARD = replace(PLAIN, attachments=(attachment("audio", heard={"as": "unheard"}),))


@pytest.mark.parametrize(
    ("messages", "only"),
    [
        ([UNHEARD], True),
        ([UNHEARD, UNHEARD], True),
        ([replace(UNHEARD, text="hola")], False),
        ([UNHEARD, replace(PLAIN, text="hola")], False),
        ([UNHEARD, PLAIN], False),
        ([UNHEARD, replace(PLAIN, attachments=(attachment("location"),))], False),
        ([UNHEARD, replace(PLAIN, content_type="sticker")], False),
        ([PLAIN], False),
        ([], False),
    ],
)
def test_only_voice_that_nobody_understands_is_asked_about_without_the_model(
    messages: list[IncomingMessage],
    only: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """With anything else the model answers and asks."""
    assert only_unheard(messages) is only
