"""Reminders in a visit: the plan of each, and what becomes of those that cannot be sent.

Customers come first: a reminder waits until everything they wrote is answered, and is looked at again then.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.chatwoot.text.fit import fit
from shared.chatwoot.text.liquid import neutralise
from shared.conversations.asked import asked_item
from shared.conversations.case import speaking_rules
from shared.conversations.plan import Outcome, Part, Plan
from shared.conversations.posting import NOT_SENT
from shared.platform.errors import RetryLater
from shared.platform.observability import count, log
from shared.reminders.checking import UNSETTLED_REASON
from shared.reminders.rows import Reminder
from shared.reminders.words import by_template, in_chat, moment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shared.calendars.appointments import Appointment
    from shared.companies.model import Company
    from shared.conversations.case import Case
    from shared.conversations.desk import Desk
    from shared.conversations.keys import ContactKey
    from shared.conversations.ledger import Ledger
    from shared.conversations.people import SpeakingRules
    from shared.conversations.posting import Sent
    from shared.reminders.desk import Look, ReminderDesk

BY_EMAIL = "window_closed_email"
# Somebody works on the appointment; they are done or followed within so many seconds.
_LOOK_AGAIN_SECONDS = 30.0
# Read by people in the conversation, in any company: plain English, like Chatwoot's own activity lines.
_NOTE = "🤖 Frontdesk did not remind the customer of the appointment for {service} on {when}: {why}."
_A_PERSON = "a person has this conversation"
_CLOSED = "the channel takes no message from us now, and there is neither a template nor an e-mail address"


class Reminding:
    """The reminders of one visit.

    Args:
        desk: the tools.
        ledger: the conversation's.
    """

    def __init__(self, desk: Desk, ledger: Ledger) -> None:
        self._desk = desk
        self._ledger = ledger
        self._trying = False

    def look(self, company: Company) -> tuple[Reminder, Appointment] | float | None:
        """The reminder that is to be sent now, or in how many seconds to look again, or ``None``: dropped."""
        reminder = self._ledger.reminders.first()
        if reminder is None:
            return None
        if self._desk.reminders is None:
            self._ledger.reminders.drop_first()
            return None
        look = self._desk.reminders.look(reminder, company)
        if look.reason == UNSETTLED_REASON:
            return _LOOK_AGAIN_SECONDS
        if look.reason or look.appointment is None:
            _skip(self._desk.reminders, reminder, look)
            self._ledger.reminders.drop_first()
            return None
        self._trying = True
        return reminder, look.appointment

    def open(self, case: Case, reminder: Reminder, appointment: Appointment) -> None:
        """Open the reminder's turn, with its plan.

        Raises:
            FenceLost: somebody took the conversation up after us.
        """
        plan = reminder_plan(case, appointment, self._desk.clock.now())
        self._ledger.open_with_plan(replace(plan, reminder=reminder.as_plain()))

    def gave_up(self, reason: str) -> bool:
        """End a reminder that cannot be sent, without a dead letter: nobody waits for an answer.

        Returns:
            Whether what failed was a reminder.
        """
        if not self._ledger.head.turn:
            reminder = self._ledger.reminders.first() if self._trying else None
            if reminder is None:
                return False
            self._ledger.reminders.drop_first()
            self._failed(reminder, reason, perhaps_said=False)
            return True
        entries = self._ledger.entries()
        plan = self._ledger.plan(entries)
        if plan is None or plan.reminder is None:
            return False
        parts = [item for name, item in entries.items() if name.startswith("part#")]
        perhaps_said = any(item["state"] != NOT_SENT for item in parts)
        self._failed(Reminder.from_plain(plan.reminder), reason, perhaps_said=perhaps_said)
        self._ledger.close(Outcome.GIVEN_UP, [])
        return True

    def _failed(self, reminder: Reminder, reason: str, *, perhaps_said: bool) -> None:
        log.error("a reminder was given up", reason=reason, perhaps_said=perhaps_said)
        count("RemindersFailed", reason=reason)
        if self._desk.reminders is None:
            return
        appointment = None if perhaps_said else self._desk.reminders.find(reminder)
        has_address = appointment is not None and bool(appointment.customer.email)
        self._desk.reminders.not_sent(reminder, reason, appointment if has_address else None)


def reminding_rules(case: Case) -> SpeakingRules:
    """The company's rules for reminders: a conversation that is over is nobody's, and it may take one."""
    rules = speaking_rules(case)
    return replace(rules, bot_statuses=rules.bot_statuses | {"resolved"})


def reminder_plan(case: Case, appointment: Appointment, now: datetime) -> Plan:
    """What to do about a reminder that is right: say it, have it e-mailed, or tell the person in charge.

    Args:
        case: how things stand in the conversation.
        appointment: what it reminds of.
        now: the current moment.
    """
    silence = case.people.silence_reason(reminding_rules(case), now)
    if silence:
        # The person who has the conversation decides what the customer reads in it.
        plan = _told_people(case, appointment, _A_PERSON, silence)
    elif case.can_reply:
        parts = fit(in_chat(case.company, appointment), case.newest.channel, case.newest.contact_source_id)
        plan = Plan(Outcome.REMINDED, tuple(Part(part) for part in parts), reason="reminder")
    else:
        plan = _outside_the_window(case, appointment)
    return replace(plan, outcome=Outcome.SHADOW) if case.company.mode == "shadow" else plan


def wrong_by_now(desk: Desk, reminder: Reminder, company: Company) -> str:
    """Why a reminder is not to be said any more, right before it is; an empty text where it is right.

    Raises:
        RetryLater: somebody works on the appointment right now.
    """
    if desk.reminders is None:
        return "no_reminders"
    reason = desk.reminders.look(reminder, company).reason
    if reason == UNSETTLED_REASON:
        raise RetryLater("the appointment is being changed", reason="booking_busy")
    return reason


def note_outcome(
    desk: Desk,
    contact: ContactKey,
    reminder: Reminder,
    outcome: Outcome,
    reason: str,
    sent: Sequence[Sent],
) -> None:
    """Note what became of a reminder, before its turn is closed; again after a crash, which changes nothing.

    Args:
        desk: the tools.
        contact: whom it was for.
        reminder: which.
        outcome: how its turn ends.
        reason: why it was not said, where it was not.
        sent: the parts that Chatwoot has.
    """
    count("Reminders", outcome=str(outcome))
    if desk.reminders is None:
        return
    if outcome is Outcome.REMINDED:
        words = "\n".join(one.part.text for one in sent)
        newest = max(one.message_id for one in sent)
        desk.table.put(asked_item(contact, reminder, newest, words, desk.clock.now()))
        desk.reminders.sent(reminder)
        return
    by_email = reason == BY_EMAIL and outcome is Outcome.SILENT
    appointment = desk.reminders.find(reminder) if by_email else None
    desk.reminders.not_sent(reminder, reason, appointment)


def _outside_the_window(case: Case, appointment: Appointment) -> Plan:
    template = by_template(case.company, appointment)
    if template is not None:
        part = Part(neutralise(template.text), template=template.parameters)
        return Plan(Outcome.REMINDED, (part,), reason="reminder_template")
    if appointment.customer.email and case.company.email.providers:
        return Plan(Outcome.SILENT, reason=BY_EMAIL)
    return _told_people(case, appointment, _CLOSED, "window_closed")


def _told_people(case: Case, appointment: Appointment, why: str, reason: str) -> Plan:
    when = moment(appointment, case.company.language)
    words = _NOTE.format(service=appointment.service_name, when=when, why=why)
    return Plan(Outcome.HANDED_OVER, (Part(neutralise(words), private=True),), reason=reason)


def _skip(reminders: ReminderDesk, reminder: Reminder, look: Look) -> None:
    log.info("a reminder is not sent", reason=look.reason)
    count("Reminders", outcome=look.reason)
    reminders.skipped(reminder, look.reason)
