"""One look through one company's conversations, for customers' messages that never reached us.

The list of conversations shows each one's newest message, so that a conversation which is answered, or whose
newest message is known, costs no call. The others are looked into, newest first, until the calls of this run
are used up; what was looked into is remembered, so that the next run gets further.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from shared.conversations.case import inbox_via
from shared.conversations.inbox import Inbox
from shared.conversations.incoming import SWEPT, incoming_message
from shared.conversations.keys import ConversationKey
from shared.conversations.missed.unanswered import Shown, shown, since_the_answer
from shared.conversations.people import People, PeopleRecorder
from shared.conversations.sorting import Fate
from shared.platform.clock import from_epoch_milliseconds
from shared.platform.observability import log

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.chatwoot.client import ChatwootClient
    from shared.chatwoot.results import ConversationState
    from shared.companies.card import CompanyCard
    from shared.companies.model import Company
    from shared.conversations.incoming import IncomingMessage
    from shared.conversations.missed.memory import SweepMemory
    from shared.conversations.missed.settings import MissedSettings
    from shared.platform.clock import Clock, Deadline
    from shared.platform.tables import Table

_CONVERSATIONS_PAGE = 25
_MESSAGES_PAGE = 20


class Queue(Protocol):
    """Where customers' messages wait for their turn; see `shared.conversations.queues`."""

    def send(self, message: IncomingMessage) -> None:
        """Keep it durably."""
        ...


class OutOfCalls(Exception):
    """This run has made its calls, or used its time."""


@dataclass(frozen=True)
class Place:
    """Where things are read and written.

    Args:
        table: the conversations table.
        memory: what earlier runs did.
        queue: takes what was missed.
        clock: judges age.
        settings: how far to go.
    """

    table: Table
    memory: SweepMemory
    queue: Queue
    clock: Clock
    settings: MissedSettings


@dataclass
class Found:
    """What a search did.

    Attributes:
        calls: made to Chatwoot.
        conversations: looked into.
        enqueued: messages.
    """

    calls: int = 0
    conversations: int = 0
    enqueued: int = 0


def _latest(row: ConversationState) -> float:
    return row.last_activity_at or float("inf")


class Search:
    """See the module.

    Args:
        place: where things are read and written.
        card: the company as the door sees it, with its connection.
        company: its document.
        client: its account, with a user token.
        since_seconds: nothing older is looked for (seconds since 1970).
        deadline: when the search must be over.
    """

    def __init__(
        self,
        place: Place,
        card: CompanyCard,
        company: Company,
        client: ChatwootClient,
        *,
        since_seconds: float,
        deadline: Deadline,
    ) -> None:
        self._place = place
        self._card = card
        self._company = company
        self._client = client
        self._since_seconds = since_seconds
        self._deadline = deadline
        self._people = PeopleRecorder(place.table)
        self._calls_until = place.settings.calls
        self.found = Found()

    def make(self) -> Found:
        """Look through everything.

        Raises:
            OutOfCalls: the rest is for the next run.
            FrontdeskError: Chatwoot refuses, fails, or limits our rate.
        """
        statuses, calls = self._statuses_to_list(), self._place.settings.calls
        bounded = False
        for number, status in enumerate(statuses, start=1):
            # Each status has its share: many open conversations do not hide the pending ones.
            self._calls_until = calls * number // len(statuses)
            try:
                self._look_through(status)
            except OutOfCalls:
                bounded = True
        if bounded:
            raise OutOfCalls
        return self.found

    def _statuses_to_list(self) -> list[str]:
        inboxes = self._company.inboxes
        ways = [self._company.default_via] if inboxes == "all" else [rule.via for rule in inboxes]
        return sorted({status for via in ways for status in self._statuses(via)})

    def _statuses(self, via: str) -> set[str]:
        """The statuses in which the desk may have something to say."""
        chosen: set[str] = set(self._company.takeover.bot_statuses or [])
        if via == "agent_bot":
            # Chatwoot opens a conversation by itself when its delivery to the bot failed: just what is looked
            # for. Whether a person opened it is for the turn to tell.
            return {"open"} | (chosen or {"pending"})
        return chosen or {"open"}

    def _look_through(self, status: str) -> None:
        page, again = 1, True
        while again:
            rows = self._client.conversations(status=status, page=page, timeout_seconds=self._call())
            for row in rows:
                self._consider(row)
            # Newest activity first: behind a row that is too old there are only older ones.
            again = len(rows) >= _CONVERSATIONS_PAGE and not self._too_old(_latest(rows[-1]))
            page += 1

    def _too_old(self, at_seconds: float) -> bool:
        return at_seconds < int(self._since_seconds)  # Chatwoot tells whole seconds, rounded down

    def _call(self) -> float:
        """Count a call; gives the time it may take."""
        if self.found.calls >= self._calls_until or self._deadline.remaining_seconds() < 1.0:
            raise OutOfCalls
        self.found.calls += 1
        return self._deadline.within(self._place.settings.call_seconds)

    # -- one conversation -----------------------------------------------------------------------------

    def _consider(self, row: ConversationState) -> None:
        if row.status not in self._statuses(inbox_via(self._company, row.inbox_id)) or row.newest is None:
            return
        newest = shown(self._card, row, row.newest)
        if newest is None or self._too_old(newest.created_at):
            return
        if not newest.asks and not newest.may_hide_a_question:
            return
        key = ConversationKey(
            self._card.company_id,
            newest.event.conversation.account_id or self._client.account_id,
            row.id,
            self._card.connection.installation if self._card.connection else 1,
        )
        inbox = Inbox(self._place.table, key)
        if newest.asks and inbox.known([newest.message.id]):
            return
        looked = self._place.memory.looked(key)
        if looked.newest_id != newest.message.id:
            self._look_into(key, row, newest.message.id, looked.enqueued)

    def _look_into(
        self, key: ConversationKey, row: ConversationState, newest_id: int, enqueued: frozenset[int]
    ) -> None:
        messages = self._messages(row)
        waiting = [one for one in since_the_answer(messages) if not self._too_old(one.created_at)]
        known = Inbox(self._place.table, key).known([one.message.id for one in waiting]) | enqueued
        missed = [one for one in waiting if one.message.id not in known]
        ripe = [one for one in missed if not self._young(one)]
        self.found.conversations += 1
        if ripe:
            self._tell_persons(key, messages)
            self._enqueue(key, ripe)
        if len(ripe) == len(missed):
            self._place.memory.note_looked(key, newest_id)

    def _young(self, one: Shown) -> bool:
        age_seconds = self._place.clock.now().timestamp() - one.created_at
        return age_seconds < self._place.settings.min_age_seconds

    def _messages(self, row: ConversationState) -> list[Shown]:
        """The newest messages, back to an answer, to what is too old, or to the beginning."""
        found: list[Shown] = []
        before: int | None = None
        while True:
            page = self._client.messages(row.id, before=before, timeout_seconds=self._call())
            read = [shown(self._card, row, message) for message in page]
            found += [one for one in read if one is not None]
            reached = any(one.answers for one in found)
            if reached or len(page) < _MESSAGES_PAGE or self._too_old(page[0].created_at):
                return found
            before = min(message.id for message in page)

    def _tell_persons(self, key: ConversationKey, messages: Sequence[Shown]) -> None:
        """What persons wrote may be lost as well: without it a turn would speak over them."""
        item = self._place.table.get(key.people(), consistent=True)
        known_until = People.from_item(item).human_message_id
        for one in messages:
            if one.fate is Fate.PERSON_WROTE and one.message.id > known_until:
                # Chatwoot's own order of the conversation, as it was then; seconds are all that is shown.
                at_us = one.created_at * 1_000_000 + 999_999
                conversation = replace(one.event.conversation, updated_at_us=at_us)
                at = from_epoch_milliseconds(one.created_at * 1000)
                self._people.person_wrote(
                    key, conversation, one.message, at, keep_days=self._card.history_days
                )

    def _enqueue(self, key: ConversationKey, missed: Sequence[Shown]) -> None:
        """In order. Noted only when it is sent: a copy too many finds itself answered, a lost one nobody."""
        for one in missed:
            now = self._place.clock.now()
            message = incoming_message(key, one.event.conversation, one.message, now)
            self._place.queue.send(replace(message, origin=SWEPT))
            self._place.memory.note_enqueued(key, one.message.id)
            self.found.enqueued += 1
            log.info(
                "a missed message was enqueued", conversation=key.group_id, message_id=one.message.id,
                age_seconds=int(now.timestamp() - one.created_at),
            )  # fmt: skip
