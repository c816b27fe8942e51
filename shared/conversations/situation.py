"""How things stand in a conversation right now: what webhooks told, and what Chatwoot itself says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.chatwoot.events import marker_in
from shared.conversations.assignments import with_fresh_rules
from shared.conversations.case import Case, speaking_rules
from shared.conversations.incoming import State
from shared.conversations.people import People
from shared.conversations.posting import is_ours
from shared.conversations.reminding import reminding_rules
from shared.platform.errors import FrontdeskError
from shared.platform.observability import log

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.chatwoot.client import ChatwootClient
    from shared.chatwoot.results import ApiMessage
    from shared.companies.connection import ChatwootConnection
    from shared.companies.model import Company
    from shared.conversations.desk import Desk
    from shared.conversations.incoming import IncomingMessage
    from shared.conversations.ledger import Ledger
    from shared.platform.clock import Deadline

NEWER_MESSAGE = "newer_message"
PERSON_IN_CHARGE = "person_in_charge"
_LOOK_SECONDS = 5.0
_INCOMING, _OUTGOING, _ACTIVITY = 0, 1, 2


class Situation:
    """Looks at one conversation for as long as one attempt of a turn lasts.

    Args:
        desk: the tools.
        ledger: the conversation's.
        company: the company's document.
        connection: its account.
        about: the messages it is about, oldest first; never empty.
        deadline: when looking must be over.

    Attributes:
        reminding: nobody asked, we remind: see `reminding_rules`.
    """

    def __init__(
        self,
        desk: Desk,
        ledger: Ledger,
        company: Company,
        connection: ChatwootConnection,
        about: Sequence[IncomingMessage],
        deadline: Deadline,
    ) -> None:
        self._desk = desk
        self._ledger = ledger
        self._company = company
        self._connection = connection
        self._about = tuple(about)
        self._deadline = deadline
        self._opened_by_error_at_us = -1
        self.reminding = False

    def case(self, chatwoot: ChatwootClient | None = None) -> Case:
        """Everything known right now; Chatwoot is asked as well where it is given and may be read."""
        states = [message.state for message in self._about]
        if chatwoot is not None:
            states += self._live_state(chatwoot)
        people = People.from_item(self._desk.table.get(self._ledger.key.people(), consistent=True))
        if not self._connection.marker_survives and self._ledger.own.holds(people.human_message_id):
            people = replace(people, human_message_id=0)  # the door took our own message for a person's
        case = Case(
            self._ledger.key.company_id,
            self._company,
            self._connection,
            self._about,
            people.seen_with(states),
            states[-1].can_reply,
            self._ledger.turns_this_hour(),
            first_attempt=self._ledger.head.attempts <= 1,
        )
        if chatwoot is not None:
            case = with_fresh_rules(case, self._desk, chatwoot, self._deadline)
            self._connection = case.connection
            if self._opened_by_an_error(case, chatwoot):
                self._opened_by_error_at_us = case.people.state_at_us
        if case.people.status == "open" and case.people.state_at_us == self._opened_by_error_at_us:
            return replace(case, people=replace(case.people, status="pending"))
        return case

    def silence(self, chatwoot: ChatwootClient | None = None, *, status_set: str = "") -> str:
        """Why the desk must be silent now, or an empty text, as far as webhooks told.

        Args:
            chatwoot: asked who opened a conversation that an agent bot serves; without it nobody is.
            status_set: a status that we have just set ourselves, to hand over: it silences later turns, and
                ends nobody's pause.
        """
        reason = self._silence(self.case(), status_set)
        if reason == "status_open" and chatwoot is not None:
            # Chatwoot's own doing, perhaps, since this attempt began, or in an earlier attempt.
            case = self.case()
            if self._opened_by_an_error(case, chatwoot):
                self._opened_by_error_at_us = case.people.state_at_us
                return self._silence(self.case(), status_set)
        return reason

    def _silence(self, case: Case, status_set: str) -> str:
        if status_set and case.people.status == status_set:
            statuses = speaking_rules(case).bot_statuses
            people = replace(case.people, status=min(statuses), status_changed_at_us=0)
            case = replace(case, people=people)
        rules = reminding_rules(case) if self.reminding else speaking_rules(case)
        return case.people.silence_reason(rules, self._desk.clock.now())

    def came_since(self, chatwoot: ChatwootClient, newest_id: int) -> str:
        """Right before the first part: whether a person took over, or the customer went on writing.

        Chatwoot's own list is asked, because newer messages of the customer still wait in the queue behind
        this turn, and a person's webhook may be late. Where the token may not list, turns do without.

        Args:
            chatwoot: the account.
            newest_id: the newest message that the turn answers.

        Returns:
            `PERSON_IN_CHARGE`, `NEWER_MESSAGE`, or an empty text.
        """
        if not self._connection.capabilities.get("list_messages"):
            return ""
        try:
            listed = chatwoot.messages(
                self._ledger.key.conversation_id,
                after=self._known_until(),
                timeout_seconds=self._deadline.within(_LOOK_SECONDS),
            )
        except FrontdeskError as unknown:
            log.warning("what came since could not be read", reason=unknown.reason)
            return ""
        public = [message for message in listed if not message.private]
        if any(is_a_persons(message, self._connection) for message in public):
            return PERSON_IN_CHARGE
        newer = any(message.message_type == _INCOMING and message.id > newest_id for message in public)
        return NEWER_MESSAGE if newer else ""

    def _known_until(self) -> int:
        """The newest message that needs no second look: answered, or a person's that the door knows of."""
        item = self._desk.table.get(self._ledger.key.people(), consistent=True)
        known = max(self._ledger.head.watermark, People.from_item(item).human_message_id)
        return known or min(message.message_id for message in self._about) - 1

    def _live_state(self, chatwoot: ChatwootClient) -> list[State]:
        if not self._connection.capabilities.get("read_conversation"):
            return []
        try:
            seconds = self._deadline.within(self._desk.settings.chatwoot_timeout_seconds)
            found = chatwoot.conversation(self._ledger.key.conversation_id, timeout_seconds=seconds)
        except FrontdeskError as unknown:
            # What webhooks told us is good enough; the reply itself will show what is wrong.
            log.warning("the conversation could not be read", reason=unknown.reason)
            return []
        return [
            State(
                found.status,
                found.assignee_id,
                found.assignee_type or "",
                found.can_reply,
                found.labels,
                round(found.updated_at * 1_000_000) or None,
            )
        ]

    def _opened_by_an_error(self, case: Case, chatwoot: ChatwootClient) -> bool:
        """Whether Chatwoot itself opened the conversation because a delivery to the bot had failed.

        It does so since 4.7.0 and says so in an activity line, in the account's language; nobody took over.
        """
        listable = self._connection.capabilities.get("list_messages")
        if not (listable and case.by_agent_bot and case.people.status == "open"):
            return False
        if case.people.human_message_id or case.people.assignee_kind.lower() == "user":
            return False
        try:
            seconds = self._deadline.within(_LOOK_SECONDS)
            listed = chatwoot.messages(self._ledger.key.conversation_id, timeout_seconds=seconds)
        except FrontdeskError as unknown:
            log.warning("who opened the conversation could not be read", reason=unknown.reason)
            return False
        lines = [message.content or "" for message in listed if message.message_type == _ACTIVITY]
        return bool(lines) and all(word in lines[-1].lower() for word in ("bot", "err"))


def is_a_persons(message: ApiMessage, connection: ChatwootConnection) -> bool:
    """Whether a listed message was written by a person at the desk, also in the channel's own app.

    The door judges alike: somebody may sit at the desk under the very user whose token we have, and then only
    our marker tells the two apart.
    """
    if message.message_type != _OUTGOING:
        return False
    if message.content_attributes.get("external_echo") is True:
        return True
    marked = bool(marker_in(message.content_attributes)) or not connection.marker_survives
    return message.sender_type == "user" and not (marked and is_ours(message, connection))
