"""JSON calls to the servers of the local world."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

from local.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping


class Caller:
    """Calls one server with JSON bodies.

    Args:
        base_url: the server.
        api_key: sent as a bearer token; empty: none.
        headers: sent with every call.
        timeout_seconds: how long an answer may take.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float = 40.0,
    ) -> None:
        self._base_url = base_url
        self._timeout_seconds = timeout_seconds
        self._connections = requests.Session()
        self._connections.trust_env = False  # loopback is reached directly, whatever proxy the shell names
        self._connections.headers.update(headers or {})
        if api_key:
            self._connections.headers["Authorization"] = f"Bearer {api_key}"

    def __call__(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - any JSON value
        """Make a call and return its answer's JSON.

        Raises:
            Failure: the server refused, or could not be reached.
        """
        try:
            answer = self._connections.request(
                method, self._base_url + path, json=body, timeout=self._timeout_seconds
            )
        except requests.RequestException as error:
            raise Failure(
                f"{method} {self._base_url}{path} got no answer ({type(error).__name__})."
            ) from error
        if not answer.ok:
            raise Failure(
                f"{method} {self._base_url}{path} was refused with {answer.status_code}: {answer.text[:600]}"
            )
        return answer.json() if answer.content else None
