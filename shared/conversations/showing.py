"""Conversations and dead letters as they are shown: what happened always, what was said only where allowed.

Plain values for API and command. A customer's or the desk's words, a contact's name, and a reason in a
model's own words stand only in views with texts.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from shared.platform.clock import from_epoch_milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from shared.conversations.dead_letter_records import LetterRecord
    from shared.conversations.keys import ConversationKey
    from shared.conversations.replay_values import Preview
    from shared.platform.tables import Item

Shown = dict[str, Any]
# Of a ledger's item; everything else may hold what somebody said.
_SAFE = ("state", "message_id", "status")


def conversation_id(key: ConversationKey) -> str:
    """How the API calls a conversation of a company."""
    return f"{key.account_id}-{key.conversation_id}"


def letter_line(letter: LetterRecord) -> Shown:
    """A dead letter as it stands in a list."""
    return {
        "letter_id": letter.letter_id,
        "at": moment(letter.case.at_ms),
        "reason": letter.case.reason,
        "state": str(letter.state),
        "conversation": conversation_id(letter.case.key),
        "channel": letter.case.about.channel,
        "inbox_id": letter.case.about.inbox_id,
        "messages": len(letter.message_ids),
        "replayed_at": moment(letter.replayed_at_ms),
    }


def letter_view(
    letter: LetterRecord, inbox: Mapping[int, Item], entries: Iterable[Item], *, texts: bool
) -> Shown:
    """A dead letter with its messages and what the ledger holds of its turn.

    Args:
        letter: the record.
        inbox: the inbox items of its messages, by id.
        entries: the ledger's items of its turn.
        texts: whether what was said is shown.
    """
    about = letter.case.about
    known: dict[int, Item] = {about.message_id: {"message": {"text": about.text}}}
    shown = letter_line(letter) | {
        "turn": letter.turn,
        "hand_over_turn": letter.hand_over_turn,
        "replay": letter.replay,
        "messages": [
            _message(number, inbox.get(number, known.get(number, {})), texts=texts)
            for number in letter.message_ids
        ],
        "ledger": [ledger_entry(item, texts=texts) for item in entries],
    }
    if texts:
        shown["contact_name"] = about.contact_name
    return shown


def preview_view(preview: Preview, *, force: bool, texts: bool) -> Shown:
    """What a replay would do.

    Args:
        preview: the look.
        force: whether it would be forced.
        texts: whether what was said is shown.
    """
    return {
        "letter_id": preview.letter.letter_id,
        "state": str(preview.letter.state),
        "would": preview.would(force=force),
        "messages": [
            {
                "message_id": one.message_id,
                "fate": str(one.fate),
                "put_back": one.message is not None,
                "turn": one.turn or None,
                "outcome": one.outcome,
                **({"text": one.message.text} if texts and one.message else {}),
            }
            for one in preview.messages
        ],
        "gates": [
            {"gate": gate.gate, "detail": gate.detail, "forcible": gate.forcible} for gate in preview.gates
        ],
        "since": {
            "conversation_status": preview.since.status,
            "customer_messages": preview.since.customer_messages,
            "person_wrote": preview.since.person_wrote,
            "last_turn": preview.since.last_turn,
            "last_outcome": preview.since.last_outcome,
        },
        "force_would": {
            "set_status": preview.status_to_set or None,
            "end_pause": preview.gives_back,
        },
    }


def ledger_entry(item: Item, *, texts: bool) -> Shown:
    """One item of a turn's ledger."""
    shown: Shown = {"entry": item["sk"].split("#", 2)[2]}
    shown |= {name: item[name] for name in _SAFE if name in item}
    if "posted_at_ms" in item:
        shown["posted_at"] = moment(item["posted_at_ms"])
    if texts:
        shown |= {name: json.loads(item[name]) for name in ("plan", "json", "failure") if name in item}
    return shown


def conversation_view(key: ConversationKey, parts: Mapping[str, Sequence[Item]], *, texts: bool) -> Shown:
    """One conversation: head, people, messages, turns.

    Args:
        key: which.
        parts: its items, by the first word of their sort keys.
        texts: whether what was said is shown.
    """
    head = dict(next(iter(parts.get("head", ())), {}))
    messages = [_message(_number(item), item, texts=texts) for item in parts.get("inbox", ())]
    return {
        "conversation": conversation_id(key),
        "account_id": key.account_id,
        "conversation_id": key.conversation_id,
        "head": {
            "open_turn": head.get("turn") or None,
            "attempts": head.get("attempts", 0),
            "last_turn": head.get("last_turn", 0),
            "last_outcome": head.get("last_outcome", ""),
            "answered_up_to": head.get("watermark", 0),
        },
        "people": _people(dict(next(iter(parts.get("people", ())), {}))),
        "messages": messages,
        "turns": _turns(parts.get("turn", ()), messages, texts=texts),
    }


def _people(item: Item) -> Shown:
    return {
        "status": item.get("status", ""),
        "assignee_id": item.get("assignee_id"),
        "assignee_kind": item.get("assignee_kind", ""),
        "labels": list(item.get("labels", ())),
        "person_wrote_at": moment(item.get("human_arrived_ms", 0)),
        "person_message_id": item.get("human_message_id"),
    }


def _turns(items: Sequence[Item], messages: Sequence[Shown], *, texts: bool) -> list[Shown]:
    """Newest first; a turn's outcome is its messages', or what it had planned where it had none."""
    by_turn: dict[int, list[Item]] = {}
    for item in items:
        by_turn.setdefault(int(item["sk"].split("#", 2)[1]), []).append(item)
    for message in messages:
        by_turn.setdefault(message["turn"], [])
    by_turn.pop(0, None)
    return [
        _turn(number, by_turn[number], [one for one in messages if one["turn"] == number], texts=texts)
        for number in sorted(by_turn, reverse=True)
    ]


def _turn(number: int, items: Sequence[Item], messages: Sequence[Shown], *, texts: bool) -> Shown:
    plan: Shown = next((json.loads(item["plan"]) for item in items if "plan" in item), {})
    outcome = next((message["outcome"] for message in messages if message["outcome"]), "")
    return {
        "turn": number,
        "outcome": outcome or plan.get("outcome", ""),
        "agent": plan.get("agent", ""),
        "messages": [message["message_id"] for message in messages],
        "entries": [ledger_entry(item, texts=texts) for item in items],
    }


def _message(number: int, item: Item, *, texts: bool) -> Shown:
    turn, message = item.get("answered_in", 0), item.get("message", {})
    state = "deleted" if item.get("deleted") else item.get("outcome", "answered") if turn else "waiting"
    shown = {
        "message_id": number,
        "received_at": moment(item.get("received_at_ms", 0)),
        "state": state,
        "turn": turn,
        "outcome": item.get("outcome", ""),
        "attachments": len(message.get("attachments", ())),
    }
    return shown | ({"text": message.get("text", "")} if texts else {})


def _number(item: Item) -> int:
    return int(item["sk"].rpartition("#")[2])


def moment(milliseconds: int) -> str | None:
    """A moment as ISO 8601 in UTC; ``None`` where there was none."""
    return from_epoch_milliseconds(milliseconds).isoformat() if milliseconds else None
