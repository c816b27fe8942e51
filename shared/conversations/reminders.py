"""Reminders on their way into a conversation: the queue's message, and how it finds the right conversation.

They go through the conversation's own message group, so that they come one after another with turns
(docs/decisions/0028-reminders.md).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Protocol

from shared.conversations.customers import notes_of
from shared.conversations.inbox import newest_message
from shared.conversations.incoming import IncomingMessage, State
from shared.conversations.keys import SCHEMA_VERSION, ConversationKey, CustomerKey
from shared.platform.clock import epoch_milliseconds
from shared.reminders.rows import Reminder

if TYPE_CHECKING:
    from shared.calendars.appointments import Appointment
    from shared.companies.connection import ChatwootConnection
    from shared.platform.clock import Clock
    from shared.platform.tables import Table

_KIND = "reminder"
_UNKNOWN = State("", None, "", can_reply=True, labels=(), updated_at_us=None)


@dataclass(frozen=True)
class DueReminder:
    """A reminder that a conversation is to carry out.

    ``about`` says in which inbox and with whom the conversation is; its text is empty.
    """

    about: IncomingMessage
    reminder: Reminder

    @property
    def key(self) -> ConversationKey:
        """The conversation."""
        return self.about.key

    @property
    def identity(self) -> str:
        """Its business key: the same for every copy."""
        return f"{self.key.group_id}:reminder:{self.reminder.identity}"

    def to_json(self) -> str:
        """For the queue."""
        plain = {"about": asdict(self.about), "reminder": self.reminder.as_plain()}
        return json.dumps({"v": SCHEMA_VERSION, "kind": _KIND, **plain}, ensure_ascii=True)

    @classmethod
    def from_json(cls, text: str) -> DueReminder:
        """Read what `to_json` wrote.

        Raises:
            ValueError: it is something else.
        """
        try:
            data = json.loads(text)
            if data["kind"] != _KIND:
                raise ValueError("not a reminder")
            return cls(IncomingMessage.from_plain(data["about"]), Reminder.from_plain(data["reminder"]))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("not a reminder") from error


class Companies(Protocol):
    """Finds connections; see `shared.companies.store.CompanyStore`."""

    def connection(self, company_id: str) -> ChatwootConnection | None:
        """Its connection to Chatwoot, where it has one."""
        ...


class ReminderTaker(Protocol):
    """See `shared.conversations.queues.ConversationQueue`."""

    def send_reminder(self, due: DueReminder) -> None:
        """Keep it durably, once."""
        ...


class Handing:
    """Puts reminders into their customers' conversations.

    Args:
        table: the conversations table.
        companies: finds connections.
        queue: the conversations' queue.
        clock: time.
    """

    def __init__(self, table: Table, companies: Companies, queue: ReminderTaker, clock: Clock) -> None:
        self._table = table
        self._companies = companies
        self._queue = queue
        self._clock = clock

    def hand(self, reminder: Reminder, appointment: Appointment) -> bool:
        """See `shared.reminders.rounds.Conversations`.

        The customer's newest conversation in the inbox in which they booked: WhatsApp, for one, opens a new
        one after each resolve.
        """
        about = self._about(appointment)
        if about is None:
            return False
        self._queue.send_reminder(DueReminder(about, reminder))
        return True

    def _about(self, appointment: Appointment) -> IncomingMessage | None:
        booked_in = conversation_of(appointment)
        connection = self._companies.connection(appointment.company_id)
        if booked_in is None or connection is None or not connection.connected:
            return None
        if (connection.account_id, connection.installation) != (booked_in.account_id, booked_in.installation):
            return None  # booked in an account that the company has left
        contact_id = _number(appointment.customer.contact_id.rpartition(":")[2])
        customer = CustomerKey(booked_in.company_id, booked_in.account_id, contact_id, booked_in.installation)
        notes = notes_of(self._table, customer) if contact_id else []
        inboxes = {note["conversation_id"]: note["inbox_id"] for note in notes}
        inbox_id = inboxes.get(booked_in.conversation_id)
        if inbox_id is None:
            return None  # forgotten, or never ours
        newest = max(number for number, inbox in inboxes.items() if inbox == inbox_id)
        return self._made(customer.in_conversation(newest), inbox_id, contact_id, connection)

    def _made(
        self, key: ConversationKey, inbox_id: int, contact_id: int, connection: ChatwootConnection
    ) -> IncomingMessage:
        known = newest_message(self._table, key)
        now = self._clock.now()
        return IncomingMessage(
            key=key,
            message_id=known.message_id if known else 0,
            text="",
            cut=False,
            content_type="text",
            created_at=now.isoformat(),
            received_at_ms=epoch_milliseconds(now),
            inbox_id=inbox_id,
            channel=known.channel if known else connection.inbox_channels.get(str(inbox_id), ""),
            contact_id=contact_id,
            contact_name=known.contact_name if known else "",
            contact_source_id=known.contact_source_id if known else "",
            in_reply_to=None,
            attachments=(),
            # Nothing newer than what webhooks told: the turn looks for itself.
            state=known.state if known else _UNKNOWN,
        )


def conversation_of(appointment: Appointment) -> ConversationKey | None:
    """The conversation in which an appointment was booked, where it was booked in one.

    It is written as a queue's group (`ConversationKey.group_id`).
    """
    parts = appointment.customer.conversation.split(":")
    if len(parts) != 3 or parts[0] != appointment.company_id:  # noqa: PLR2004 - company, account, conversation
        return None
    account, _, installation = parts[1].partition("~")
    account_id, conversation_id = _number(account), _number(parts[2])
    if not (account_id and conversation_id):
        return None
    return ConversationKey(parts[0], account_id, conversation_id, _number(installation) or 1)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
