"""A pydantic model as a strict JSON schema.

Source of the rules: OpenAI's guide "Structured outputs", section "Supported schemas": every object closed,
every property required, an optional value is one that may be null, and only some keywords.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel

    from shared.agent.values import JsonDict

# Pydantic checks them when the arguments arrive; the strict subset does not know them.
_LEFT_OUT = {"title", "default", "minLength", "maxLength", "discriminator"}


def strict_schema(model: type[BaseModel]) -> JsonDict:
    """The strict schema of an argument model.

    Raises:
        TypeError: a field has a default and yet may not be null: the model could never leave it out.
    """
    schema: JsonDict = model.model_json_schema()
    definitions: JsonDict = schema.get("$defs", {})
    strict: JsonDict = _strict(schema, definitions, model.__name__)
    return strict


def _strict(node: Any, definitions: JsonDict, place: str) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(node, list):
        return [_strict(one, definitions, place) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node and len(node) > 1:
        # The subset allows nothing beside a reference: put its target here.
        target = definitions[node["$ref"].rsplit("/", 1)[-1]]
        node = target | {key: inner for key, inner in node.items() if key != "$ref"}
    kept = {("anyOf" if key == "oneOf" else key): node[key] for key in node if key not in _LEFT_OUT}
    if isinstance(kept.get("properties"), dict):
        return _closed(kept, definitions, place)
    return {key: _strict(inner, definitions, place) for key, inner in kept.items()}


def _closed(node: JsonDict, definitions: JsonDict, place: str) -> JsonDict:
    properties = node["properties"]
    for name in properties.keys() - set(node.get("required", [])):
        if not _nullable(properties[name]):
            raise TypeError(f"{place}.{name} has a default and may not be null; make it nullable")
    rest = {key: _strict(inner, definitions, place) for key, inner in node.items() if key != "properties"}
    named = {name: _strict(inner, definitions, f"{place}.{name}") for name, inner in properties.items()}
    return {**rest, "properties": named, "required": list(properties), "additionalProperties": False}


def _nullable(node: JsonDict) -> bool:
    return node.get("type") == "null" or any(_nullable(one) for one in node.get("anyOf", []))
