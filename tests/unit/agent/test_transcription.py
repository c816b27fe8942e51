"""What is asked of the transcription, and how its answers are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shared.agent.media.sniffing import sniff
from shared.agent.media.transcription import MAX_KEYWORDS, Transcriber, Transcript
from shared.agent.settings import ModelSettings
from shared.platform.errors import GiveUp, RetryLater
from tests.support import files
from tests.unit.agent.test_model_clients import FakeCalls

if TYPE_CHECKING:
    from shared.agent.values import JsonDict


def transcribe(
    answer: JsonDict,
    language: str = "pt-BR",
    keywords: tuple[str, ...] = (),
    **settings: Any,  # noqa: ANN401 - settings' fields
) -> tuple[Transcript, FakeCalls]:
    """One call."""
    calls = FakeCalls(answer)
    made = Transcriber(calls, ModelSettings(**settings)).transcribe(
        files.OGG, sniff(files.OGG), language=language, keywords=keywords, timeout_seconds=40
    )
    return made, calls


def test_a_recording_goes_out_under_the_name_of_what_it_is_with_hints() -> None:
    """The default model takes languages and keywords."""
    _, calls = transcribe({"text": "olá"}, keywords=("Botox",))
    assert calls.api == "transcriptions"
    assert calls.sent == {
        "model": "gpt-transcribe",
        "file": ("voice.ogg", files.OGG, "audio/ogg"),
        "response_format": "json",
        "languages": ["pt"],
        "keywords": ["Botox"],
    }
    assert calls.timeout_seconds == 25


def test_other_models_get_no_parameters_that_they_do_not_know() -> None:
    """Compatible servers refuse them, and a single ``language`` would be an order."""
    _, calls = transcribe({"text": "hi"}, keywords=("Botox",), transcription_model="whisper-1")
    assert set(calls.sent) == {"model", "file", "response_format"}


def test_languages_without_a_two_letter_code_are_no_hint() -> None:
    """ISO 639-1 has none for them; keywords are bounded."""
    _, calls = transcribe({"text": "hi"}, language="gsw", keywords=("word",) * 80)
    assert "languages" not in calls.sent
    assert len(calls.sent["keywords"]) == MAX_KEYWORDS


def test_the_words_the_languages_and_the_usage_come_back() -> None:
    """In whichever of its two shapes."""
    answer = {"text": " hola \n", "languages": [{"code": "es"}], "usage": {"type": "duration", "seconds": 3}}
    assert transcribe(answer)[0] == Transcript("hola", ("es",), {"type": "duration", "seconds": 3})
    assert transcribe({"text": "", "languages": None})[0] == Transcript("")


def test_an_answer_without_a_text_may_work_on_another_try() -> None:
    """A proxy's JSON."""
    with pytest.raises(RetryLater):
        transcribe({"error": "none"})


def test_without_a_model_nothing_is_sent() -> None:
    """``FRONTDESK_TRANSCRIPTION_MODEL=none``: for servers that hear nothing."""
    with pytest.raises(GiveUp) as refused:
        transcribe({"text": "hola"}, transcription_model="none")
    assert refused.value.reason == "transcription_off"
