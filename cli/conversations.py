"""Conversations as the desk knows them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import click

from cli.client import path_of
from cli.context import Options, options_of, table


@click.group()
def conversations() -> None:
    """Conversations: what the desk did in each of them."""


@conversations.command(name="list")
@click.argument("company_id")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="At most so many.")
@options_of
def list_conversations(options: Options, company_id: str, limit: int) -> None:
    """List conversations of COMPANY_ID, those whose newest turn ended last first.

    Example: frontdesk conversations list clinica-sol
    """
    path = of_company(path_of("conversations"), company_id)
    answer = options.client().call("GET", f"{path}&limit={limit}")
    options.show(answer, table(answer["conversations"], "conversation", "last_turn_at", "last_outcome"))


@conversations.command(name="show")
@click.argument("company_id")
@click.argument("conversation")
@options_of
def show_conversation(options: Options, company_id: str, conversation: str) -> None:
    """Show CONVERSATION of COMPANY_ID: people, messages, turns. Texts only if your key may read them.

    Example: frontdesk conversations show clinica-sol 3-214
    """
    answer = options.client().call("GET", of_company(path_of("conversations", conversation), company_id))
    head, people = answer["head"], answer["people"]
    lines = [
        f"conversation {answer['conversation']}, status {people['status'] or 'unknown'}",
        f"last turn {head['last_turn']}: {head['last_outcome'] or 'none ended yet'}"
        + (f"; turn {head['open_turn']} is open, attempt {head['attempts']}" if head["open_turn"] else ""),
    ]
    if people["person_wrote_at"]:
        lines.append(f"a person wrote at {people['person_wrote_at']}")
    lines += message_lines(answer["messages"])
    for turn in answer["turns"]:
        lines += [f"turn {turn['turn']}: {turn['outcome']}", *entry_lines(turn["entries"])]
    options.show(answer, lines)


def of_company(path: str, company_id: str) -> str:
    """A path that says whose it asks for."""
    return f"{path}?{urlencode({'company_id': company_id})}"


def message_lines(messages: list[dict[str, Any]]) -> list[str]:
    """A customer's messages, with their words where they were given."""
    return [
        f"message {one['message_id']}: {one['state']}" + (f": {one['text']}" if one.get("text") else "")
        for one in messages
    ]


def entry_lines(entries: list[dict[str, Any]]) -> list[str]:
    """The ledger's items of a turn."""
    return [
        f"  {one['entry']}"
        + (f" {one['state']}" if "state" in one else "")
        + (f" as message {one['message_id']}" if "message_id" in one else "")
        for one in entries
    ]
