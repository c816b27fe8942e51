"""What the two clients send, and how they read what comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shared.agent.chat_completions import ChatCompletions, read_completion
from shared.agent.model_client import (
    AnswerSchema,
    ContextTooLong,
    ModelAnswer,
    ModelRequest,
    ToolCall,
    ToolOutput,
    ToolSpec,
)
from shared.agent.responses_api import ResponsesApi, read_response
from shared.agent.settings import ModelSettings
from shared.platform.errors import GiveUp, RetryLater

if TYPE_CHECKING:
    from shared.agent.settings import Endpoint
    from shared.agent.values import JsonDict

SPEC = ToolSpec("reserve", "Reserves.", {"type": "object", "properties": {}, "required": []})
REASONING = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x", "unheard_of": 1}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "reserve", "arguments": "{}"}


class FakeCalls:
    """Answers every call alike and keeps the parameters."""

    def __init__(self, answer: JsonDict) -> None:
        self.answer = answer
        self.sent: JsonDict = {}
        self.api = ""
        self.timeout_seconds = 0.0

    def create(self, endpoint: Endpoint, parameters: JsonDict, *, timeout_seconds: float) -> JsonDict:
        """See `ModelCalls`."""
        self.sent, self.api, self.timeout_seconds = parameters, endpoint, timeout_seconds
        return self.answer


def response(*output: JsonDict, **changes: object) -> JsonDict:
    """A response object."""
    return {
        "status": "completed",
        "model": "gpt-x",
        "output": list(output),
        "usage": {"total_tokens": 3},
    } | changes


def message(*content: JsonDict) -> JsonDict:
    """An output message."""
    return {"type": "message", "role": "assistant", "content": list(content)}


def says(text: str) -> JsonDict:
    """A message part."""
    return {"type": "output_text", "text": text, "annotations": []}


def completion(finish_reason: str = "stop", **said: object) -> JsonDict:
    """A chat completion."""
    return {
        "model": "m",
        "choices": [{"finish_reason": finish_reason, "message": {"role": "assistant", **said}}],
    }


def request(**changes: Any) -> ModelRequest:  # noqa: ANN401 - fields of the request
    """A request for an answer."""
    facts: dict[str, Any] = {
        "purpose": "answer",
        "instructions": "Be brief.",
        "situation": "It is Monday.",
        "data": ("<history></history>", "<customer_writes>Hi</customer_writes>"),
        "cache_key": "pedal/frontdesk",
        "safety_identifier": "abc",
    }
    return ModelRequest(**(facts | changes))


def sent_by_responses(asked: ModelRequest, **settings: Any) -> JsonDict:  # noqa: ANN401 - settings' fields
    """What the Responses client sends."""
    calls = FakeCalls(response(message(says("Hi"))))
    ResponsesApi(calls, ModelSettings(**settings)).answer(asked, timeout_seconds=9)
    return calls.sent


def sent_by_chat(asked: ModelRequest, **settings: Any) -> JsonDict:  # noqa: ANN401 - settings' fields
    """What the Chat Completions client sends."""
    calls = FakeCalls(completion(content="Hi"))
    ChatCompletions(calls, ModelSettings(api="chat_completions", **settings)).answer(asked, timeout_seconds=9)
    return calls.sent


def test_a_responses_request_is_stateless_and_has_the_stable_part_first() -> None:
    """Nothing is stored at the provider; reasoning comes back encrypted."""
    assert sent_by_responses(request()) == {
        "model": "gpt-6-luna",
        "instructions": "Be brief.",
        "input": [
            {"role": "developer", "content": "It is Monday."},
            {"role": "user", "content": "<history></history>"},
            {"role": "user", "content": "<customer_writes>Hi</customer_writes>"},
        ],
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "max_output_tokens": 4000,
        "prompt_cache_key": "pedal/frontdesk",
        "safety_identifier": "abc",
    }


def test_tools_are_strict_and_called_one_at_a_time() -> None:
    """On the last round they stay in the request, for the cache, but may not be called."""
    sent = sent_by_responses(request(tools=(SPEC,), tools_allowed=False), reasoning_effort="low")
    assert sent["tools"] == [
        {
            "type": "function",
            "name": "reserve",
            "description": "Reserves.",
            "parameters": SPEC.parameters,
            "strict": True,
        }
    ]
    assert (sent["tool_choice"], sent["parallel_tool_calls"]) == ("none", False)
    assert sent["reasoning"] == {"effort": "low"}
    chat = sent_by_chat(request(tools=(SPEC,)))
    assert chat["tools"][0]["function"]["strict"] is True
    assert (chat["tool_choice"], chat["parallel_tool_calls"]) == ("auto", False)


def test_routing_uses_its_own_model_and_shape() -> None:
    """A cheap call with structured output."""
    schema = AnswerSchema("chosen_agent", {"type": "object"})
    route = request(purpose="route", answer_schema=schema, max_output_tokens=50)
    form = {"type": "json_schema", "name": "chosen_agent", "schema": {"type": "object"}, "strict": True}
    sent = sent_by_responses(route, routing_model="small")
    assert (sent["model"], sent["max_output_tokens"], sent["text"]) == ("small", 50, {"format": form})
    chat = sent_by_chat(route, routing_model="small")
    assert chat["response_format"]["json_schema"] == {
        "name": "chosen_agent",
        "schema": {"type": "object"},
        "strict": True,
    }


def test_an_agents_own_model_wins() -> None:
    """Over the configured one."""
    assert sent_by_responses(request(model="gpt-large"))["model"] == "gpt-large"
    assert sent_by_chat(request(model="gpt-large"))["model"] == "gpt-large"


def test_the_shorter_of_the_two_times_wins() -> None:
    """The configured time-out and what is left of the turn."""
    calls = FakeCalls(response(message(says("Hi"))))
    client = ResponsesApi(calls, ModelSettings(timeout_seconds=25))
    for left, expected in ((9, 9), (60, 25)):
        client.answer(request(), timeout_seconds=left)
        assert calls.timeout_seconds == expected


def test_all_output_items_go_back_as_they_came() -> None:
    """Reasoning, calls and fields that nobody knows yet, through the journal's JSON."""
    answer = ModelAnswer.from_json(read_response(response(REASONING, CALL)).as_json())
    sent = sent_by_responses(request(rounds=(answer, ToolOutput("c1", "done"))))
    assert sent["input"][3:] == [
        REASONING,
        CALL,
        {"type": "function_call_output", "call_id": "c1", "output": "done"},
    ]


def test_chat_sends_what_only_openai_knows_to_openai_alone() -> None:
    """Strict compatible servers refuse parameters that they do not know."""
    other = sent_by_chat(request(), base_url="http://127.0.0.1:1/v1", reasoning_effort="none")
    assert other == {
        "model": "gpt-6-luna",
        "messages": [
            {"role": "system", "content": "Be brief.\n\nIt is Monday."},
            {"role": "user", "content": "<history></history>"},
            {"role": "user", "content": "<customer_writes>Hi</customer_writes>"},
        ],
        "max_tokens": 4000,
        "reasoning_effort": "none",
    }
    openai = sent_by_chat(request())
    assert openai["max_completion_tokens"] == 4000
    assert (openai["prompt_cache_key"], openai["safety_identifier"]) == ("pedal/frontdesk", "abc")
    assert openai["store"] is False
    assert "max_tokens" not in openai


def test_a_chat_answer_goes_back_with_its_tool_calls_whole() -> None:
    """And without what servers do not take back."""
    call = {"id": "c1", "type": "function", "function": {"name": "reserve", "arguments": "{}"}, "extra": 1}
    answer = read_completion(
        completion("tool_calls", content=None, tool_calls=[call], refusal=None, annotations=[])
    )
    assert answer.tool_calls == (ToolCall("c1", "reserve", "{}"),)
    sent = sent_by_chat(request(rounds=(answer, ToolOutput("c1", "done"))))
    assert sent["messages"][3:] == [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "done"},
    ]


def test_a_turn_goes_on_when_the_setting_changes_the_api() -> None:
    """What one API answered before a deployment, the other can be told."""
    call = ToolCall("c1", "reserve", "{}")
    over_chat = ModelAnswer("chat_completions", "finished", "One moment", (call,), ({"role": "assistant"},))
    assert sent_by_responses(request(rounds=(over_chat,)))["input"][3:] == [
        {"role": "assistant", "content": "One moment"},
        {"type": "function_call", "call_id": "c1", "name": "reserve", "arguments": "{}"},
    ]
    over_responses = ModelAnswer("responses", "finished", "", (call,), (CALL,))
    [told] = sent_by_chat(request(rounds=(over_responses,)))["messages"][3:]
    assert told["content"] is None
    assert told["tool_calls"][0]["function"] == {"name": "reserve", "arguments": "{}"}


def test_a_response_is_read() -> None:
    """Text of all messages, tool calls, model and usage."""
    answer = read_response(response(REASONING, message(says("One "), says("two")), CALL))
    assert (answer.text, answer.outcome, answer.model) == ("One two", "finished", "gpt-x")
    assert answer.tool_calls == (ToolCall("c1", "reserve", "{}"),)
    assert answer.usage == {"total_tokens": 3}


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "cut_off"),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, "refused"),
        ({"status": "incomplete", "incomplete_details": None}, "cut_off"),
        ({"status": "failed", "error": {"code": "invalid_prompt"}}, "refused"),
        ({"status": None}, "finished"),
    ],
)
def test_the_status_inside_a_200_is_believed(changes: JsonDict, outcome: str) -> None:
    """The HTTP status alone says nothing."""
    assert read_response(response(message(says("Hi")), **changes)).outcome == outcome


def test_a_refusal_is_read_as_one_in_both_apis() -> None:
    """Its text is not a reply."""
    refused = read_response(response(message({"type": "refusal", "refusal": "No."})))
    assert (refused.outcome, refused.text) == ("refused", "")
    assert read_completion(completion(content=None, refusal="No.")).outcome == "refused"


@pytest.mark.parametrize(
    ("error", "raised", "reason"),
    [
        ({"code": "server_error"}, RetryLater, "model_unavailable"),
        ({"code": "rate_limit_exceeded"}, RetryLater, "model_busy"),
        (None, RetryLater, "model_unavailable"),
        ({"code": "insufficient_quota"}, GiveUp, "model_quota"),
        ({"code": "context_length_exceeded"}, ContextTooLong, "model_context"),
        ({"code": "image_too_large"}, GiveUp, "model_request_refused"),
    ],
)
def test_a_failure_inside_a_200_is_an_error(
    error: JsonDict | None, raised: type[Exception], reason: str
) -> None:
    """Passing or final, by its code."""
    with pytest.raises(raised) as caught:
        read_response(response(status="failed", error=error))
    assert caught.value.reason == reason  # type: ignore[attr-defined]


@pytest.mark.parametrize("strange", [{}, {"output": None}, {"status": "queued", "output": []}])
def test_a_response_that_is_none_is_tried_again_later(strange: JsonDict) -> None:
    """A proxy's JSON, say."""
    with pytest.raises(RetryLater):
        read_response(strange)


@pytest.mark.parametrize(
    "strange", [{}, {"choices": []}, {"choices": [{}]}, {"choices": [{"message": {"tool_calls": [{}]}}]}]
)
def test_a_completion_that_is_none_is_tried_again_later(strange: JsonDict) -> None:
    """The same for the other API."""
    with pytest.raises(RetryLater):
        read_completion(strange)


@pytest.mark.parametrize(
    ("finish_reason", "outcome"),
    [("stop", "finished"), ("length", "cut_off"), ("content_filter", "refused"), ("eos", "finished")],
)
def test_the_finish_reason_is_believed(finish_reason: str, outcome: str) -> None:
    """Unknown words of compatible servers are fine."""
    answer = read_completion(completion(finish_reason, content="Hi"))
    assert (answer.outcome, answer.usage) == (outcome, {})
