"""What a turn decides: answer, hand over, or be silent. The result is a plan; nothing is done here."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.agent.values import AgentResponse, ContactCard, HistoryMessage, TurnContext
from shared.chatwoot.text.channels import limit_for
from shared.chatwoot.text.liquid import neutralise
from shared.chatwoot.text.matching import matches
from shared.conversations.assuring import assured, reminder_notes
from shared.conversations.case import speaking_rules
from shared.conversations.causes import Cause, why
from shared.conversations.describing import UNHEARD, described, notes_on, only_unheard
from shared.conversations.hand_over_plans import hand_over_plan, parts_of
from shared.conversations.history import Entry, read_history
from shared.conversations.listening import Listened
from shared.conversations.plan import Outcome, Part, Plan
from shared.platform.observability import log
from shared.reminders.words import thanks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.agent.journal import Journal
    from shared.conversations.case import Case
    from shared.conversations.desk import Desk
    from shared.conversations.incoming import IncomingMessage
    from shared.platform.clock import Deadline

_NOTICE_AGAIN_AFTER = timedelta(hours=12)
# Two voice messages that nobody understands are two in a row within a day, whatever was said between them.
_IN_A_ROW = timedelta(days=1)
_LOOKED_BACK = 6


class Decider:
    """Makes plans.

    Args:
        desk: the tools of a turn.
        listen: hears and looks at what came with the messages, until a deadline; without it, it is only told
            in words.
    """

    def __init__(
        self, desk: Desk, listen: Callable[[tuple[IncomingMessage, ...], Deadline], Listened] | None = None
    ) -> None:
        self._desk = desk
        self._listen = listen

    def decide(self, case: Case, journal: Journal, deadline: Deadline) -> Plan:
        """What to do about a customer's messages.

        Args:
            case: the messages and everything known.
            journal: what the mind has done in an earlier attempt.
            deadline: when thinking must be over.

        Raises:
            RetryLater: the model or a tool cannot be reached now.
            GiveUp: no retry helps.
        """
        if case.company.mode == "off":
            return Plan(Outcome.SILENT, reason="company_off")
        silence = case.people.silence_reason(speaking_rules(case), self._desk.clock.now())
        if silence:
            return Plan(Outcome.SILENT, reason=silence)
        plan = self._without_listening(case)
        if plan is None:
            listened = self._listen(case.messages, deadline) if self._listen else Listened(case.messages)
            case = replace(case, messages=listened.messages)
            plan = self._without_thinking(case) or self._thought(case, listened, journal, deadline)
        return self._shadowed(case, plan)

    def _without_listening(self, case: Case) -> Plan | None:
        """What is decided by the company's rules alone, whatever the customer says."""
        if not case.can_reply:
            return _window_closed(case)
        if self._loops(case):
            return hand_over_plan(case, Cause.LOOPS)
        if case.company.out_of_hours.policy == "hand_over" and case.company.is_closed(self._desk.clock.now()):
            notice = case.company.out_of_hours.text_for(case.company.language)
            return hand_over_plan(case, Cause.CLOSED, reply=notice)
        return None

    def _without_thinking(self, case: Case) -> Plan | None:
        """What is decided by the customer's words, or by there being none that anybody understands."""
        if only_unheard(case.messages):
            return self._not_understood(case)
        wanted = matches(case.company.hand_over.customer_patterns, _question(case))
        if not wanted:
            return self._agreed(case)
        first = not any(entry.role == "desk" for entry in self._past(case))
        spoken = _disclosed(case.company.hand_over.text_for(case.company.language), case, first=first)
        return hand_over_plan(case, Cause.ASKED, f"{why(Cause.ASKED)} (“{wanted}”)", reply=spoken)

    def _agreed(self, case: Case) -> Plan | None:
        """The customer says yes and nothing else to a reminder: noted, and answered without the model."""
        if self._desk.reminders is None or case.company.mode != "live":
            return None
        past = self._past(case, at_least=_LOOKED_BACK)
        appointment = assured(self._desk, case.messages, past, _question(case))
        if appointment is None:
            return None
        return Plan(Outcome.ANSWERED, parts_of(thanks(case.company, appointment), case), reason="assured")

    def _not_understood(self, case: Case) -> Plan:
        """Ask for words; when that did not help a moment ago, hand over."""
        past = self._past(case, at_least=_LOOKED_BACK)
        before = next((entry for entry in reversed(past) if entry.role == "customer"), None)
        lately = self._desk.clock.now() - _IN_A_ROW
        if before is not None and UNHEARD in before.text and before.at > lately:
            return hand_over_plan(case, Cause.UNHEARD)
        first = not any(entry.role == "desk" for entry in past)
        request = case.company.media.words_for(case.company.language)
        return _plan_of(AgentResponse(request, "", ()), case, first=first, notice=self._notice(case, past))

    def _thought(self, case: Case, listened: Listened, journal: Journal, deadline: Deadline) -> Plan:
        past = self._past(case)
        first = not any(entry.role == "desk" for entry in past)
        context = _context(case, listened, first=first, desk=self._desk)
        reminded = reminder_notes(self._desk, case.newest.contact, case.company.zone)
        with self._desk.mind() as mind:
            response = mind.get_response(
                _question(case),
                f"{case.newest.key.account_id}:{case.newest.contact_id}",
                [_as_history(entry, case) for entry in past],
                company_id=case.company_id,
                company=case.company,
                context=replace(
                    context, notes=(*context.notes, *reminded), told_turns=self._told_turns(case)
                ),
                journal=journal,
                deadline=deadline,
            )
        notice = self._notice(case, past)
        return _plan_of(response, case, first=first, notice=notice)

    def _told_turns(self, case: Case) -> frozenset[str]:
        """The turns of this conversation whose reply was sent: who was asked nothing has agreed to nothing.

        A turn whose reply was dropped, because the customer went on writing or a person took over, is none:
        history gets a reply when its turn is closed.
        """
        key = case.newest.key
        past = self._past(case, at_least=_LOOKED_BACK)
        here = [one for one in past if one.role == "desk" and one.conversation_id == key.conversation_id]
        return frozenset(key.turn_identity(one.turn) for one in here if one.turn)

    def _past(self, case: Case, *, at_least: int = 0) -> list[Entry]:
        retention = case.company.retention
        past = read_history(
            self._desk.table,
            case.newest.contact,
            now=self._desk.clock.now(),
            days=retention.history_days,
            messages=max(at_least, retention.history_messages),
        )
        # What was given up and put back stands in the history as well: it is the question, not the past.
        asked = {message.message_id for message in case.messages}
        return [entry for entry in past if entry.message_id not in asked]

    def _notice(self, case: Case, past: Sequence[Entry]) -> str:
        """What a customer is told while the company is closed, unless it was told lately."""
        if case.company.out_of_hours.policy != "notice" or not case.company.is_closed(self._desk.clock.now()):
            return ""
        notice = case.company.out_of_hours.text_for(case.company.language)
        lately = self._desk.clock.now() - _NOTICE_AGAIN_AFTER
        told = any(entry.role == "desk" and entry.at > lately and notice in entry.text for entry in past)
        return "" if told else notice

    def _loops(self, case: Case) -> bool:
        """Whether two machines may be talking to each other."""
        limits, now = case.company.limits, self._desk.clock.now()
        if case.turns_this_hour >= limits.turns_per_hour:
            return True
        if case.newest.contact_id == 0:
            return False  # the sandbox's customer
        item = self._desk.table.update(
            case.newest.contact.day(now.date()),
            "ADD turns :one SET expires_at = :expires",
            values={
                ":one": 1 if case.first_attempt else 0,  # a turn counts once, however often it is tried
                ":expires": int((now + timedelta(days=2)).timestamp()),
            },
        )
        return bool(item["turns"] > limits.turns_per_contact_day)

    @staticmethod
    def _shadowed(case: Case, plan: Plan) -> Plan:
        if case.company.mode != "shadow":
            return plan
        log.info("shadow mode: decided and not sent", outcome=plan.outcome)
        return Plan(Outcome.SHADOW, plan.parts, reason=plan.reason, agent=plan.agent)


def _window_closed(case: Case) -> Plan:
    """Free text would be refused by the channel: its own template, or a person."""
    template = case.company.window_template
    if template is None:
        return hand_over_plan(case, Cause.WINDOW, told=False)
    parameters = {"name": template.name, "language": template.language, "category": template.category}
    part = Part(neutralise(template.text), template={**parameters, "processed_params": {}})
    return Plan(Outcome.ANSWERED, (part,), reason="window_template")


def _plan_of(response: AgentResponse, case: Case, *, first: bool, notice: str = "") -> Plan:
    reply = response.reply.strip()
    wanted = matches(case.company.hand_over.reply_patterns, reply)
    given = next((action.reason for action in response.actions), "")
    cause, reason = (Cause.JUDGED, given) if given else (None, "")
    if wanted and cause is None:
        cause, reason = Cause.REPLY, f"{why(Cause.REPLY)} (“{wanted}”)"
    if not reply and cause is None:
        cause = Cause.NO_ANSWER
    reply = _disclosed(reply or case.company.hand_over.text_for(case.company.language), case, first=first)
    if notice and reply:
        reply = f"{reply}\n\n{notice}"
    parts = parts_of(reply, case)
    if not parts and cause is None:
        # An empty code block, invisible characters: nothing is left of it on this channel.
        cause, reply = Cause.EMPTY, ""
    if cause is not None:
        return hand_over_plan(case, cause, reason, reply=reply, agent=response.agent)
    return Plan(Outcome.ANSWERED, parts, agent=response.agent)


def _disclosed(text: str, case: Case, *, first: bool) -> str:
    """A text to a customer, who learns at the first interaction that a machine answers."""
    disclosure = case.company.disclosure
    if not (first and disclosure.enabled):
        return text
    return f"{disclosure.text_for(case.company.language)}\n\n{text}"


def _question(case: Case) -> str:
    return "\n".join(described(message) for message in case.messages)


def _context(case: Case, listened: Listened, *, first: bool, desk: Desk) -> TurnContext:
    return TurnContext(
        channel_name=case.newest.channel,
        part_limit=limit_for(case.newest.channel, case.newest.contact_source_id).size,
        contact_name=case.newest.contact_name,
        now=desk.clock.now(),
        first_contact=first,
        notes=notes_on(case.messages),
        conversation=case.newest.key.group_id,
        pictures=listened.pictures,
        contact=ContactCard(case.newest.contact_name, case.newest.contact_email, case.newest.contact_phone),
        # Nobody reads what is decided in shadow mode, so nobody could agree to anything.
        rehearsal=case.rehearsal or case.company.mode == "shadow",
    )


def _as_history(entry: Entry, case: Case) -> HistoryMessage:
    earlier = entry.conversation_id != case.newest.key.conversation_id
    return HistoryMessage(entry.role, entry.text, entry.at, earlier_conversation=earlier)
