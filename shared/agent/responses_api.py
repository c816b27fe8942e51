"""The model over the Responses API: what OpenAI itself is asked through.

Nothing is stored there (``store=False``). Reasoning comes back encrypted and is sent back in later rounds of
the turn together with every other output item, as it came: the model goes on thinking where it stopped.
Source: OpenAI's guides "Conversation state" and "Function calling".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.agent.model_client import ContextTooLong, ModelAnswer, ModelRequest, ToolCall, ToolOutput
from shared.platform.errors import GiveUp, RetryLater

if TYPE_CHECKING:
    from shared.agent.model_client import Outcome
    from shared.agent.openai_calls import ModelCalls
    from shared.agent.settings import ModelSettings
    from shared.agent.values import JsonDict

_TRANSIENT_FAILURES = {"server_error", "rate_limit_exceeded", "vector_store_timeout"}


class ResponsesApi:
    """A `ModelClient` over the Responses API.

    Args:
        calls: carries the requests.
        settings: which model, how long.
    """

    def __init__(self, calls: ModelCalls, settings: ModelSettings) -> None:
        self._calls = calls
        self._settings = settings

    def answer(self, request: ModelRequest, *, timeout_seconds: float) -> ModelAnswer:
        """See `ModelClient`."""
        seconds = min(timeout_seconds, self._settings.timeout_seconds)
        return read_response(
            self._calls.create("responses", self._parameters(request), timeout_seconds=seconds)
        )

    def _parameters(self, request: ModelRequest) -> JsonDict:
        settings = self._settings
        configured = settings.model if request.purpose == "answer" else settings.routing_model
        parameters: JsonDict = {
            "model": request.model or configured,
            "instructions": request.instructions,
            "input": _input_items(request),
            "store": False,
            "include": ["reasoning.encrypted_content"],
            "max_output_tokens": request.max_output_tokens or settings.max_output_tokens,
            "prompt_cache_key": request.cache_key,
            "safety_identifier": request.safety_identifier,
        }
        if settings.reasoning_effort != "default":
            parameters["reasoning"] = {"effort": settings.reasoning_effort}
        if request.tools:
            parameters |= _tool_parameters(request)
        if request.answer_schema:
            schema = request.answer_schema
            parameters["text"] = {
                "format": {
                    "type": "json_schema",
                    "name": schema.name,
                    "schema": schema.schema,
                    "strict": True,
                }
            }
        return parameters


def _tool_parameters(request: ModelRequest) -> JsonDict:
    tools = [
        {
            "type": "function",
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters,
            "strict": True,
        }
        for tool in request.tools
    ]
    choice = "auto" if request.tools_allowed else "none"
    return {"tools": tools, "tool_choice": choice, "parallel_tool_calls": False}


def _input_items(request: ModelRequest) -> list[JsonDict]:
    items: list[JsonDict] = []
    if request.situation:
        items.append({"role": "developer", "content": request.situation})
    items += [{"role": "user", "content": text} for text in request.data]
    if request.pictures:
        items[-1]["content"] = _with_pictures(request)
    for part in request.rounds:
        items += _output_item(part) if isinstance(part, ToolOutput) else _answer_items(part)
    return items


def _with_pictures(request: ModelRequest) -> list[JsonDict]:
    text = {"type": "input_text", "text": request.data[-1]}
    pictures = [
        {"type": "input_image", "image_url": picture.data_url, "detail": "auto"}
        for picture in request.pictures
    ]
    return [text, *pictures]


def _output_item(part: ToolOutput) -> list[JsonDict]:
    return [{"type": "function_call_output", "call_id": part.call_id, "output": part.output}]


def _answer_items(answer: ModelAnswer) -> list[JsonDict]:
    if answer.api == "responses":
        return list(answer.items)
    # The turn began over the other API and the setting has changed since.
    said: list[JsonDict] = [{"role": "assistant", "content": answer.text}] if answer.text else []
    return said + [
        {"type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments}
        for call in answer.tool_calls
    ]


def read_response(response: JsonDict) -> ModelAnswer:
    """A response object as our answer.

    Raises:
        RetryLater: it failed in passing, or is not what the API promises.
        ContextTooLong: the request was too long.
        GiveUp: it failed for good.
    """
    output = response.get("output")
    outcome = _outcome(response)
    if not isinstance(output, list):
        raise RetryLater("the model's answer has no output list", reason="model_unreadable")
    items = [item for item in output if isinstance(item, dict)]
    parts = [part for item in items if item.get("type") == "message" for part in item.get("content") or []]
    if outcome == "finished" and any(part.get("type") == "refusal" for part in parts):
        outcome = "refused"
    return ModelAnswer(
        api="responses",
        outcome=outcome,
        text="".join(str(part.get("text") or "") for part in parts if part.get("type") == "output_text"),
        tool_calls=tuple(_tool_call(item) for item in items if item.get("type") == "function_call"),
        items=tuple(items),
        model=str(response.get("model") or ""),
        usage=response.get("usage") or {},
    )


def _tool_call(item: JsonDict) -> ToolCall:
    return ToolCall(
        call_id=str(item.get("call_id") or ""),
        name=str(item.get("name") or ""),
        arguments=str(item.get("arguments") or ""),
    )


def _outcome(response: JsonDict) -> Outcome:
    status = response.get("status") or "completed"
    if status == "completed":
        return "finished"
    if status == "incomplete":
        why = (response.get("incomplete_details") or {}).get("reason")
        return "refused" if why == "content_filter" else "cut_off"
    if status == "failed":
        return _failed(response.get("error") or {})
    raise RetryLater(f"the model's answer has the status {status}", reason="model_unavailable")


def _failed(error: dict[str, Any]) -> Outcome:
    """A failure inside a 200: the status line says nothing, the body does."""
    code = str(error.get("code") or "server_error")
    if code == "insufficient_quota":
        raise GiveUp("the model's account has used up its quota", reason="model_quota")
    if code == "context_length_exceeded":
        raise ContextTooLong("the request is too long for the model")
    if code in _TRANSIENT_FAILURES:
        reason = "model_busy" if code == "rate_limit_exceeded" else "model_unavailable"
        raise RetryLater(f"the model failed: {code}", reason=reason)
    if code in {"invalid_prompt", "content_filter"}:
        return "refused"
    raise GiveUp(f"the model failed: {code}", reason="model_request_refused")
