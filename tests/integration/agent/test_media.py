"""Recordings and pictures over the real SDK: what reaches the server, and what its refusals mean."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from local.model_simulator.hearing import carrying
from shared.agent.connect import open_transcriber
from shared.agent.media.pictures import Picture
from shared.agent.media.sniffing import sniff
from shared.agent.model_client import ModelRequest
from shared.agent.settings import ModelSettings
from shared.platform.errors import GiveUp, RetryLater
from shared.platform.secret import Secret
from tests.support import files
from tests.support.model import LOOPBACK

if TYPE_CHECKING:
    from shared.agent.media.transcription import Transcript
    from shared.agent.settings import Api
    from tests.support.model import RunningModel

VOICE = carrying(files.OGG, "¿Tienen cita mañana? 😀")
PATH = "/v1/audio/transcriptions"


def transcribe(
    model: RunningModel,
    audio: bytes = VOICE,
    seconds: float = 5,
    **settings: Any,  # noqa: ANN401 - settings' fields
) -> Transcript:
    """One call."""
    chosen = ModelSettings(base_url=model.base_url, **settings)
    return open_transcriber(chosen, Secret("sk-test"), LOOPBACK).transcribe(
        audio, sniff(audio), language="es-ES", keywords=["Clínica Sol", "Bótox"], timeout_seconds=seconds
    )


@pytest.mark.parametrize("start", [files.OGG, files.M4A, files.MP3, files.WAV, files.FLAC, files.WEBM])
def test_a_recording_of_every_kind_is_taken_under_its_name(model: RunningModel, start: bytes) -> None:
    """The server goes by the name alone."""
    heard = transcribe(model, carrying(start, "hola"))
    assert (heard.text, heard.languages) == ("hola", ("es",))


def test_words_come_back_as_they_were_said(model: RunningModel) -> None:
    """UTF-8 all the way."""
    assert transcribe(model).text == "¿Tienen cita mañana? 😀"


def test_an_older_model_gets_no_hints(model: RunningModel) -> None:
    """It would refuse the request."""
    heard = transcribe(model, transcription_model="whisper-1")
    assert (heard.text, heard.languages) == ("¿Tienen cita mañana? 😀", ())


@pytest.mark.parametrize(
    ("fault", "error", "reason"),
    [
        ({"status": 400, "body": "invalid_value"}, GiveUp, "model_request_refused"),
        ({"status": 429, "body": "insufficient_quota"}, GiveUp, "model_quota"),
        ({"status": 401}, GiveUp, "model_denied"),
        ({"status": 404}, GiveUp, "model_not_found"),
        ({"status": 503}, RetryLater, "model_unavailable"),
        ({"status": 429}, RetryLater, "model_busy"),
        ({"body": "html"}, RetryLater, "model_unreadable"),
        ({"drop_after": True}, RetryLater, "model_unreachable"),
    ],
)
def test_refusals_mean_the_same_as_for_answers(
    model: RunningModel, fault: dict[str, Any], error: type[Exception], reason: str
) -> None:
    """And are tried again by nobody below the turn."""
    model.switch({"path": PATH, "times": None, **fault})
    with pytest.raises(error) as refused:
        transcribe(model)
    assert refused.value.reason == reason  # type: ignore[attr-defined]
    assert [one["path"] for one in model.calls()] == [PATH]


def test_a_server_that_drips_is_left_when_the_time_is_up(model: RunningModel) -> None:
    """Each byte comes in time, the words do not."""
    model.switch({"path": PATH, "drip_bytes_per_second": 20})
    started = time.monotonic()
    with pytest.raises(RetryLater) as refused:
        transcribe(model, seconds=0.8)
    assert refused.value.reason == "model_timeout"
    assert time.monotonic() - started < 10


def test_a_recording_of_25_megabytes_is_sent_whole(model: RunningModel) -> None:
    """The endpoint's limit."""
    large = carrying(files.OGG + bytes(25 * 1024 * 1024 - 1000), "hola")
    assert transcribe(model, large, seconds=20).text == "hola"
    with pytest.raises(GiveUp):
        transcribe(model, large + bytes(1000), seconds=20)


@pytest.mark.parametrize("api", ["responses", "chat_completions"])
def test_pictures_reach_the_model_over_both_apis(model: RunningModel, api: Api) -> None:
    """What they show is part of the question."""
    prices = '<services><service name="Wheel truing" price="15.50 EUR"></service></services>'
    request = ModelRequest(
        "answer",
        f'<company language="en"></company>{prices}',
        "",
        ("<customer_writes>[a picture]</customer_writes>",),
        pictures=(Picture("image/png", carrying(files.PNG, "how much is wheel truing?")),),
    )
    assert "15.50" in model.client(api).answer(request, timeout_seconds=5).text
