"""One visit to a conversation: what a worker does with the records of one conversation in one invocation.

Records are stored in the inbox first and then deleted from the queue, all but the newest, which stays as the
timer: it is hidden until the customer has been quiet for a while, or until the next attempt is due. When the
timer comes back and nothing is left to do, it is deleted as well.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from shared.conversations.attempts import Attempts
from shared.conversations.case import speaking_rules
from shared.conversations.customers import note_of
from shared.conversations.delivery_rates import count_failed
from shared.conversations.hand_over_plans import failure_plan
from shared.conversations.inbox import Inbox, burst_of, quiet_in_seconds
from shared.conversations.incoming import IncomingMessage, PartFailure
from shared.conversations.ledger import MAX_MESSAGES_PER_TURN, Ledger
from shared.conversations.ledger_head import FenceLost
from shared.conversations.plan import Outcome
from shared.conversations.posting import FAILED, POSTING, turn_of
from shared.conversations.queues import come_back
from shared.conversations.reminders import DueReminder
from shared.conversations.reminding import Reminding
from shared.conversations.staff_mail import StaffMail
from shared.platform.clock import Deadline, epoch_milliseconds
from shared.platform.errors import NotFound
from shared.platform.observability import log

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shared.companies.model import Company
    from shared.conversations.desk import Desk
    from shared.conversations.keys import ConversationKey
    from shared.conversations.letters import Letter
    from shared.conversations.queues import ConversationQueue
    from shared.conversations.turn import Turn
    from shared.platform.queue_records import QueueRecord
    from shared.platform.tables import Item

FULL_BATCH = 10
_SECONDS_A_TURN_NEEDS = 30.0
_AFTER_A_LOST_FENCE_SECONDS = 3.0
_MANY_RECEIVES = 15  # of the twenty after which SQS moves a record to the dead letters
# A turn holds at most so much text: closing it touches its messages in one transaction of at most 4 MB.
_MOST_CHARACTERS_PER_TURN = 500_000


class Visit:
    """A visit to one conversation.

    Args:
        desk: the tools of a turn.
        queue: where the records come from.
        dead_letters: where given-up cases go.
        key: the conversation.
        letters: its records of this batch, in queue order; the last one is the timer.
        batch_full: whether the batch held as many records as a batch can: more may be waiting.
        time_left: when the invocation must be over.
    """

    def __init__(
        self,
        desk: Desk,
        queue: ConversationQueue,
        dead_letters: ConversationQueue,
        key: ConversationKey,
        letters: Sequence[Letter],
        *,
        batch_full: bool,
        time_left: Deadline,
    ) -> None:
        self._desk = desk
        self._queue = queue
        self._key = key
        self._letters = tuple(letters)
        self._timer = self._letters[-1].record
        self._batch_full = batch_full
        self._time_left = time_left
        self._ledger = Ledger(desk.table, key, desk.clock)
        self._inbox = Inbox(desk.table, key)
        self._reminding = Reminding(desk, self._ledger)
        self._mail = StaffMail(desk, self._ledger)
        self._attempts = Attempts(
            desk,
            dead_letters,
            self._ledger,
            self._reminding,
            self._letters[-1].about,
            renew=self._renew,
            time_left=time_left,
        )

    def make(self) -> list[QueueRecord]:
        """Do what is due.

        Returns:
            The records that stay in the queue.
        """
        staying = [letter.record for letter in self._letters]
        try:
            self._store()
            staying = [self._timer]
            again_after = self._what_is_due()
            again_after = self._and_pay(again_after)
        except FenceLost:
            log.info("somebody took the conversation up after us")
            come_back(self._queue, staying, _AFTER_A_LOST_FENCE_SECONDS)
            return staying
        if again_after is None:
            self._queue.delete([self._timer])
            return []
        if self._put_back_as_new():
            return []
        self._queue.hide(self._timer, again_after)
        return staying

    def _and_pay(self, again_after: float | None) -> float | None:
        """Queue the e-mail that staff is owed; returns when to come again, as given or sooner."""
        try_again = self._mail.pay(self._ledger.head.owed, self._letters[-1].about)
        waits = [seconds for seconds in (again_after, try_again) if seconds is not None]
        return min(waits, default=None)

    def _put_back_as_new(self) -> bool:
        """Replace a timer that was received many times: SQS gives up on it, although it only waited.

        The copy comes at once, its receives counted anew; the ledger knows what is due when.
        """
        content = self._letters[-1].content
        if self._timer.receive_count < _MANY_RECEIVES:
            return False
        replay = epoch_milliseconds(self._desk.clock.now())
        if isinstance(content, DueReminder):
            self._queue.send_reminder(content, replay=replay)
        elif isinstance(content, PartFailure):
            self._queue.send_failure(content, replay=replay)
        else:
            self._queue.send(content, replay=replay)
        self._queue.delete([self._timer])
        return True

    def _store(self) -> None:
        head = self._ledger.take_up()
        now = self._desk.clock.now()
        self._note_customer(now)
        for letter in self._letters:
            if isinstance(letter.content, PartFailure):
                self._store_failure(letter.content)
                continue
            if isinstance(letter.content, DueReminder):
                self._ledger.reminders.note(letter.content.reminder)
                continue
            waiting = self._inbox.store(letter.content, now)
            if waiting and letter.content.message_id <= head.watermark:
                self._ledger.reopen_below(letter.content.message_id)
        self._queue.delete([letter.record for letter in self._letters[:-1]])

    def _note_customer(self, now: datetime) -> None:
        """Before anything of theirs is kept: what nobody can find nobody can hand out or forget."""
        contacts = {one.content.contact for one in self._letters if isinstance(one.content, IncomingMessage)}
        for contact in contacts:
            if contact.contact_id:
                self._desk.table.put(note_of(contact, self._key.conversation_id, now))

    def _store_failure(self, failure: PartFailure) -> None:
        turn = turn_of(failure.marker)
        known = self._ledger.part_failed(
            turn, failure.marker, {"state": FAILED, "message_id": failure.message_id}
        )
        first = self._ledger.note_failure(turn, json.dumps(failure.error))
        if not first:
            log.info("another part of the same turn failed at its channel")
        contact, channel = failure.about.contact, failure.about.channel
        if not known:  # or it would count each time that it comes back as a timer
            count_failed(self._desk.table, contact, channel, failure.error, self._desk.clock.now())

    def _what_is_due(self) -> float | None:
        """Run a turn if one is due; returns after how many seconds to come again, ``None`` for never."""
        head = self._ledger.head
        unanswered = self._inbox.unanswered(head.watermark)
        if not (unanswered or head.turn or head.failing or head.reminders):
            return None
        try:
            company = self._desk.companies.get(self._key.company_id)
        except NotFound:
            log.warning("the company is gone, its messages with it")
            return None
        quiet = head.turn or head.failing or not unanswered
        wait = None if quiet else self._wait_for_quiet(unanswered, company)
        if wait is not None:
            return wait
        if self._time_left.remaining_seconds() < _SECONDS_A_TURN_NEEDS:
            return 0.0
        if head.failing and not head.turn:
            return self._tell_of_failure(company, unanswered)
        return self._attempt(company, unanswered) if head.turn or unanswered else self._remind(company)

    def _tell_of_failure(self, company: Company, unanswered: list[IncomingMessage]) -> float | None:
        """A turn of its own, without messages, that leaves a note and gives the conversation to people."""
        error = json.loads(self._ledger.head.failing)

        def open_turn(turn: Turn) -> None:
            case = turn.case()
            plan = failure_plan(case, error, speaking_rules(case), self._desk.clock.now())
            self._ledger.open_with_plan(self._mail.planned(plan, case), tells_failure=True)

        return self._attempts.run(company, [], 1, unanswered, open_turn)

    def _remind(self, company: Company) -> float | None:
        """A turn of its own as well; customers who wrote meanwhile are answered before it."""
        found = self._reminding.look(company)
        if not isinstance(found, tuple):
            return self._attempts.rest([], []) if found is None else found

        def open_turn(turn: Turn) -> None:
            self._reminding.open(turn.fresh_case(), *found)

        return self._attempts.run(company, [], 1, [], open_turn)

    def _wait_for_quiet(self, unanswered: Sequence[IncomingMessage], company: Company) -> float | None:
        wait = quiet_in_seconds(
            burst_of(unanswered),
            epoch_milliseconds(self._desk.clock.now()),
            window_seconds=company.quiet_window_seconds,
            cap_seconds=company.quiet_cap_seconds,
        )
        if wait > 0:
            return wait
        # A full batch may have left fragments behind: the timer looks once more, and only once, because a
        # batch that is full of other conversations' messages would stay full.
        return 0.0 if self._batch_full and self._timer.receive_count == 1 else None

    # -- attempts -------------------------------------------------------------------------------------

    def _attempt(self, company: Company, unanswered: list[IncomingMessage]) -> float | None:
        entries = self._ledger.entries()
        messages = self._messages_of_turn(entries, unanswered)
        settling = any(item.get("state") == POSTING for item in entries.values())
        attempts = self._ledger.open_turn(messages, counts=not settling)
        if not messages and "plan" not in entries:
            self._ledger.close(Outcome.DELETED, [])  # the customer took every message back
            return self._attempts.rest(unanswered, messages)
        return self._attempts.run(company, messages, attempts, unanswered)

    def _messages_of_turn(
        self, entries: dict[str, Item], unanswered: list[IncomingMessage]
    ) -> list[IncomingMessage]:
        """What the turn answers: a turn that has decided nothing yet takes in what came since."""
        head = self._ledger.head
        if head.turn and entries:
            return [message for message in unanswered if message.message_id in head.message_ids]
        taken: list[IncomingMessage] = []
        characters = 0
        for message in unanswered[:MAX_MESSAGES_PER_TURN]:
            characters += len(message.text)
            if taken and characters > _MOST_CHARACTERS_PER_TURN:
                break
            taken.append(message)
        return taken

    def _renew(self) -> None:
        """The queue's visibility is the lease: a worker that dies lets go of its conversation soon."""
        self._queue.hide(self._timer, self._desk.settings.lease_seconds)
