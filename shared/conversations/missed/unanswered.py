"""Which of a conversation's messages wait for an answer: pure decisions over what Chatwoot shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.chatwoot.shown import event_of
from shared.conversations.sorting import OUTSIDE, Fate, sort_event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.chatwoot.events import Event, Message
    from shared.chatwoot.results import ApiMessage, ConversationState
    from shared.companies.card import CompanyCard
    from shared.conversations.sorting import Sorted


@dataclass(frozen=True)
class Shown:
    """A message as Chatwoot shows it, and what the door would have made of it.

    Args:
        event: as its webhook would have told it.
        message: of the event.
        decided: what the door would have done.
        created_at: seconds since 1970.
    """

    event: Event
    message: Message
    decided: Sorted
    created_at: int

    @property
    def fate(self) -> Fate:
        """What the door would have done."""
        return self.decided.fate

    @property
    def answers(self) -> bool:
        """Whether it ends the customer's wait.

        Persons, ourselves and other bots do. Templates (greeting, out of office) and automations do not: the
        door passes them over as well, and what the customer asked is still open.
        """
        message = self.message
        spoken = message.sender.kind or message.marker or message.native_echo
        return message.direction == "outgoing" and not message.private and bool(spoken)

    @property
    def asks(self) -> bool:
        """Whether a turn is to answer it."""
        return self.fate is Fate.ENQUEUE and not self.message.deleted

    @property
    def may_hide_a_question(self) -> bool:
        """Whether, as a conversation's newest message, it leaves open if the customer waits behind it."""
        if self.decided.reason in OUTSIDE or self.answers:
            return False
        message = self.message
        return message.private or message.deleted or message.direction in {"outgoing", "template"}


def shown(card: CompanyCard, conversation: ConversationState, message: ApiMessage) -> Shown | None:
    """A message with its fate; ``None`` where what was shown is none.

    Args:
        card: the company; it has a connection.
        conversation: the message's.
        message: as a list showed it.
    """
    connection = card.connection
    event = event_of(connection.account_id, conversation, message) if connection else None
    if event is None or event.message is None:
        return None
    return Shown(event, event.message, sort_event(event, card), message.created_at)


def since_the_answer(messages: Sequence[Shown]) -> list[Shown]:
    """The customer's messages after the newest answer, oldest first.

    Args:
        messages: of one conversation, in any order.
    """
    waiting: list[Shown] = []
    for one in sorted(messages, key=lambda shown: shown.message.id, reverse=True):
        if one.answers:
            break
        if one.asks:
            waiting.append(one)
    return waiting[::-1]
