"""Where a conversation's items stand in the ``conversations`` table.

One item collection per conversation: its inbox, its people item, its ledger. History stands by contact and
inbox, because WhatsApp opens a new conversation after each resolve and the customer stays the same.
Message ids are written with leading zeros so that text order is number order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.platform.tables import Key
from shared.platform.values import known_fields

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

SCHEMA_VERSION = 1
_ID_DIGITS = 19


# The index of conversations by their newest closed turn; its keys stand on each conversation's head.
RECENT_INDEX = "recent"


def padded(number: int) -> str:
    """A message id as text whose order is the numbers' order."""
    return f"{number:0{_ID_DIGITS}d}"


def _account(account_id: int, installation: int) -> str:
    return str(account_id) if installation == 1 else f"{account_id}~{installation}"


@dataclass(frozen=True, order=True)
class ConversationKey:
    """One conversation: display ids are unique per account only, and account numbers per server.

    ``installation`` tells the accounts apart that a company was connected to one after another.
    """

    company_id: str
    account_id: int
    conversation_id: int
    installation: int = 1

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> ConversationKey:
        """Read what a message or a case carries."""
        return cls(**known_fields(cls, data))

    @property
    def pk(self) -> str:
        """The partition of the conversation's items."""
        account = _account(self.account_id, self.installation)
        return f"company#{self.company_id}#conversation#{account}#{self.conversation_id}"

    @property
    def group_id(self) -> str:
        """The queue's message group: one conversation's messages are handled one after another."""
        return f"{self.company_id}:{_account(self.account_id, self.installation)}:{self.conversation_id}"

    def turn_identity(self, turn: int) -> str:
        """A turn, the same in every attempt at it."""
        return f"{self.group_id}#{turn}"

    def message_identity(self, message_id: int) -> str:
        """The business key of a message, the same for every copy of it however it reaches us."""
        return f"{self.group_id}:{message_id}"

    def head(self) -> Key:
        """The ledger's head."""
        return Key(self.pk, "head")

    def recent(self, at_ms: int) -> Key:
        """The head's place in `RECENT_INDEX`.

        Args:
            at_ms: when the newest turn was closed (milliseconds since 1970; thirteen digits until 2286).
        """
        return Key(recent_pk(self.company_id), f"{at_ms:013d}-{self.account_id}-{self.conversation_id}")

    def people(self) -> Key:
        """What the door knows of people, status and assignee."""
        return Key(self.pk, "people")

    def inbox(self, message_id: int) -> Key:
        """A customer's message."""
        return Key(self.pk, f"inbox#{padded(message_id)}")

    def receipt(self, marker: str) -> Key:
        """What came back of one of our own messages."""
        return Key(self.pk, f"receipt#{marker}")

    def reminded(self, identity: str) -> Key:
        """That a reminder has reached the conversation."""
        return Key(self.pk, f"reminded#{identity}")

    def dead_letter(self, message_id: int) -> Key:
        """Which record is the newest about a given-up message."""
        return Key(self.pk, f"dead#{padded(message_id)}")

    def own(self, message_id: int) -> Key:
        """One of our own messages that carries no marker."""
        return Key(self.pk, f"own#{padded(message_id)}")

    def turn(self, turn: int, rest: str) -> Key:
        """An item of one turn's ledger."""
        return Key(self.pk, f"{turn_prefix(turn)}{rest}")


def recent_pk(company_id: str) -> str:
    """A company's partition of `RECENT_INDEX`."""
    return f"company#{company_id}"


def turn_prefix(turn: int) -> str:
    """How the sort keys of one turn's items begin."""
    return f"turn#{turn:08d}#"


@dataclass(frozen=True)
class ContactKey:
    """One customer in one inbox: what history hangs on. ``installation`` as for `ConversationKey`."""

    company_id: str
    account_id: int
    inbox_id: int
    contact_id: int
    installation: int = 1

    @property
    def pk(self) -> str:
        """The partition of the contact's history."""
        account = _account(self.account_id, self.installation)
        return f"company#{self.company_id}#contact#{account}#{self.inbox_id}#{self.contact_id}"

    def day(self, day: date) -> Key:
        """How many turns the contact had on a day (UTC)."""
        return Key(self.pk, f"day#{day.isoformat()}")

    def asked(self, appointment_id: str) -> Key:
        """What the contact was asked by the newest reminder of an appointment."""
        return Key(self.pk, f"asked#{appointment_id}")

    def message(self, message_id: int) -> Key:
        """One message of the history, by Chatwoot's id."""
        return Key(self.pk, f"message#{padded(message_id)}")


@dataclass(frozen=True)
class CustomerKey:
    """One customer across inboxes: where it is noted which conversations are theirs."""

    company_id: str
    account_id: int
    contact_id: int
    installation: int = 1

    @property
    def pk(self) -> str:
        """The partition of the notes."""
        account = _account(self.account_id, self.installation)
        return f"company#{self.company_id}#customer#{account}#{self.contact_id}"

    def conversation(self, inbox_id: int, conversation_id: int) -> Key:
        """The note of one conversation."""
        return Key(self.pk, f"conversation#{inbox_id}#{padded(conversation_id)}")

    def in_inbox(self, inbox_id: int) -> ContactKey:
        """What the customer's history in one inbox hangs on."""
        return ContactKey(self.company_id, self.account_id, inbox_id, self.contact_id, self.installation)

    def in_conversation(self, conversation_id: int) -> ConversationKey:
        """One of the customer's conversations."""
        return ConversationKey(self.company_id, self.account_id, conversation_id, self.installation)
