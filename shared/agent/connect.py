"""Makes the model client that the settings ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.agent.chat_completions import ChatCompletions
from shared.agent.media.transcription import Transcriber
from shared.agent.openai_calls import OpenAiCalls
from shared.agent.responses_api import ResponsesApi
from shared.platform.http import HttpClient

if TYPE_CHECKING:
    from shared.agent.model_client import ModelClient
    from shared.agent.settings import ModelSettings
    from shared.platform.addresses import AddressGuard
    from shared.platform.secret import Secret


def open_model_client(settings: ModelSettings, api_key: Secret, guard: AddressGuard) -> ModelClient:
    """A client for one thread; it keeps a connection open that carries the key.

    Args:
        settings: which server, API and models.
        api_key: the bearer key.
        guard: which addresses may be called; loopback only where the stage allows it.
    """
    calls = OpenAiCalls(settings.base_url, api_key, HttpClient(guard))
    if settings.api == "chat_completions":
        return ChatCompletions(calls, settings)
    return ResponsesApi(calls, settings)


def open_transcriber(settings: ModelSettings, api_key: Secret, guard: AddressGuard) -> Transcriber:
    """A transcriber for one thread; arguments as for `open_model_client`."""
    return Transcriber(OpenAiCalls(settings.base_url, api_key, HttpClient(guard)), settings)
