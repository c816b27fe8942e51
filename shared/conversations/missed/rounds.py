"""A run, every two minutes: first one errand per connected company, then each company's search.

Nothing here is tried again. What could not be searched now is searched in the next run, and a run that is
late is of no use any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from shared.conversations.attempts import where
from shared.conversations.missed.errands import Errand
from shared.conversations.missed.search import OutOfCalls, Search
from shared.platform.clock import Deadline
from shared.platform.errors import FrontdeskError, RetryLater
from shared.platform.observability import bound, count, log

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.chatwoot.client import ChatwootClient
    from shared.companies.card import CompanyCard
    from shared.companies.connection import ChatwootConnection
    from shared.companies.model import Company
    from shared.companies.store import CompanySummary
    from shared.conversations.backlog import Backlog
    from shared.conversations.missed.search import Found, Place
    from shared.platform.queue_records import QueueRecord

# A run that is older was overtaken by the next one.
STALE_SECONDS = 240
# Chatwoot names no moment when its rate limit is reached; it counts by the minute.
_PAUSE_SECONDS = 60.0
_LEAST_SECONDS, _RESERVE_SECONDS = 10.0, 5.0
_COMPANIES_PAGE = 100


class Companies(Protocol):
    """Finds companies; see `shared.companies.store.CompanyStore`."""

    def list(self, limit: int, cursor: str | None = None) -> tuple[Sequence[CompanySummary], str | None]:
        """A page of all companies."""
        ...

    def get(self, company_id: str) -> Company:
        """The company's document.

        Raises:
            NotFound: there is no such company.
        """
        ...

    def connection(self, company_id: str) -> ChatwootConnection | None:
        """Its connection to Chatwoot, where it has one."""
        ...


class Errands(Protocol):
    """See `shared.companies.errands.ErrandQueue`."""

    def send(self, errand: Errand) -> None:
        """Enqueue it."""
        ...


@dataclass(frozen=True)
class Tools:
    """What runs are made with.

    Args:
        companies: finds companies.
        card: a company as the door sees it.
        chatwoot: opens a company's account.
        errands: takes one errand per company.
        backlog: tells whether the incoming queue is behind.
        place: where messages are compared, and enqueued.
    """

    companies: Companies
    card: Callable[[str], CompanyCard | None]
    chatwoot: Callable[[str, ChatwootConnection], ChatwootClient]
    errands: Errands
    backlog: Backlog
    place: Place


class Rounds:
    """The work of ``missed_messages``.

    Args:
        tools: see `Tools`.
    """

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._clock = tools.place.clock
        # Of servers that limit our rate, or fail: other companies' accounts may stand on the same one.
        self._paused_until: dict[str, float] = {}

    # -- one errand per company ------------------------------------------------------------------------

    def send_out(self, scheduled_at: str = "") -> int:
        """Begin a run.

        Args:
            scheduled_at: when it was due, as ISO 8601; anything else means now.

        Returns:
            How many companies will be searched.
        """
        if self._tools.backlog.behind():
            log.warning("the incoming queue is behind: no search for missed messages")
            count("MissedRuns", outcome="queue_behind")
            return 0
        run, sent = self._moment(scheduled_at), 0
        for summary in self._every_company():
            if summary.mode == "off":
                self._tools.place.memory.note_off(summary.company_id)
            elif self._searchable(summary.company_id):
                self._tools.errands.send(Errand(summary.company_id, run))
                sent += 1
        log.info("the search for missed messages begins", run=run, companies=sent)
        return sent

    def _searchable(self, company_id: str) -> bool:
        connection = self._tools.companies.connection(company_id)
        return connection is not None and connection.finds_lost_webhooks

    def _moment(self, scheduled_at: str) -> int:
        try:
            return int(datetime.fromisoformat(scheduled_at).timestamp())
        except ValueError:
            return int(self._clock.now().timestamp())

    def _every_company(self) -> list[CompanySummary]:
        every: list[CompanySummary] = []
        cursor: str | None = None
        while True:
            page, cursor = self._tools.companies.list(_COMPANIES_PAGE, cursor)
            every += page
            if cursor is None:
                return every

    # -- one company ------------------------------------------------------------------------------------

    def take_all(self, records: Sequence[QueueRecord], remaining_seconds: float) -> list[str]:
        """Run the errands of a batch, one after another.

        Args:
            records: the batch.
            remaining_seconds: how long the invocation may still take.

        Returns:
            The SQS ids of the records that stay in the queue: those that nobody can read.
        """
        time_left, errands = Deadline(self._clock, remaining_seconds), _readable(records)
        behind = self._tools.backlog.behind()
        for errand in errands.values():
            with bound(company_id=errand.company_id):
                outcome = "queue_behind" if behind else self._run(errand, time_left)
                count("MissedRuns", outcome=outcome)
        return [record.sqs_id for record in records if record.sqs_id not in errands]

    def _run(self, errand: Errand, time_left: Deadline) -> str:
        """Search for one company; returns how it ended."""
        if self._clock.now().timestamp() - errand.run > STALE_SECONDS:
            return "stale"
        if time_left.remaining_seconds() < _LEAST_SECONDS:
            return "no_time"
        try:
            return self._search(errand, time_left)
        except RetryLater as failed:
            log.warning("the search for missed messages was stopped", reason=failed.reason)
            return "rate_limited" if failed.reason == "status_429" else "failed"
        except FrontdeskError as refused:
            log.warning("the search for missed messages was refused", reason=refused.reason)
            return "refused"
        except Exception as broken:  # noqa: BLE001 - one company must not harm the others
            log.error("a search broke", error=type(broken).__name__, where=where(broken))
            count("MissedRunsBroken")
            return "broken"

    def _search(self, errand: Errand, time_left: Deadline) -> str:
        card = self._tools.card(errand.company_id)
        if card is None or card.connection is None or card.mode == "off":
            return "not_connected"
        if not card.connection.finds_lost_webhooks:
            return "not_searchable"
        if self._clock.monotonic() < self._paused_until.get(card.connection.origin, float("-inf")):
            return "paused"
        off_at_ms = self._tools.place.memory.begin(errand.company_id, errand.run)
        if off_at_ms is None:
            return "done_before"
        company = self._tools.companies.get(errand.company_id)
        hours = company.missed_messages_max_age_hours
        if hours is None:
            return "not_wanted"
        # What was written before the company was connected, or while it was off, is not lost but not ours.
        ours_since_seconds = max(card.connection.connected_at, off_at_ms) / 1000
        search = Search(
            self._tools.place,
            card,
            company,
            self._tools.chatwoot(errand.company_id, card.connection),
            since_seconds=max(self._clock.now().timestamp() - hours * 3600, ours_since_seconds),
            deadline=self._share_of(time_left),
        )
        return self._made(search, card.connection.origin)

    def _share_of(self, time_left: Deadline) -> Deadline:
        seconds = time_left.remaining_seconds() - _RESERVE_SECONDS
        return Deadline(self._clock, min(self._tools.place.settings.company_seconds, seconds))

    def _made(self, search: Search, origin: str) -> str:
        try:
            search.make()
        except OutOfCalls:
            return "bounded"
        except RetryLater as failed:
            self._paused_until[origin] = self._clock.monotonic() + (failed.after_seconds or _PAUSE_SECONDS)
            raise
        finally:
            _tell(search.found)
        return "done"


def _readable(records: Sequence[QueueRecord]) -> dict[str, Errand]:
    errands: dict[str, Errand] = {}
    for record in records:
        try:
            errands[record.sqs_id] = Errand.from_json(record.body)
        except ValueError:
            # Nothing of ours writes such a body. It stays, and SQS moves it to the dead letters in the end.
            count("UnreadableRecords")
            log.error("a record cannot be read", sqs_id=record.sqs_id)
    return errands


def _tell(found: Found) -> None:
    if found.enqueued:
        count("MissedMessagesEnqueued", found.enqueued)
    log.info(
        "searched for missed messages",
        calls=found.calls,
        looked_into=found.conversations,
        enqueued=found.enqueued,
    )
