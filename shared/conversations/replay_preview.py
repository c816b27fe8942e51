"""What a replay of a dead letter would do: which messages, which gate stops it, what has happened since.

Looking changes nothing. The gates are those that a turn goes through, asked before anything is put back, and
two more that only an answer so late needs: nobody may have written since, and an older question goes first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.conversations.case import speaking_rules
from shared.conversations.dead_letter_records import LetterState
from shared.conversations.incoming import IncomingMessage
from shared.conversations.keys import padded
from shared.conversations.ledger import Ledger
from shared.conversations.ledger_head import Head
from shared.conversations.people import People
from shared.conversations.plan import Outcome
from shared.conversations.replay_values import Fate, Gate, LetterMessage, Preview, Since
from shared.conversations.situation import Situation, is_a_persons
from shared.platform.errors import FrontdeskError
from shared.platform.observability import log

if TYPE_CHECKING:
    from shared.chatwoot.client import ChatwootClient
    from shared.chatwoot.results import ApiMessage
    from shared.companies.connection import ChatwootConnection
    from shared.companies.model import Company
    from shared.conversations.case import Case
    from shared.conversations.dead_letter_records import LetterRecord
    from shared.conversations.desk import Desk
    from shared.platform.clock import Deadline
    from shared.platform.tables import Item

_INCOMING = 0
_LOOKED_BACK = 20


@dataclass(frozen=True)
class _Seen:
    """What was read for one look: the inbox by message id, the ledger's head, what Chatwoot lists."""

    letter: LetterRecord
    inbox: dict[int, Item]
    head: Item
    connection: ChatwootConnection | None = None
    listed: tuple[ApiMessage, ...] = ()

    @property
    def newest(self) -> int:
        """The letter's newest message."""
        return max(self.letter.message_ids, default=self.letter.case.about.message_id)


class Previewer:
    """Looks at dead letters.

    Args:
        desk: the tools of a turn.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def look(self, letter: LetterRecord, deadline: Deadline) -> Preview:
        """What a replay of this letter would do now.

        Args:
            letter: the record, just read.
            deadline: for what Chatwoot is asked.

        Raises:
            NotFound: there is no such company any more.
        """
        key = letter.case.key
        company, connection = self._desk.companies.get(key.company_id), self._connection(key.company_id)
        head = self._desk.table.get(key.head(), consistent=True) or {}
        seen = _Seen(letter, self._inbox(letter), head)
        if connection is None:
            people = People.from_item(self._desk.table.get(key.people(), consistent=True))
            gate = Gate("not_connected", "the company is not connected to Chatwoot", forcible=False)
            return Preview(letter, _fates(seen), (gate,), _since(seen, people), "", gives_back=False)
        chatwoot = self._desk.chatwoot(key.company_id, connection)
        case = self.case(letter, company, connection, chatwoot, deadline)
        listed = self._listed(letter, connection, chatwoot, deadline)
        return self._judged(replace(seen, connection=connection, listed=listed), case)

    def case(
        self,
        letter: LetterRecord,
        company: Company,
        connection: ChatwootConnection,
        chatwoot: ChatwootClient,
        deadline: Deadline,
    ) -> Case:
        """Everything a turn would know right now."""
        ledger = Ledger(self._desk.table, letter.case.key, self._desk.clock)
        situation = Situation(self._desk, ledger, company, connection, [letter.case.about], deadline)
        return situation.case(chatwoot)

    def silence(self, case: Case) -> str:
        """Why a turn would be silent, or an empty text."""
        return case.people.silence_reason(speaking_rules(case), self._desk.clock.now())

    def _connection(self, company_id: str) -> ChatwootConnection | None:
        connection = self._desk.companies.connection(company_id)
        return connection if connection is not None and connection.connected else None

    def _inbox(self, letter: LetterRecord) -> dict[int, Item]:
        """The letter's messages, newer ones, and a few before them."""
        pk, first = letter.case.key.pk, min(letter.message_ids, default=letter.case.about.message_id)
        table = self._desk.table
        newer = table.query(pk, between=(f"inbox#{padded(first)}", "inbox#~"), consistent=True)
        older = table.query(
            pk,
            between=("inbox#", f"inbox#{padded(max(0, first - 1))}"),
            newest_first=True,
            limit=_LOOKED_BACK,
            consistent=True,
        )
        return {int(item["sk"].removeprefix("inbox#")): item for item in [*reversed(older), *newer]}

    def _listed(
        self,
        letter: LetterRecord,
        connection: ChatwootConnection,
        chatwoot: ChatwootClient,
        deadline: Deadline,
    ) -> tuple[ApiMessage, ...]:
        """Chatwoot's newest messages, where the token may list them: a webhook may have been lost."""
        if not connection.capabilities.get("list_messages"):
            return ()
        try:
            seconds = deadline.within(self._desk.settings.chatwoot_timeout_seconds)
            return tuple(chatwoot.messages(letter.case.key.conversation_id, timeout_seconds=seconds))
        except FrontdeskError as unknown:
            log.warning("what came since could not be read", reason=unknown.reason)
            return ()

    # -- the gates -------------------------------------------------------------------------------------

    def _judged(self, seen: _Seen, case: Case) -> Preview:
        silence, forced = self.silence(case), self._forced(case)
        since = _since(seen, case.people)
        gates = []
        if case.company.mode == "off":
            gates.append(Gate("company_off", "the company is switched off", forcible=False))
        if Head.from_item(seen.head).turn:
            detail = "a turn is at work in this conversation; try again soon"
            gates.append(Gate("turn_open", detail, forcible=False))
        if silence:
            gates.append(Gate(silence, _in_words(silence), forcible=not self.silence(forced)))
        gates += _of_time(seen, case, since, silence)
        changed = forced.people.status != case.people.status
        return Preview(
            seen.letter,
            _fates(seen),
            tuple(gates),
            since,
            status_to_set=forced.people.status if changed else "",
            gives_back=bool(silence and case.people.human_message_id),
        )

    def _forced(self, case: Case) -> Case:
        """The case as a forced replay makes it: the bot's status, and no pause."""
        now_us = int(self._desk.clock.now().timestamp() * 1_000_000)
        people = replace(case.people, given_back_at_us=now_us)
        statuses = speaking_rules(case).bot_statuses
        if people.status and people.status not in statuses:
            usual = "pending" if case.by_agent_bot else "open"
            status = usual if usual in statuses else min(statuses)
            people = replace(people, status=status, status_changed_at_us=now_us)
        return replace(case, people=people)


_SILENCES = {
    "person_in_charge": "a person is in charge of the conversation",
    "assigned_to_person": "the conversation is assigned to a person: take the assignment away in Chatwoot",
    "another_bot": "another bot is in charge of the conversation",
}


def _in_words(silence: str) -> str:
    status = silence.removeprefix("status_")
    return _SILENCES.get(silence, f"the conversation's status is {status}, which says that people have it")


def _of_time(seen: _Seen, case: Case, since: Since, silence: str) -> list[Gate]:
    """The gates that only an answer so late needs."""
    gates = []
    if since.person_wrote and silence != "person_in_charge":
        gates.append(Gate("person_wrote", "a person has written since", forcible=True))
    if since.customer_messages:
        gates.append(Gate("customer_wrote", "the customer has written since", forcible=True))
    if _an_older_one_waits(seen, case.people):
        detail = "an older message of this conversation was given up as well; replay its letter first"
        gates.append(Gate("older_first", detail, forcible=True))
    if not case.can_reply:
        detail = "the channel's messaging window is closed: the customer would get no free text"
        gates.append(Gate("window_closed", detail, forcible=True))
    return gates


def _an_older_one_waits(seen: _Seen, people: People) -> bool:
    """Whether the message right before the letter's was given up too, and nobody has written since."""
    first = min(seen.letter.message_ids, default=0)
    for number in sorted((number for number in seen.inbox if number < first), reverse=True):
        item = seen.inbox[number]
        if item.get("outcome") == Outcome.GIVEN_UP:
            return people.human_message_id < number
        if item.get("answered_in"):
            return False
    return False


def _fates(seen: _Seen) -> tuple[LetterMessage, ...]:
    return tuple(_fate(seen, message_id) for message_id in seen.letter.message_ids)


def _fate(seen: _Seen, message_id: int) -> LetterMessage:
    item = seen.inbox.get(message_id)
    if item is None:
        return _not_stored(seen.letter, message_id)
    turn, outcome, replays = item.get("answered_in", 0), item.get("outcome", ""), item.get("replays", 0)
    if item.get("deleted"):
        return LetterMessage(message_id, Fate.DELETED, turn, outcome)
    message = IncomingMessage.from_plain(item["message"])
    if seen.letter.state == LetterState.REPLAYED:
        # What was put back once is never put back by the same letter again.
        return LetterMessage(message_id, Fate.COVERED if turn else Fate.WAITING, turn, outcome)
    if not turn:
        return LetterMessage(message_id, Fate.WAITING, message=message, replays=replays)
    if outcome == Outcome.GIVEN_UP and seen.letter.turn in {0, turn}:
        return LetterMessage(message_id, Fate.GIVEN_UP, turn, outcome, message, replays)
    return LetterMessage(message_id, Fate.COVERED, turn, outcome)


def _not_stored(letter: LetterRecord, message_id: int) -> LetterMessage:
    """It crashed before it was stored, or the inbox has forgotten it: the record holds its newest message."""
    about = letter.case.about
    if about.message_id != message_id:
        return LetterMessage(message_id, Fate.GONE, stored=False)
    again = None if letter.state == LetterState.REPLAYED else about
    return LetterMessage(message_id, Fate.WAITING, message=again, stored=False)


def _since(seen: _Seen, people: People) -> Since:
    newest = seen.newest
    public = [message for message in seen.listed if message.id > newest and not message.private]
    # Newer ones that were given up too have a letter of their own, which is replayed after this one.
    customers = {
        number
        for number, item in seen.inbox.items()
        if number > newest and item.get("outcome") != Outcome.GIVEN_UP and not item.get("deleted")
    }
    customers |= {
        message.id for message in public if message.message_type == _INCOMING and message.id not in seen.inbox
    }
    persons = seen.connection is not None and any(
        is_a_persons(message, seen.connection) for message in public
    )
    ids = [newest, people.human_message_id, *seen.inbox, *(message.id for message in seen.listed)]
    return Since(
        status=people.status,
        customer_messages=len(customers),
        person_wrote=persons or people.human_message_id > newest,
        last_turn=seen.head.get("last_turn", 0),
        last_outcome=seen.head.get("last_outcome", ""),
        newest_message_id=max(ids),
    )
