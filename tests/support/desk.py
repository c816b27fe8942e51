"""A desk with everything outside of it faked, and time that tests move: for turns, bursts, dead letters."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from shared.chatwoot.events import parse
from shared.companies.connection import ChatwootConnection
from shared.companies.model import Company
from shared.conversations.dead_letters import DeadLetterOffice
from shared.conversations.desk import Desk
from shared.conversations.incoming import IncomingMessage, incoming_message, part_failure
from shared.conversations.keys import ConversationKey
from shared.conversations.people import PeopleRecorder
from shared.conversations.replaying import Replayer
from shared.conversations.settings import TurnSettings
from shared.conversations.worker import Worker
from shared.platform.errors import NotFound
from tests.fakes.chatwoot import FakeChatwoot
from tests.fakes.clock import FakeClock
from tests.fakes.ears import FakeEars
from tests.fakes.fifo import FakeFifoQueue
from tests.fakes.mind import FakeMind
from tests.support import webhooks

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.platform.tables import Item, Table
    from tests.fakes.chatwoot import Posted

SOL: dict[str, Any] = {
    "name": "Clínica Sol",
    "zone": "Europe/Madrid",
    "language": "es",
    "disclosure": {"enabled": False},
}
CONNECTION = ChatwootConnection(
    "https://a.example", webhooks.ACCOUNT, user_id=1, capabilities={"read_conversation": False}
)


@dataclass
class FakeCompanies:
    """Companies by id."""

    documents: dict[str, Company] = field(default_factory=dict)
    connections: dict[str, ChatwootConnection | None] = field(default_factory=dict)

    def get(self, company_id: str) -> Company:
        """See `Companies`."""
        if company_id not in self.documents:
            raise NotFound("no such company")
        return self.documents[company_id]

    def connection(self, company_id: str) -> ChatwootConnection | None:
        """See `Companies`."""
        return self.connections.get(company_id)

    def marker_lost(self, company_id: str) -> None:
        """See `Companies`."""
        known = self.connections[company_id]
        assert known is not None
        self.connections[company_id] = replace(known, marker_survives=False)

    def inboxes_read(self, company_id: str, connection: ChatwootConnection) -> None:
        """See `Companies`."""
        self.connections[company_id] = connection


class World:
    """One company, its queue, its Chatwoot and a mind, on a table of moto's.

    Args:
        table: the conversations table.
        document: changes to the company's document.
        settings: how turns behave.
    """

    def __init__(
        self, table: Table, document: dict[str, Any] | None = None, settings: TurnSettings | None = None
    ) -> None:
        self.table = table
        self.clock = FakeClock()
        self.queue = FakeFifoQueue(self.clock)
        self.dead_letters = FakeFifoQueue(self.clock)
        self.chatwoot = FakeChatwoot()
        self.mind = FakeMind()
        self.ears = FakeEars()
        self.companies = FakeCompanies({"sol": Company.parse(SOL | (document or {}))}, {"sol": CONNECTION})
        self.people = PeopleRecorder(table)
        markers = itertools.count(1)
        self.desk = Desk(
            table=table,
            companies=self.companies,
            chatwoot=lambda _company_id, _connection: self.chatwoot,  # type: ignore[arg-type, return-value]
            mind=self.mind.lend,
            clock=self.clock,
            new_id=lambda: f"marker-{next(markers)}",
            settings=settings or TurnSettings(pace_seconds=0),
            ears=self.ears.ears(),
        )
        self.left: list[str] = []
        self.worker = self.new_worker()
        self.office = DeadLetterOffice(self.desk, self.dead_letters)  # type: ignore[arg-type]
        self.replayer = Replayer(self.desk, self.queue)  # type: ignore[arg-type]

    def new_worker(self) -> Worker:
        """Another process with the same tools."""
        return Worker(self.desk, self.queue, self.dead_letters, lambda: self.left.append("left"))  # type: ignore[arg-type]

    # -- what happens ---------------------------------------------------------------------------------

    def message(
        self, text: str, message_id: int, conversation_id: int = webhooks.CONVERSATION, **changes: object
    ) -> IncomingMessage:
        """A customer's message as the door makes it, received now."""
        now: dict[str, object] = {
            "updated_at": self.clock.now().timestamp(),
            "status": self.chatwoot.statuses.get(conversation_id, "open"),
        }
        block = webhooks.conversation(id=conversation_id, **(now | changes))
        event = parse(webhooks.message_created(text, message_id=message_id, conversation=block))
        assert event is not None
        assert event.message is not None
        key = ConversationKey("sol", webhooks.ACCOUNT, conversation_id)
        return incoming_message(key, event.conversation, event.message, self.clock.now())

    def customer_writes(
        self, text: str, message_id: int, conversation_id: int = webhooks.CONVERSATION, **changes: object
    ) -> IncomingMessage:
        """A customer's message comes through the door."""
        message = self.message(text, message_id, conversation_id, **changes)
        self.queue.send(message)
        return message

    def customer_sends(
        self, *attachments: dict[str, Any], text: str | None = None, message_id: int = 70011, **body: object
    ) -> IncomingMessage:
        """A customer's message with attachments comes through the door; ``body`` changes its event."""
        block = webhooks.conversation(updated_at=self.clock.now().timestamp())
        listed = {"attachments": list(attachments)} if attachments else {}
        made = webhooks.message_created("", message_id=message_id, conversation=block, **listed)
        event = parse(made | {"content": text} | body)
        assert event is not None
        assert event.message is not None
        message = incoming_message(self.key(), event.conversation, event.message, self.clock.now())
        self.queue.send(message)
        return message

    def person_writes(self, text: str, message_id: int) -> None:
        """A person's public message comes through the door, newer than everything so far."""
        block = webhooks.conversation(updated_at=self.clock.now().timestamp())
        event = parse(webhooks.person_wrote(text, message_id=message_id, conversation=block))
        assert event is not None
        assert event.message is not None
        now = self.clock.now()
        self.people.person_wrote(self.key(), event.conversation, event.message, now, keep_days=30)

    def state_changes(self, status: str, *, before: str | None = None) -> None:
        """A conversation event comes through the door; the status was another one before."""
        was = before or ("pending" if status == "open" else "open")
        body = webhooks.conversation_updated(
            changed={"status": {"previous_value": was, "current_value": status}},
            status=status,
            updated_at=self.clock.now().timestamp(),
        )
        parsed = parse(body)
        assert parsed is not None
        self.people.state_changed(self.key(), parsed.conversation, self.clock.now())

    def part_fails(self, posted: Posted, error: str) -> None:
        """The door hears that one of our messages failed at its channel."""
        block = webhooks.conversation(updated_at=self.clock.now().timestamp())
        attributes = posted.attributes | {"external_error": error}
        body = webhooks.person_wrote(
            posted.text, message_id=posted.id, conversation=block, content_attributes=attributes
        )
        event = parse(body | {"event": "message_updated"})
        assert event is not None
        assert event.message is not None
        self.queue.send_failure(part_failure(self.key(), event.conversation, event.message, self.clock.now()))

    def door_hears_of_statuses(self) -> None:
        """From now on Chatwoot's event of a status that we set comes while our call is being answered."""
        usual = self.chatwoot.set_status

        def set_status(conversation_id: int, status: str, **rest: Any) -> str:  # noqa: ANN401 - passed through
            answer = usual(conversation_id, status, **rest)
            self.clock.advance(1)
            self.state_changes(status)
            return answer

        self.chatwoot.set_status = set_status  # type: ignore[method-assign]

    # -- time passes ----------------------------------------------------------------------------------

    def work_once(self) -> bool:
        """One invocation of the worker, if anything is visible."""
        batch = self.queue.receive()
        if batch:
            self.queue.finish(batch, self.worker.work(batch, 110))
        return bool(batch)

    def work_until_done(self, limit: int = 200) -> None:
        """Invocations until the queue is empty, moving the clock to whatever is due next."""
        _until_done(self.queue, self.clock, self.work_once, limit)

    def office_until_done(self, limit: int = 50) -> None:
        """The same for the dead letters."""

        def once() -> bool:
            batch = self.dead_letters.receive()
            if batch:
                self.dead_letters.finish(batch, self.office.take_all(batch, lambda: 110.0))
            return bool(batch)

        _until_done(self.dead_letters, self.clock, once, limit)

    # -- what became of it ----------------------------------------------------------------------------

    @staticmethod
    def key(conversation_id: int = webhooks.CONVERSATION) -> ConversationKey:
        """The conversation's key."""
        return ConversationKey("sol", webhooks.ACCOUNT, conversation_id)

    def said(self, conversation_id: int = webhooks.CONVERSATION) -> list[str]:
        """What the customer was told."""
        return self.chatwoot.said(conversation_id)

    def head(self, conversation_id: int = webhooks.CONVERSATION) -> Item:
        """The ledger's head."""
        return self.table.get(self.key(conversation_id).head(), consistent=True) or {}

    def dead_letter_items(self) -> list[Item]:
        """The recorded dead letters."""
        return self.table.query("company#sol#dead-letters")


class UntoldWorld(World):
    """A world in which people cannot be told of what is given up, so that conversations stay the desk's."""

    def office_until_done(self, limit: int = 50) -> None:
        """While the company is not connected."""
        connection = self.companies.connections.pop("sol")
        super().office_until_done(limit)
        self.companies.connections["sol"] = connection


def _until_done(queue: FakeFifoQueue, clock: FakeClock, once: Callable[[], bool], limit: int) -> None:
    for _ in range(limit):
        wait = queue.next_visible_in()
        if wait is None:
            return
        clock.advance(wait)
        once()
    raise AssertionError(f"the queue is not empty after {limit} invocations")
