"""The channels that Chatwoot speaks, and how long a text each of them takes.

Chatwoot's API enforces none of the providers' limits: a text that is too long is stored, answered with 200,
and fails later at the provider, unseen by the customer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

SMALLEST_LIMIT = 20
"""Below this a text cannot be cut into anything readable; no provider's limit is near it."""


class Unit(Enum):
    """What a provider counts."""

    CHARACTERS = "Unicode code points"
    UTF16 = "UTF-16 code units: an emoji counts two or more"
    BYTES = "bytes of UTF-8"


@dataclass(frozen=True)
class Limit:
    """How much text fits into one message.

    Attributes:
        size: the largest count that is accepted.
        unit: what is counted.
    """

    size: int
    unit: Unit = Unit.CHARACTERS

    def __post_init__(self) -> None:
        if self.size < SMALLEST_LIMIT:
            raise ValueError(f"a limit of {self.size} is too small to cut text by")

    def width(self, character: str) -> int:
        """What one character counts."""
        if self.unit is Unit.CHARACTERS:
            return 1
        code = ord(character)
        if self.unit is Unit.UTF16:
            return 1 if code < 0x10000 else 2  # noqa: PLR2004 - the first code point that takes a pair
        return 1 + (code >= 0x80) + (code >= 0x800) + (code >= 0x10000)  # noqa: PLR2004 - RFC 3629 section 3

    def count(self, text: str) -> int:
        """What a text counts."""
        return len(text) if self.unit is Unit.CHARACTERS else sum(map(self.width, text))

    def fits(self, text: str) -> bool:
        """Whether a text is accepted."""
        return self.count(text) <= self.size

    def less(self, room: int) -> Limit:
        """The same limit with some room kept free."""
        return replace(self, size=self.size - room)


class Writing(Enum):
    """In what form a channel shows our text well, after what Chatwoot makes of it."""

    MARKED = "plain lines with bold, italic and code"
    PLAIN = "plain lines"
    MARKDOWN = "markdown, shown by Chatwoot itself; HTML in it would be dropped"
    AS_IT_IS = "markdown, handed over untouched to whoever is behind the API inbox"


@dataclass(frozen=True)
class Channel:
    """A channel as far as texts are concerned.

    Attributes:
        limit: for one message.
        writing: see `Writing`.
        html: whether Chatwoot hands the text over as HTML, so that a bare ``<`` breaks it.
        joins_lines: whether Chatwoot makes a space out of a line end that is not marked as a hard one.
    """

    limit: Limit
    writing: Writing
    html: bool = False
    joins_lines: bool = False

    @property
    def converted(self) -> bool:
        """Whether Chatwoot's conversion stands between our text and the customer."""
        return self.writing in (Writing.MARKED, Writing.PLAIN)


def _with_margin(size: int, unit: Unit = Unit.UTF16) -> Limit:
    """Chatwoot converts markdown after we count; 10 % is left for what a future version may add."""
    return Limit(size * 9 // 10, unit)


TWILIO_WHATSAPP = Channel(Limit(1600, Unit.UTF16), Writing.MARKED)
"""Twilio's error 21617: the body is over 1,600 characters. Our text only becomes shorter when converted."""

OTHER = Channel(Limit(10_000, Unit.UTF16), Writing.MARKDOWN)
"""Web widget and what we do not know: Chatwoot's editor stops at 10,000 characters, its API at 150,000."""

CHANNELS = {
    # Cloud API: text.body takes 4,096 characters.
    "Channel::Whatsapp": Channel(_with_margin(4096), Writing.MARKED),
    # 320 is Chatwoot's choice for SMS (two segments); plain text is sent as it is and needs no margin.
    "Channel::TwilioSms": Channel(Limit(320, Unit.UTF16), Writing.PLAIN),
    "Channel::Sms": Channel(Limit(320, Unit.UTF16), Writing.PLAIN),
    # Instagram takes 1,000 bytes of UTF-8.
    "Channel::Instagram": Channel(_with_margin(1000, Unit.BYTES), Writing.PLAIN, joins_lines=True),
    # Messenger takes 2,000 characters, but the same channel serves Instagram accounts that were connected
    # through Facebook, and no event says which of the two it is: the smaller limit holds for both.
    "Channel::FacebookPage": Channel(_with_margin(1000, Unit.BYTES), Writing.PLAIN, joins_lines=True),
    # Bot API, sendMessage: 4,096 after the entities were parsed.
    "Channel::Telegram": Channel(_with_margin(4096), Writing.MARKED, html=True),
    # Messaging API, text message: 5,000, counted in UTF-16 code units.
    "Channel::Line": Channel(_with_margin(5000), Writing.PLAIN, joins_lines=True),
    "Channel::Tiktok": Channel(Limit(6000, Unit.UTF16), Writing.PLAIN),
    # Direct messages take 10,000.
    "Channel::TwitterProfile": Channel(_with_margin(10_000), Writing.PLAIN),
    "Channel::Api": Channel(Limit(10_000, Unit.UTF16), Writing.AS_IT_IS),
    "Channel::Email": Channel(Limit(25_000, Unit.UTF16), Writing.MARKDOWN),
}
"""By Chatwoot's channel type.

Where a provider only says "characters", UTF-16 code units are counted: never fewer than any other reading of
the word, and the same for everything but emoji and rare scripts.
"""


def channel_for(channel: str, source_id: str | None = None) -> Channel:
    """What is known about a channel.

    Args:
        channel: Chatwoot's channel type, such as ``Channel::TwilioSms``.
        source_id: the contact's address on the channel: Twilio serves SMS and WhatsApp under one type, and a
            WhatsApp address begins with ``whatsapp:``.
    """
    if channel == "Channel::TwilioSms" and (source_id or "").startswith("whatsapp:"):
        return TWILIO_WHATSAPP
    return CHANNELS.get(channel, OTHER)


def limit_for(channel: str, source_id: str | None = None) -> Limit:
    """How much text fits into one message of a channel. Arguments as for `channel_for`."""
    return channel_for(channel, source_id).limit
