"""One attempt at a turn: it is run, and whatever became of it, there is a time to come again or none.

What may pass is tried again after growing pauses, as long as the customer can be kept waiting; what fails for
good is given up, and a person takes it on (`shared.conversations.dead_letters`).
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from shared.companies.pulse import CHATWOOT
from shared.conversations.blame import SPOKE, failing_service
from shared.conversations.describing import customer_entries
from shared.conversations.giving_up import DeadLetter
from shared.conversations.inbox import Inbox, burst_of
from shared.conversations.ledger_head import FenceLost
from shared.conversations.plan import Outcome
from shared.conversations.posting import FAILED, NOT_SENT, Unsettled
from shared.conversations.turn import Turn
from shared.platform.clock import Deadline, epoch_milliseconds
from shared.platform.errors import GiveUp, RetryLater
from shared.platform.observability import count, log, milliseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.companies.model import Company
    from shared.conversations.desk import Desk
    from shared.conversations.incoming import IncomingMessage
    from shared.conversations.ledger import Ledger
    from shared.conversations.queues import ConversationQueue
    from shared.conversations.reminding import Reminding


class Attempts:
    """Attempts at one conversation's turns, in one visit.

    Args:
        desk: the tools of a turn.
        dead_letters: where given-up cases go.
        ledger: the conversation's, taken up.
        reminding: says of a reminder's turn what giving it up means.
        about: says in which inbox and with whom the conversation is, where a turn has no messages.
        renew: keeps the conversation ours for a while longer.
        time_left: when the invocation must be over.
    """

    def __init__(
        self,
        desk: Desk,
        dead_letters: ConversationQueue,
        ledger: Ledger,
        reminding: Reminding,
        about: IncomingMessage,
        *,
        renew: Callable[[], None],
        time_left: Deadline,
    ) -> None:
        self._desk = desk
        self._dead_letters = dead_letters
        self._ledger = ledger
        self._inbox = Inbox(desk.table, ledger.key)
        self._reminding = reminding
        self._about = about
        self._renew = renew
        self._time_left = time_left

    def run(
        self,
        company: Company,
        messages: list[IncomingMessage],
        attempts: int,
        unanswered: list[IncomingMessage],
        open_turn: Callable[[Turn], None] | None = None,
    ) -> float | None:
        """Run the turn, whatever becomes of it.

        Args:
            company: whose turn it is.
            messages: what it answers; empty for a turn of the desk's own.
            attempts: how many there were, this one included.
            unanswered: everything that waits, also beyond this turn.
            open_turn: opens a turn of the desk's own before it is run.

        Returns:
            After how many seconds to come again; ``None`` for never.

        Raises:
            FenceLost: somebody took the conversation up after us.
        """
        try:
            outcome = self._outcome(company, messages, open_turn)
        except Unsettled as unsettled:
            # Bounded by itself: two minutes a part, and posting it again is an attempt.
            return unsettled.after_seconds
        except GiveUp as failed:
            self._note_health(failed)
            self._give_up(company, messages, failed.reason)
        except RetryLater as failed:
            self._note_health(failed)
            return self._retry_or_give_up(company, messages, attempts, failed)
        else:
            if self._desk.pulse is not None and outcome in SPOKE:
                self._desk.pulse.worked(self._ledger.key.company_id, CHATWOOT)
            if outcome is Outcome.DISCARDED:
                return 0.0
        return self.rest(unanswered, messages)

    def rest(
        self, unanswered: Sequence[IncomingMessage], answered: Sequence[IncomingMessage]
    ) -> float | None:
        """When to come again: what came in beyond this turn gets its own, at once, in the next visit."""
        head = self._ledger.head
        more = len(unanswered) > len(answered) or head.failing or head.reminders
        return 0.0 if more else None

    def _note_health(self, failed: GiveUp | RetryLater) -> None:
        """What failed outside of us is told by health, long before anybody counts dead letters."""
        service = failing_service(failed)
        if self._desk.pulse is not None and service:
            self._desk.pulse.failed(self._ledger.key.company_id, service, failed.reason)

    def _outcome(
        self,
        company: Company,
        messages: list[IncomingMessage],
        open_turn: Callable[[Turn], None] | None,
    ) -> Outcome:
        connection = self._desk.companies.connection(self._ledger.key.company_id)
        if connection is None or not connection.connected:
            raise GiveUp("the company is not connected to Chatwoot", reason="not_connected")
        seconds = self._time_left.remaining_seconds() - self._desk.settings.reserve_seconds
        deadline = Deadline(self._desk.clock, min(self._desk.settings.turn_seconds, seconds))
        self._renew()
        turn = Turn(
            self._desk,
            self._ledger,
            company,
            connection,
            messages,
            about=(messages or [self._about])[-1],
            renew=self._renew,
            deadline=deadline,
        )
        try:
            if open_turn is not None:
                open_turn(turn)
            outcome = turn.run(self._ledger.entries())
        except (FenceLost, Unsettled, GiveUp, RetryLater):
            raise
        except Exception as broken:
            # An error of ours may pass, and must not stop the customer from getting an answer in the end.
            log.error("a turn broke", error=type(broken).__name__, where=where(broken))
            raise RetryLater("a turn broke", reason="broken") from broken
        if messages:
            waited_ms = epoch_milliseconds(self._desk.clock.now()) - messages[0].waits_since_ms
            milliseconds("TurnWaitTime", waited_ms)
        return outcome

    def _retry_or_give_up(
        self, company: Company, messages: list[IncomingMessage], attempts: int, failed: RetryLater
    ) -> float | None:
        waits = self._desk.settings.retry_seconds
        log.warning("an attempt failed", reason=failed.reason, attempt=attempts)
        count("AttemptsFailed", reason=failed.reason)
        if attempts <= len(waits):
            wait = max(waits[attempts - 1], failed.after_seconds or 0.0)
            if self._patient(company, messages, wait):
                return wait
        self._give_up(company, messages, failed.reason)
        return self.rest(self._inbox.unanswered(self._ledger.head.watermark), [])

    def _patient(self, company: Company, messages: list[IncomingMessage], wait_seconds: float) -> bool:
        """Whether the oldest unanswered message may wait so much longer."""
        oldest_ms = burst_of(messages or [self._about]).first_ms
        patient_until_ms = oldest_ms + company.patience_seconds * 1000
        return epoch_milliseconds(self._desk.clock.now()) + wait_seconds * 1000 <= patient_until_ms

    def _give_up(self, company: Company, messages: list[IncomingMessage], reason: str) -> None:
        head = self._ledger.head
        if not messages and self._reminding.gave_up(reason):
            return
        if not head.turn or self._ledger.look().turn != head.turn:
            log.warning("the turn was closed before the error: nothing is given up", reason=reason)
            return
        case = DeadLetter(
            self._ledger.key,
            head.turn,
            reason,
            tuple(message.message_id for message in messages),
            (messages or [self._about])[-1],
            epoch_milliseconds(self._desk.clock.now()),
            told=self._was_told(),
        )
        log.error("a turn was given up", reason=reason, messages=len(messages))
        count("TurnsGivenUp", reason=reason)
        self._dead_letters.send_case(
            case.as_plain(), group_id=self._ledger.key.group_id, identity=f"{case.identity}:{head.turn}"
        )
        keep_days = company.retention.history_days
        self._ledger.close(Outcome.GIVEN_UP, messages, customer_entries(messages), keep_days=keep_days)

    def _was_told(self) -> bool:
        """Whether the customer has already read, in this turn, that a person will go on."""
        entries = self._ledger.entries()
        plan = self._ledger.plan(entries)
        unread = {NOT_SENT, FAILED}
        sent = any(name.startswith("part#") and item["state"] not in unread for name, item in entries.items())
        return plan is not None and plan.outcome is Outcome.HANDED_OVER and sent


def where(error: BaseException) -> list[str]:
    """Files and lines of a traceback, without the error's own words, which may repeat a customer's."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return [f"{frame.filename.rsplit('/', 3)[-1]}:{frame.lineno} {frame.name}" for frame in frames]
