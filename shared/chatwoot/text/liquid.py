"""Chatwoot runs Liquid templates on every outgoing message (its ``Liquidable`` concern, since 2.13).

``{{contact.phone_number}}`` in a model's answer would be replaced by the customer's data, and an unknown name
by nothing, so a text that somebody talked the model into could leak what the desk knows, and code samples
would lose their braces. Chatwoot protects text in backticks by wrapping it into ``{% raw %}``, but a text can
end that protection itself, so backticks are no reason to leave anything alone.
"""

from __future__ import annotations

import re

ZERO_WIDTH_SPACE = "\u200b"

# A brace in front of a backtick counts as well: Chatwoot puts its own {% raw %} in front of the backtick.
_OPENING = re.compile(r"\{(?=[{%`])")


def neutralise(text: str) -> str:
    """The same text to the eye, with a zero-width space inside every opening of a Liquid tag.

    Only openings matter: closing braces without one are plain text to Liquid.
    """
    return _OPENING.sub("{" + ZERO_WIDTH_SPACE, text)


def stored_as_sent(sent: str, stored: str) -> bool:
    """Whether Chatwoot stored what was sent, give or take line ends at the end of the text.

    Args:
        sent: what was posted.
        stored: ``content`` in the answer to the post.
    """
    return _comparable(sent) == _comparable(stored)


def _comparable(text: str) -> str:
    return text.replace("\r\n", "\n").rstrip("\r\n")
