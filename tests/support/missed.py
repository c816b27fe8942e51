"""The search for missed messages with everything outside of it faked, and runs that a test begins."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from shared.companies.card import CompanyCard
from shared.companies.connection import ChatwootConnection
from shared.companies.store import CompanySummary
from shared.conversations.backlog import Backlog
from shared.conversations.inbox import Inbox
from shared.conversations.incoming import IncomingMessage
from shared.conversations.missed.memory import SweepMemory
from shared.conversations.missed.rounds import Rounds, Tools
from shared.conversations.missed.search import Place
from shared.conversations.missed.settings import MissedSettings
from shared.platform.queue_records import QueueRecord
from tests.fakes.shown_chatwoot import ShownChatwoot
from tests.support import webhooks

if TYPE_CHECKING:
    from shared.companies.model import Company
    from shared.conversations.missed.errands import Errand
    from tests.support.desk import World

CONNECTION = ChatwootConnection(
    "https://a.example", webhooks.ACCOUNT, user_id=1, bot_id=4, has_user_token=True, has_bot_token=True
)


@dataclass
class ListedCompanies:
    """Companies as the store lists them, all with the same connection."""

    documents: dict[str, Company]
    connection_of_all: ChatwootConnection | None = CONNECTION

    def list(self, limit: int, cursor: str | None = None) -> tuple[list[CompanySummary], str | None]:
        """See `shared.companies.store.CompanyStore`; pages of two, whatever the limit."""
        assert limit > 0
        ids = [one for one in sorted(self.documents) if cursor is None or one > cursor]
        page = [CompanySummary(one, one, self.documents[one].mode, 1, 0) for one in ids[:2]]
        return page, ids[1] if len(ids) > len(page) else None

    def get(self, company_id: str) -> Company:
        """See `CompanyStore`."""
        return self.documents[company_id]

    def connection(self, company_id: str) -> ChatwootConnection | None:
        """See `CompanyStore`."""
        assert company_id in self.documents
        return self.connection_of_all

    def card(self, company_id: str) -> CompanyCard | None:
        """See `shared.companies.card.Directory`."""
        if company_id not in self.documents:
            return None
        company = self.documents[company_id]
        inboxes: Any = "all" if company.inboxes == "all" else {one.id: one.via for one in company.inboxes}
        return CompanyCard(company_id, company.mode, inboxes, company.default_via, self.connection_of_all)


@dataclass
class SentErrands:
    """The queue between the clock and the companies."""

    sent: list[Errand] = field(default_factory=list)

    def send(self, errand: Errand) -> None:
        """See `shared.companies.errands.ErrandQueue`."""
        self.sent.append(errand)


class Sweeping:
    """The company ``sol``, its inboxes and turns (`World`), and the same account as Chatwoot's lists show it.

    Args:
        world: the desk.
        settings: of the search.
    """

    def __init__(self, world: World, settings: MissedSettings | None = None) -> None:
        self.world = world
        self.clock = world.clock
        self.settings = settings or MissedSettings()
        self.shown = ShownChatwoot(self.clock)
        self.companies = ListedCompanies(dict(world.companies.documents))
        self.errands = SentErrands()
        self.waiting = 0
        self.rounds = self.new_rounds()

    def new_rounds(self) -> Rounds:
        """Another process."""
        table = self.world.table
        limit_seconds = self.settings.backlog_seconds
        queue: Any = self.world.queue
        opener: Any = lambda _company_id, _connection: self.shown  # noqa: E731 - one line says it
        return Rounds(
            Tools(
                companies=cast("Any", self.companies),
                card=self.companies.card,
                chatwoot=opener,
                errands=self.errands,
                backlog=Backlog(lambda: self.waiting, table, self.clock, limit_seconds=limit_seconds),
                place=Place(table, SweepMemory(table, self.clock), queue, self.clock, self.settings),
            )
        )

    def document(self, **changes: object) -> None:
        """Change the company's document."""
        company = self.companies.documents["sol"]
        self.companies.documents["sol"] = type(company).parse(company.as_document() | changes)

    def connected(self, **changes: Any) -> None:  # noqa: ANN401 - any field
        """Change the connection."""
        assert self.companies.connection_of_all is not None
        self.companies.connection_of_all = replace(self.companies.connection_of_all, **changes)

    # -- time passes ------------------------------------------------------------------------------------

    def sweep(self, after_seconds: float = 0.0) -> list[str]:
        """One whole run; gives the texts that it enqueued, in order."""
        self.clock.advance(after_seconds)
        before = len(self.queued())
        self.rounds.send_out()
        self.deliver()
        self.clock.advance(1)  # two runs never begin in the same second
        return [message.text for message in self.queued()[before:]]

    def deliver(self) -> None:
        """The errands reach the function."""
        errands, self.errands.sent = self.errands.sent, []
        records = [QueueRecord(f"errand-{n}", "r", one.to_json(), 1) for n, one in enumerate(errands)]
        assert self.rounds.take_all(records, 55.0) == []

    def arrives(self, message_id: int, number: int = webhooks.CONVERSATION) -> None:
        """A message's webhook was not lost: it is in the inbox."""
        said = next(one for one in self.shown.said[number] if one["id"] == message_id)
        message = self.world.message(said["content"], message_id, number)
        Inbox(self.world.table, message.key).store(message, self.clock.now())

    # -- what became of it ------------------------------------------------------------------------------

    def queued(self) -> list[IncomingMessage]:
        """Everything that stands in the incoming queue."""
        return [IncomingMessage.from_json(body) for body in self.world.queue.bodies()]

    def asked(self, what: str = "") -> list[str]:
        """The calls to Chatwoot so far that begin like this."""
        return [call for call in self.shown.calls if call.startswith(what)]
