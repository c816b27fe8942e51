"""``/simulator``: play the customer and the agents, and see what each of them sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import abort, request

from local.chatwoot_simulator import shapes
from local.chatwoot_simulator.records import (
    ACTIVITY,
    INCOMING,
    STATUSES,
    Contact,
    add_account,
    add_inbox,
    now,
)
from local.chatwoot_simulator.rules import Draft, Installation, Refused

if TYPE_CHECKING:
    from local.chatwoot_simulator.records import Account, Bot, Conversation, Inbox, JsonDict, Message

INBOX_SETTINGS = (
    "enable_auto_assignment",
    "lock_to_single_conversation",
    "bot_id",
    "webhook_url",
    "provider_refuses",
)
_SAID = ("id", "content", "private", "status", "content_attributes", "created_at", "message_type")


def given_fields(*required: str) -> JsonDict:
    """The JSON object of the request; asking for JSON keeps other sites' forms out."""
    given: Any = request.get_json()
    if not isinstance(given, dict) or any(name not in given for name in required):
        abort(400, f"A JSON object with {', '.join(required) or 'some fields'} is needed.")
    return given


def _one(rows: list[Any], **wanted: object) -> Any:  # noqa: ANN401 - a row of any table
    """The row with these values; 404 when there is none."""
    found = [row for row in rows if all(getattr(row, name) == value for name, value in wanted.items())]
    if not found:
        abort(404, "There is no such record.")
    return found[0]


class Roles:
    """What people do in front of and behind Chatwoot. Every method is called with the records' lock held."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.world = installation.world

    def accounts(self) -> list[JsonDict]:
        """Every account with its people, bots and inboxes, tokens and secrets included."""
        return [self._account_row(one) for one in self.world.accounts]

    def new_account(self) -> JsonDict:
        """Another account on this installation."""
        return self._account_row(add_account(self.world, str(given_fields("name")["name"])))

    def new_inbox(self, account_id: int) -> JsonDict:
        """Another inbox."""
        given = given_fields("name", "channel_type")
        account = _one(self.world.accounts, id=account_id)
        phone = given.get("phone_number")
        return vars(add_inbox(self.world, account.id, given["name"], given["channel_type"], phone)).copy()

    def set_inbox(self, account_id: int, number: int) -> JsonDict:
        """Change an inbox: auto-assignment, lock, bot, its webhook, a provider that refuses."""
        given = given_fields()
        inbox: Inbox = _one(self.world.inboxes, account_id=account_id, id=number)
        unknown = sorted(set(given) - set(INBOX_SETTINGS))
        if unknown:
            abort(400, f"Unknown settings: {', '.join(unknown)}.")
        for name, value in given.items():
            setattr(inbox, name, value)
        return vars(inbox).copy()

    def set_bot(self, account_id: int, number: int) -> JsonDict:
        """Where a bot is told of events."""
        given = given_fields("outgoing_url")
        bot: Bot = _one(self.world.bots, account_id=account_id, id=number)
        bot.outgoing_url = str(given["outgoing_url"])
        return vars(bot).copy()

    def reset(self) -> JsonDict:
        """Forget customers, what was said, and providers that refuse; all else stays."""
        self.world.forget_conversations()
        for inbox in self.world.inboxes:
            inbox.provider_refuses = ""
        self.installation.changed()
        return {}

    def customer_writes(self, account_id: int) -> JsonDict:
        """A customer writes. ``custom_attributes`` are those of a new conversation."""
        given = given_fields("text", "inbox_id")
        inbox = _one(self.world.inboxes, account_id=account_id, id=given["inbox_id"])
        contact = self._contact(account_id, given)
        attributes = given.get("custom_attributes") or {}
        message = self._stored(inbox, contact, given["text"], attributes)
        return {"message_id": message.id, "conversation_id": message.conversation_id}

    def agent_replies(self, account_id: int, number: int) -> JsonDict:
        """A person answers, or leaves a private note."""
        given = given_fields("text")
        conversation: Conversation = _one(self.world.conversations, account_id=account_id, id=number)
        agents = [one for one in self.world.users if one.account_id == account_id]
        agent = _one(agents, **({"id": given["user_id"]} if "user_id" in given else {"role": "agent"}))
        conversation.agent_last_seen_at = now()
        draft = Draft(given["text"], agent, private=bool(given.get("private")))
        return {"message_id": self.installation.add_message(conversation, draft).id}

    def set_conversation(self, account_id: int, number: int) -> JsonDict:
        """A person sets the status or the assignee; or the messaging window closes."""
        given = given_fields()
        conversation: Conversation = _one(self.world.conversations, account_id=account_id, id=number)
        if given.get("status", "open") not in STATUSES:
            abort(400, f"The status is one of {', '.join(STATUSES)}.")
        if "can_reply" in given:
            conversation.can_reply = bool(given["can_reply"])
        if "status" in given:
            # As an administrator: an agent who opens a conversation gets it assigned.
            person = _one(self.world.users, account_id=account_id, role=given.get("as", "administrator"))
            self.installation.set_status(conversation, given["status"], person)
        if "assignee_id" in given:
            self.installation.change(
                conversation, assignee_id=given["assignee_id"], assignee_agent_bot_id=None
            )
        return self._conversation_row(conversation)

    def delete_message(self, account_id: int, number: int, message_id: int) -> JsonDict:
        """A person deletes a message."""
        conversation = _one(self.world.conversations, account_id=account_id, id=number)
        self.installation.delete_message(conversation, _one(self.world.messages, id=message_id))
        return {}

    def conversations(self, account_id: int) -> list[JsonDict]:
        """What the desk page lists."""
        mine = [one for one in self.world.conversations if one.account_id == account_id]
        mine.sort(key=lambda one: one.last_activity_at, reverse=True)
        return [self._conversation_row(one) for one in mine]

    def conversation(self, account_id: int, number: int) -> JsonDict:
        """What the desk page shows."""
        found = _one(self.world.conversations, account_id=account_id, id=number)
        said = [self._message_row(one) for one in self.world.conversation_messages(found)]
        return {**self._conversation_row(found), "messages": said}

    def seen(self, account_id: int, number: int) -> list[str | None]:
        """What the customer saw from the company's side, in that order."""
        found = _one(self.world.conversations, account_id=account_id, id=number)
        shown = [one for one in self.world.conversation_messages(found) if one.shown is not None]
        return [one.shown for one in sorted(shown, key=lambda one: one.shown_order)]

    def _account_row(self, account: Account) -> JsonDict:
        row: JsonDict = {"id": account.id, "name": account.name}
        for name in ("users", "bots", "inboxes"):
            row[name] = [
                vars(one).copy() for one in getattr(self.world, name) if one.account_id == account.id
            ]
        return row

    def _contact(self, account_id: int, given: JsonDict) -> Contact:
        name = str(given.get("contact") or "Sam Sample")
        for one in self.world.contacts:
            if (one.account_id, one.name) == (account_id, name):
                return one
        contact = Contact(self.world.next_id("contact"), account_id, name, now())
        contact.phone_number, contact.email = given.get("phone_number"), given.get("email")
        self.world.contacts.append(contact)
        return contact

    def _stored(self, inbox: Inbox, contact: Contact, text: str, attributes: JsonDict) -> Message:
        try:
            return self.installation.customer_writes(inbox, contact, text, attributes)
        except Refused as error:
            abort(422, str(error))

    def _conversation_row(self, conversation: Conversation) -> JsonDict:
        contact, _link = self.world.contact_of(conversation)
        inbox = self.world.inbox_of(conversation)
        assignee = shapes.assignee_of(self.world, conversation)
        said = [one for one in self.world.conversation_messages(conversation) if one.message_type != ACTIVITY]
        return {
            "id": conversation.id,
            "account_id": conversation.account_id,
            "contact": contact.name,
            "inbox_id": conversation.inbox_id,
            "inbox": inbox.name,
            "channel_type": inbox.channel_type,
            "status": conversation.status,
            "assignee_id": conversation.assignee_id,
            "assignee": assignee.name if assignee else None,
            "labels": conversation.labels,
            "can_reply": conversation.can_reply,
            "typing": conversation.typing,
            "last_activity_at": conversation.last_activity_at,
            "last_text": said[-1].content if said else "",
        }

    def _message_row(self, message: Message) -> JsonDict:
        sender = self.world.sender_of(message)
        return {
            **{name: getattr(message, name) for name in _SAID},
            "sender": sender.name if sender else None,
            "sender_type": message.sender_type,
            "shown": message.content if message.message_type == INCOMING else message.shown,
        }
