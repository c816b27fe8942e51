"""The shapes of the Responses and Chat Completions APIs, as the openai SDK 3.54 reads them."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

from local.model_simulator.answering import Asked, Call
from local.model_simulator.hearing import Refused, seen

JsonDict = dict[str, Any]
# Words for outcomes as each API has them: reason of incompleteness, and finish reason.
_INCOMPLETE = {"cut_off": "max_output_tokens", "filtered": "content_filter"}
_FINISHED = {"cut_off": "length", "filtered": "content_filter"}
_ECHOED: JsonDict = {"parallel_tool_calls": True, "tool_choice": "auto", "tools": []}


def _id(prefix: str) -> str:
    return f"{prefix}_{uuid4().hex}"


def _text(content: object) -> str:
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content)
    return str(content or "")


def _seen(content: object) -> list[str]:
    """What the pictures among the parts show, over either API."""
    parts = content if isinstance(content, list) else []
    urls = [part["image_url"] for part in parts if "image_url" in part]
    return [seen(url["url"] if isinstance(url, dict) else url) for url in urls]


def _schemas(functions: list[JsonDict], choice: object) -> dict[str, JsonDict]:
    for function in functions:
        schema = function["parameters"]
        closed = schema.get("additionalProperties") is False
        if function.get("strict") and not (closed and set(schema["required"]) == set(schema["properties"])):
            raise Refused(f"Invalid schema for function {function['name']!r}")
    return {} if choice == "none" else {one["name"]: one["parameters"] for one in functions}


def read_responses(body: JsonDict) -> Asked:
    """A request of the Responses API."""
    items = body["input"]
    calls = {item["call_id"]: item for item in items if item.get("type") == "function_call"}
    outputs = [item for item in items if item.get("type") == "function_call_output"]
    if set(calls) != {item["call_id"] for item in outputs}:
        raise Refused("Every function call needs its output, and every output its function call.")
    for before, item in zip([{}, *items], items, strict=False):
        if item.get("type") == "function_call" and before.get("type") != "reasoning":
            raise Refused("Item of type 'function_call' was provided without its required 'reasoning' item.")
    said = [_text(item.get("content")) for item in items if "role" in item]
    return Asked(
        prompt="\n\n".join([body.get("instructions") or "", *said]),
        tools=_schemas(body.get("tools", []), body.get("tool_choice")),
        outputs=[(calls[item["call_id"]]["name"], _text(item["output"])) for item in outputs],
        schema=body.get("text", {}).get("format", {}).get("schema"),
        seen=[text for item in items for text in _seen(item.get("content"))],
    )


def read_chat(body: JsonDict) -> Asked:
    """A request of Chat Completions."""
    messages = body["messages"]
    calls = {one["id"]: one["function"] for m in messages for one in m.get("tool_calls") or []}
    outputs = [message for message in messages if message["role"] == "tool"]
    if set(calls) != {message["tool_call_id"] for message in outputs}:
        raise Refused("Every tool call needs its tool message, and every tool message its tool call.")
    return Asked(
        prompt="\n\n".join(_text(m.get("content")) for m in messages if m["role"] != "tool"),
        tools=_schemas([tool["function"] for tool in body.get("tools", [])], body.get("tool_choice")),
        outputs=[(calls[m["tool_call_id"]]["name"], _text(m["content"])) for m in outputs],
        schema=body.get("response_format", {}).get("json_schema", {}).get("schema"),
        seen=[text for message in messages for text in _seen(message.get("content"))],
    )


def _tokens(asked: Asked, thoughts: list[str | Call]) -> tuple[int, int]:
    return len(asked.prompt) // 4 + 1, len(str(thoughts)) // 4 + 1


def write_responses(body: JsonDict, asked: Asked, thoughts: list[str | Call], outcome: str) -> JsonDict:
    """A response object."""
    read, written = _tokens(asked, thoughts)
    failed, why = outcome == "failed", _INCOMPLETE.get(outcome)
    reasoning = {"type": "reasoning", "id": _id("rs"), "summary": [], "encrypted_content": _id("secret")}
    output = [one for thought in thoughts for one in (reasoning, _item(thought, outcome))]
    return {
        "id": _id("resp"),
        "object": "response",
        "created_at": int(time.time()),
        "status": "failed" if failed else "incomplete" if why else "completed",
        "error": {"code": "server_error", "message": "It failed."} if failed else None,
        "incomplete_details": {"reason": why} if why else None,
        "model": body["model"],
        "output": output or [reasoning],
        **{name: body.get(name, default) for name, default in _ECHOED.items()},
        "usage": {
            "input_tokens": read,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": written,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": read + written,
        },
    }


def _item(thought: str | Call, outcome: str) -> JsonDict:
    status = "incomplete" if outcome == "cut_off" else "completed"
    if isinstance(thought, Call):
        call = {"type": "function_call", "id": _id("fc"), "call_id": _id("call"), "status": status}
        return {**call, "name": thought.name, "arguments": thought.arguments}
    part = {"type": "output_text", "text": thought, "annotations": []}
    said = {"type": "refusal", "refusal": thought} if outcome == "refused" else part
    return {"type": "message", "id": _id("msg"), "role": "assistant", "status": status, "content": [said]}


def write_chat(body: JsonDict, asked: Asked, thoughts: list[str | Call], outcome: str) -> JsonDict:
    """A chat completion."""
    read, written = _tokens(asked, thoughts)
    text = "\n".join(one for one in thoughts if isinstance(one, str)) or None
    made = [one for one in thoughts if isinstance(one, Call)]
    calls = [{"id": _id("call"), "type": "function", "function": vars(one)} for one in made]
    said = {"content": None, "refusal": text} if outcome == "refused" else {"content": text, "refusal": None}
    message = {"role": "assistant", **said} | ({"tool_calls": calls} if calls else {})
    reason = _FINISHED.get(outcome, "tool_calls" if calls else "stop")
    return {
        "id": _id("chatcmpl"),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body["model"],
        "choices": [{"index": 0, "finish_reason": reason, "logprobs": None, "message": message}],
        "usage": {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written},
    }
