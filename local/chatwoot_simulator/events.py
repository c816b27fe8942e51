"""Who is told what: the account's webhooks, an API inbox's own, the bots of a conversation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.chatwoot_simulator import shapes
from local.chatwoot_simulator.records import ACTIVITY, Bot
from local.chatwoot_simulator.webhooks import Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.chatwoot_simulator.records import Contact, Conversation, JsonDict, Message, User, World
    from local.chatwoot_simulator.webhooks import WebhookSender

BOT_ONLY_EVENTS = ("conversation_opened", "conversation_resolved")
NOT_FOR_BOTS = ("conversation_created", "conversation_typing_on", "conversation_typing_off")
_WITH_CHANGES = ("conversation_updated", "conversation_status_changed")
_TIMES = ("waiting_since", "snoozed_until", "first_reply_created_at")


@dataclass(frozen=True)
class Failure:
    """The last attempt to tell somebody of a message failed."""

    kind: str
    conversation: Conversation
    message: Message
    error: str


class Events:
    """Turns what happened into deliveries.

    Args:
        world: the records; callers hold its lock.
        sender: delivers.
        failed: called when a message's event could not be delivered.
    """

    def __init__(self, world: World, sender: WebhookSender, failed: Callable[[Failure], None]) -> None:
        self._world = world
        self._sender = sender
        self._failed = failed

    def message(self, event: str, conversation: Conversation, message: Message) -> None:
        """Tell of a message; nobody is ever told of activity lines."""
        if message.message_type == ACTIVITY:
            return

        def payload() -> JsonDict:
            return {**shapes.message_event(self._world, conversation, message), "event": event}

        def failed(kind: str, error: str) -> None:
            self._failed(Failure(kind, conversation, message, error))

        self._send(event, conversation, payload, failed)

    def conversation(
        self, event: str, conversation: Conversation, changes: list[JsonDict] | None = None
    ) -> None:
        """Tell of a conversation.

        Args:
            event: its name.
            conversation: as it is now.
            changes: ``changed_attributes`` of ``conversation_updated``; a status change carries ``null``.
        """

        def payload() -> JsonDict:
            told = {"changed_attributes": changes} if event in _WITH_CHANGES else {}
            return {**shapes.conversation_event(self._world, conversation), "event": event, **told}

        self._send(event, conversation, payload)

    def typing(
        self, conversation: Conversation, who: Contact | User | Bot, *, on: bool, private: bool
    ) -> None:
        """Tell that somebody starts or stops typing."""
        event = f"conversation_typing_{'on' if on else 'off'}"
        user = shapes.event_sender(self._world, who)

        def payload() -> JsonDict:
            shown = shapes.conversation_event(self._world, conversation)
            return {"event": event, "user": user, "conversation": shown, "is_private": private}

        self._send(event, conversation, payload)

    def _send(
        self,
        event: str,
        conversation: Conversation,
        payload: Callable[[], JsonDict],
        failed: Callable[[str, str], None] = lambda _kind, _error: None,
    ) -> None:
        def later() -> JsonDict:
            with self._world.lock:
                return payload()

        for target in self._targets(event, conversation):
            # A bot's body is made at once, the others' when a worker takes the job, so it may be newer.
            if target.kind == "agent_bot":
                self._sender.enqueue(target, _made(payload()), _partial(failed, target.kind))
            else:
                self._sender.enqueue(target, later, _partial(failed, target.kind))

    def _targets(self, event: str, conversation: Conversation) -> list[Target]:
        inbox = self._world.inbox_of(conversation)
        targets = []
        if event not in BOT_ONLY_EVENTS:
            mine = [one for one in self._world.webhooks if one.account_id == conversation.account_id]
            targets = [Target("account", one.url, one.secret) for one in mine if event in one.subscriptions]
            if inbox.channel_type == "Channel::Api" and inbox.webhook_url:
                targets.append(Target("api_inbox", inbox.webhook_url, inbox.secret))
        if event not in NOT_FOR_BOTS:
            both = (self._world.bot_of(inbox), shapes.assignee_of(self._world, conversation))
            bots = {one.id: one for one in both if isinstance(one, Bot) and one.outgoing_url}
            targets += [Target("agent_bot", one.outgoing_url, one.secret) for one in bots.values()]
        return targets


def _made(payload: JsonDict) -> Callable[[], JsonDict]:
    return lambda: payload


def _partial(failed: Callable[[str, str], None], kind: str) -> Callable[[str], None]:
    return lambda error: failed(kind, error)


def change(name: str, old: Any, new: Any) -> JsonDict:  # noqa: ANN401 - any column's value
    """One entry of ``changed_attributes``: times as texts, everything else as it is."""
    column = "label_list" if name == "labels" else name
    previous, current = (shapes.iso(one) if name in _TIMES else one for one in (old, new))
    return {column: {"previous_value": previous, "current_value": current}}
