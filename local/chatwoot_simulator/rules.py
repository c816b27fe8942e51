"""Chatwoot's rules: what a message, a status, an assignment does, and who is told of it."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local.chatwoot_simulator import liquid, shapes
from local.chatwoot_simulator.events import Events, Failure, change
from local.chatwoot_simulator.providers import OWN_CHANNELS, new_source_id, refusal
from local.chatwoot_simulator.records import (
    ACTIVITY,
    INCOMING,
    OUTGOING,
    Bot,
    Contact,
    ContactInbox,
    Conversation,
    Message,
    User,
    now,
)
from local.chatwoot_simulator.webhooks import logged

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.chatwoot_simulator.records import Inbox, JsonDict, World
    from local.chatwoot_simulator.webhooks import WebhookSender

CONTENT_LIMIT = 150_000
MESSAGES_PER_MINUTE = 200
BOT_FAILED = "Conversation was marked open by system due to an error with the agent bot."
FIRST_MESSAGE_ID = 1001
_STATUS_WORDS = {
    "open": "reopened",
    "resolved": "marked resolved",
    "pending": "marked as pending",
    "snoozed": "snoozed",
}


class Refused(Exception):
    """Chatwoot says no to a message: its 422, with the words of its answer."""


@dataclass(frozen=True)
class Draft:
    """A message on its way in. ``source_id`` on an outgoing one keeps it from being delivered."""

    content: str | None
    sender: Contact | User | Bot | None
    message_type: int = OUTGOING
    private: bool = False
    content_type: str = "text"
    content_attributes: JsonDict = field(default_factory=dict)
    source_id: str | None = None


class Installation:
    """One Chatwoot: records, rules and the events they cause.

    Args:
        world: the records. Every public method takes its lock.
        sender: delivers the events.
        changed: called after each change, so that a page can show it.
    """

    def __init__(self, world: World, sender: WebhookSender, changed: Callable[[], None]) -> None:
        self.world = world
        self._sender = sender
        self._events = Events(world, sender, self._not_told)
        self.changed = changed
        # One thread: what is posted in order reaches the customer in order.
        self._providers = ThreadPoolExecutor(1, thread_name_prefix="chatwoot-providers")

    def close(self) -> None:
        """Stop delivering."""
        self._providers.shutdown(wait=True, cancel_futures=True)
        self._sender.close()

    # Messages

    def customer_writes(
        self, inbox: Inbox, contact: Contact, text: str | None, attributes: JsonDict | None = None
    ) -> Message:
        """A customer's message arrives from the channel; its conversation is found, reopened or made."""
        with self.world.lock:
            link = self._contact_inbox(contact, inbox)
            conversation = self._conversation_for(inbox, link, attributes or {})
            own = inbox.channel_type in OWN_CHANNELS
            number = self.world.next_id("source")
            source_id = None if own else new_source_id(inbox.channel_type, number)
            quoted = {"in_reply_to": None} if inbox.channel_type == "Channel::WebWidget" else {}
            draft = Draft(text, contact, INCOMING, content_attributes=quoted, source_id=source_id)
            return self.add_message(conversation, draft)

    def add_message(self, conversation: Conversation, draft: Draft) -> Message:
        """Store a message, tell everybody, send it to the customer.

        Raises:
            Refused: too long, or too many in a minute.
        """
        with self.world.lock:
            self._check(conversation, draft)
            message = self._stored(conversation, draft)
            if draft.message_type == INCOMING:
                self._customer_is_back(conversation)
            self._events.message("message_created", conversation, message)
            self._note_reply(conversation, draft)
            if self._leaves(message) and message.source_id is None:
                self._providers.submit(logged, self._deliver, conversation, message)
            self.changed()
            return message

    def delete_message(self, conversation: Conversation, message: Message) -> None:
        """Blank a message in Chatwoot. What the customer already saw stays seen."""
        with self.world.lock:
            message.content = "This message was deleted"
            message.content_attributes = {"deleted": True}
            self._message_changed(conversation, message)

    # Conversations

    def change(self, conversation: Conversation, **values: Any) -> None:  # noqa: ANN401 - any column
        """Set columns; what really changed is told, and a status change has its own events."""
        with self.world.lock:
            old = {name: getattr(conversation, name) for name in values}
            changes = [change(name, old[name], new) for name, new in values.items() if new != old[name]]
            before = conversation.updated_at
            for name, new in values.items():
                setattr(conversation, name, new)
            if not changes:
                return
            self._touch(conversation)
            changes.append(change("updated_at", shapes.iso(before), shapes.iso(conversation.updated_at)))
            self._events.conversation("conversation_updated", conversation, changes)
            if values.get("status", old.get("status")) != old.get("status"):
                self._status_changed(conversation)
            self.changed()

    def set_status(
        self, conversation: Conversation, status: str, by: User | Bot | None, snoozed_until: float = 0
    ) -> None:
        """A person, a bot or the system (``None``) sets the status."""
        with self.world.lock:
            was = conversation.status
            values: JsonDict = {"status": status, "snoozed_until": snoozed_until}
            if isinstance(by, Bot) and (was, status) == ("pending", "open"):
                values["waiting_since"] = conversation.waiting_since or now()
            self.change(conversation, **values)
            if was != status and by is not None:
                self.activity(conversation, f"Conversation was {_STATUS_WORDS[status]} by {by.name}")
            if status == "open" and isinstance(by, User) and by.role == "agent":
                self.change(conversation, assignee_id=by.id)

    def activity(self, conversation: Conversation, text: str) -> None:
        """A grey line in the conversation; no event tells of it."""
        with self.world.lock:
            self._stored(conversation, Draft(text, None, ACTIVITY))
            self.changed()

    def typing(
        self, conversation: Conversation, who: Contact | User | Bot, *, on: bool, private: bool
    ) -> None:
        """Somebody starts or stops typing."""
        with self.world.lock:
            conversation.typing = who.name if on and not private else ""
            self._events.typing(conversation, who, on=on, private=private)
            self.changed()

    # How a conversation comes to be

    def _contact_inbox(self, contact: Contact, inbox: Inbox) -> ContactInbox:
        for link in self.world.contact_inboxes:
            if (link.contact_id, link.inbox_id) == (contact.id, inbox.id):
                return link
        if inbox.channel_type not in OWN_CHANNELS and contact.phone_number is None:
            contact.phone_number = f"+1202556{contact.id:04d}"
        phone = str(contact.phone_number)
        whatsapp = str(inbox.phone_number).startswith("whatsapp:")
        source_id = {
            "Channel::Whatsapp": phone.lstrip("+"),
            "Channel::TwilioSms": f"whatsapp:{phone}" if whatsapp else phone,
        }.get(inbox.channel_type, str(uuid.uuid4()))
        link = ContactInbox(self.world.next_id("contact_inbox"), contact.id, inbox.id, source_id, now())
        self.world.contact_inboxes.append(link)
        return link

    def _conversation_for(self, inbox: Inbox, link: ContactInbox, attributes: JsonDict) -> Conversation:
        mine = [one for one in self.world.conversations if one.contact_inbox_id == link.id]
        keeps_one = inbox.lock_to_single_conversation or inbox.channel_type in OWN_CHANNELS
        usable = mine if keeps_one else [one for one in mine if one.status != "resolved"]
        if usable:
            return usable[-1]
        moment = now()
        number = self.world.next_id(f"conversation of account {inbox.account_id}")
        status = "pending" if self.world.bot_of(inbox) else "open"
        conversation = Conversation(
            number, inbox.account_id, inbox.id, link.id, status, moment, moment, moment, waiting_since=moment
        )
        conversation.custom_attributes = attributes
        self.world.conversations.append(conversation)
        self._events.conversation("conversation_created", conversation)
        self._auto_assign(conversation)
        return conversation

    def _customer_is_back(self, conversation: Conversation) -> None:
        if conversation.status == "resolved":
            self.change(
                conversation,
                status="pending" if self.world.bot_of(self.world.inbox_of(conversation)) else "open",
            )
        elif conversation.status == "snoozed":
            self.change(conversation, status="open", snoozed_until=0)

    def _status_changed(self, conversation: Conversation) -> None:
        self._events.conversation("conversation_status_changed", conversation)
        if conversation.status in ("open", "resolved"):
            name = "opened" if conversation.status == "open" else "resolved"
            self._events.conversation(f"conversation_{name}", conversation)
        if conversation.status == "open":
            self._auto_assign(conversation)

    def _auto_assign(self, conversation: Conversation) -> None:
        """Round robin over the account's agents, on by default; the event names no actor."""
        agents = [
            one
            for one in self.world.users
            if (one.account_id, one.role) == (conversation.account_id, "agent")
        ]
        wanted = conversation.status == "open" and conversation.assignee_id is None and bool(agents)
        if wanted and self.world.inbox_of(conversation).enable_auto_assignment:
            turn = self.world.next_id(f"assignment in inbox {conversation.inbox_id}")
            self.change(conversation, assignee_id=agents[turn % len(agents)].id)

    # How a message is stored and leaves

    def _check(self, conversation: Conversation, draft: Draft) -> None:
        if len(draft.content or "") > CONTENT_LIMIT:
            text = f"is too long (maximum is {CONTENT_LIMIT} characters)"
            raise Refused(f"Validation failed: Content {text}, Processed message content {text}")
        minute_ago = now() - 60
        messages = self.world.conversation_messages(conversation)
        if sum(one.created_at > minute_ago for one in messages) >= MESSAGES_PER_MINUTE:
            raise Refused("Validation failed: Too many messages")

    def _stored(self, conversation: Conversation, draft: Draft) -> Message:
        moment, content, sender = now(), draft.content, draft.sender
        if content and draft.message_type == OUTGOING and not isinstance(sender, Contact):
            contact = self.world.contact_of(conversation)[0]
            content = liquid.render(content, liquid.message_values(self.world, conversation, contact, sender))
        kinds: dict[type, str] = {Contact: "Contact", User: "User", Bot: "AgentBot"}
        message = Message(
            id=self.world.next_id("message", FIRST_MESSAGE_ID),
            account_id=conversation.account_id,
            inbox_id=conversation.inbox_id,
            conversation_id=conversation.id,
            message_type=draft.message_type,
            content=content,
            created_at=moment,
            updated_at=moment,
            private=draft.private,
            source_id=draft.source_id or None,
            content_type=draft.content_type,
            content_attributes=draft.content_attributes,
            sender_type=kinds.get(type(sender)),
            sender_id=sender.id if sender else None,
        )
        self.world.messages.append(message)
        conversation.last_activity_at = moment
        conversation.typing = ""
        self._touch(conversation)
        return message

    def _note_reply(self, conversation: Conversation, draft: Draft) -> None:
        """Who waits, and since when, changes with every turn of the talk: one more event."""
        if draft.message_type == INCOMING:
            conversation.contact_last_seen_at = now()
            self.change(conversation, waiting_since=conversation.waiting_since or now())
        elif draft.message_type == OUTGOING and not draft.private:
            values: JsonDict = {"waiting_since": 0}
            if isinstance(draft.sender, User) and not conversation.first_reply_created_at:
                values["first_reply_created_at"] = now()
            self.change(conversation, **values)

    def _leaves(self, message: Message) -> bool:
        return message.message_type == OUTGOING and not message.private

    def _deliver(self, conversation: Conversation, message: Message) -> None:
        with self.world.lock:
            inbox = self.world.inbox_of(conversation)
            error = refusal(inbox, conversation, message.content or "")
            if error:
                self._fail(conversation, message, error)
                return
            message.shown, message.shown_order = message.content, self.world.next_id("shown")
            self.changed()
            if inbox.channel_type not in OWN_CHANNELS:
                message.source_id = new_source_id(inbox.channel_type, self.world.next_id("source"))
                self._message_changed(conversation, message)
                message.status = "delivered"
                self._message_changed(conversation, message)

    def _fail(self, conversation: Conversation, message: Message, error: str) -> None:
        if message.status == "failed":
            return  # nothing changes, so nobody is told again
        message.status = "failed"
        message.content_attributes = {**message.content_attributes, "external_error": error}
        self._message_changed(conversation, message)

    def _not_told(self, failure: Failure) -> None:
        """An event of a message could not be delivered; account webhooks never matter here."""
        conversation = failure.conversation
        with self.world.lock:
            if failure.kind == "api_inbox":
                self._fail(conversation, failure.message, failure.error)
            elif failure.kind == "agent_bot" and conversation.status == "pending":
                self.change(conversation, status="open")
                self.activity(conversation, BOT_FAILED)

    def _message_changed(self, conversation: Conversation, message: Message) -> None:
        message.updated_at = now()
        self._events.message("message_updated", conversation, message)
        self.changed()

    def _touch(self, conversation: Conversation) -> None:
        conversation.updated_at = max(round(now(), 6), round(conversation.updated_at + 1e-6, 6))
