"""Texts as people compare them: without case, accents and compatibility forms."""

from __future__ import annotations

import unicodedata

_DOTLESS_I = "\u0131"


def fold(text: str) -> str:
    """A text without case, accents and compatibility forms: ``ß`` is ``ss``, both Turkish ``i`` are ``i``."""
    # Folding brings compatibility forms and marks, and taking them apart brings letters with case: so twice.
    for _ in range(2):
        apart = unicodedata.normalize("NFKD", text.casefold())
        text = "".join(character for character in apart if not unicodedata.combining(character))
    return text.replace(_DOTLESS_I, "i")
