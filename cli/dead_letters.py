"""What was given up, and a second try for it."""

from __future__ import annotations

from typing import Any

import click

from cli.client import path_of
from cli.context import Options, options_of, table
from cli.conversations import entry_lines, message_lines, of_company

_WOULD = {
    "replay": "A replay would put back: {ids}.",
    "refuse": "A replay would be refused.",
    "nothing": "A replay would do nothing: there is nothing left to answer.",
}
_DID = {
    "replayed": "In the queue again: {ids}.",
    "already_replayed": "This letter has been replayed before; nothing was done.",
    "nothing_to_do": "There is nothing left to answer; nothing was done.",
}


@click.group(name="dead-letters")
def dead_letters() -> None:
    """Dead letters: messages that the desk gave up, and that a person was told of."""


@dead_letters.command(name="list")
@click.argument("company_id")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="At most so many.")
@options_of
def list_letters(options: Options, company_id: str, limit: int) -> None:
    """List the dead letters of COMPANY_ID, newest first.

    Example: frontdesk dead-letters list clinica-sol
    """
    answer = options.client().call("GET", f"{of_company(path_of('dead-letters'), company_id)}&limit={limit}")
    options.show(answer, table(answer["dead_letters"], "letter_id", "at", "reason", "state", "messages"))


@dead_letters.command(name="show")
@click.argument("company_id")
@click.argument("letter_id")
@options_of
def show_letter(options: Options, company_id: str, letter_id: str) -> None:
    """Show the dead letter LETTER_ID of COMPANY_ID with its turn. Texts only if your key may read them.

    Example: frontdesk dead-letters show clinica-sol 1795510800123-3-214-70011
    """
    answer = options.client().call("GET", of_company(path_of("dead-letters", letter_id), company_id))
    lines = [
        f"{answer['reason']} at {answer['at']}, state {answer['state']}",
        f"conversation {answer['conversation']}, turn {answer['turn']}",
        *message_lines(answer["messages"]),
        *entry_lines(answer["ledger"]),
    ]
    options.show(answer, lines)


@dead_letters.command(name="replay")
@click.argument("company_id")
@click.argument("letter_id")
@click.option("--dry-run", is_flag=True, help="Say what would happen, and change nothing.")
@click.option("--force", is_flag=True, help="Go on although people have the conversation, or wrote since.")
@options_of
def replay_letter(options: Options, company_id: str, letter_id: str, *, dry_run: bool, force: bool) -> None:
    """Have the dead letter LETTER_ID of COMPANY_ID answered after all, once.

    Example: frontdesk dead-letters replay clinica-sol 1795510800123-3-214-70011 --dry-run
    """
    wish = {"company_id": company_id, "dry_run": dry_run, "force": force}
    answer = options.client().call("POST", path_of("dead-letters", letter_id, "replay"), wish)
    options.show(answer, _preview_lines(answer) if dry_run else [_done(answer)])


def _done(answer: dict[str, Any]) -> str:
    return _DID[answer["status"]].format(ids=_listed(answer["message_ids"]))


def _preview_lines(answer: dict[str, Any]) -> list[str]:
    put_back = [one["message_id"] for one in answer["messages"] if one["put_back"]]
    lines = [_WOULD[answer["would"]].format(ids=_listed(put_back))]
    lines += [
        f"gate {gate['gate']}: {gate['detail']}" + ("" if gate["forcible"] else " (cannot be forced)")
        for gate in answer["gates"]
    ]
    force, since = answer["force_would"], answer["since"]
    if force["set_status"]:
        lines.append(f"--force would first set the conversation's status to {force['set_status']}.")
    if force["end_pause"]:
        lines.append("--force would first end the pause that a person's message has imposed.")
    lines += [f"message {one['message_id']}: {one['fate']}" for one in answer["messages"]]
    lines.append(
        f"since then: {since['customer_messages']} newer messages of the customer, "
        f"{'a' if since['person_wrote'] else 'no'} message of a person, "
        f"status {since['conversation_status'] or 'unknown'}"
    )
    return lines


def _listed(ids: list[int]) -> str:
    return ", ".join(str(one) for one in ids)
