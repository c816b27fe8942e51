"""One turn: read, think, act, reply. Run again after a crash it goes on where it was."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from shared.conversations.blame import SPOKE
from shared.conversations.deciding import Decider
from shared.conversations.delivery_rates import count_sent
from shared.conversations.describing import customer_entries
from shared.conversations.history import Entry
from shared.conversations.ledger_journal import LedgerJournal, tools_that_acted
from shared.conversations.listening import Listened, Listener
from shared.conversations.plan import Outcome, Plan, with_done
from shared.conversations.posting import Poster
from shared.conversations.reminding import note_outcome, wrong_by_now
from shared.conversations.situation import NEWER_MESSAGE, Situation
from shared.conversations.staff_mail import StaffMail
from shared.conversations.statuses import set_status
from shared.platform.clock import Deadline
from shared.platform.errors import FrontdeskError, GiveUp
from shared.platform.observability import count, log
from shared.reminders.rows import Reminder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.chatwoot.client import ChatwootClient
    from shared.companies.connection import ChatwootConnection
    from shared.companies.model import Company
    from shared.conversations.case import Case
    from shared.conversations.desk import Desk
    from shared.conversations.incoming import IncomingMessage
    from shared.conversations.ledger import Ledger
    from shared.conversations.posting import Sent
    from shared.platform.tables import Item

_TYPING_SECONDS = 3.0
# Elsewhere Chatwoot hands no typing on to the customer (chatwoot/chatwoot#13984).
_TYPING_CHANNELS = frozenset({"Channel::WebWidget", "Channel::Api"})
_SECONDS_FOR_REPLYING = 20.0


class Turn:
    """One attempt of a turn.

    Args:
        desk: the tools.
        ledger: the conversation's, with the turn open.
        company: the company's document.
        connection: its account.
        messages: what the turn answers, oldest first; empty for a hand-over after giving up.
        about: a message that says in which inbox and with whom this conversation is.
        renew: renews the lease before each step; may raise.
        deadline: when the attempt must be over.
    """

    def __init__(
        self,
        desk: Desk,
        ledger: Ledger,
        company: Company,
        connection: ChatwootConnection,
        messages: Sequence[IncomingMessage],
        *,
        about: IncomingMessage,
        renew: Callable[[], None],
        deadline: Deadline,
    ) -> None:
        self._desk = desk
        self._ledger = ledger
        self._company = company
        self._connection = connection
        self._messages = tuple(messages)
        self._about = tuple(messages) or (about,)
        self._newest_id = max(message.newest_known_id for message in self._about)
        self._situation = Situation(desk, ledger, company, connection, self._about, deadline)
        self._status_set = ""
        self._reminder: Reminder | None = None
        self._renew = renew
        self._deadline = deadline
        self._conversation_id = ledger.key.conversation_id

    def case(self, chatwoot: ChatwootClient | None = None) -> Case:
        """See `Situation.case`."""
        return self._situation.case(chatwoot)

    def fresh_case(self) -> Case:
        """The same, with what Chatwoot itself says."""
        return self.case(self._desk.chatwoot(self._ledger.key.company_id, self._connection))

    def run(self, entries: dict[str, Item]) -> Outcome:
        """Bring the turn to its end.

        Args:
            entries: the turn's items in the ledger.

        Returns:
            How it ended; the turn is closed.

        Raises:
            RetryLater: it may work on another attempt.
            Unsettled: a message is perhaps there, look again later.
            GiveUp: no attempt helps.
            FenceLost: somebody took the conversation up after us.
        """
        chatwoot = self._desk.chatwoot(self._ledger.key.company_id, self._connection)
        plan = self._ledger.plan(entries)
        if plan is None:
            plan = self._decide(chatwoot, entries)
            self._ledger.write_plan(plan)
        return self.carry_out(plan, entries, chatwoot)

    def _decide(self, chatwoot: ChatwootClient, entries: dict[str, Item]) -> Plan:
        case = self._situation.case(chatwoot)
        self._show_typing(chatwoot, case)
        # Some time is kept for replying: an answer that cannot be sent any more is worth little.
        seconds = self._deadline.remaining_seconds() - _SECONDS_FOR_REPLYING
        thinking = Deadline(self._desk.clock, max(1.0, seconds))
        decider = Decider(self._desk, lambda messages, deadline: self._listen(messages, deadline, chatwoot))
        journal = LedgerJournal(self._ledger, entries, self._renew, self._desk.pulse)
        plan = decider.decide(case, journal, thinking)
        if plan.outcome is not Outcome.HANDED_OVER:
            return plan
        done = with_done(plan, tools_that_acted(self._ledger.entries()))
        return StaffMail(self._desk, self._ledger).planned(done, case)

    def _listen(
        self, messages: tuple[IncomingMessage, ...], deadline: Deadline, chatwoot: ChatwootClient
    ) -> Listened:
        if self._desk.ears is None:
            return Listened(messages)
        listener = Listener(
            self._desk.ears,
            chatwoot,
            self._company,
            self._connection,
            self._desk.clock,
            keep=self._ledger.keep_heard,
            renew=self._renew,
        )
        listened = listener.listen(messages, deadline)
        self._messages = listened.messages  # the history tells what was heard
        return listened

    def _call_seconds(self) -> float:
        return self._deadline.within(self._desk.settings.chatwoot_timeout_seconds)

    def _show_typing(self, chatwoot: ChatwootClient, case: Case) -> None:
        may = self._connection.capabilities.get("typing", True) and case.company.mode == "live"
        if not may or case.newest.channel not in _TYPING_CHANNELS or self._situation.silence():
            return
        try:
            chatwoot.typing(
                self._conversation_id, on=True, timeout_seconds=self._deadline.within(_TYPING_SECONDS)
            )
        except FrontdeskError as failed:
            log.info("typing could not be shown", reason=failed.reason)

    # -- acting ---------------------------------------------------------------------------------------

    def carry_out(self, plan: Plan, entries: dict[str, Item], chatwoot: ChatwootClient) -> Outcome:
        """Do what a plan says, as far as it is not done, and close the turn.

        Args:
            plan: the plan.
            entries: the turn's items in the ledger.
            chatwoot: the company's account.

        Raises:
            RetryLater: see `run`, as for the others.
        """
        if plan.note_first:
            return self._tell_people_first(plan, entries, chatwoot)
        sent: list[Sent] = []
        outcome, reason = plan.outcome, ""
        self._reminder = Reminder.from_plain(plan.reminder) if plan.reminder is not None else None
        self._situation.reminding = self._reminder is not None
        if outcome in SPOKE:
            poster = self._poster(chatwoot)
            reason = self._say(plan, entries, poster, sent, chatwoot)
            if reason == NEWER_MESSAGE:
                self._ledger.discard()
                count("TurnsDiscarded")
                log.info("the customer went on writing: one turn will answer everything")
                return Outcome.DISCARDED
            if reason:
                # A person took over meanwhile: nothing more is said, and nothing handed over.
                log.info("silenced before the end", reason=reason, parts_sent=len(sent))
                outcome = Outcome.SILENT
            else:
                self._hand_to_people(plan, entries, chatwoot, poster)
        if self._reminder is not None:
            contact = self._about[-1].contact
            note_outcome(self._desk, contact, self._reminder, outcome, reason or plan.reason, sent)
        self._close(plan, outcome, sent)
        count_sent(self._desk.table, self._about[-1].contact, len(sent), self._desk.clock.now())
        count("Turns", outcome=str(outcome))
        log.info("turn closed", outcome=str(outcome), reason=_slug(plan.reason), parts=len(sent))
        return outcome

    def _tell_people_first(self, plan: Plan, entries: dict[str, Item], chatwoot: ChatwootClient) -> Outcome:
        """For a turn after giving up: that people know matters most, and no step that fails stops the others.

        Raises:
            RetryLater: a step may work later; what is done stays done.
            GiveUp: not even the note can be left.
        """
        poster = self._poster(chatwoot)
        sent: list[Sent] = []
        failures: list[GiveUp] = []
        for step in (
            lambda: self._leave_notes(plan, entries, poster),
            lambda: self._set_status(plan, entries, chatwoot),
            lambda: self._say(plan, entries, poster, sent, chatwoot),
        ):
            try:
                step()
            except GiveUp as failed:
                log.warning("a step of a hand-over failed for good", reason=failed.reason)
                count("HandOverStepsFailed", reason=failed.reason)
                failures.append(failed)
        # A note or a status is enough for people to notice; the customer's farewell alone is not.
        untold = failures[0] if len(failures) > (1 if plan.status else 0) else None
        outcome = Outcome.GIVEN_UP if untold else plan.outcome
        self._close(plan, outcome, sent)
        count("Turns", outcome=str(outcome))
        if untold:
            raise untold
        return outcome

    def _close(self, plan: Plan, outcome: Outcome, sent: Sequence[Sent]) -> None:
        keep_days = self._company.retention.history_days
        notice = plan.notice if outcome is Outcome.HANDED_OVER else None
        self._ledger.close(outcome, self._messages, self._history(sent), keep_days=keep_days, notice=notice)

    def _poster(self, chatwoot: ChatwootClient) -> Poster:
        return Poster(
            self._desk,
            self._ledger,
            chatwoot,
            self._connection,
            renew=self._renew,
            deadline=self._deadline,
            after_message_id=self._newest_id,
        )

    def _say(
        self,
        plan: Plan,
        entries: dict[str, Item],
        poster: Poster,
        sent: list[Sent],
        chatwoot: ChatwootClient,
    ) -> str:
        """Post the public parts in order; returns why the rest was not said, or an empty text."""
        for index, part in enumerate(plan.parts):
            if part.private:
                continue
            name, entry = _part_name(index), entries.get(_part_name(index))
            done = poster.settled(name, part, entry)
            if done is None:
                if sent:
                    self._desk.clock.sleep(self._deadline.within(self._desk.settings.pace_seconds))
                silence = self._silence(chatwoot) or ("" if sent else self._came_since(chatwoot))
                if silence:
                    return silence
                done = poster.post(name, part, entry)
            sent.append(done)
        return ""

    def _hand_to_people(
        self, plan: Plan, entries: dict[str, Item], chatwoot: ChatwootClient, poster: Poster
    ) -> None:
        """Status, then notes; a status that may not be set does not keep people from reading the note."""
        try:
            self._set_status(plan, entries, chatwoot)
        except GiveUp as failed:
            log.error("the hand-over status cannot be set", reason=failed.reason)
            count("HandOverStepsFailed", reason=failed.reason)
        self._leave_notes(plan, entries, poster)

    def _silence(self, chatwoot: ChatwootClient) -> str:
        reason = self._situation.silence(chatwoot, status_set=self._status_set)
        if reason or self._reminder is None:
            return reason
        return wrong_by_now(self._desk, self._reminder, self._company)

    def _came_since(self, chatwoot: ChatwootClient) -> str:
        """Why the first part is not said although nothing silenced the turn before."""
        if not self._messages:
            return ""
        came = self._situation.came_since(chatwoot, self._newest_id)
        return "" if came == NEWER_MESSAGE and not self._may_discard() else came

    def _may_discard(self) -> bool:
        """Once a turn, and only while it has read and not acted."""
        if self._ledger.head.discards:
            return False
        results = [item for name, item in self._ledger.entries().items() if name.startswith("tool#")]
        return not any(json.loads(item["json"]).get("wrote") for item in results)

    def _set_status(self, plan: Plan, entries: dict[str, Item], chatwoot: ChatwootClient) -> None:
        self._status_set = plan.status
        if not plan.status or "status" in entries:
            return
        self._renew()
        set_status(chatwoot, self._connection, self._conversation_id, plan.status, self._call_seconds)
        self._ledger.write("status", {"status": plan.status})

    def _leave_notes(self, plan: Plan, entries: dict[str, Item], poster: Poster) -> None:
        for index, part in enumerate(plan.parts):
            if not part.private:
                continue
            name, entry = _part_name(index), entries.get(_part_name(index))
            if poster.settled(name, part, entry) is None:
                poster.post(name, part, entry)

    def _history(self, sent: Sequence[Sent]) -> list[Entry]:
        now, history = self._desk.clock.now(), customer_entries(self._messages)
        contact, conversation_id = self._about[-1].contact, self._conversation_id
        turn = self._ledger.head.turn
        spoken = [
            Entry(contact, one.message_id, "desk", one.part.text, now, conversation_id, turn) for one in sent
        ]
        return history + spoken


def _part_name(index: int) -> str:
    return f"part#{index:03d}"


def _slug(reason: str) -> str:
    """A reason as it may stand in a log: slugs may, sentences can repeat a customer's words."""
    return reason if reason.replace("_", "").isalnum() else ("given" if reason else "")
