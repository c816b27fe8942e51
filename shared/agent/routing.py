"""Which of a company's agents answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from shared.agent import prompt
from shared.agent.model_client import AnswerSchema, ModelRequest
from shared.agent.prompt_format import cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.agent.asking import Asking
    from shared.agent.values import HistoryMessage
    from shared.companies.model import Agent, Company

# Choosing needs the drift of the conversation, not all of it.
HISTORY_MESSAGES = 6
QUESTION_CHARACTERS = 4_000
MAX_OUTPUT_TOKENS = 1_000  # a name, and room for a reasoning model to think


def choose_agent(
    asking: Asking,
    company: Company,
    question: str,
    history: Sequence[HistoryMessage],
    safety_identifier: str,
) -> Agent:
    """The agent that answers: the only one, or the one the model names, or the first.

    Raises:
        RetryLater: the model could not be asked.
        GiveUp: the same, for good.
    """
    agents = {agent.name: agent for agent in company.agents}
    first = company.agents[0]
    if len(agents) == 1:
        return first

    def request() -> ModelRequest:
        return ModelRequest(
            purpose="route",
            instructions=prompt.routing_instructions(company),
            situation="",
            data=(
                prompt.history(history[-HISTORY_MESSAGES:], company.zone),
                prompt.question(cut(question, QUESTION_CHARACTERS), ""),
            ),
            answer_schema=_schema(list(agents)),
            safety_identifier=safety_identifier,
            max_output_tokens=MAX_OUTPUT_TOKENS,
        )

    answer = asking.ask("route", request)
    return agents.get(_named(answer.text), first)


def _schema(names: list[str]) -> AnswerSchema:
    return AnswerSchema(
        "chosen_agent",
        {
            "type": "object",
            "properties": {"agent": {"type": "string", "enum": names}},
            "required": ["agent"],
            "additionalProperties": False,
        },
    )


def _named(text: str) -> str:
    """The name in the answer; anything else than the asked shape names nobody."""
    try:
        chosen = json.loads(text)
    except ValueError:
        return ""
    name = chosen.get("agent") if isinstance(chosen, dict) else None
    return name if isinstance(name, str) else ""
