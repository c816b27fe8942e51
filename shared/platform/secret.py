"""A text that must not be seen."""

from __future__ import annotations

import hmac


class Secret:
    """Holds a token, key or password, and hides it from logs, tracebacks and f-strings.

    Args:
        value: the secret text.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself: call this where it is used, and nowhere earlier."""
        return self._value

    def matches(self, other: str) -> bool:
        """Whether the texts are the same, in a time that does not tell where they differ."""
        return hmac.compare_digest(self._value.encode(), other.encode("utf-8", "surrogatepass"))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.matches(other._value)

    def __hash__(self) -> int:
        return hash(("Secret", self._value))

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__
