"""Which model is called, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from shared.platform.settings import Environment

Api = Literal["responses", "chat_completions"]
Endpoint = Literal["responses", "chat_completions", "transcriptions"]

DEFAULT_BASE_URL = "https://api.openai.com/v1"
DEFAULT_MODEL = "gpt-6-luna"
DEFAULT_TRANSCRIPTION_MODEL = "gpt-transcribe"
# The values the API knows (reasoning guide); models differ in which of them they accept.
EFFORTS = ("default", "none", "minimal", "low", "medium", "high", "xhigh", "max")


@dataclass(frozen=True)
class ModelSettings:
    """Everything about the model that an operator may choose.

    Args:
        base_url: the API's base, version segment included, such as ``https://api.openai.com/v1``.
        api: which of the two APIs the server speaks.
        model: the name of the model that answers, where the agent names none of its own.
        routing_model: the name of the model that chooses between agents.
        transcription_model: the name of the model that hears voice messages; ``none`` hears none.
        timeout_seconds: how long one call may take in total.
        reasoning_effort: sent to reasoning models; ``default`` sends nothing and leaves it to the model.
        max_output_tokens: what an answer may cost at most, reasoning included.
    """

    base_url: str = DEFAULT_BASE_URL
    api: Api = "responses"
    model: str = DEFAULT_MODEL
    routing_model: str = DEFAULT_MODEL
    transcription_model: str = DEFAULT_TRANSCRIPTION_MODEL
    timeout_seconds: float = 25.0
    reasoning_effort: str = "default"
    max_output_tokens: int = 4000

    @property
    def is_openai(self) -> bool:
        """Whether OpenAI itself is called: compatible servers often refuse parameters they do not know."""
        host = urlsplit(self.base_url).hostname or ""
        return host == "openai.com" or host.endswith(".openai.com")

    @classmethod
    def from_environment(cls, environment: Environment) -> ModelSettings:
        """Read the ``FRONTDESK_OPENAI_*``, ``FRONTDESK_*_MODEL`` and time-out variables.

        Raises:
            SettingError: one of them is wrong; the message names it.
        """
        model = environment.text("FRONTDESK_OPENAI_MODEL", DEFAULT_MODEL)
        api = environment.choice("FRONTDESK_OPENAI_API", ("responses", "chat_completions"), "responses")
        return cls(
            base_url=environment.url("FRONTDESK_OPENAI_BASE_URL", DEFAULT_BASE_URL),
            api=cast("Api", api),
            model=model,
            routing_model=environment.text("FRONTDESK_ROUTING_MODEL", model),
            transcription_model=environment.text(
                "FRONTDESK_TRANSCRIPTION_MODEL", DEFAULT_TRANSCRIPTION_MODEL
            ),
            timeout_seconds=environment.number("FRONTDESK_MODEL_TIMEOUT_SECONDS", 25, minimum=1, maximum=600),
            reasoning_effort=environment.choice("FRONTDESK_OPENAI_REASONING_EFFORT", EFFORTS, "default"),
            max_output_tokens=environment.integer(
                "FRONTDESK_OPENAI_MAX_OUTPUT_TOKENS", 4000, minimum=200, maximum=100_000
            ),
        )
