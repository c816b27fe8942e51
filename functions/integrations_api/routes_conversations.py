"""Conversations and dead letters: what happened, and a second try for what was given up."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from functions.integrations_api.routing import Answer, Route, require_company_id
from shared.companies.base import Part
from shared.conversations.showing import preview_view

if TYPE_CHECKING:
    from functions.integrations_api.routing import Call


class ReplayRequest(Part):
    """What ``POST …/replay`` takes."""

    company_id: str | None = None
    dry_run: bool = False
    force: bool = False


def list_conversations(call: Call) -> Answer:
    """Those whose newest turn ended last come first."""
    found, cursor = call.services.reader.recent(require_company_id(call.owner), *call.page())
    return Answer({"conversations": found, "next_cursor": cursor})


def get_conversation(call: Call) -> Answer:
    """What was said only for keys that may read texts."""
    name = call.request.path["conversation"]
    reader = call.services.reader
    return Answer(reader.conversation(require_company_id(call.owner), name, texts=_texts(call)))


def list_dead_letters(call: Call) -> Answer:
    """Newest first."""
    found, cursor = call.services.reader.letters(require_company_id(call.owner), *call.page())
    return Answer({"dead_letters": found, "next_cursor": cursor})


def get_dead_letter(call: Call) -> Answer:
    """With the ledger of its turn; what was said only for keys that may read texts."""
    letter_id = call.request.path["letter_id"]
    reader = call.services.reader
    return Answer(reader.letter(require_company_id(call.owner), letter_id, texts=_texts(call)))


def replay_dead_letter(call: Call) -> Answer:
    """Put its messages back, once; a dry run says what that would do and changes nothing."""
    wish: ReplayRequest = call.given
    company_id, letter_id = require_company_id(call.owner), call.request.path["letter_id"]
    replayer = call.services.replayer
    if wish.dry_run:
        preview = replayer.look(company_id, letter_id)
        return Answer(preview_view(preview, force=wish.force, texts=_texts(call)))
    done = replayer.replay(company_id, letter_id, force=wish.force)
    if done.status == "replayed":
        call.audit(
            "dead_letter.replay",
            letter_id=letter_id,
            force=wish.force,
            messages=list(done.message_ids),
            conversation_status=done.conversation_status,
        )
    return Answer(asdict(done) | {"message_ids": list(done.message_ids)})


def _texts(call: Call) -> bool:
    return call.caller.may("read:text")


ROUTES = (
    Route(
        "GET", "/api/conversations", list_conversations, "List recent conversations", owner="query",
        answers=(200, "a page of conversations and next_cursor"),
    ),
    Route(
        "GET", "/api/conversations/{conversation}", get_conversation, "Show a conversation", owner="query",
        answers=(200, "head, people, messages and turns; texts only with the scope read:text"),
    ),
    Route(
        "GET", "/api/dead-letters", list_dead_letters, "List what was given up", owner="query",
        answers=(200, "a page of dead letters and next_cursor"),
    ),
    Route(
        "GET", "/api/dead-letters/{letter_id}", get_dead_letter, "Show what was given up", owner="query",
        answers=(200, "the letter and the ledger of its turn; texts only with the scope read:text"),
    ),
    Route(
        "POST", "/api/dead-letters/{letter_id}/replay", replay_dead_letter, "Answer it after all",
        owner="body", scope="act", body=ReplayRequest, repeatable=True,
        answers=(200, "what is in the queue again; for a dry run what would be"),
    ),
)  # fmt: skip
