"""Replays: what was given up is put back into the queue, and goes through the same gates as everything else.

The letter is claimed and its messages are reopened in one write, so that a replay happens once however often
it is asked for. Then, where it is forced, the conversation is given back to the desk; then the messages go
into the queue in their order. A replay that is cut short goes on where it was when it is asked for again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.conversations.dead_letter_records import DeadLetterRecords, LetterState
from shared.conversations.keys import SCHEMA_VERSION
from shared.conversations.ledger_head import HEAD_KEEP_DAYS
from shared.conversations.people import PeopleRecorder
from shared.conversations.plan import Outcome
from shared.conversations.replay_preview import Previewer
from shared.conversations.replay_values import Fate
from shared.conversations.statuses import set_status
from shared.platform.clock import Deadline, epoch_milliseconds
from shared.platform.errors import Conflict, RetryLater
from shared.platform.observability import bound, count, log
from shared.platform.tables import ConditionFailed, Update

if TYPE_CHECKING:
    from shared.conversations.dead_letter_records import LetterRecord
    from shared.conversations.desk import Desk
    from shared.conversations.incoming import IncomingMessage
    from shared.conversations.queues import ConversationQueue
    from shared.conversations.replay_values import LetterMessage, Preview

# Below the 29 seconds that API Gateway waits.
REPLAY_SECONDS = 25.0
_CONFIRM_SECONDS = 8.0
_LOOK_EVERY_SECONDS = 0.5


@dataclass(frozen=True)
class Replayed:
    """What a replay did.

    Args:
        status: ``replayed``, ``already_replayed`` or ``nothing_to_do``.
        letter_id: which letter.
        message_ids: what is in the queue again, in order.
        conversation_status: the status that was set first; empty for none.
    """

    status: str
    letter_id: str
    message_ids: tuple[int, ...] = ()
    conversation_status: str = ""


class Replayer:
    """Replays dead letters.

    Args:
        desk: the tools of a turn.
        queue: where customers' messages wait for their turn.
    """

    def __init__(self, desk: Desk, queue: ConversationQueue) -> None:
        self._desk = desk
        self._queue = queue
        self._records = DeadLetterRecords(desk.table, desk.clock)
        self._previewer = Previewer(desk)

    def look(self, company_id: str, letter_id: str) -> Preview:
        """What a replay would do now; changes nothing.

        Raises:
            NotFound: there is no such letter.
        """
        letter = self._records.get(company_id, letter_id)
        return self._previewer.look(letter, Deadline(self._desk.clock, REPLAY_SECONDS))

    def replay(self, company_id: str, letter_id: str, *, force: bool = False) -> Replayed:
        """Put a letter's messages back, once.

        Args:
            company_id: whose letter it is.
            letter_id: which.
            force: go on although somebody wrote since or people have the conversation; it is then given
                back to the desk first.

        Raises:
            NotFound: there is no such letter.
            Conflict: a gate stops it, or something changed at the same moment.
            RetryLater: Chatwoot does not answer, or has not confirmed; asked again, the replay goes on.
            GiveUp: Chatwoot refuses.
        """
        letter = self._records.get(company_id, letter_id)
        with bound(conversation=letter.case.key.group_id):
            deadline = Deadline(self._desk.clock, REPLAY_SECONDS)
            preview = self._previewer.look(letter, deadline)
            would = preview.would(force=force)
            if would == "nothing":
                return self._nothing(letter)
            if would == "refuse":
                raise _refusal(preview, force=force)
            return self._carry_out(preview, deadline)

    def _nothing(self, letter: LetterRecord) -> Replayed:
        if letter.state is LetterState.REPLAYING:
            self._records.replayed(letter)  # cut short after the last message was back
        return Replayed("already_replayed" if letter.is_replayed else "nothing_to_do", letter.letter_id)

    def _carry_out(self, preview: Preview, deadline: Deadline) -> Replayed:
        letter = preview.letter
        messages = [self._as_put_back(one, preview) for one in preview.put_back]
        number = self._number(preview)
        self._claim(preview, number)
        if preview.gates:
            self._give_back(preview, deadline)
        for message in messages:
            self._queue.send(message, replay=number)
        self._records.replayed(letter)
        count("DeadLettersReplayed", reason=letter.case.reason)
        log.info("a dead letter was replayed", messages=len(messages), replay=number)
        ids = tuple(message.message_id for message in messages)
        return Replayed("replayed", letter.letter_id, ids, preview.status_to_set)

    def _as_put_back(self, one: LetterMessage, preview: Preview) -> IncomingMessage:
        assert one.message is not None  # noqa: S101 - told by `Preview.put_back`
        now_ms = epoch_milliseconds(self._desk.clock.now())
        after = preview.since.newest_message_id
        return replace(one.message, replayed_at_ms=now_ms, replayed_after_id=after)

    @staticmethod
    def _number(preview: Preview) -> int:
        """Never used before for any of these messages: queues remember the ids of five minutes."""
        if preview.letter.state is LetterState.REPLAYING:
            return preview.letter.replay
        return max(preview.letter.generation, *(one.replays + 1 for one in preview.put_back))

    # -- the claim -------------------------------------------------------------------------------------

    def _claim(self, preview: Preview, number: int) -> None:
        """Claim the letter and reopen its messages, all or nothing, and only while no turn is at work."""
        now = self._desk.clock.now()
        expires_at = int((now + timedelta(days=HEAD_KEEP_DAYS)).timestamp())
        key = preview.letter.case.key
        # Whoever has just taken the conversation up, to hand it over say, begins again and sees the claim.
        take_up = Update(
            key.head(),
            "ADD fence :one SET v = :v, expires_at = :expires",
            "attribute_not_exists(turn) OR turn = :none",
            {":one": 1, ":v": SCHEMA_VERSION, ":expires": expires_at, ":none": 0},
        )
        claim = self._records.replay_begins(preview.letter, number, epoch_milliseconds(now))
        reopened = [self._reopened(one, preview, number) for one in preview.put_back if one.stored]
        try:
            self._desk.table.transact([claim, take_up, *reopened])
        except ConditionFailed:
            detail = "the letter or its conversation changed at the same moment; look again"
            raise Conflict(detail, reason="changed_meanwhile") from None

    def _reopened(self, one: LetterMessage, preview: Preview, number: int) -> Update:
        expression = "SET #message.replayed_at_ms = :now, #message.replayed_after_id = :after, replays = :n"
        condition = "attribute_not_exists(answered_in) AND attribute_not_exists(deleted)"
        values: dict[str, int | str] = {
            ":now": epoch_milliseconds(self._desk.clock.now()),
            ":after": preview.since.newest_message_id,
            ":n": number,
        }
        if one.fate is Fate.GIVEN_UP:
            expression += " REMOVE answered_in, outcome"
            condition = "answered_in = :turn AND outcome = :given_up"
            values |= {":turn": one.turn, ":given_up": str(Outcome.GIVEN_UP)}
        key = preview.letter.case.key.inbox(one.message_id)
        return Update(key, expression, condition, values, {"#message": "message"})

    # -- giving the conversation back ------------------------------------------------------------------

    def _give_back(self, preview: Preview, deadline: Deadline) -> None:
        """End people's turn, as the one who forces it has the right to, and wait until that is known."""
        key = preview.letter.case.key
        company = self._desk.companies.get(key.company_id)
        connection = self._desk.companies.connection(key.company_id)
        if connection is None:
            raise Conflict("the company is not connected to Chatwoot", reason="not_connected")
        chatwoot = self._desk.chatwoot(key.company_id, connection)
        if preview.gives_back:
            PeopleRecorder(self._desk.table).given_back(key, self._desk.clock.now())
        if preview.status_to_set:
            seconds = self._desk.settings.chatwoot_timeout_seconds
            set_status(
                chatwoot,
                connection,
                key.conversation_id,
                preview.status_to_set,
                lambda: deadline.within(seconds),
            )
        waiting = Deadline(self._desk.clock, deadline.within(_CONFIRM_SECONDS))
        while self._previewer.silence(
            self._previewer.case(preview.letter, company, connection, chatwoot, deadline)
        ):
            if waiting.passed():
                detail = "Chatwoot has not confirmed the conversation's status yet"
                raise RetryLater(detail, reason="status_unconfirmed", after_seconds=5)
            self._desk.clock.sleep(_LOOK_EVERY_SECONDS)


def _refusal(preview: Preview, *, force: bool) -> Conflict:
    stopping = [gate for gate in preview.gates if not (force and gate.forcible)]
    words = "; ".join(gate.detail for gate in stopping)
    if all(gate.forcible for gate in stopping):
        words += ". With force it is replayed all the same"
    return Conflict(f"{words[0].upper()}{words[1:]}.", reason=f"replay_{stopping[0].gate}")
