"""Texts that end up in a header or a file name, and what must not be in them.

Header injection (CWE-93) needs a line break; spoofed names need characters that nobody sees. Both are
refused with words where a person wrote the text, and taken out where a file brought it.
"""

from __future__ import annotations

import unicodedata

# Unicode's explicit directional formatting characters (UAX #9): they make "gpj.exe" look like "exe.jpg".
TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_BREAKING = {"Cc", "Zl", "Zp", "Cs"}
_KEPT_IN_BODIES = frozenset("\t\n\r")
# What Windows does not allow in file names, and both separators.
_NOT_IN_NAMES = frozenset('<>:"|?*/\\')
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
_LONGEST_NAME_BYTES = 150
_LONGEST_ENDING = 20


def one_line(text: str) -> str:
    """A text for a header: one line, nothing invisible that deceives.

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
    for character in text:
        if unicodedata.category(character) in {"Cc", "Cs"} and character not in _KEPT_IN_BODIES:
            raise ValueError("must not hold control characters")
    return text


def flattened(text: str, longest: int) -> str:
    """Any text as one line: breaks become spaces, deceiving characters go, what is too long is cut."""
    shown = "".join(" " if unicodedata.category(c) in _BREAKING else c for c in text if c not in TURNING)
    line = " ".join(shown.split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def file_name(name: str) -> str:
    """A file name that is only that: no path, nothing invisible, nothing a system reserves, not too long."""
    last = unicodedata.normalize("NFC", name.replace("\\", "/")).rsplit("/", 1)[-1]
    seen = (c for c in last if not unicodedata.category(c).startswith(("C", "Zl", "Zp")))
    plain = "".join("_" if c in _NOT_IN_NAMES else c for c in seen).strip(" .")
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
