"""Plain text that comes out of Chatwoot's markdown conversion as it went in.

Where there is a choice, a zero-width space is put in rather than a backslash, because a Chatwoot before 4.9
does not convert and would show the backslash.
"""

from __future__ import annotations

import re

from shared.chatwoot.text.liquid import ZERO_WIDTH_SPACE

NO_BREAK_SPACE = "\u00a0"
LOOKS_LIKE_LESS_THAN = "\u2039"
"""For channels that get HTML: Chatwoot does not escape text there, and the provider refuses the message."""

_TAG_OPENING = re.compile(r"<(?=[A-Za-z/!?])")
_ENTITY = re.compile(r"&(?=#?\w{1,32};)")
_BACKSLASH = re.compile(r"\\(?=[!-/:-@\[-`{-~])")
_STAR = re.compile(r"(?<!\s)\*|\*(?!\s|\Z)")
_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_TILDE_BEFORE_TILDE = re.compile(r"~(?=~)")
_NUMBER_AT_START = re.compile(r"^(\d{1,9}[.)]) ")
_BLOCK_AT_START = re.compile(
    r"#{1,6}(?:[ \t]|$)|>|[-+*](?:[ \t]|$)|\d{1,9}[.)](?:[ \t]|$)"  # headings, quotes, list items
    r"|=+[ \t]*$|-+[ \t]*$|(?:-[ \t]*){3,}$|~~~|\[[^\]]*\]:"  # underlines, rules, fences, link definitions
)
_CODE_OR_TAG = re.compile(
    r"(```.*?```|`[^`\n]+`|<(?:https?://|mailto:)[^\s<>]+>)|<(?=[A-Za-z/!?])", re.DOTALL
)
_IN_URLS = {"*": "%2A", "~": "%7E", " ": "%20", '"': "%22", "<": "%3C", ">": "%3E", "`": "%60", "\\": "%5C"}
_URL_UNDERSCORE = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")


def escape(text: str, *, html: bool = False) -> str:
    """Text without meaning in markdown.

    Args:
        text: to be shown as it is.
        html: whether it ends up in HTML that nobody escapes.
    """
    text = _BACKSLASH.sub(r"\\\\", text)
    text = _STAR.sub(r"\\*", text)
    text = _UNDERSCORE.sub(r"\\_", text)
    text = text.replace("`", r"\`").replace("](", f"]{ZERO_WIDTH_SPACE}(")
    text = _TILDE_BEFORE_TILDE.sub("~" + ZERO_WIDTH_SPACE, text)
    text = _ENTITY.sub("&" + ZERO_WIDTH_SPACE, text)
    return text.replace("<", LOOKS_LIKE_LESS_THAN) if html else _TAG_OPENING.sub("<" + ZERO_WIDTH_SPACE, text)


def safe_url(url: str) -> str:
    """The same address (RFC 3986 section 2.3) without characters that markdown would take for emphasis."""
    url = "".join(_IN_URLS.get(character, character) for character in url)
    return _ENTITY.sub("%26", _URL_UNDERSCORE.sub("%5F", url)) if "&" in url or "_" in url else url


def guard_line(line: str) -> str:
    """A line whose beginning does not start a list, heading, quote or rule."""
    numbered = _NUMBER_AT_START.sub(rf"\1{NO_BREAK_SPACE}", line, count=1)
    if numbered != line:
        return numbered
    return ZERO_WIDTH_SPACE + line if _BLOCK_AT_START.match(line) else line


def guard_tags(markdown: str) -> str:
    """Markdown in which what looks like an HTML tag is no longer one; code and links are left alone."""
    return _CODE_OR_TAG.sub(lambda found: found.group(1) or f"<{ZERO_WIDTH_SPACE}", markdown)
