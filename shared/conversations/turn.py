"""One turn: read, think, act, reply. Run again after a crash it goes on where it was."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from shared.conversations.deciding import Case, Decider, customer_entries, speaking_rules
from shared.conversations.history import Entry
from shared.conversations.incoming import State
from shared.conversations.people import People
from shared.conversations.plan import Outcome, Plan
from shared.conversations.posting import Poster
from shared.platform.clock import Deadline
from shared.platform.errors import FrontdeskError
from shared.platform.observability import count, log

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.agent.values import JsonDict
    from shared.chatwoot.client import ChatwootClient, Status
    from shared.companies.connection import ChatwootConnection
    from shared.companies.model import Company
    from shared.conversations.desk import Desk
    from shared.conversations.incoming import IncomingMessage
    from shared.conversations.ledger import Ledger
    from shared.conversations.posting import Sent
    from shared.platform.tables import Item

_TYPING_SECONDS = 3.0
# Elsewhere Chatwoot hands no typing on to the customer (chatwoot/chatwoot#13984).
_TYPING_CHANNELS = frozenset({"Channel::WebWidget", "Channel::Api"})
_SECONDS_FOR_REPLYING = 20.0


class LedgerJournal:
    """The mind's journal, kept in the ledger: what was answered and done is never asked or done again.

    Args:
        ledger: the conversation's, with an open turn.
        entries: the turn's items as they were when this attempt began.
        renew: renews the lease; may raise.
    """

    def __init__(self, ledger: Ledger, entries: dict[str, Item], renew: Callable[[], None]) -> None:
        self._ledger = ledger
        self._entries = entries
        self._renew = renew

    def answer(self, step: str) -> JsonDict | None:
        """See `shared.agent.journal.Journal`."""
        return self._read(f"answer#{step}")

    def record_answer(self, step: str, answer: JsonDict) -> None:
        """See `shared.agent.journal.Journal`."""
        self._ledger.write(f"answer#{step}", {"json": json.dumps(answer)})

    def tool_result(self, step: str, index: int) -> JsonDict | None:
        """See `shared.agent.journal.Journal`."""
        return self._read(f"tool#{step}#{index:03d}")

    def record_tool_result(self, step: str, index: int, result: JsonDict) -> None:
        """See `shared.agent.journal.Journal`."""
        self._ledger.write(f"tool#{step}#{index:03d}", {"json": json.dumps(result)})

    def before_step(self, step: str) -> None:
        """See `shared.agent.journal.Journal`."""
        log.debug("step", step=step)
        self._renew()

    def _read(self, name: str) -> JsonDict | None:
        item = self._entries.get(name)
        recorded: JsonDict | None = None if item is None else json.loads(item["json"])
        return recorded


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
        self._renew = renew
        self._deadline = deadline
        self._conversation_id = ledger.key.conversation_id

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
        case = self.case(chatwoot)
        self._show_typing(chatwoot, case)
        # Some time is kept for replying: an answer that cannot be sent any more is worth little.
        seconds = self._deadline.remaining_seconds() - _SECONDS_FOR_REPLYING
        thinking = Deadline(self._desk.clock, max(1.0, seconds))
        return Decider(self._desk).decide(case, LedgerJournal(self._ledger, entries, self._renew), thinking)

    def case(self, chatwoot: ChatwootClient | None = None) -> Case:
        """Everything known right now; Chatwoot is asked as well where it is given and may be read."""
        states = [message.state for message in self._about]
        if chatwoot is not None:
            states += self._live_state(chatwoot)
        item = self._desk.table.get(self._ledger.key.people(), consistent=True)
        return Case(
            self._ledger.key.company_id,
            self._company,
            self._connection,
            self._about,
            People.from_item(item).seen_with(states),
            states[-1].can_reply,
        )

    def _live_state(self, chatwoot: ChatwootClient) -> list[State]:
        if not self._connection.capabilities.get("read_conversation"):
            return []
        try:
            found = chatwoot.conversation(self._conversation_id, timeout_seconds=self._call_seconds())
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

    def _call_seconds(self) -> float:
        return self._deadline.within(self._desk.settings.chatwoot_timeout_seconds)

    def _show_typing(self, chatwoot: ChatwootClient, case: Case) -> None:
        may = self._connection.capabilities.get("typing", True) and case.company.mode == "live"
        if not may or case.newest.channel not in _TYPING_CHANNELS or self._silence():
            return
        try:
            chatwoot.typing(
                self._conversation_id, on=True, timeout_seconds=self._deadline.within(_TYPING_SECONDS)
            )
        except FrontdeskError as failed:
            log.info("typing could not be shown", reason=failed.reason)

    def _silence(self) -> str:
        case = self.case()
        return case.people.silence_reason(speaking_rules(case), self._desk.clock.now())

    # -- acting ---------------------------------------------------------------------------------------

    def carry_out(self, plan: Plan, entries: dict[str, Item], chatwoot: ChatwootClient) -> Outcome:
        """Do what a plan says, as far as it is not done, and close the turn.

        Raises:
            RetryLater: see `run`, as for the others.
        """
        sent: list[Sent] = []
        outcome = plan.outcome
        if outcome in {Outcome.ANSWERED, Outcome.HANDED_OVER}:
            poster = self._poster(chatwoot)
            reason = self._say(plan, entries, poster, sent)
            if reason:
                # A person took over meanwhile: nothing more is said, and nothing handed over.
                log.info("silenced before the end", reason=reason, parts_sent=len(sent))
                outcome = Outcome.SILENT
            else:
                self._set_status(plan, entries, chatwoot)
                self._leave_notes(plan, entries, poster)
        keep_days = self._company.retention.history_days
        self._ledger.close(outcome, self._messages, self._history(sent), keep_days=keep_days)
        count("Turns", outcome=str(outcome))
        log.info("turn closed", outcome=str(outcome), reason=_slug(plan.reason), parts=len(sent))
        return outcome

    def _poster(self, chatwoot: ChatwootClient) -> Poster:
        return Poster(
            self._ledger,
            chatwoot,
            self._desk.clock,
            self._desk.new_id,
            renew=self._renew,
            deadline=self._deadline,
            after_message_id=max(message.message_id for message in self._about),
        )

    def _say(self, plan: Plan, entries: dict[str, Item], poster: Poster, sent: list[Sent]) -> str:
        """Post the public parts in order; returns why the rest was not said, or an empty text."""
        for index, part in enumerate(plan.parts):
            if part.private:
                continue
            name, entry = _part_name(index), entries.get(_part_name(index))
            done = poster.settled(name, part, entry)
            if done is None:
                silence = self._silence()
                if silence:
                    return silence
                if sent:
                    self._desk.clock.sleep(self._deadline.within(self._desk.settings.pace_seconds))
                done = poster.post(name, part, entry)
            sent.append(done)
        return ""

    def _set_status(self, plan: Plan, entries: dict[str, Item], chatwoot: ChatwootClient) -> None:
        if not plan.status or "status" in entries:
            return
        self._renew()
        status = cast("Status", plan.status)
        chatwoot.set_status(self._conversation_id, status, timeout_seconds=self._call_seconds())
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
        spoken = [Entry(contact, one.message_id, "desk", one.part.text, now, conversation_id) for one in sent]
        return history + spoken


def _part_name(index: int) -> str:
    return f"part#{index:03d}"


def _slug(reason: str) -> str:
    """A reason as it may stand in a log: slugs may, sentences can repeat a customer's words."""
    return reason if reason.replace("_", "").isalnum() else ("given" if reason else "")
