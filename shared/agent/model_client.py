"""What every model client takes and gives, whichever API it speaks.

Nothing here imports the vendor's SDK: that costs half a second, which only a turn that really asks pays.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from shared.platform.errors import GiveUp
from shared.platform.values import known_fields

if TYPE_CHECKING:
    from shared.agent.media.pictures import Picture
    from shared.agent.values import JsonDict

Purpose = Literal["answer", "route"]
Outcome = Literal["finished", "cut_off", "refused"]


class ContextTooLong(GiveUp):
    """The request is longer than the model reads; a shorter history may fit."""

    default_reason = "model_context"


class ContentRefused(GiveUp):
    """A filter at the provider refuses what stands in the request; the turn hands over."""

    default_reason = "model_refused"


@dataclass(frozen=True)
class ToolSpec:
    """A tool as the model sees it; ``parameters`` is a strict JSON schema."""

    name: str
    description: str
    parameters: JsonDict


@dataclass(frozen=True)
class ToolCall:
    """The model wants a tool to run. ``arguments`` is text that should be JSON, and may not be."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class ToolOutput:
    """What a tool answered, for the model."""

    call_id: str
    output: str


@dataclass(frozen=True)
class ModelAnswer:
    """One answer of the model, whole, as JSON can hold it.

    Args:
        api: which API it came over, and so what ``items`` look like.
        outcome: ``cut_off`` ran into the token limit; ``refused`` was stopped by the model or a filter.
        text: what it says; may be empty.
        tool_calls: what it wants called.
        items: the output exactly as it came, reasoning included: sent back in later rounds.
        model: the model that really answered.
        usage: the provider's token counts; empty where a server sends none.
    """

    api: str
    outcome: Outcome
    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    items: tuple[JsonDict, ...] = ()
    model: str = ""
    usage: JsonDict = field(default_factory=dict)

    @property
    def is_usable(self) -> bool:
        """Whether it was finished and holds something."""
        return self.outcome == "finished" and bool(self.tool_calls or self.text.strip())

    def as_json(self) -> JsonDict:
        """For the journal."""
        return {**asdict(self), "tool_calls": [asdict(c) for c in self.tool_calls], "items": list(self.items)}

    @classmethod
    def from_json(cls, recorded: JsonDict) -> ModelAnswer:
        """What `as_json` wrote."""
        return cls(
            **{
                **known_fields(cls, recorded),
                "tool_calls": tuple(
                    ToolCall(**known_fields(ToolCall, call)) for call in recorded["tool_calls"]
                ),
                "items": tuple(recorded["items"]),
            }
        )


@dataclass(frozen=True)
class AnswerSchema:
    """Requires the answer to be JSON of this shape (structured output)."""

    name: str
    schema: JsonDict


@dataclass(frozen=True)
class ModelRequest:
    """One question to the model.

    Args:
        purpose: which of the configured models is meant.
        instructions: what is the same in every turn of this company and agent; stands first, so that
            providers can cache it.
        situation: what is true of this turn, from us.
        data: what others wrote (history, the customer's words), each text marked as data.
        pictures: what the customer sent for looking at; they stand with the last text of ``data``.
        rounds: this turn's earlier answers and the outputs of their tools, in order.
        tools: what it may call.
        tools_allowed: ``False`` on the last round: it must come to an answer.
        answer_schema: see `AnswerSchema`.
        model: overrides the configured model.
        cache_key: groups requests that share ``instructions``.
        safety_identifier: says which user is speaking, without saying who that is.
        max_output_tokens: overrides the configured bound.
    """

    purpose: Purpose
    instructions: str
    situation: str
    data: tuple[str, ...]
    pictures: tuple[Picture, ...] = ()
    rounds: tuple[ModelAnswer | ToolOutput, ...] = ()
    tools: tuple[ToolSpec, ...] = ()
    tools_allowed: bool = True
    answer_schema: AnswerSchema | None = None
    model: str | None = None
    cache_key: str = ""
    safety_identifier: str = ""
    max_output_tokens: int | None = None


class ModelClient(Protocol):
    """Asks a model."""

    def answer(self, request: ModelRequest, *, timeout_seconds: float) -> ModelAnswer:
        """One call, never repeated here: repeating is the turn's business.

        Args:
            request: what is asked.
            timeout_seconds: how long it may take in total; the configured time-out, when shorter, wins.

        Raises:
            RetryLater: time-outs, throttling, outages; ``after_seconds`` where the provider named it.
            ContextTooLong: see there.
            ContentRefused: see there.
            GiveUp: no retry helps: quota used up, key refused, no such model.
        """
        ...
