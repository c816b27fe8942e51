"""Voice into words, over ``POST /v1/audio/transcriptions`` (OpenAI's guide "Speech to text").

The endpoint judges a recording by its file name: the same bytes named ``.oga`` or ``.opus`` are refused and
named ``.ogg`` are taken (chatwoot/chatwoot#14689). So the name is made from what the file is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.platform.errors import GiveUp, RetryLater

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.agent.media.sniffing import Sniffed
    from shared.agent.openai_calls import ModelCalls
    from shared.agent.settings import ModelSettings
    from shared.agent.values import JsonDict

MAX_AUDIO_BYTES = 25 * 1024 * 1024
MAX_KEYWORDS = 50
NO_MODEL = "none"
# Only these know ``languages`` and ``keywords``; to others a single ``language`` would be more than a hint.
_TAKES_HINTS = "gpt-transcribe"


@dataclass(frozen=True)
class Transcript:
    """What was said.

    Args:
        text: the words; empty where none were heard.
        languages: codes of the languages that were heard, where the model tells.
        usage: the provider's count of seconds or tokens; empty where it tells none.
    """

    text: str = field(repr=False)
    languages: tuple[str, ...] = ()
    usage: JsonDict = field(default_factory=dict)


class Transcriber:
    """Transcribes recordings; belongs to one thread.

    Args:
        calls: carries the requests.
        settings: which server and model, how long.
    """

    def __init__(self, calls: ModelCalls, settings: ModelSettings) -> None:
        self._calls = calls
        self._settings = settings

    def transcribe(
        self,
        audio: bytes,
        sniffed: Sniffed,
        *,
        language: str,
        keywords: Sequence[str],
        timeout_seconds: float,
    ) -> Transcript:
        """The words of a recording.

        Args:
            audio: the file, at most `MAX_AUDIO_BYTES`.
            sniffed: what it is.
            language: a language tag (BCP 47) that is likely; others are understood as well.
            keywords: names that are likely, such as those of the company's services.
            timeout_seconds: how long it may take in total; the configured time-out, when shorter, wins.

        Raises:
            RetryLater: time-outs, throttling, outages.
            GiveUp: no retry helps: the server takes no such file, or no model is configured.
        """
        settings = self._settings
        if settings.transcription_model == NO_MODEL:
            raise GiveUp("no model for transcription is configured", reason="transcription_off")
        parameters: JsonDict = {
            "model": settings.transcription_model,
            "file": (f"voice.{sniffed.extension}", audio, sniffed.media_type),
            "response_format": "json",
        }
        if settings.transcription_model.startswith(_TAKES_HINTS):
            parameters |= _hints(language, keywords)
        seconds = min(timeout_seconds, settings.timeout_seconds)
        return _read(self._calls.create("transcriptions", parameters, timeout_seconds=seconds))


def _hints(language: str, keywords: Sequence[str]) -> JsonDict:
    base = language.split("-", 1)[0].lower()
    hints: JsonDict = {}
    if len(base) == 2:  # noqa: PLR2004 - ISO 639-1
        hints["languages"] = [base]
    if keywords:
        hints["keywords"] = list(keywords[:MAX_KEYWORDS])
    return hints


def _read(answer: JsonDict) -> Transcript:
    text = answer.get("text")
    if not isinstance(text, str):
        raise RetryLater("the transcription's answer holds no text", reason="model_unreadable")
    heard = answer.get("languages")
    codes = [str(one.get("code") or "") for one in heard or () if isinstance(one, dict)]
    usage = answer.get("usage")
    return Transcript(text.strip(), tuple(filter(None, codes)), usage if isinstance(usage, dict) else {})
