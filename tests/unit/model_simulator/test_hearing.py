"""The simulator hears and sees what a file carries, and refuses what the API refuses."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import pytest

from local.model_simulator.app import create_app
from local.model_simulator.hearing import carried, carrying
from tests.support import files

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

KEY = {"Authorization": "Bearer sk-test"}
VOICE = carrying(files.OGG, "¿Tienen cita?")


@pytest.fixture
def client() -> FlaskClient:
    """The simulator without a socket."""
    return create_app().test_client()


def transcribe(client: FlaskClient, data: bytes, name: str, **given: Any) -> TestResponse:  # noqa: ANN401 - a form
    """One transcription."""
    form = {"model": "gpt-transcribe", "file": (io.BytesIO(data), name), **given}
    return client.post("/v1/audio/transcriptions", data=form, headers=KEY)


def test_a_recording_says_what_it_carries(client: FlaskClient) -> None:
    """In the model's own shape."""
    answer = transcribe(client, VOICE, "voice.ogg", **{"languages[]": "es"})
    assert answer.get_json() == {
        "text": "¿Tienen cita?",
        "languages": [{"code": "es"}],
        "usage": {"type": "duration", "seconds": 1},
    }
    assert carried(b"nothing") == ""


@pytest.mark.parametrize(
    ("data", "name", "given"),
    [
        (VOICE, "voice.oga", {}),
        (VOICE, "voice.opus", {}),
        (VOICE, "upload", {}),
        (VOICE, "voice.ogg", {"model": "whisper-1", "keywords[]": "Botox"}),
    ],
    ids=["oga", "opus", "no extension", "hints for an older model"],
)
def test_what_the_api_refuses_is_refused(
    client: FlaskClient, data: bytes, name: str, given: dict[str, str]
) -> None:
    """By the file's name, not by what it is."""
    assert transcribe(client, data, name, **given).status_code == 400


@pytest.mark.parametrize(
    ("url", "status"), [("data:text/html;base64,AA==", 400), ("https://a.example/1.png", 400)]
)
def test_what_is_no_picture_is_refused(client: FlaskClient, url: str, status: int) -> None:
    """Only data URLs of pictures are sent."""
    part = {"type": "input_image", "image_url": url}
    body = {"model": "gpt-test", "input": [{"role": "user", "content": [part]}]}
    assert client.post("/v1/responses", json=body, headers=KEY).status_code == status


def test_a_picture_shows_what_it_carries(client: FlaskClient) -> None:
    """Over both APIs it is part of the question."""
    shown = base64.b64encode(carrying(files.PNG, "what are your opening hours?")).decode()
    url = f"data:image/png;base64,{shown}"
    prompt = '<company language="en"></company><opening_hours>\nMonday: 10:00-18:00\n</opening_hours>'
    text = f"{prompt}<customer_writes>[a picture]</customer_writes>"
    parts: list[dict[str, Any]] = [{"type": "text", "text": text}]
    body = {"model": "gpt-test", "messages": [{"role": "user", "content": parts}]}
    assert "10:00" not in str(client.post("/v1/chat/completions", json=body, headers=KEY).get_json())
    parts.append({"type": "image_url", "image_url": {"url": url}})
    assert "10:00" in str(client.post("/v1/chat/completions", json=body, headers=KEY).get_json())
