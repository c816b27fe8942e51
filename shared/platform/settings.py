"""Settings from the environment: typed, read once, refused with a sentence that names the variable."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

_TRUE = {"true", "1", "yes", "on"}
_FALSE = {"false", "0", "no", "off", ""}


class SettingError(Exception):
    """A setting is missing or wrong. The message names the variable and says what it must be."""


class Environment:
    """Reads settings out of environment variables.

    Args:
        variables: usually ``os.environ``; tests pass a dictionary.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def text(self, name: str, default: str | None = None) -> str:
        """A non-empty text; without a default the variable must be set.

        Raises:
            SettingError: it is missing.
        """
        value = self._variables.get(name, "").strip()
        if value:
            return value
        if default is None:
            raise SettingError(f"{name} is not set; it is needed and has no default")
        return default

    def choice(self, name: str, options: tuple[str, ...], default: str) -> str:
        """One of a few words.

        Raises:
            SettingError: it is none of them.
        """
        value = self.text(name, default)
        if value not in options:
            raise SettingError(f"{name} is {value!r}; it must be one of: {', '.join(options)}")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A yes or no.

        Raises:
            SettingError: it is neither.
        """
        value = self._variables.get(name, str(default)).strip().lower()
        if value in _TRUE:
            return True
        if value in _FALSE:
            return False
        raise SettingError(f"{name} is {value!r}; it must be true or false")

    def number(self, name: str, default: float, *, minimum: float, maximum: float) -> float:
        """A number within bounds, such as a time-out in seconds.

        Raises:
            SettingError: it is no number or lies outside the bounds.
        """
        raw = self.text(name, str(default))
        try:
            value = float(raw)
        except ValueError:
            raise SettingError(f"{name} is {raw!r}; it must be a number") from None
        if not minimum <= value <= maximum:
            raise SettingError(f"{name} is {raw}; it must lie between {minimum:g} and {maximum:g}")
        return value

    def integer(self, name: str, default: int, *, minimum: int, maximum: int) -> int:
        """A whole number within bounds.

        Raises:
            SettingError: it is no whole number or lies outside the bounds.
        """
        value = self.number(name, default, minimum=minimum, maximum=maximum)
        if value != int(value):
            raise SettingError(f"{name} is {value:g}; it must be a whole number")
        return int(value)

    def url(self, name: str, default: str | None = None) -> str:
        """An http or https address without a trailing slash.

        Raises:
            SettingError: it is no such address.
        """
        value = self.text(name, default).rstrip("/")
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise SettingError(f"{name} is {value!r}; it must be an http or https address")
        return value
