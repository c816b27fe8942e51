"""Dead letters: what was given up is recorded, and a person is told.

A case comes here from a turn that gave up, or from SQS as the message that crashed its workers twenty times.
It is recorded first. Then the conversation is handed over with a note; while Chatwoot does not answer, the
record comes back after growing pauses, and nothing is lost meanwhile.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.conversations.case import speaking_rules
from shared.conversations.causes import Cause, why
from shared.conversations.dead_letter_records import (
    KEEP_DAYS,
    DeadLetterRecords,
    LetterState,
    turn_source,
)
from shared.conversations.describing import customer_entries
from shared.conversations.giving_up import DeadLetter
from shared.conversations.hand_over_plans import hand_over_plan
from shared.conversations.inbox import Inbox
from shared.conversations.incoming import IncomingMessage, PartFailure
from shared.conversations.keys import SCHEMA_VERSION
from shared.conversations.ledger import Ledger
from shared.conversations.ledger_head import FenceLost
from shared.conversations.ledger_journal import tools_that_acted
from shared.conversations.plan import Outcome, Plan, with_done
from shared.conversations.posting import Unsettled
from shared.conversations.queues import come_back
from shared.conversations.staff_mail import StaffMail, customer_of, page_of
from shared.conversations.storms import Notice, Storms
from shared.conversations.turn import Turn
from shared.email.notices import ConversationNotice
from shared.platform.clock import Deadline, epoch_milliseconds
from shared.platform.errors import GiveUp, NotFound, RetryLater
from shared.platform.observability import bound, count, log
from shared.platform.tables import ConditionFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.chatwoot.client import ChatwootClient
    from shared.conversations.case import Case
    from shared.conversations.dead_letter_records import LetterRecord
    from shared.conversations.desk import Desk
    from shared.conversations.queues import ConversationQueue
    from shared.platform.errors import FrontdeskError
    from shared.platform.queue_records import QueueRecord
    from shared.platform.tables import Item

_FIRST_PAUSE_SECONDS = 15.0
_LONGEST_PAUSE_SECONDS = 900.0
_SECONDS_A_CASE_NEEDS = 50.0
# A turn that is being closed is closed within moments; one that waits for its next attempt is not.
_QUICK_LOOKS, _QUICK_PAUSE_SECONDS = 5, 2.0
CRASHED = "crashed"
TURN_OPEN = "turn_open"


class DeadLetterOffice:
    """Takes on what was given up.

    Args:
        desk: the tools of a turn.
        queue: where the cases come from.
    """

    def __init__(self, desk: Desk, queue: ConversationQueue) -> None:
        self._desk = desk
        self._queue = queue
        self._records = DeadLetterRecords(desk.table, desk.clock)
        self._storms = Storms(desk.table, desk.clock)

    def take_all(self, records: Sequence[QueueRecord], remaining_seconds: Callable[[], float]) -> list[str]:
        """Take on a batch, one after another; a conversation's later cases wait for its earlier ones.

        Args:
            records: the batch, in queue order.
            remaining_seconds: tells how long the invocation may still take.

        Returns:
            The SQS ids of the records that stay in the queue.
        """
        staying: list[str] = []
        blocked: set[str] = set()
        for record in records:
            conversation = _conversation_of(record)
            enough_time = remaining_seconds() > _SECONDS_A_CASE_NEEDS
            if conversation not in blocked and enough_time and self._safely(record, remaining_seconds()):
                continue
            staying.append(record.sqs_id)
            if conversation in blocked or not enough_time:
                # Hidden for as long as the queue says, it would lock its conversation's group meanwhile.
                come_back(self._queue, [record], _FIRST_PAUSE_SECONDS)
            blocked.add(conversation)
        return staying

    def _safely(self, record: QueueRecord, remaining_seconds: float) -> bool:
        try:
            return self.take(record, remaining_seconds)
        except Exception as broken:  # noqa: BLE001 - one case must not stop the others
            log.error("a dead letter broke its office", error=type(broken).__name__)
            count("DeadLetterHandOverFailed", reason="broken")
            self._queue.hide(record, _pause(record, None))
            return False

    def take(self, record: QueueRecord, remaining_seconds: float) -> bool:
        """Record a case and hand its conversation over.

        Args:
            record: the queue's record.
            remaining_seconds: how long the invocation may still take.

        Returns:
            Whether the record is done with; otherwise it comes back after a pause.
        """
        case = self._read(record)
        if case is None:
            return True
        with bound(company_id=case.key.company_id, conversation=case.key.group_id):
            letter = self._record(case, record)
            if letter.state is not LetterState.OPEN:
                return True
            try:
                state = self._hand_over(letter, Deadline(self._desk.clock, remaining_seconds - 5))
            except (NotFound, GiveUp) as lost:
                # Nobody can be told through Chatwoot: the record, the metric with its alarm, and an e-mail.
                log.error("a dead letter cannot be handed over", reason=lost.reason)
                count("DeadLettersUntold", reason=lost.reason)
                self._tell_staff(letter)
                self._records.told(letter, LetterState.UNTOLD)
                return True
            except (RetryLater, Unsettled, FenceLost, ConditionFailed) as failed:
                self._queue.hide(record, _pause(record, failed))
                log.warning("a dead letter could not be handed over yet", reason=failed.reason)
                if failed.reason != TURN_OPEN:
                    self._tell_staff(letter)
                count("DeadLetterHandOverFailed", reason=failed.reason)
                return False
            if not self._paid(case):
                self._queue.hide(record, _pause(record, None))
                return False
            self._records.told(letter, state)
            return True

    def _read(self, record: QueueRecord) -> DeadLetter | None:
        try:
            data = json.loads(record.body)
            if isinstance(data, dict) and data.get("kind") == "given_up":
                return DeadLetter.from_plain(data)
            return self._crashed(data, record.body)
        except ValueError:
            count("UnreadableRecords")
            log.error("a dead letter cannot be read", sqs_id=record.sqs_id)
            self._desk.table.put(self._unreadable(record))
            return None

    def _crashed(self, data: object, body: str) -> DeadLetter:
        """What SQS itself moved here: a customer's message, or the news that one of ours failed."""
        now_ms = epoch_milliseconds(self._desk.clock.now())
        if isinstance(data, dict) and data.get("kind") == "part_failed":
            about = PartFailure.from_json(body).about
            return DeadLetter(about.key, 0, CRASHED, (), about, now_ms)
        message = IncomingMessage.from_json(body)
        return DeadLetter(message.key, 0, CRASHED, (message.message_id,), message, now_ms)

    def _unreadable(self, record: QueueRecord) -> Item:
        expires = self._desk.clock.now() + timedelta(days=KEEP_DAYS)
        return {
            "pk": "unreadable",
            "sk": record.sqs_id,
            "body": record.body[:300_000],
            "expires_at": int(expires.timestamp()),
            "v": SCHEMA_VERSION,
        }

    # -- the record -----------------------------------------------------------------------------------

    def _record(self, case: DeadLetter, record: QueueRecord) -> LetterRecord:
        """Write the case down, once, and return it as it stands."""
        source = turn_source(case.turn) if case.turn else f"sqs#{record.sqs_id}"
        letter, new = self._records.keep(case, source)
        if new:
            count("DeadLetters", reason=case.reason)
            log.error("a dead letter was recorded", reason=case.reason, messages=len(case.message_ids))
            notice = self._storms.given_up(case.key.company_id, case.reason)
            self._records.note(letter, str(notice))
            return replace(letter, notice=str(notice))
        return letter

    def _paid(self, case: DeadLetter) -> bool:
        """Queue the e-mail that staff is owed for the hand-over, unless somebody came by who did.

        Returns:
            Whether none is owed any more. The conversation is handed over all the same.
        """
        if self._desk.staff is None:
            return True
        ledger = Ledger(self._desk.table, case.key, self._desk.clock)
        return StaffMail(self._desk, ledger).pay(ledger.look().owed, case.about) is None

    def _tell_staff(self, letter: LetterRecord) -> None:
        """By e-mail, once for a letter, from the first time on that Chatwoot could not be told."""
        if self._desk.staff is None or letter.notice == Notice.GROUPED:
            return
        case = letter.case
        notice = ConversationNotice(
            contact=case.about.contact_name,
            channel=case.about.channel,
            reason=case.reason,
            url=page_of(self._desk, case.key),
            key=_mail_key(letter),
            customer=customer_of(case.about),
        )
        self._desk.staff.left_unanswered(case.key.company_id, notice)

    # -- the hand-over ---------------------------------------------------------------------------------

    def _hand_over(self, letter: LetterRecord, deadline: Deadline) -> LetterState:
        """A turn of its own, without messages: what it has done is in the ledger, so it is done once."""
        case = letter.case
        if self._is_over(letter):
            return LetterState.HANDED_OVER  # it may wait for its e-mail only, whatever became of the company
        company = self._desk.companies.get(case.key.company_id)
        connection = self._desk.companies.connection(case.key.company_id)
        if connection is None or not connection.connected:
            raise GiveUp("the company is not connected to Chatwoot", reason="not_connected")
        if company.mode != "live":
            return LetterState.UNTOLD  # in shadow mode nobody is told anything, in mode off nobody is served
        ledger = self._taken_up(letter)
        if ledger is None:
            return LetterState.UNTOLD
        chatwoot = self._desk.chatwoot(case.key.company_id, connection)
        turn = Turn(
            self._desk,
            ledger,
            company,
            connection,
            (),
            about=case.about,
            renew=lambda: None,
            deadline=deadline,
        )
        if not ledger.head.turn:
            self._begin(letter, ledger, turn.case(chatwoot))
        try:
            self._carry_out(turn, ledger, chatwoot)
        except GiveUp:
            # Nobody can be told: the turn ends here, or the customer's next message would go on with it.
            if ledger.head.turn:
                ledger.close(Outcome.GIVEN_UP, [])
            raise
        return LetterState.HANDED_OVER

    def _is_over(self, letter: LetterRecord) -> bool:
        """Whether its hand-over was carried out, by us or by a worker that came by.

        Raises:
            GiveUp: it was begun, and given up.
        """
        if not letter.hand_over_turn:
            return False
        head = Ledger(self._desk.table, letter.case.key, self._desk.clock).look()
        if not head.last_turn >= letter.hand_over_turn != head.turn:
            return False
        if head.last_turn == letter.hand_over_turn and head.last_outcome == Outcome.GIVEN_UP:
            raise GiveUp("its hand-over was given up as well", reason="hand_over_given_up")
        return True

    def _begin(self, letter: LetterRecord, ledger: Ledger, known: Case) -> None:
        """Open the turn, with its plan and the e-mail that goes with it."""
        done = tools_that_acted(ledger.entries(letter.turn)) if letter.turn else []
        plan = with_done(self._plan(letter.case, known), done)
        how = letter.notice or Notice.OWN  # whoever recorded it may have died before it noted that
        plan = StaffMail(self._desk, ledger).planned(plan, known, key=_mail_key(letter), counted=how)
        begun = self._records.hand_over_begins(letter, ledger.head.last_turn + 1)
        ledger.open_with_plan(plan, also=[begun])

    def _taken_up(self, letter: LetterRecord) -> Ledger | None:
        """The conversation's ledger in our hands; ``None`` when nobody has to be told any more."""
        case = letter.case
        ledger = Ledger(self._desk.table, case.key, self._desk.clock)
        head = ledger.look()
        if case.reason == CRASHED and not letter.hand_over_turn and self._answered_since(case):
            return None  # what SQS moved here was answered after all, or by a later turn
        crashed = case.reason == CRASHED and case.about.message_id in head.message_ids
        if head.turn and head.turn != letter.hand_over_turn and not crashed:
            # Somebody is at work there, perhaps on closing this very turn: taking it up would stop them.
            raise RetryLater("a turn is at work in this conversation", reason=TURN_OPEN)
        ledger.take_up()
        self._close_what_crashed(letter, ledger)
        return ledger

    def _carry_out(self, turn: Turn, ledger: Ledger, chatwoot: ChatwootClient) -> None:
        entries = ledger.entries()
        plan = ledger.plan(entries)
        if plan is None:
            raise RetryLater("a turn is at work in this conversation", reason=TURN_OPEN)
        turn.carry_out(plan, entries, chatwoot)

    def _answered_since(self, case: DeadLetter) -> bool:
        item = self._desk.table.get(case.key.inbox(case.about.message_id), consistent=True) or {}
        answered = item.get("answered_in") and item.get("outcome") != Outcome.GIVEN_UP
        return bool(answered or item.get("deleted"))

    def _plan(self, case: DeadLetter, known: Case) -> Plan:
        reason = f"{why(Cause.GAVE_UP)} ({case.reason})"
        if known.people.silence_reason(speaking_rules(known), self._desk.clock.now()):
            # A person has it already: they read the note, the customer is told nothing.
            note = hand_over_plan(known, Cause.GAVE_UP, reason, told=False).parts
            return Plan(Outcome.HANDED_OVER, note, reason=reason, note_first=True)
        told = known.can_reply and not case.told
        return replace(hand_over_plan(known, Cause.GAVE_UP, reason, told=told), note_first=True)

    def _close_what_crashed(self, letter: LetterRecord, ledger: Ledger) -> None:
        """A message that SQS moved here left its turn open: it is given up now, with all that it took."""
        if letter.case.about.message_id not in ledger.head.message_ids or letter.hand_over_turn:
            return
        waiting = Inbox(self._desk.table, ledger.key).unanswered(ledger.head.watermark)
        messages = [message for message in waiting if message.message_id in ledger.head.message_ids]
        self._records.covers(letter, ledger.head.turn, [message.message_id for message in messages])
        ledger.close(Outcome.GIVEN_UP, messages, customer_entries(messages))


def _mail_key(letter: LetterRecord) -> str:
    """One e-mail for a letter, whether it says that nobody could be told or that somebody was."""
    return f"dead-letter:{letter.letter_id}"


def _conversation_of(record: QueueRecord) -> str:
    try:
        return json.dumps(json.loads(record.body)["key"])
    except (ValueError, KeyError, TypeError):
        return record.sqs_id


def _pause(record: QueueRecord, failed: FrontdeskError | None) -> float:
    """Growing pauses, at most a quarter of an hour."""
    if isinstance(failed, Unsettled):
        return failed.after_seconds
    if failed is not None and failed.reason == TURN_OPEN and record.receive_count <= _QUICK_LOOKS:
        return _QUICK_PAUSE_SECONDS
    return min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0 ** min(record.receive_count - 1, 10))
