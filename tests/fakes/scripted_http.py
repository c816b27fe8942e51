"""An HTTP client whose answers a test writes down beforehand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from shared.platform.addresses import AddressGuard
from shared.platform.http import MAX_ANSWER_BYTES, HttpAnswer, HttpClient

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Made:
    """A request that was made."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    query: dict[str, str]
    timeout_seconds: float

    @property
    def token(self) -> str:
        """Whose token it carried."""
        return self.headers.get("Api-Access-Token", "")


def answer(status: int, body: object = None, **headers: str) -> HttpAnswer:
    """An answer of JSON, or of a text as it is."""
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return HttpAnswer(status, {name.replace("_", "-"): value for name, value in headers.items()}, content)


class ScriptedHttp(HttpClient):
    """Gives its answers in order, raises those that are errors, and repeats the last.

    Args:
        answers: what comes back.
    """

    def __init__(self, *answers: HttpAnswer | Exception) -> None:
        super().__init__(AddressGuard())
        self._answers = list(answers)
        self.made: list[Made] = []

    def send(
        self,
        method: str,
        url: str,
        *,
        timeout_seconds: float,
        headers: Mapping[str, str] | None = None,
        json_body: object = None,
        content: bytes | None = None,
        query: Mapping[str, str] | None = None,
        max_bytes: int = MAX_ANSWER_BYTES,
    ) -> HttpAnswer:
        """See `HttpClient`."""
        assert content is None
        assert max_bytes > 0
        made = Made(
            method, urlsplit(url).path, dict(headers or {}), json_body, dict(query or {}), timeout_seconds
        )
        self.made.append(made)
        given = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(given, Exception):
            raise given
        return given
