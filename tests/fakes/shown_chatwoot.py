"""An account at Chatwoot as its lists show it: conversations and messages, page by page, and faults."""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shared.chatwoot import reading
from tests.support import webhooks

if TYPE_CHECKING:
    from shared.chatwoot.results import ApiMessage, ConversationState
    from tests.fakes.clock import FakeClock

JsonDict = dict[str, Any]
CONVERSATIONS_PAGE, MESSAGES_PAGE = 25, 20
INCOMING, OUTGOING, ACTIVITY, TEMPLATE = range(4)
CUSTOMER: JsonDict = {"id": webhooks.CONTACT, "name": "Ana Pérez", "type": "contact"}
ROSA: JsonDict = {"id": 7, "name": "Rosa", "type": "user"}
OUR_BOT: JsonDict = {"id": 4, "name": "Frontdesk", "type": "agent_bot"}


@dataclass
class ShownChatwoot:
    """Stands in for `shared.chatwoot.client.ChatwootClient`, as far as a search uses it.

    ``faults`` are raised by the next calls, one each. ``calls`` holds what was asked for.
    """

    clock: FakeClock
    rows: dict[int, JsonDict] = field(default_factory=dict)
    said: dict[int, list[JsonDict]] = field(default_factory=dict)
    faults: deque[Exception] = field(default_factory=deque)
    calls: list[str] = field(default_factory=list)
    account_id: int = webhooks.ACCOUNT
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(70_001))

    # What tests play

    def conversation(self, number: int, **changes: object) -> None:
        """A conversation that nobody has written in yet."""
        meta = {"sender": CUSTOMER, "channel": "Channel::Whatsapp"}
        basics = {"id": number, "inbox_id": webhooks.INBOX, "status": "open", "can_reply": True, "meta": meta}
        self.rows[number] = basics | changes
        self.said.setdefault(number, [])

    def says(
        self,
        number: int,
        text: str,
        kind: int = INCOMING,
        sender: JsonDict | None = CUSTOMER,
        **changes: object,
    ) -> int:
        """A message is stored now; gives its id."""
        if number not in self.rows:
            self.conversation(number)
        now = int(self.clock.now().timestamp())
        message: JsonDict = {
            "id": next(self._ids),
            "content": text,
            "message_type": kind,
            "private": False,
            "content_type": "text",
            "content_attributes": {},
            "created_at": now,
            "conversation": {"contact_inbox": {"source_id": "34600000001"}},
            **({"sender": sender} if sender else {}),
        } | changes
        self.said[number].append(message)
        self.rows[number] |= {"last_activity_at": now, "updated_at": float(now)}
        return int(message["id"])

    def person(self, number: int, text: str, **changes: object) -> int:
        """A person's message."""
        return self.says(number, text, OUTGOING, ROSA, **changes)

    def desk(self, number: int, text: str) -> int:
        """A reply of ours."""
        marker = {"frontdesk": {"marker": "m"}}
        return self.says(number, text, OUTGOING, OUR_BOT, content_attributes=marker)

    def activity(self, number: int, text: str = "Conversation was marked …") -> int:
        """An activity line."""
        return self.says(number, text, ACTIVITY, None)

    # What the search calls

    def conversations(
        self, *, status: str = "all", page: int = 1, timeout_seconds: float | None = None
    ) -> list[ConversationState]:
        """See `ChatwootClient`."""
        self._called(f"conversations {status} {page}", timeout_seconds)
        found = [row for row in self.rows.values() if row["status"] == status]
        found.sort(key=lambda row: row.get("last_activity_at", 0), reverse=True)
        shown = found[(page - 1) * CONVERSATIONS_PAGE : page * CONVERSATIONS_PAGE]
        read = [reading.conversation_state(row | self._newest(row["id"])) for row in shown]
        return [one for one in read if one is not None]

    def _newest(self, number: int) -> JsonDict:
        said = [one for one in self.said[number] if one["message_type"] != ACTIVITY]
        return {"last_non_activity_message": said[-1] if said else None, "messages": []}

    def messages(
        self, conversation_id: int, *, before: int | None = None, timeout_seconds: float | None = None
    ) -> list[ApiMessage]:
        """See `ChatwootClient`."""
        self._called(f"messages {conversation_id}", timeout_seconds)
        found = [one for one in self.said[conversation_id] if before is None or one["id"] < before]
        read = [reading.api_message(one) for one in found[-MESSAGES_PAGE:]]
        return [one for one in read if one is not None]

    def _called(self, what: str, timeout_seconds: float | None) -> None:
        assert timeout_seconds is not None
        assert timeout_seconds > 0
        self.calls.append(what)
        if self.faults:
            raise self.faults.popleft()
