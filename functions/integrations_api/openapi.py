"""The API's description, made from the routes themselves."""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING, Any

from functions.integrations_api import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from functions.integrations_api.routing import Route

_REFERENCE = "#/components/schemas/{model}"
_PROBLEM = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "fields": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "problem": {"type": "string"}},
            },
        },
    },
}
_TOO_MANY = {
    "description": "the API key asks too often",
    "headers": {"Retry-After": {"description": "seconds", "schema": {"type": "integer"}}},
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_LISTS = ("next_cursor",)
_FILTERS = {
    "/api/calendar/availability": ("service", "from", "to", "zone"),
    "/api/calendar/appointments": ("from", "to", "contact"),
    "/api/emails": ("state", "since"),
}


def document(routes: Iterable[Route], base_url: str) -> dict[str, Any]:
    """An OpenAPI 3.1 document."""
    paths: dict[str, dict[str, Any]] = {}
    schemas: dict[str, Any] = {"Problem": _PROBLEM}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Frontdesk", "version": VERSION},
        "servers": [{"url": base_url}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"apiKey": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    status, words = route.answers
    operation: dict[str, Any] = {
        "operationId": route.run.__name__,
        "summary": route.summary,
        "parameters": _parameters(route),
        "responses": {
            str(status): {"description": words},
            "default": {
                "description": "what went wrong",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        },
    }
    if route.owner != "open":
        operation["security"] = [{"apiKey": []}]
        operation["description"] = f"Needs the scope `{route.scope}`."
        operation["responses"]["429"] = _TOO_MANY
    if route.body is not None:
        schema = route.body.model_json_schema(ref_template=_REFERENCE)
        schemas.update(schema.pop("$defs", {}))
        schemas[route.body.__name__] = schema
        reference = {"$ref": _REFERENCE.format(model=route.body.__name__)}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": reference}}}
    return operation


def _parameters(route: Route) -> list[dict[str, Any]]:
    found = [_parameter("path", name, required=True) for name in re.findall(r"{(\w+)}", route.path)]
    if route.owner == "query":
        found.append(_parameter("query", "company_id"))
    if any(word in route.answers[1] for word in _LISTS):
        found += [_parameter("query", "limit"), _parameter("query", "cursor")]
    if route.method == "GET":
        found += [_parameter("query", name) for name in _FILTERS.get(route.path, ())]
    if route.repeatable or route.keyed:
        found.append(_parameter("header", "Idempotency-Key"))
    return found


def _parameter(place: str, name: str, *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": place, "required": required, "schema": {"type": "string"}}


def page(description: dict[str, Any]) -> str:
    """The description as an HTML page of its own, without script and without anything from elsewhere."""
    rows = "".join(
        _section(f"{method.upper()} {path}", operation)
        for path, operations in description["paths"].items()
        for method, operation in operations.items()
    )
    schemas = "".join(
        f"<details><summary>{html.escape(name)}</summary><pre>{_pretty(schema)}</pre></details>"
        for name, schema in description["components"]["schemas"].items()
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Frontdesk API</title>'
        "<style>body{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}"
        "code,pre{background:#f4f4f4}pre{overflow:auto;padding:1rem}</style>"
        "<h1>Frontdesk API</h1><p>Send <code>Authorization: Bearer &lt;api key&gt;</code>. The same as data: "
        f'<a href="/api/openapi.json">openapi.json</a>.</p>{rows}<h2>Bodies</h2>{schemas}</html>'
    )


def _section(title: str, operation: dict[str, Any]) -> str:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    name = body.get("schema", {}).get("$ref", "").rpartition("/")[2]
    lines = [operation["summary"] + ".", operation.get("description", "Needs no API key.")]
    lines += [f"Body: {name}."] if name else []
    lines += [f"{status}: {answer['description']}." for status, answer in operation["responses"].items()]
    text = "<br>".join(html.escape(line) for line in lines)
    return f"<h3><code>{html.escape(title)}</code></h3><p>{text}</p>"


def _pretty(schema: object) -> str:
    return html.escape(json.dumps(schema, indent=2, ensure_ascii=False))
