"""Where the links of a company's HTML lead: to pages, people and pictures, and to hosts the company wrote.

What was read of a link is a text until it is known what it leads to, then one of `KNOWN`.
"""

from __future__ import annotations

import re

from shared.email.html_scan import plain_attribute
from shared.email.templates.html_refusals import FenceError, shortened

ATTRIBUTES = frozenset(
    {"href", "src", "srcset", "background", "poster", "cite", "longdesc", "lowsrc", "dynsrc"}
)
# Control characters never become part of what is held, so that no template can write these.
IN_HOST = "\0host"  # a value would go on with the host's name
BEHIND_HOST = "\0path"
HARMLESS = "\0"  # no page: a person, a picture, a place in the mail
KNOWN = frozenset({IN_HOST, BEHIND_HOST, HARMLESS})
_PAGES = ("https://", "http://")
_PAGE = re.compile(r"https?://[^/\\?#]")
_IMAGES = tuple(f"data:image/{kind};" for kind in ("png", "gif", "jpeg", "webp"))
_OTHERS = ("mailto:", "tel:", "sms:", "cid:", "#", *_IMAGES)
_LONGEST_START = 100
_LONGEST_PLAIN_START = 20  # of those above, with the beginning of a host
_LONGEST_REFERENCE = 33  # of a character, with its ``&``
_PLACEHOLDER = re.compile(r"\*\||\[|%|\$|\{|<|@@")
_WORDS = (
    "must begin links with https://, http://, mailto:, tel:, sms:, cid: or #, or with a value that is an "
    "address; {where} begins with {start!r}"
)
_PLACEHOLDER_WORDS = "must hold no placeholders of other tools, nothing fills them here; {where} is {start!r}"
_HOST_WORDS = "must name the host of a link itself and put a / or ? before the first value; {where} does not"


def is_address(written: str) -> bool:
    """Whether a text is the beginning of a link, as people write it."""
    return bool(_PAGE.match(written)) or written.startswith(_OTHERS)


def read(held: str, character: str, where: str) -> str:
    """What is known of a link behind one more character.

    Raises:
        FenceError: it leads nowhere, or where no mail should.
    """
    if held in KNOWN:
        return BEHIND_HOST if held == IN_HOST and character in "/?" else held
    # Browsers overlook control characters and spaces in it.
    if character <= " " or character == "\x7f":
        return held
    held += character
    if len(held) > _LONGEST_START:
        raise _refusal(held, where)
    if "&" in held[-_LONGEST_REFERENCE:]:
        return held  # what it says is known later
    if "&" not in held and len(held) > _LONGEST_PLAIN_START:
        return held  # it is none of ours, and refused at its end, when more of it can be shown
    return _kind(held) or held


def require_ended(held: str, where: str) -> None:
    """Refuse a link that leads nowhere, or where no mail should.

    Raises:
        FenceError: with words.
    """
    if held and held not in KNOWN and not _kind(held):
        raise _refusal(held, where)


def behind_value(held: str, where: str, *, address: bool) -> str:
    """What is known of a link behind a value, which is an address or any text.

    Raises:
        FenceError: it would decide where the link leads.
    """
    if held in {BEHIND_HOST, HARMLESS}:
        return held
    if held == IN_HOST or _start(held) in _PAGES:
        raise FenceError(_HOST_WORDS.format(where=where))
    if held or not address:
        raise _refusal(held or "{{", where)
    return IN_HOST


def _kind(held: str) -> str:
    start = _start(held)
    if _PAGE.match(start):
        return IN_HOST
    return HARMLESS if start.startswith(_OTHERS) else ""


def _start(held: str) -> str:
    return "".join(c for c in plain_attribute(held) if c > " " and c != "\x7f").lower()


def _refusal(held: str, where: str) -> FenceError:
    other = _PLACEHOLDER.match(held) and not held.startswith("{{")
    words = _PLACEHOLDER_WORDS if other else _WORDS
    return FenceError(words.format(where=where, start=shortened(held)))
