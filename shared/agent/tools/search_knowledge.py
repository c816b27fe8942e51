"""Looks passages of the company's knowledge up by keywords; offered when it is too long for the prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from shared.agent import knowledge
from shared.agent.tools.tool import Tool, ToolArguments, ToolContext, ToolResult

if TYPE_CHECKING:
    from shared.companies.model import Company

MAX_PASSAGES = 5


class SearchKnowledgeArguments(ToolArguments):
    """The arguments of ``search_knowledge``."""

    query: str = Field(
        min_length=1,
        description="A few keywords in the language of the company's texts. Words that begin alike are "
        "found together; add synonyms.",
    )


def search_knowledge(arguments: SearchKnowledgeArguments, context: ToolContext) -> ToolResult:
    """The best passages, best first."""
    found = knowledge.search(context.company, arguments.query, MAX_PASSAGES)
    if not found:
        return ToolResult(
            {"passages": [], "next": "Nothing fits. Try other words once, or say you do not know."}
        )
    return ToolResult({"passages": [{"title": one.title, "text": one.text} for one in found]})


def _is_offered(company: Company) -> bool:
    return knowledge.is_large(company) or knowledge.services_are_large(company)


TOOL = Tool(
    name="search_knowledge",
    description="Look up the company's own texts by keywords: prices' conditions, policies, addresses, how "
    "things are done. Use it before saying that you do not know.",
    arguments=SearchKnowledgeArguments,
    effect="read",
    run=search_knowledge,
    everywhere=True,
    is_offered=_is_offered,
)
