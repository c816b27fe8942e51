"""What Chatwoot's API answers, as small typed values. `shared.chatwoot.reading` makes them out of JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.platform.secret import Secret

JsonDict = dict[str, Any]


@dataclass(frozen=True)
class PostedMessage:
    """A message that Chatwoot stored. Stored is not delivered.

    Attributes:
        id: its number, unique in the installation and growing.
        content: the text as stored (compare with what was sent: Liquid may have changed it).
        content_attributes: as stored, our marker among them.
        status: ``sent`` at first.
    """

    id: int
    content: str = field(repr=False)
    content_attributes: JsonDict = field(repr=False)
    status: str


@dataclass(frozen=True)
class ConversationState:
    """A conversation as it is now.

    Attributes:
        id: the display id, which is the one that API paths use.
        status: ``open``, ``resolved``, ``pending`` or ``snoozed``.
        inbox_id: its inbox, 0 where the answer has none.
        can_reply: false outside the channel's messaging window; true where an old server does not say.
        assignee_id: user or bot in charge, ``None`` for nobody.
        assignee_type: ``User`` or ``AgentBot``; ``User`` where an old server (before 4.8.0) does not say.
        labels: as set.
        updated_at: seconds since 1970, 0.0 where an old server (before 4.0.2) does not say.
        channel: such as ``Channel::Whatsapp``, "" where unknown.
        source_id: the contact's address on the channel, where a message in the answer shows it.
        contact_id: the customer, where the answer shows it.
        last_activity_at: seconds since 1970 of the last thing that happened in it, 0 where unknown.
        newest: its newest message, activity lines aside; private notes count. ``None`` where it has none.
        shown: as Chatwoot showed it.
    """

    id: int
    status: str
    inbox_id: int
    can_reply: bool
    assignee_id: int | None
    assignee_type: str | None
    labels: tuple[str, ...]
    updated_at: float
    channel: str
    source_id: str | None = field(default=None, repr=False)
    contact_id: int | None = None
    last_activity_at: int = 0
    newest: ApiMessage | None = field(default=None, repr=False)
    shown: JsonDict = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class ApiMessage:
    """A message in a list.

    Attributes:
        id: its number; order by it.
        content: the text, ``None`` for a message of attachments only.
        message_type: 0 incoming, 1 outgoing, 2 activity, 3 template, -1 for one we do not know.
        private: an internal note; true also where the answer is unclear about it.
        sender_type: ``user``, ``agent_bot``, ``contact``, ``captain_assistant`` or ``None``.
        sender_id: whose message it is, in the numbering of ``sender_type``.
        content_attributes: among them our marker and ``external_error``.
        created_at: seconds since 1970.
        status: ``sent``, ``delivered``, ``read``, ``failed`` or "".
        shown: as Chatwoot showed it.
    """

    id: int
    content: str | None = field(repr=False)
    message_type: int
    private: bool
    sender_type: str | None
    sender_id: int | None
    content_attributes: JsonDict = field(repr=False)
    created_at: int
    status: str = ""
    shown: JsonDict = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class Profile:
    """Whose user token it is.

    Attributes:
        user_id: the user.
        roles: account number to ``agent`` or ``administrator``.
    """

    user_id: int
    roles: Mapping[int, str]


@dataclass(frozen=True)
class InboxInfo:
    """An inbox.

    Attributes:
        id: its number.
        name: as the desk calls it.
        channel_type: such as ``Channel::TwilioSms``.
        auto_assignment: whether Chatwoot gives opening conversations to somebody by itself; true where the
            answer does not say, which is Chatwoot's default.
    """

    id: int
    name: str
    channel_type: str
    auto_assignment: bool


@dataclass(frozen=True)
class WebhookInfo:
    """An account webhook.

    Attributes:
        id: its number.
        url: where it delivers.
        subscriptions: the events.
        secret: what deliveries are signed with, ``None`` before Chatwoot 4.12.
    """

    id: int
    url: str = field(repr=False)  # it may hold a path token
    subscriptions: tuple[str, ...]
    secret: Secret | None


@dataclass(frozen=True)
class AgentBotInfo:
    """An agent bot of the account.

    Attributes:
        id: its number.
        name: as the desk calls it.
        access_token: shown to administrators only.
    """

    id: int
    name: str
    access_token: Secret | None
