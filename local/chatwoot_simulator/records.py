"""What one Chatwoot installation holds, kept in memory and, where wanted, in a JSON file."""

from __future__ import annotations

import json
import secrets
import string
import threading
import time
import uuid
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

JsonDict = dict[str, Any]

INCOMING, OUTGOING, ACTIVITY, TEMPLATE = range(4)
MESSAGE_TYPES = ("incoming", "outgoing", "activity", "template")
STATUSES = ("open", "resolved", "pending", "snoozed")


def new_token() -> str:
    """24 letters and digits, the shape of Rails' ``has_secure_token``."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(24))


@dataclass
class Account:
    """A tenant of the installation."""

    id: int
    name: str


@dataclass
class User:
    """A person who works in one account."""

    id: int
    account_id: int
    name: str
    email: str
    role: str  # "administrator" | "agent"
    token: str = field(default_factory=new_token)


@dataclass
class Bot:
    """An agent bot. Without ``outgoing_url`` it posts but is told nothing."""

    id: int
    account_id: int
    name: str
    outgoing_url: str = ""
    token: str = field(default_factory=new_token)
    secret: str = field(default_factory=new_token)


@dataclass
class Inbox:
    """A channel. ``provider_refuses``: the error that its provider answers to every message, "" for none."""

    id: int
    account_id: int
    name: str
    channel_type: str
    phone_number: str | None = None
    bot_id: int | None = None
    enable_auto_assignment: bool = True
    lock_to_single_conversation: bool = False
    webhook_url: str = ""
    secret: str = field(default_factory=new_token)
    provider_refuses: str = ""


@dataclass
class Contact:
    """A customer."""

    id: int
    account_id: int
    name: str
    created_at: float
    email: str | None = None
    phone_number: str | None = None
    identifier: str | None = None
    blocked: bool = False
    additional_attributes: JsonDict = field(default_factory=dict)
    custom_attributes: JsonDict = field(default_factory=dict)


@dataclass
class ContactInbox:
    """A customer's address in one channel."""

    id: int
    contact_id: int
    inbox_id: int
    source_id: str
    created_at: float
    pubsub_token: str = field(default_factory=new_token)


@dataclass
class Conversation:
    """A conversation; ``id`` is the display id, unique per account only. Times: Unix seconds, 0 = unset."""

    id: int
    account_id: int
    inbox_id: int
    contact_inbox_id: int
    status: str
    created_at: float
    updated_at: float
    last_activity_at: float
    waiting_since: float
    first_reply_created_at: float = 0
    agent_last_seen_at: float = 0
    contact_last_seen_at: float = 0
    snoozed_until: float = 0
    assignee_id: int | None = None
    assignee_agent_bot_id: int | None = None
    can_reply: bool = True
    labels: list[str] = field(default_factory=list)
    custom_attributes: JsonDict = field(default_factory=dict)
    additional_attributes: JsonDict = field(default_factory=dict)
    typing: str = ""
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass
class Message:
    """A message. ``shown`` is what reached the customer's screen, ``None`` while nothing did."""

    id: int
    account_id: int
    inbox_id: int
    conversation_id: int
    message_type: int
    content: str | None
    created_at: float
    updated_at: float
    private: bool = False
    status: str = "sent"
    source_id: str | None = None
    content_type: str = "text"
    content_attributes: JsonDict = field(default_factory=dict)
    additional_attributes: JsonDict = field(default_factory=dict)
    sender_type: str | None = None  # "Contact" | "User" | "AgentBot"
    sender_id: int | None = None
    shown: str | None = None
    shown_order: int = 0


@dataclass
class Webhook:
    """A webhook of an account: every inbox of it, the ticked events."""

    id: int
    account_id: int
    url: str
    subscriptions: list[str]
    name: str | None = None
    secret: str = field(default_factory=new_token)


TABLES: dict[str, Any] = {
    "accounts": Account,
    "users": User,
    "bots": Bot,
    "inboxes": Inbox,
    "contacts": Contact,
    "contact_inboxes": ContactInbox,
    "conversations": Conversation,
    "messages": Message,
    "webhooks": Webhook,
}


class World:
    """All records of an installation. Whoever reads or writes holds ``lock``.

    Args:
        path: the file that keeps the records over restarts; ``None`` keeps them in memory only.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.lock = threading.RLock()
        self.counters: dict[str, int] = {}
        self.accounts: list[Account] = []
        self.users: list[User] = []
        self.bots: list[Bot] = []
        self.inboxes: list[Inbox] = []
        self.contacts: list[Contact] = []
        self.contact_inboxes: list[ContactInbox] = []
        self.conversations: list[Conversation] = []
        self.messages: list[Message] = []
        self.webhooks: list[Webhook] = []
        self._path = path
        if path and path.exists():
            self._load(json.loads(path.read_text("utf-8")))

    def next_id(self, kind: str, first: int = 1) -> int:
        """The next number of a kind. Numbers only grow, like Chatwoot's, also over a reset."""
        self.counters[kind] = self.counters.get(kind, first - 1) + 1
        return self.counters[kind]

    def conversation_messages(self, conversation: Conversation) -> list[Message]:
        """The messages of a conversation by id."""
        key = (conversation.account_id, conversation.id)
        return [one for one in self.messages if (one.account_id, one.conversation_id) == key]

    def contact_of(self, conversation: Conversation) -> tuple[Contact, ContactInbox]:
        """Who writes in the conversation, and from which address."""
        link = next(one for one in self.contact_inboxes if one.id == conversation.contact_inbox_id)
        return next(one for one in self.contacts if one.id == link.contact_id), link

    def inbox_of(self, conversation: Conversation) -> Inbox:
        """Where the conversation takes place."""
        return next(one for one in self.inboxes if one.id == conversation.inbox_id)

    def bot_of(self, inbox: Inbox) -> Bot | None:
        """The agent bot that serves the inbox."""
        return next((one for one in self.bots if one.id == inbox.bot_id), None)

    def sender_of(self, message: Message) -> Contact | User | Bot | None:
        """Who wrote the message; ``None`` for templates and activity."""
        kinds: dict[str | None, Any] = {"Contact": self.contacts, "User": self.users, "AgentBot": self.bots}
        table = kinds.get(message.sender_type, [])
        return next((one for one in table if one.id == message.sender_id), None)

    def save(self) -> None:
        """Write the records to the file, whole or not at all."""
        if self._path is None:
            return
        with self.lock:
            rows: JsonDict = {name: [asdict(one) for one in getattr(self, name)] for name in TABLES}
            text = json.dumps({"counters": self.counters, **rows})
            draft = self._path.with_suffix(".part")
            draft.write_text(text, "utf-8")
            draft.replace(self._path)

    def forget_conversations(self) -> None:
        """Drop customers and what was said; accounts, tokens, inboxes and webhooks stay."""
        for table in (self.contacts, self.contact_inboxes, self.conversations, self.messages):
            table.clear()

    def _load(self, rows: JsonDict) -> None:
        self.counters = rows["counters"]
        for name, record in TABLES.items():
            setattr(self, name, [record(**row) for row in rows[name]])


SEEDED_INBOXES = (
    ("Website", "Channel::WebWidget", None),
    ("WhatsApp", "Channel::Whatsapp", "+12025550100"),
    ("App", "Channel::Api", None),
    ("Twilio WhatsApp", "Channel::TwilioSms", "whatsapp:+12025550101"),
)


def add_inbox(world: World, account_id: int, name: str, channel_type: str, phone: str | None = None) -> Inbox:
    """An inbox with Chatwoot's defaults: auto-assignment on, no lock, no bot."""
    inbox = Inbox(world.next_id("inbox"), account_id, name, channel_type, phone)
    world.inboxes.append(inbox)
    return inbox


def add_account(world: World, name: str) -> Account:
    """An account with an administrator, an agent, a bot that serves no inbox yet, and four inboxes."""
    account = Account(world.next_id("account"), name)
    world.accounts.append(account)
    for person, role in (("Alex Admin", "administrator"), ("Robin Agent", "agent")):
        number = world.next_id("user")
        world.users.append(User(number, account.id, person, f"{role}-{number}@example.com", role))
    world.bots.append(Bot(world.next_id("bot"), account.id, "Front Desk"))
    for inbox_name, channel_type, phone in SEEDED_INBOXES:
        add_inbox(world, account.id, inbox_name, channel_type, phone)
    return account


def now() -> float:
    """Unix seconds. A simulator lives in real time: its callers' signatures and time-outs do."""
    return time.time()
