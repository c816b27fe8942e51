"""Tells a company's people by e-mail that a conversation was handed over, where its document says so.

The e-mail is decided with the plan and owed from the write that closes the hand-over's turn: in the same
write, or not at all. Whoever has the conversation next pays it, most often the same visit a moment later.
So nothing about the e-mail can hold a hand-over up, and what could not be queued is tried again with the
conversation's own timer. The outbox takes one e-mail for each key, however often it is paid.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.conversations.causes import FAULTS, Cause, why
from shared.conversations.plan import Outcome
from shared.conversations.storms import Notice, Storms
from shared.email.notices import ConversationNotice
from shared.email.records import Contact
from shared.platform.clock import epoch_milliseconds, from_epoch_milliseconds
from shared.platform.observability import count, log
from shared.platform.values import known_fields

if TYPE_CHECKING:
    from datetime import datetime

    from shared.conversations.case import Case
    from shared.conversations.desk import Desk, Staff
    from shared.conversations.incoming import IncomingMessage
    from shared.conversations.keys import ConversationKey
    from shared.conversations.ledger import Ledger
    from shared.conversations.ledger_head import Head
    from shared.conversations.plan import Plan

# A conversation that goes to and fro within minutes is one that waits.
ONE_WITHIN = timedelta(minutes=10)
# As long as an e-mail of the kind ``staff`` is worth sending: see `shared.email.outbox.WORTH`.
WORTH_PAYING = timedelta(hours=6)
# The timer that waits for it holds the conversation's newer messages back.
_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 5.0, 30.0


@dataclass(frozen=True)
class Owed:
    """An e-mail that staff is owed.

    Args:
        key: the same for every try at it.
        reason: why the conversation was handed over, in the company's language.
        at_ms: when it was (milliseconds since 1970, UTC).
    """

    key: str
    reason: str
    at_ms: int

    def to_json(self) -> str:
        """For the ledger's head."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Owed:
        """Read it back, of any version: what newer code knew besides is left out.

        Raises:
            ValueError: it is none.
        """
        data = json.loads(text)
        known = known_fields(cls, data) if isinstance(data, dict) else {}
        if {name: type(value) for name, value in known.items()} != {"key": str, "reason": str, "at_ms": int}:
            raise ValueError("not an e-mail that staff is owed")
        return cls(**known)


class StaffMail:
    """The e-mails about one conversation's hand-overs.

    Args:
        desk: the tools; without its ``staff`` nobody is told.
        ledger: the conversation's.
    """

    def __init__(self, desk: Desk, ledger: Ledger) -> None:
        self._desk = desk
        self._ledger = ledger

    def planned(self, plan: Plan, case: Case, *, key: str = "", counted: str = "") -> Plan:
        """The same plan, with the e-mail that staff is owed once it is carried out.

        Only what gives a conversation to people is told: where they have it already, the note is enough.

        Args:
            plan: of the open turn, or of the one that is to be opened with it.
            case: what it was decided about.
            key: the e-mail's; without one it is made from the turn.
            counted: how staff is to be told, where somebody has counted the cause (`Notice`).
        """
        now = self._desk.clock.now()
        head, cause = self._ledger.head, plan.cause
        if self._desk.staff is None or not _gives_away(plan) or not _wanted(case, head, now):
            return plan
        turn = self._ledger.key.turn_identity(head.turn or head.last_turn + 1)
        notice = counted or self._counted(cause, turn)
        if notice == Notice.GROUPED:
            return plan
        language = case.company.language
        reason = why(Cause(cause), language, many=notice == Notice.STORM)
        return replace(plan, notice={"key": key or f"hand-over:{turn}", "reason": reason})

    def _counted(self, cause: str, turn: str) -> str:
        if cause not in FAULTS:
            return Notice.OWN
        storms = Storms(self._desk.table, self._desk.clock)
        try:
            return storms.handed_over(self._ledger.key.company_id, cause, turn)
        except Exception as failed:  # noqa: BLE001 - one e-mail too many is better than a turn's attempt
            log.warning("a hand-over could not be counted", error=type(failed).__name__)
            return Notice.OWN

    def pay(self, owed_text: str, about: IncomingMessage) -> float | None:
        """Queue the e-mail that is owed.

        Args:
            owed_text: of the ledger's head; empty for none.
            about: says who the conversation is with.

        Returns:
            In how many seconds to try again; ``None`` where nothing is owed any more.
        """
        staff = self._desk.staff
        if not owed_text or staff is None:
            return None
        age_ms = 0
        try:
            owed = _readable(owed_text)
            if owed is not None:
                age_ms = epoch_milliseconds(self._desk.clock.now()) - owed.at_ms
            if owed is None or age_ms > WORTH_PAYING.total_seconds() * 1000:
                reason = "unreadable" if owed is None else "too_late"
                log.error("staff was not told of a hand-over", reason=reason)
                count("StaffMailsLost")
            else:
                self._tell(staff, owed, about)
            self._ledger.paid(owed_text)
        except Exception as failed:  # noqa: BLE001 - whatever it is, it must not cost the conversation anything
            log.error("staff could not be told of a hand-over yet", error=type(failed).__name__)
            count("StaffMailsLate")
            return min(_LONGEST_PAUSE_SECONDS, max(_SHORTEST_PAUSE_SECONDS, age_ms // 1000))
        return None

    def _tell(self, staff: Staff, owed: Owed, about: IncomingMessage) -> None:
        notice = ConversationNotice(
            contact=about.contact_name,
            channel=about.channel,
            reason=owed.reason,
            url=page_of(self._desk, self._ledger.key),
            key=owed.key,
            customer=customer_of(about),
        )
        staff.handed_over(self._ledger.key.company_id, notice)


def page_of(desk: Desk, key: ConversationKey) -> str:
    """A conversation's page in Chatwoot; empty where the company is not connected, or without encryption."""
    connection = desk.companies.connection(key.company_id)
    if connection is None or not connection.base_url.startswith("https://"):
        return ""
    return f"{connection.base_url}/app/accounts/{key.account_id}/conversations/{key.conversation_id}"


def customer_of(about: IncomingMessage) -> Contact | None:
    """Whose e-mail it is, so that it goes when the customer is forgotten."""
    return Contact(about.key.account_id, about.contact_id) if about.contact_id else None


def _readable(owed_text: str) -> Owed | None:
    """``None`` for what nobody can read: it would be as unreadable at every visit to come."""
    try:
        return Owed.from_json(owed_text)
    except ValueError:
        return None


def _wanted(case: Case, head: Head, now: datetime) -> bool:
    company = case.company
    rule = company.hand_over.notify_by_email
    if company.mode != "live" or rule == "never" or (rule == "outside_hours" and not company.is_closed(now)):
        return False
    return from_epoch_milliseconds(head.mailed_ms) + ONE_WITHIN <= now


def _gives_away(plan: Plan) -> bool:
    return plan.outcome is Outcome.HANDED_OVER and bool(plan.status and plan.cause)
