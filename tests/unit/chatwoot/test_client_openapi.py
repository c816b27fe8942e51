"""Our calls against Chatwoot's own OpenAPI description, a third party's file: see CONTRIBUTING.md."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from shared.chatwoot.client import ChatwootClient
from shared.platform.errors import FrontdeskError
from shared.platform.secret import Secret
from tests.fakes.scripted_http import ScriptedHttp, answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.scripted_http import Made

DESCRIPTION = os.environ.get("CHATWOOT_OPENAPI", "")

CALLS: dict[str, Callable[[ChatwootClient], object]] = {
    "post_message": lambda one: one.post_message(7, "a", private=True, content_attributes={"m": 1}),
    "conversation": lambda one: one.conversation(7),
    "messages": lambda one: one.messages(7, after=1, before=2),
    "conversations": lambda one: one.conversations(),
    "set_status": lambda one: one.set_status(7, "open"),
    "unassign": lambda one: one.unassign(7),
    "typing": lambda one: one.typing(7, on=True),
    "add_label": lambda one: one.add_label(7, "bot"),
    "profile": lambda one: one.profile(),
    "inboxes": lambda one: one.inboxes(),
    "own_bot_id": lambda one: one.own_bot_id(),
    "list_webhooks": lambda one: one.list_webhooks(),
    "register_webhook": lambda one: one.register_webhook("https://a.b", ["message_created"]),
    "change_webhook": lambda one: one.change_webhook(5, "https://a.b", ["message_created"]),
    "delete_webhook": lambda one: one.delete_webhook(5),
}


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    """Chatwoot's file."""
    if not DESCRIPTION:
        pytest.skip("CHATWOOT_OPENAPI names no copy of Chatwoot's swagger/swagger.json")
    found: dict[str, Any] = json.loads(Path(DESCRIPTION).read_text("utf-8"))
    return found


def requests_of(call: Callable[[ChatwootClient], object]) -> list[Made]:
    """What a method sends, whatever it makes of the answer."""
    http = ScriptedHttp(answer(200, {"payload": []}))
    try:
        call(ChatwootClient(http, "https://a.b", 3, user_token=Secret("user")))
    except FrontdeskError:
        assert http.made
    return http.made


def operation(description: dict[str, Any], made: Made) -> tuple[dict[str, Any], list[Any]]:
    """The described operation, and the parameters of its path."""
    for path, item in description["paths"].items():
        if re.fullmatch(re.sub(r"\{[^}]+\}", r"[^/]+", path), made.path) and made.method.lower() in item:
            return item[made.method.lower()], item.get("parameters", [])
    pytest.fail(f"Chatwoot describes no {made.method} {made.path}")


def resolved(description: dict[str, Any], node: Any) -> Any:  # noqa: ANN401 - any node of the file
    """A node, or what it refers to."""
    while "$ref" in node:
        found: Any = description
        for name in node["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        node = found
    return node


def body_fields(description: dict[str, Any], described: dict[str, Any]) -> set[str]:
    """The described fields of an operation's JSON body."""
    content = resolved(description, described.get("requestBody", {})).get("content", {})
    schema = resolved(description, content.get("application/json", {}).get("schema", {}))
    fields = set(schema.get("properties", {}))
    for part in [*schema.get("allOf", []), *schema.get("oneOf", []), *schema.get("anyOf", [])]:
        fields |= set(resolved(description, part).get("properties", {}))
    return fields


@pytest.mark.parametrize("name", CALLS)
def test_chatwoot_describes_each_call_that_we_make(name: str, description: dict[str, Any]) -> None:
    """Path, method, query parameters and the fields of the body."""
    for made in requests_of(CALLS[name]):
        described, shared = operation(description, made)
        parameters = [resolved(description, one) for one in [*described.get("parameters", []), *shared]]
        query = {one["name"] for one in parameters if one["in"] == "query"}
        assert set(made.query) <= query
        assert set(made.body or {}) <= body_fields(description, described)


def test_every_public_call_of_the_client_is_among_those_that_are_checked() -> None:
    """A new method needs a line here."""
    public = {name for name in vars(ChatwootClient) if not name.startswith("_")}
    assert public - {"account_id", "has_user_token", "has_bot_token", "bot_alone"} == set(CALLS)
