"""Texts that end up in a header or a file name, and what must not be in them.

Header injection (CWE-93) needs a line break; spoofed names need characters that nobody sees. Both are refused
with words where a person wrote the text, and taken out where a file or a value brought it. An encoded word
(``=?utf-8?q?…?=``, RFC 2047) can hold either of them and shows neither: no person writes one.
"""

from __future__ import annotations

import unicodedata

# Unicode's explicit directional formatting characters (UAX #9): they make "gpj.exe" look like "exe.jpg".
TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# An encoded word begins and ends with these (RFC 2047 section 2).
ENCODED, _ENCODED_END = "=?", "?="
_BREAKING = {"Cc", "Zl", "Zp", "Cs"}
_KEPT_IN_BODIES = frozenset("\t\n\r")
# What Windows does not allow in file names, and both separators.
_NOT_IN_NAMES = frozenset('<>:"|?*/\\')
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
_LONGEST_NAME_BYTES = 150
_LONGEST_ENDING = 20


def one_line(text: str) -> str:
    """A text for a header: one line, nothing invisible that deceives, no encoded word.

    Raises:
        ValueError: with words for whoever wrote it.
    """
    start = plain_line(text).find(ENCODED)
    if start >= 0 and _ENCODED_END in text[start + len(ENCODED) :]:
        raise ValueError("must not hold =?…?=, which mail programs would read as something else")
    return text


def plain_line(text: str) -> str:
    """A text that no header will hold: one line, nothing invisible that deceives.

    Raises:
        ValueError: with words for whoever wrote it.
    """
    if any(unicodedata.category(character) in _BREAKING for character in text):
        raise ValueError("must be one line without control characters")
    if TURNING.intersection(text):
        raise ValueError("must not hold characters that turn the direction of writing")
    return text


def body(text: str) -> str:
    """A text of many lines without other control characters.

    Raises:
        ValueError: with words for whoever wrote it.
    """
    if any(map(_is_control, text)):
        raise ValueError("must not hold control characters")
    return text


def without_control(text: str) -> str:
    """Any text as `body` takes it: each control character becomes a space."""
    return "".join(" " if _is_control(character) else character for character in text)


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cs"} and character not in _KEPT_IN_BODIES


def line_of(text: str) -> str:
    """Any text as one line: breaks become spaces, deceiving characters go."""
    shown = "".join(" " if unicodedata.category(c) in _BREAKING else c for c in text if c not in TURNING)
    return " ".join(shown.split())


def flattened(text: str, longest: int) -> str:
    """Any text as `one_line` takes it: a line without encoded words, cut where it is too long."""
    line = line_of(text).replace(ENCODED, " ".join(ENCODED))
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def file_name(name: str) -> str:
    """A file name that is only that: no path, nothing invisible, nothing a system reserves, not too long."""
    last = unicodedata.normalize("NFC", name.replace("\\", "/")).rsplit("/", 1)[-1]
    seen = (c for c in last if not unicodedata.category(c).startswith(("C", "Zl", "Zp")))
    # Wide and fixed spaces look like others, and would hide a name or its ending.
    spaced = (" " if c.isspace() else c for c in seen)
    plain = "".join("_" if c in _NOT_IN_NAMES else c for c in spaced).strip(" .")
    if plain.split(".", 1)[0].strip().lower() in _DEVICES:
        plain = f"_{plain}"
    return _shortened(plain) or "attachment"


def _shortened(name: str) -> str:
    if len(name.encode()) <= _LONGEST_NAME_BYTES:
        return name
    stem, dot, ending = name.rpartition(".")
    if not stem or len(ending) > _LONGEST_ENDING:
        stem, dot, ending = name, "", ""
    room = _LONGEST_NAME_BYTES - len(f"{dot}{ending}".encode())
    return stem.encode()[:room].decode("utf-8", "ignore").rstrip(" .") + dot + ending
