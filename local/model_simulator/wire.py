"""The shapes of the Responses and Chat Completions APIs, as the openai SDK 3.54 reads them."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

from local.model_simulator.answering import Asked, Call

JsonDict = dict[str, Any]


class Refused(Exception):
    """The request breaks one of the API's rules; the message is the API's answer."""


def _text(content: object) -> str:
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content)
    return str(content or "")


def _schemas(functions: list[JsonDict], choice: object) -> dict[str, JsonDict]:
    for function in functions:
        schema = function["parameters"]
        closed = schema.get("additionalProperties") is False
        if function.get("strict") and not (closed and set(schema["required"]) == set(schema["properties"])):
            raise Refused(f"Invalid schema for function {function['name']!r}")
    return {} if choice == "none" else {one["name"]: one["parameters"] for one in functions}


def read_responses(body: JsonDict) -> Asked:
    """A request of the Responses API."""
    items = [{"role": "user", "content": body["input"]}] if isinstance(body["input"], str) else body["input"]
    calls = {item["call_id"]: item for item in items if item.get("type") == "function_call"}
    outputs = [item for item in items if item.get("type") == "function_call_output"]
    if set(calls) != {item["call_id"] for item in outputs}:
        raise Refused("Every function call needs its output, and every output its function call.")
    for before, item in zip([None, *items], items, strict=False):
        if item.get("type") == "function_call" and (before or {}).get("type") != "reasoning":
            raise Refused("Item of type 'function_call' was provided without its required 'reasoning' item.")
    said = [_text(item.get("content")) for item in items if "role" in item]
    form = body.get("text", {}).get("format", {})
    return Asked(
        prompt="\n\n".join([body.get("instructions") or "", *said]),
        tools=_schemas(body.get("tools", []), body.get("tool_choice")),
        outputs=[(calls[item["call_id"]]["name"], _text(item["output"])) for item in outputs],
        schema=form.get("schema"),
    )


def read_chat(body: JsonDict) -> Asked:
    """A request of Chat Completions."""
    messages = body["messages"]
    calls = {one["id"]: one["function"] for m in messages for one in m.get("tool_calls") or []}
    outputs = [message for message in messages if message["role"] == "tool"]
    if set(calls) != {message["tool_call_id"] for message in outputs}:
        raise Refused("Every tool call needs its tool message, and every tool message its tool call.")
    form = body.get("response_format", {}).get("json_schema", {})
    return Asked(
        prompt="\n\n".join(_text(m.get("content")) for m in messages if m["role"] != "tool"),
        tools=_schemas([tool["function"] for tool in body.get("tools", [])], body.get("tool_choice")),
        outputs=[(calls[m["tool_call_id"]]["name"], _text(m["content"])) for m in outputs],
        schema=form.get("schema"),
    )


def _tokens(text: str) -> int:
    return len(text) // 4 + 1


def write_responses(body: JsonDict, asked: Asked, thoughts: list[str | Call], outcome: str) -> JsonDict:
    """A response object."""
    read, written = _tokens(asked.prompt), _tokens(str(thoughts))
    statuses = {"cut_off": "incomplete", "filtered": "incomplete", "failed": "failed"}
    status = statuses.get(outcome, "completed")
    reasons = {"cut_off": "max_output_tokens", "filtered": "content_filter"}
    reasoning = {
        "type": "reasoning",
        "id": f"rs_{uuid4().hex}",
        "summary": [],
        "encrypted_content": uuid4().hex,
    }
    output = [one for thought in thoughts for one in (reasoning, _item(thought, outcome))]
    return {
        "id": f"resp_{uuid4().hex}",
        "object": "response",
        "created_at": int(time.time()),
        "status": status,
        "error": {"code": "server_error", "message": "It failed."} if status == "failed" else None,
        "incomplete_details": {"reason": reasons[outcome]} if outcome in reasons else None,
        "model": body["model"],
        "output": output or [reasoning],
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools", []),
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
        names = {"call_id": f"call_{uuid4().hex}", "name": thought.name, "arguments": thought.arguments}
        return {"type": "function_call", "id": f"fc_{uuid4().hex}", "status": status, **names}
    part = {"type": "output_text", "text": thought, "annotations": []}
    content = {"type": "refusal", "refusal": thought} if outcome == "refused" else part
    return {
        "type": "message",
        "id": f"msg_{uuid4().hex}",
        "status": status,
        "role": "assistant",
        "content": [content],
    }


def write_chat(body: JsonDict, asked: Asked, thoughts: list[str | Call], outcome: str) -> JsonDict:
    """A chat completion."""
    read, written = _tokens(asked.prompt), _tokens(str(thoughts))
    text = "\n".join(one for one in thoughts if isinstance(one, str)) or None
    calls = [
        {"id": f"call_{uuid4().hex}", "type": "function", "function": vars(one)}
        for one in thoughts
        if isinstance(one, Call)
    ]
    refused = outcome == "refused"
    message = {
        "role": "assistant",
        "content": None if refused else text,
        "refusal": text if refused else None,
    }
    reasons = {"cut_off": "length", "filtered": "content_filter"}
    reason = reasons.get(outcome, "tool_calls" if calls else "stop")
    choice = {"index": 0, "finish_reason": reason, "logprobs": None, "message": message}
    return {
        "id": f"chatcmpl-{uuid4().hex}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body["model"],
        "choices": [choice | {"message": message | ({"tool_calls": calls} if calls else {})}],
        "usage": {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written},
    }
