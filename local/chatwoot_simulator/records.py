"""The records of one Chatwoot, and the JSON that it makes of them.

A record is a dictionary in the words of Chatwoot's own JSON. ``chatwoot.json`` says what a new one holds and
which of its fields stand where: the same record looks different in an event, inside a conversation and in an
answer of the API. Message types are words or numbers, times are ISO texts or Unix seconds, a contact has a
``type`` or none. There is one function for each of these shapes.
"""

from __future__ import annotations

import copy
import json
import secrets
from collections import defaultdict
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

Row = dict[str, Any]

MESSAGE_TYPES = ("incoming", "outgoing", "activity")
FACTS: Row = json.loads(Path(__file__).with_name("chatwoot.json").read_text("utf-8"))


class Refused(Exception):
    """Chatwoot says no: the body and the status of its answer."""


class Records(defaultdict[str, list[Row]]):
    """What one installation holds. Numbers grow and are never given twice, as in Chatwoot."""

    def __init__(self) -> None:
        super().__init__(list)
        self.numbers = defaultdict(lambda: count(1), messages=count(1001))

    def add(self, kind: str, **values: object) -> Row:
        """A new record with the defaults of its kind, a number and keys of its own, and these values."""
        token, secret = secrets.token_hex(12), secrets.token_hex(12)
        keys = {"id": next(self.numbers[kind]), "token": token, "access_token": token, "secret": secret}
        record: Row = {**copy.deepcopy(FACTS["new"][kind]), **keys, **values}
        self[kind].append(record)
        return record

    def every(self, kind: str, **values: object) -> list[Row]:
        """The records with these values, oldest first."""
        return [one for one in self[kind] if all(one[name] == values[name] for name in values)]

    def one(self, kind: str, **values: object) -> Row:
        """The first record with these values.

        Raises:
            Refused: there is none, or not in this account.
        """
        for found in self.every(kind, **values):
            return found
        raise Refused({"error": "Resource could not be found"}, 404)

    def add_account(self, name: str) -> Row:
        """An account with people, a bot that serves no inbox yet, and inboxes; these are in the answer."""
        account = self.add("accounts", name=name)
        for kind, rows in FACTS["account"].items():
            account[kind] = [self.add(kind, account_id=account["id"], **row) for row in rows]
        return account


def iso(seconds: float) -> str:
    """Unix seconds as Rails writes times in JSON."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def fields(what: str, record: Row) -> Row:
    """Those fields of a record that stand in one of the shapes of ``chatwoot.json``, if it has them."""
    return {name: record[name] for name in FACTS["fields"][what] if name in record}


def person(record: Row | None, where: str) -> Any:  # noqa: ANN401 - JSON, null for nobody
    """A contact, user or bot ``in conversations`` or ``in events``."""
    return record and fields(f"{record['type']} {where}", record)


def message_answer(message: Row) -> Row:
    """A message as the API shows it; an activity line has no sender."""
    answer = fields("message in answers", message) | {"created_at": int(message["created_at"])}
    answer["message_type"] = MESSAGE_TYPES.index(message["message_type"])
    return answer | ({"sender": person(message["sender"], "in conversations")} if message["sender"] else {})


def event(conversation: Row, message: Row | None) -> Row:
    """What an event tells: a conversation, or a message with its conversation as it is by now."""
    shape = conversation_event(conversation)
    if message is None:
        return shape
    sender, created_at = person(message["sender"], "in events"), iso(message["created_at"])
    place = {"inbox": fields("inbox in events", conversation["inbox"]), "conversation": shape}
    return {**fields("message in events", message), **place, "created_at": created_at, "sender": sender}


def conversation_event(conversation: Row) -> Row:
    """A conversation as events carry it, with its newest public message."""
    said = [one for one in conversation["said"] if not one["private"] and one["message_type"] != "activity"]
    contact_inbox = {"source_id": conversation["contact_inbox"]["source_id"]}
    place = {**fields("conversation in messages", conversation), "contact_inbox": contact_inbox}
    columns = [{**fields("message in conversations", one), "conversation": place} for one in said[-1:]]
    newest = [message_answer(one) | more for one, more in zip(said[-1:], columns, strict=True)]
    assignee = person(conversation["users"].get(conversation["assignee_id"]), "in conversations")
    meta = {"sender": person(conversation["contact"], "in conversations"), "assignee": assignee, "team": None}
    meta |= {"assignee_type": "User" if assignee else None, "hmac_verified": False}
    return {**fields("conversation in events", conversation), "messages": newest, "meta": meta}


def conversation_answer(conversation: Row) -> Row:
    """A conversation as the API shows it."""
    answer = conversation_event(conversation)
    answer["meta"]["channel"] = answer.pop("channel")
    newest = answer["messages"][0] if answer["messages"] else None
    return {**answer, "last_non_activity_message": newest, "account_id": conversation["account_id"]}
