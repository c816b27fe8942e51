"""Pictures reach the model over both APIs, and one that it does not take does not cost the answer."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest

from shared.agent.chat_completions import ChatCompletions
from shared.agent.journal import MemoryJournal
from shared.agent.media.pictures import ImagePart, Picture
from shared.agent.model_client import ContextTooLong, ModelRequest
from shared.agent.orchestrator import Orchestrator
from shared.agent.responses_api import ResponsesApi
from shared.agent.settings import ModelSettings
from shared.agent.tools.registry import ToolRegistry
from shared.platform.clock import Deadline
from shared.platform.errors import GiveUp
from tests.fakes.clock import FakeClock
from tests.support import files
from tests.unit.agent.fakes import ScriptedModel, bicycles, says, turn_context
from tests.unit.agent.test_model_clients import FakeCalls, message, response

PICTURE = Picture("image/png", files.PNG)
REQUEST = ModelRequest("answer", "rules", "now", ("history", "what is this?"), pictures=(PICTURE,))
URL = f"data:image/png;base64,{base64.b64encode(files.PNG).decode()}"


def look(model: ScriptedModel, *parts: ImagePart, journal: MemoryJournal | None = None) -> str:
    """One turn with pictures; the reply."""
    clock = FakeClock()
    response = Orchestrator(model, ToolRegistry(()), clock).get_response(
        "what is this?",
        "contact-1",
        (),
        company_id="pedal",
        company=bicycles(),
        context=replace(turn_context(), pictures=parts),
        journal=journal or MemoryJournal(),
        deadline=Deadline(clock, 90),
    )
    return response.reply


def test_the_responses_api_gets_pictures_as_data_urls_beside_the_question() -> None:
    """As strings, with the detail left to the model."""
    calls = FakeCalls(response(message({"type": "output_text", "text": "a wheel"})))
    ResponsesApi(calls, ModelSettings()).answer(REQUEST, timeout_seconds=5)
    assert calls.sent["input"][-1] == {
        "role": "user",
        "content": [
            {"type": "input_text", "text": "what is this?"},
            {"type": "input_image", "image_url": URL, "detail": "auto"},
        ],
    }
    assert calls.sent["input"][-2]["content"] == "history"


def test_chat_completions_get_them_as_objects() -> None:
    """The older API's shape."""
    calls = FakeCalls({"choices": [{"message": {"content": "a wheel"}}]})
    ChatCompletions(calls, ModelSettings(api="chat_completions")).answer(REQUEST, timeout_seconds=5)
    assert calls.sent["messages"][-1]["content"] == [
        {"type": "text", "text": "what is this?"},
        {"type": "image_url", "image_url": {"url": URL, "detail": "auto"}},
    ]


def test_the_model_is_shown_the_pictures_and_told_so() -> None:
    """What stands in them is data."""
    model = ScriptedModel(says("a wheel"))
    assert look(model, ImagePart.of(PICTURE)) == "a wheel"
    assert model.asked[0].pictures == (PICTURE,)
    assert "Pictures that the customer sent stand below" in model.asked[0].situation
    assert "in pictures" in model.asked[0].instructions


def test_a_picture_that_is_gone_is_told_and_not_guessed() -> None:
    """The others are shown."""
    model = ScriptedModel(says("a wheel"))
    look(model, ImagePart.of(PICTURE), ImagePart(lambda: None))
    assert model.asked[0].pictures == (PICTURE,)
    assert "cannot be opened" in model.asked[0].situation


@pytest.mark.parametrize(
    "refused", [GiveUp("no", reason="model_request_refused"), ContextTooLong("too long")]
)
def test_a_model_that_does_not_take_pictures_is_asked_without_them(refused: Exception) -> None:
    """It may be blind, or the request too large."""
    model = ScriptedModel(refused, says("please use words"))
    assert look(model, ImagePart.of(PICTURE)) == "please use words"
    assert [len(one.pictures) for one in model.asked] == [1, 0]
    assert "cannot be opened" in model.asked[1].situation


@pytest.mark.parametrize(
    ("parts", "errors"),
    [
        ((), [GiveUp("no", reason="model_request_refused")]),
        ((ImagePart.of(PICTURE),), [GiveUp("no", reason="model_request_refused")] * 2),
        ((ImagePart.of(PICTURE),), [GiveUp("pay first", reason="model_quota")]),
    ],
    ids=["no pictures", "not without them either", "another reason"],
)
def test_a_refusal_that_has_nothing_to_do_with_pictures_stays_one(
    parts: tuple[ImagePart, ...], errors: list[Any]
) -> None:
    """Asking again would not help."""
    with pytest.raises(GiveUp):
        look(ScriptedModel(*errors), *parts)


def test_a_turn_that_is_run_again_after_its_answer_fetches_no_picture() -> None:
    """Nobody would look at it."""
    journal = MemoryJournal()
    look(ScriptedModel(says("a wheel")), ImagePart.of(PICTURE), journal=journal)

    def fetch() -> Picture:
        raise AssertionError("fetched again")

    assert look(ScriptedModel(), ImagePart(fetch), journal=journal) == "a wheel"


def test_a_picture_is_fetched_once_however_often_the_model_is_asked() -> None:
    """Each round of tools asks again."""
    fetched: list[int] = []

    def fetch() -> Picture:
        fetched.append(1)
        return PICTURE

    look(ScriptedModel(says(""), says("a wheel")), ImagePart(fetch))
    assert len(fetched) == 1


def test_a_pictures_bytes_stand_in_no_log() -> None:
    """They are personal data."""
    assert "PNG" not in repr(PICTURE)
