"""The model over Chat Completions: for the many servers that are compatible with OpenAI's older API.

Parameters that only OpenAI knows are sent to OpenAI alone, because strict servers refuse what they do not
know. The turn's situation stands in the one system message, after the stable part, because many models'
templates accept no second one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.agent.model_client import ModelAnswer, ModelRequest, ToolCall, ToolOutput
from shared.platform.errors import RetryLater

if TYPE_CHECKING:
    from shared.agent.model_client import Outcome
    from shared.agent.openai_calls import ModelCalls
    from shared.agent.settings import ModelSettings
    from shared.agent.values import JsonDict

# What is kept of an assistant message and sent back. Some reasoning models of other vendors ask for
# ``reasoning_content``; tool calls are kept whole because vendors put signatures into them.
_KEPT = ("role", "content", "tool_calls", "reasoning_content")
_OUTCOMES: dict[str, Outcome] = {"length": "cut_off", "content_filter": "refused"}


class ChatCompletions:
    """A `ModelClient` over Chat Completions.

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
        return read_completion(
            self._calls.create("chat_completions", self._parameters(request), timeout_seconds=seconds)
        )

    def _parameters(self, request: ModelRequest) -> JsonDict:
        settings = self._settings
        configured = settings.model if request.purpose == "answer" else settings.routing_model
        limit = request.max_output_tokens or settings.max_output_tokens
        parameters: JsonDict = {"model": request.model or configured, "messages": _messages(request)}
        if settings.is_openai:
            parameters["max_completion_tokens"] = limit
            parameters["prompt_cache_key"] = request.cache_key
            parameters["safety_identifier"] = request.safety_identifier
            parameters["store"] = False
        else:
            parameters["max_tokens"] = limit
        if settings.reasoning_effort != "default":
            parameters["reasoning_effort"] = settings.reasoning_effort
        if request.tools:
            parameters |= _tool_parameters(request)
        if request.answer_schema:
            schema = request.answer_schema
            wanted = {"name": schema.name, "schema": schema.schema, "strict": True}
            parameters["response_format"] = {"type": "json_schema", "json_schema": wanted}
        return parameters


def _tool_parameters(request: ModelRequest) -> JsonDict:
    functions = [
        {
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters,
            "strict": True,
        }
        for tool in request.tools
    ]
    choice = "auto" if request.tools_allowed else "none"
    tools = [{"type": "function", "function": function} for function in functions]
    return {"tools": tools, "tool_choice": choice, "parallel_tool_calls": False}


def _messages(request: ModelRequest) -> list[JsonDict]:
    system = "\n\n".join(part for part in (request.instructions, request.situation) if part)
    messages: list[JsonDict] = [{"role": "system", "content": system}]
    messages += [{"role": "user", "content": text} for text in request.data]
    if request.pictures:
        messages[-1]["content"] = _with_pictures(request)
    for part in request.rounds:
        if isinstance(part, ToolOutput):
            messages.append({"role": "tool", "tool_call_id": part.call_id, "content": part.output})
        else:
            messages.append(_assistant_message(part))
    return messages


def _with_pictures(request: ModelRequest) -> list[JsonDict]:
    text = {"type": "text", "text": request.data[-1]}
    urls = [{"url": picture.data_url, "detail": "auto"} for picture in request.pictures]
    return [text, *({"type": "image_url", "image_url": url} for url in urls)]


def _assistant_message(answer: ModelAnswer) -> JsonDict:
    if answer.api == "chat_completions":
        message = answer.items[0]
        return {key: message[key] for key in _KEPT if message.get(key) is not None or key == "content"}
    # The turn began over the other API and the setting has changed since.
    calls = [
        {
            "id": call.call_id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for call in answer.tool_calls
    ]
    return {"role": "assistant", "content": answer.text or None} | ({"tool_calls": calls} if calls else {})


def read_completion(completion: JsonDict) -> ModelAnswer:
    """A chat completion as our answer.

    Raises:
        RetryLater: it is not what the API promises.
    """
    try:
        choice = completion["choices"][0]
        message = {"role": "assistant", "content": None, **choice["message"]}
        calls = tuple(_tool_call(call) for call in message.get("tool_calls") or ())
    except (KeyError, IndexError, TypeError):
        raise RetryLater("the model's answer holds no message", reason="model_unreadable") from None
    outcome = _OUTCOMES.get(str(choice.get("finish_reason")), "finished")
    return ModelAnswer(
        api="chat_completions",
        outcome="refused" if message.get("refusal") else outcome,
        text=str(message["content"] or ""),
        tool_calls=calls,
        items=(message,),
        model=str(completion.get("model") or ""),
        usage=completion.get("usage") or {},
    )


def _tool_call(call: JsonDict) -> ToolCall:
    function = call["function"]
    return ToolCall(
        call_id=str(call.get("id") or ""),
        name=str(function["name"]),
        arguments=str(function.get("arguments") or ""),
    )
