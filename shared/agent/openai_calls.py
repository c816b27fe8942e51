"""The way to OpenAI's SDK: light to import, heavy at the first call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shared.agent.openai_sdk import OpenAiSdk
    from shared.agent.settings import Endpoint
    from shared.agent.values import JsonDict
    from shared.platform.http import HttpClient
    from shared.platform.secret import Secret


class ModelCalls(Protocol):
    """Posts parameters to one of the endpoints and gives the answer's JSON."""

    def create(self, endpoint: Endpoint, parameters: JsonDict, *, timeout_seconds: float) -> JsonDict:
        """See `shared.agent.openai_sdk.OpenAiSdk.create`."""
        ...


class OpenAiCalls:
    """`ModelCalls` over OpenAI's SDK.

    Args:
        base_url: the API's base.
        api_key: the bearer key.
        http: what carries the requests; belongs to one thread.
    """

    def __init__(self, base_url: str, api_key: Secret, http: HttpClient) -> None:
        self._arguments = (base_url, api_key, http)
        self._sdk: OpenAiSdk | None = None

    def create(self, endpoint: Endpoint, parameters: JsonDict, *, timeout_seconds: float) -> JsonDict:
        """See `ModelCalls`."""
        if self._sdk is None:
            from shared.agent.openai_sdk import OpenAiSdk  # noqa: PLC0415 - half a second that only callers pay

            self._sdk = OpenAiSdk(*self._arguments)
        return self._sdk.create(endpoint, parameters, timeout_seconds=timeout_seconds)
