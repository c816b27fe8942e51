from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal

import pytest
from pydantic import BaseModel, Field

from shared.agent.tools import hand_over, search_knowledge
from shared.agent.tools.registry import ToolRegistry, default_registry
from shared.agent.tools.schema import strict_schema
from shared.agent.tools.tool import ToolArguments, ToolContext
from shared.agent.values import HandOver, JsonDict
from shared.platform.clock import Deadline
from tests.fakes.clock import FakeClock
from tests.unit.agent.fakes import Desk, bicycles

if TYPE_CHECKING:
    from shared.companies.model import Company


class Slot(BaseModel):
    """A part of the arguments."""

    day: str
    part: Literal["morning", "evening"] | None = None


class Other(BaseModel):
    """Another part."""

    text: str


class Everything(ToolArguments):
    """Arguments of every kind."""

    slot: Slot = Field(description="A reference with something beside it.")
    slots: list[Slot]
    one_of: Slot | Other
    note: str | None = None


class Stubborn(ToolArguments):
    """A field that could never be left out in a strict schema."""

    count: int = 3


def objects_in(node: object) -> list[JsonDict]:
    """Every object schema inside a schema."""
    if isinstance(node, list):
        return [found for one in node for found in objects_in(one)]
    if not isinstance(node, dict):
        return []
    own = [node] if "properties" in node else []
    return own + [found for one in node.values() for found in objects_in(one)]


@pytest.mark.parametrize("model", [Everything, Slot])
def test_every_object_of_a_strict_schema_is_closed_and_complete(model: type[BaseModel]) -> None:
    """The rules of the provider's structured outputs."""
    schema = strict_schema(model)
    assert objects_in(schema)
    for found in objects_in(schema):
        assert found["additionalProperties"] is False
        assert found["required"] == list(found["properties"])
    for part in schema["properties"].values():
        assert "$ref" not in part or part.keys() == {"$ref"}
    text = json.dumps(schema)
    assert not any(f'"{word}":' in text for word in ("default", "title", "oneOf", "maxLength"))


def test_an_optional_field_may_be_null() -> None:
    """That is how a strict model leaves it out."""
    assert strict_schema(Everything)["properties"]["note"]["anyOf"] == [{"type": "string"}, {"type": "null"}]


def test_a_default_without_null_is_refused() -> None:
    """When the tool is registered, not when a customer waits."""
    with pytest.raises(TypeError, match=r"Stubborn\.count"):
        strict_schema(Stubborn)


def test_the_schema_means_the_same_as_the_vendors_own() -> None:
    """Field by field for the tools that we ship."""
    from openai.lib._pydantic import to_strict_json_schema  # noqa: PLC0415 - heavy, and of this test alone

    for tool in (hand_over.TOOL, search_knowledge.TOOL):
        theirs, ours = to_strict_json_schema(tool.arguments), strict_schema(tool.arguments)
        assert (ours["required"], ours["additionalProperties"]) == (theirs["required"], False)
        assert ours["properties"].keys() == theirs["properties"].keys()


def test_two_tools_of_one_name_are_refused() -> None:
    """One of them would never be called."""
    with pytest.raises(ValueError, match="same name"):
        ToolRegistry([Desk().tool(), Desk().tool()])


def offered(company: Company, *tools: str) -> list[str]:
    """Names of the tools that an agent with this list may call."""
    agent = company.agents[0].model_copy(update={"tools": list(tools)})
    return [spec.name for spec in default_registry().offered(company, agent)]


def test_every_agent_can_hand_over() -> None:
    """Also one whose list is empty; unknown names in the list are no tools."""
    assert offered(bicycles()) == ["hand_over"]
    assert offered(bicycles(), "hand_over", "later_tool") == ["hand_over"]


def test_search_is_offered_only_where_the_knowledge_is_too_long_for_the_prompt() -> None:
    """It would only cost rounds elsewhere."""
    pages = [{"title": "Long", "markdown": "x" * 60_000}, {"title": "Longer", "markdown": "y" * 2_000}]
    assert offered(bicycles(knowledge={"pages": pages})) == ["hand_over", "search_knowledge"]


def test_tools_of_an_agents_list_are_offered_to_it_alone() -> None:
    """In the registry's order, so that the prompt's prefix stays the same."""
    registry = ToolRegistry([Desk().tool(everywhere=False), hand_over.TOOL])
    company = bicycles(agents=[{"name": "a", "tools": ["hand_over", "reserve"]}, {"name": "b", "tools": []}])
    names = [[spec.name for spec in registry.offered(company, agent)] for agent in company.agents]
    assert names == [["reserve", "hand_over"], ["hand_over"]]


def context_of(company: Company) -> ToolContext:
    """A tool's context."""
    clock = FakeClock()
    return ToolContext("pedal", company, "contact-1", "", clock, Deadline(clock, 10))


def test_search_gives_passages_with_their_titles() -> None:
    """Or says that nothing fits."""
    company = bicycles(knowledge={"entries": [{"question": "Do you rent?", "answer": "Yes."}]})
    registry, context = default_registry(), context_of(company)
    specs = [*registry.offered(company, company.agents[0])]
    direct = search_knowledge.TOOL.run
    found = direct(search_knowledge.SearchKnowledgeArguments(query="rent"), context)
    assert found.content == {"passages": [{"title": "Do you rent?", "text": "Yes."}]}
    assert direct(search_knowledge.SearchKnowledgeArguments(query="zzz"), context).content["passages"] == []
    refused = registry.run("search_knowledge", '{"query": "rent"}', context, specs)
    assert "error" in refused.content


def test_a_long_reason_for_a_hand_over_is_cut() -> None:
    """It becomes part of a note for people."""
    registry, context = default_registry(), context_of(bicycles())
    specs = registry.offered(context.company, context.company.agents[0])
    result = registry.run("hand_over", json.dumps({"reason": "x" * 900}), context, specs)
    assert result.actions == (HandOver("x" * 500),)
    assert "error" in registry.run("hand_over", '{"reason": ""}', context, specs).content
