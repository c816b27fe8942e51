"""An account at Chatwoot, in memory: what was posted, and faults on demand."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shared.chatwoot.errors import ChatwootDenied, MessageNotStored, MessageRefused
from shared.chatwoot.results import ApiMessage, ConversationState, InboxInfo, PostedMessage
from shared.platform.errors import AnswerLost, RetryLater

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Posted:
    """One message that our side posted."""

    id: int
    conversation_id: int
    text: str
    private: bool
    attributes: dict[str, Any]
    template: dict[str, Any] | None = None


@dataclass
class FakeChatwoot:
    """Stands in for `shared.chatwoot.client.ChatwootClient`, for one account and all threads.

    ``post_faults`` is used up one by one: ``lost_after`` stores and loses the answer, ``lost_before`` loses
    the request, ``not_stored`` and ``refused`` are certain. ``before_post`` runs before each post.
    """

    posted: list[Posted] = field(default_factory=list)
    statuses: dict[int, str] = field(default_factory=dict)
    status_calls: list[tuple[int, str]] = field(default_factory=list)
    post_faults: deque[str] = field(default_factory=deque)
    status_faults: deque[str] = field(default_factory=deque)
    can_list: bool = True
    can_reply: bool = True
    typing_calls: int = 0
    list_calls: int = 0
    others: list[ApiMessage] = field(default_factory=list)
    assignee_id: int | None = None
    auto_assignment: bool = True
    inbox_calls: int = 0
    before_post: Callable[[int, str], None] = lambda _conversation_id, _text: None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def post_message(
        self,
        conversation_id: int,
        content: str,
        *,
        private: bool = False,
        content_attributes: dict[str, Any] | None = None,
        template_params: dict[str, Any] | None = None,
        timeout_seconds: float | None = None,
    ) -> PostedMessage:
        """See `ChatwootClient`."""
        assert timeout_seconds is None or timeout_seconds > 0
        self.before_post(conversation_id, content)
        with self._lock:
            fault = self.post_faults.popleft() if self.post_faults else ""
            if fault == "not_stored":
                raise MessageNotStored("busy", reason="rate_limited", status=429)
            if fault == "refused":
                raise MessageRefused("no", reason="unauthorized", status=401)
            if fault == "lost_before":
                raise AnswerLost("gone", reason="timeout")
            attributes = dict(content_attributes or {})
            number = 90_000 + len(self.posted) + len(self.others)
            message = Posted(number, conversation_id, content, private, attributes, template_params)
            self.posted.append(message)
            if fault == "lost_after":
                raise AnswerLost("gone", reason="timeout")
        return PostedMessage(message.id, content, attributes, "sent")

    def messages(
        self,
        conversation_id: int,
        *,
        after: int | None = None,
        before: int | None = None,
        timeout_seconds: float | None = None,
    ) -> list[ApiMessage]:
        """See `ChatwootClient`."""
        assert timeout_seconds is None or timeout_seconds > 0
        if not self.can_list:
            raise ChatwootDenied("bots may not list", reason="bot", status=401)
        self.list_calls += 1
        ours = [
            ApiMessage(one.id, one.text, 1, one.private, "user", 1, one.attributes, 0)
            for one in self.posted
            if one.conversation_id == conversation_id
        ]
        listed = sorted([*ours, *self.others], key=lambda one: one.id)
        if after is None:
            return listed[-20:]
        if before is not None:
            return [one for one in listed if after <= one.id < before]
        return [one for one in listed if one.id > after][:100]

    def conversation(
        self, conversation_id: int, *, timeout_seconds: float | None = None
    ) -> ConversationState:
        """See `ChatwootClient`."""
        assert timeout_seconds is None or timeout_seconds > 0
        status = self.statuses.get(conversation_id, "open")
        return ConversationState(
            conversation_id,
            status,
            12,
            self.can_reply,
            self.assignee_id,
            None if self.assignee_id is None else "User",
            (),
            1_795_500_000.0,
            "Channel::Whatsapp",
        )

    def set_status(self, conversation_id: int, status: str, *, timeout_seconds: float | None = None) -> str:
        """See `ChatwootClient`."""
        assert timeout_seconds is None or timeout_seconds > 0
        if self.status_faults:
            raise RetryLater("busy", reason=self.status_faults.popleft())
        self.statuses[conversation_id] = status
        self.status_calls.append((conversation_id, status))
        return status

    def inboxes(self, *, timeout_seconds: float | None = None) -> list[InboxInfo]:
        """See `ChatwootClient`."""
        assert timeout_seconds is None or timeout_seconds > 0
        self.inbox_calls += 1
        return [InboxInfo(12, "WhatsApp", "Channel::Whatsapp", self.auto_assignment)]

    def unassign(self, conversation_id: int, *, timeout_seconds: float | None = None) -> None:
        """See `ChatwootClient`."""
        assert conversation_id
        assert timeout_seconds is None or timeout_seconds > 0
        self.assignee_id = None

    def typing(self, conversation_id: int, *, on: bool, timeout_seconds: float | None = None) -> None:
        """See `ChatwootClient`."""
        assert conversation_id
        assert on
        assert timeout_seconds is None or timeout_seconds > 0
        self.typing_calls += 1

    # What tests ask

    def said(self, conversation_id: int) -> list[str]:
        """The public messages of a conversation, in order."""
        return [one.text for one in self.posted if one.conversation_id == conversation_id and not one.private]

    def notes(self, conversation_id: int) -> list[str]:
        """The private notes of a conversation, in order."""
        return [one.text for one in self.posted if one.conversation_id == conversation_id and one.private]

    def by_conversation(self) -> dict[int, list[str]]:
        """Every public message, by conversation."""
        found: dict[int, list[str]] = defaultdict(list)
        for one in self.posted:
            if not one.private:
                found[one.conversation_id].append(one.text)
        return found
