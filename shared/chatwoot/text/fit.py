"""A reply made fit for a channel: converted, kept from Liquid, cut into parts that the provider accepts."""

from __future__ import annotations

import re
import unicodedata

from shared.chatwoot.text.channels import channel_for
from shared.chatwoot.text.escaping import guard_line
from shared.chatwoot.text.liquid import neutralise
from shared.chatwoot.text.markdown import for_channel
from shared.chatwoot.text.splitting import split

ROOM_FOR_GUARD = 3
"""A part that begins in the middle of a paragraph may need a zero-width space in front: three bytes."""

_NEVER_SENT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_INVISIBLE = {"Cc", "Cf", "Zs", "Zl", "Zp"}


def fit(text: str, channel: str, source_id: str | None = None) -> list[str]:
    """What to post, in order, for one reply.

    Args:
        text: the reply as the model wrote it, in markdown.
        channel: Chatwoot's channel type, such as ``Channel::Whatsapp``.
        source_id: the contact's address on the channel; it tells Twilio's WhatsApp from its SMS.

    Returns:
        The parts: none over the channel's limit, none without anything to see. No part where the text has
        nothing to see.
    """
    known = channel_for(channel, source_id)
    written = neutralise(for_channel(_cleaned(text), known))
    if known.joins_lines:
        written = re.sub(r"(?<=[^\s])\n(?=[^\n])", "  \n", written)
    parts = split(written, known.limit)
    if known.converted and len(parts) > 1:
        parts = [guard_line(part) for part in split(written, known.limit.less(ROOM_FOR_GUARD))]
    return [part for part in parts if _has_something_to_see(part)]


def _cleaned(text: str) -> str:
    """Without what no database or provider takes: control characters and halves of surrogate pairs."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _LONE_SURROGATE.sub("\ufffd", _NEVER_SENT.sub("", text))


def _has_something_to_see(part: str) -> bool:
    return any(unicodedata.category(character) not in _INVISIBLE for character in part)
