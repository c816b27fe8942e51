"""Which conversations are a customer's, noted when something of theirs is kept, so that it is found again.

Without the notes nobody could say what is stored of one person: conversations stand by their own numbers.
Light to import, because the door writes notes too.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from shared.conversations.keys import SCHEMA_VERSION, CustomerKey

if TYPE_CHECKING:
    from datetime import datetime

    from shared.conversations.keys import ContactKey
    from shared.platform.tables import Item, Table

# Longer than anything that it leads to: a company may keep history for 400 days.
_KEEP_DAYS = 430


def note_of(contact: ContactKey, conversation_id: int, now: datetime) -> Item:
    """The note that a conversation is a customer's; written again it lives longer.

    Args:
        contact: who, and in which inbox.
        conversation_id: the conversation's display id.
        now: the current moment.
    """
    customer = CustomerKey(contact.company_id, contact.account_id, contact.contact_id, contact.installation)
    return customer.conversation(contact.inbox_id, conversation_id).as_item() | {
        "inbox_id": contact.inbox_id,
        "conversation_id": conversation_id,
        "expires_at": int((now + timedelta(days=_KEEP_DAYS)).timestamp()),
        "v": SCHEMA_VERSION,
    }


def notes_of(table: Table, customer: CustomerKey) -> list[Item]:
    """A customer's notes, by inbox and conversation."""
    return table.query(customer.pk, prefix="conversation#", consistent=True)
