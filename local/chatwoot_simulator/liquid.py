"""Liquid as Chatwoot runs it on every outgoing message: enough of it to see a text damaged or a value leaked.

Values are expanded, unknown ones vanish, text in backticks is protected, broken syntax leaves the whole text
alone. Blocks (``if``, ``for`` …) are not evaluated: they vanish with what they hold, as they do in Chatwoot
when their condition is unknown there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.chatwoot_simulator.records import Bot, Contact, Conversation, JsonDict, User, World

# The tokenizer's rule of Shopify/liquid: one closing brace ends a variable's token, and is then an error.
_TOKENS = re.compile(r"(\{%.*?%\}|\{\{.*?\}\}?)", re.DOTALL)
_PROTECTED = re.compile(r"(`.*?`)", re.DOTALL)
_BLOCKS = ("if", "unless", "case", "for", "tablerow", "capture", "comment", "raw")
_SINGLE = ("assign", "increment", "decrement", "cycle", "echo", "break", "continue", "else", "elsif", "when")
_FILTERS: dict[str, Callable[[str], str]] = {
    "upcase": str.upper,
    "downcase": str.lower,
    "capitalize": str.capitalize,
    "strip": str.strip,
}


class LiquidSyntaxError(Exception):
    """The text is not a Liquid template."""


def render(text: str, values: JsonDict) -> str:
    """The text as Chatwoot stores it.

    Args:
        text: an outgoing message's content.
        values: what `message_values` gave.
    """
    try:
        pieces = _PROTECTED.split(text)
        tokens = [token for index, piece in enumerate(pieces) for token in _tokens(piece, raw=index % 2 == 1)]
        return _run(tokens, values)
    except LiquidSyntaxError:
        return text


def _tokens(piece: str, *, raw: bool) -> list[tuple[str, bool]]:
    return [(piece, True)] if raw else [(token, False) for token in _TOKENS.split(piece)]


def _run(tokens: list[tuple[str, bool]], values: JsonDict) -> str:
    out: list[str] = []
    open_blocks: list[str] = []
    for token, raw in tokens:
        if not raw and token.startswith("{%") and not (open_blocks == ["raw"] and "endraw" not in token):
            _tag(token, open_blocks)
        elif not open_blocks or open_blocks == ["raw"]:
            out.append(token if raw or open_blocks else _text_or_value(token, values))
    if open_blocks:
        raise LiquidSyntaxError(f"'{open_blocks[-1]}' was never closed")
    return "".join(out)


def _tag(token: str, open_blocks: list[str]) -> None:
    words = token[2:-2].strip("- \n\t").split()
    name = words[0] if words and token.endswith("%}") else ""
    if name in _BLOCKS:
        open_blocks.append(name)
    elif name.startswith("end") and open_blocks and name == f"end{open_blocks[-1]}":
        open_blocks.pop()
    elif name not in _SINGLE:
        raise LiquidSyntaxError(f"unknown tag '{name}'")


def _text_or_value(token: str, values: JsonDict) -> str:
    if not token.startswith("{{"):
        return token
    if not token.endswith("}}"):
        raise LiquidSyntaxError("a variable was not closed")
    expression, *filters = (part.strip() for part in token[2:-2].strip("- \n\t").split("|"))
    value = _value(expression, values)
    for name in filters:
        value = _FILTERS[name](value) if name in _FILTERS else value
    return value


def _value(expression: str, values: JsonDict) -> str:
    if re.fullmatch(r"'[^']*'|\"[^\"]*\"", expression):
        return expression[1:-1]
    found: object = values
    for part in expression.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    if isinstance(found, dict):
        return ""
    return "" if found is None else str(found)


def _person(name: str, **more: object) -> JsonDict:
    words = name.split() or [""]
    return {"name": name, "first_name": words[0], "last_name": words[-1] if len(words) > 1 else None, **more}


def message_values(
    world: World, conversation: Conversation, contact: Contact, sender: User | Bot | None
) -> JsonDict:
    """What a template may name: contact, agent, conversation, inbox and account."""
    inbox = world.inbox_of(conversation)
    account = next(one for one in world.accounts if one.id == conversation.account_id)
    recent = [one.content or "" for one in world.conversation_messages(conversation)[-20:]]
    agent = _person(sender.name, email=getattr(sender, "email", None)) if sender else None
    return {
        "contact": _person(
            contact.name,
            email=contact.email,
            phone_number=contact.phone_number,
            custom_attribute=contact.custom_attributes,
        ),
        "agent": agent,
        "conversation": {
            "display_id": conversation.id,
            "contact_name": contact.name,
            "recent_messages": "".join(recent),
            "custom_attribute": conversation.custom_attributes,
        },
        "inbox": {"name": inbox.name},
        "account": {"name": account.name},
    }
