"""Asks for a person. Nothing happens here: the turn returns the wish, and the conversations layer acts."""

from __future__ import annotations

from pydantic import Field

from shared.agent.prompt_format import encodable
from shared.agent.tools.tool import Tool, ToolArguments, ToolContext, ToolResult
from shared.agent.values import HandOver

MAX_REASON_CHARACTERS = 500


class HandOverArguments(ToolArguments):
    """The arguments of ``hand_over``."""

    reason: str = Field(
        min_length=1,
        description="For the colleague who takes over: what the customer wants and what is still open, "
        "in one or two sentences in the company's language.",
    )


def hand_over(arguments: HandOverArguments, _: ToolContext) -> ToolResult:
    """Note the wish."""
    return ToolResult(
        {
            "status": "noted",
            "next": "Tell the customer in one sentence that a person of the company will go on here.",
        },
        (HandOver(encodable(arguments.reason[:MAX_REASON_CHARACTERS])),),
    )


TOOL = Tool(
    name="hand_over",
    description="Hand this conversation over to a person of the company. Use it when the customer asks for a "
    "person, when you cannot help any further, or when it would be wrong for a machine to go on.",
    arguments=HandOverArguments,
    effect="write",
    run=hand_over,
    everywhere=True,
)
