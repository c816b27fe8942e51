"""What goes into a turn of the mind and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

    from shared.agent.media.pictures import ImagePart

JsonDict = dict[str, Any]

Speaker = Literal["customer", "desk", "person"]


@dataclass(frozen=True)
class HistoryMessage:
    """Something said before this turn.

    Args:
        role: the customer, the desk (this program), or a person of the company.
        text: what was said.
        at: when, aware.
        earlier_conversation: it belongs to a conversation that was closed before this one was opened.
    """

    role: Speaker
    text: str
    at: datetime
    earlier_conversation: bool = False


@dataclass(frozen=True)
class ContactCard:
    """What Chatwoot knows of a contact. The contact wrote it, so it is data.

    Args:
        name: what they are called.
        email: "" where unknown.
        phone: in E.164, "" where unknown.
    """

    name: str = ""
    email: str = ""
    phone: str = ""


@dataclass(frozen=True)
class TurnContext:
    """What is true of this turn alone.

    Args:
        channel_name: Chatwoot's channel type, such as ``Channel::Whatsapp``.
        part_limit: how many characters one message of that channel may have.
        contact_name: what the customer is called there; written by the customer, so it is data.
        now: the moment of the turn, aware.
        first_contact: nobody of the company has written to this customer before.
        notes: facts for the model about this turn, such as "the customer also sent a picture".
        conversation: the conversation's identity, for tools that record where something came from.
        pictures: what the customer sent for looking at, in that order.
        contact: what else is known of the contact.
        rehearsal: nothing may be changed outside.
        told_turns: the identities of earlier turns of this conversation whose reply was sent, the last ones.
    """

    channel_name: str
    part_limit: int
    contact_name: str
    now: datetime
    first_contact: bool
    notes: tuple[str, ...] = ()
    conversation: str = ""
    pictures: tuple[ImagePart, ...] = ()
    contact: ContactCard = field(default_factory=ContactCard)
    rehearsal: bool = False
    told_turns: frozenset[str] = frozenset()


@dataclass(frozen=True)
class HandOver:
    """The mind wants a person to go on.

    Args:
        reason: a sentence of the model's, or one of the slugs ``model_empty``, ``model_refused`` and
            ``model_rounds`` when the model did not come to an answer.
    """

    reason: str


Action = HandOver


class AgentResponse(NamedTuple):
    """What the mind wants: the conversations layer decides what becomes of it.

    Attributes:
        reply: what to say to the customer, in Markdown; empty when there is nothing to say.
        agent: the name of the agent that answered.
        actions: what else is wanted.
    """

    reply: str
    agent: str
    actions: tuple[Action, ...]
