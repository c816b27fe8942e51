"""Runs the tools that an answer asks for, each at most once in a turn."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from shared.agent.model_client import ToolOutput
from shared.agent.tools.registry import canonical
from shared.agent.values import HandOver
from shared.platform.observability import log

if TYPE_CHECKING:
    from shared.agent.journal import Journal
    from shared.agent.model_client import ModelAnswer, ToolCall, ToolSpec
    from shared.agent.tools.registry import ToolRegistry
    from shared.agent.tools.tool import ToolContext, ToolResult
    from shared.agent.values import Action, JsonDict

MAX_RESULT_BYTES = 32 * 1024


@dataclass
class ToolCalls:
    """The tools, seen from one turn.

    Args:
        tools: every tool.
        offered: what the turn's agent may call.
        context: for whom they work.
        journal: what the turn remembers.
    """

    tools: ToolRegistry
    offered: tuple[ToolSpec, ...]
    context: ToolContext
    journal: Journal
    actions: list[Action] = field(default_factory=list)
    _written: dict[tuple[str, str], JsonDict] = field(default_factory=dict)

    def run(self, step: str, answer: ModelAnswer) -> list[ToolOutput]:
        """The outputs of an answer's calls, in their order; `actions` grows by what they ask for."""
        outputs = []
        for index, call in enumerate(answer.tool_calls):
            record = self._record(step, index, call)
            self.actions += [HandOver(**wish["hand_over"]) for wish in record["actions"]]
            outputs.append(ToolOutput(call.call_id, record["output"]))
        return outputs

    def offers(self, name: str) -> bool:
        """Whether the turn's agent may call a tool."""
        return any(spec.name == name for spec in self.offered)

    def _record(self, step: str, index: int, call: ToolCall) -> JsonDict:
        key = (call.name, canonical(call.arguments))
        record = self.journal.tool_result(step, index)
        if record is None:
            record = self._once(step, index, key, call)
            self.journal.record_tool_result(step, index, record)
        if self.tools.writes(call.name):
            self._written.setdefault(key, record)
        return record

    def _once(self, step: str, index: int, key: tuple[str, str], call: ToolCall) -> JsonDict:
        if key in self._written:
            return {"output": self._written[key]["output"], "actions": []}
        self.journal.before_step(step)
        context = replace(self.context, call_key=f"{self.journal.identity}:{step}:{index}")
        result = self.tools.run(call.name, call.arguments, context, self.offered)
        log.info("a tool ran", step=step, tool=call.name[:64], failed="error" in result.content)
        facts = {"wrote": self.tools.writes(call.name), "failed": "error" in result.content}
        return _as_record(result) | facts


def _as_record(result: ToolResult) -> JsonDict:
    text = json.dumps(result.content, ensure_ascii=False)
    wishes = [{"hand_over": {"reason": action.reason}} for action in result.actions]
    return {"output": cut_bytes(text), "actions": wishes}


def cut_bytes(text: str) -> str:
    """A text of at most `MAX_RESULT_BYTES` in UTF-8, and a mark where something is missing."""
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= MAX_RESULT_BYTES:
        return encoded.decode()
    mark = f"\n[cut: the whole result has {len(encoded)} bytes]"
    return encoded[: MAX_RESULT_BYTES - len(mark)].decode(errors="ignore") + mark
