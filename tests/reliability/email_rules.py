"""What must hold at the end of each life of an e-mail, whatever happened in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from shared.email.outbox import email_id_of, read_back
from shared.email.providers.contract import RECIPIENTS
from shared.email.records import State
from tests.fakes.mail import COMPANY

if TYPE_CHECKING:
    from shared.email.records import EmailRecord
    from shared.email.rendered import Rendered

# Answers of which nobody learns whether the provider took the message.
DOUBTFUL = ("lost", "lost but taken", "broke", "died", "died but taken")


class Lived(Protocol):
    """What is known of a life."""

    asked: dict[str, list[tuple[str, str]]]
    copies: dict[str, list[tuple[str, tuple[str, ...]]]]
    shown: dict[str, list[Rendered]]
    receives: Counter[str]
    resent: set[str]

    def record(self, email_id: str) -> EmailRecord | None:
        """An e-mail as it is."""
        ...

    def content(self, email_id: str) -> str:
        """What is to be sent."""
        ...


Rule = Callable[[Lived, "EmailRecord"], bool]


def _ended(life: Lived, record: EmailRecord) -> bool:
    del life
    return record.state in {State.ACCEPTED, State.REJECTED} or (record.state is State.UNKNOWN and record.left)


def _second_copy_is_told(life: Lived, record: EmailRecord) -> bool:
    return len(life.copies[record.email_id]) < 2 or record.possible_duplicate


def _two_at_most(life: Lived, record: EmailRecord) -> bool:
    return record.email_id in life.resent or len(life.copies[record.email_id]) <= 2


def _nobody_else_after_a_doubt(life: Lived, record: EmailRecord) -> bool:
    if record.email_id in life.resent:
        return True
    asked = life.asked[record.email_id]
    first = next((n for n, one in enumerate(asked) if one[1] in (*DOUBTFUL, "accept", "part")), len(asked))
    return len({provider for provider, _ in asked[first:]}) <= 1


def _rejected_only_without_a_copy(life: Lived, record: EmailRecord) -> bool:
    return record.state is not State.REJECTED or not life.copies[record.email_id]


def _accepted_only_with_a_copy(life: Lived, record: EmailRecord) -> bool:
    return record.state is not State.ACCEPTED or bool(life.copies[record.email_id])


def _each_address_once_or_told(life: Lived, record: EmailRecord) -> bool:
    ids = [email_id_of(COMPANY, f"{name}:{record.email_id}") for name in ("rest", "elsewhere")]
    family = [record, *(one for rest in ids if (one := life.record(rest)))]
    copies = [people for one in family for _, people in life.copies[one.email_id]]
    most = max(Counter(address for people in copies for address in people).values(), default=0)
    return most < 2 or any(one.possible_duplicate for one in family)


def _nobody_sees_a_blind_copy(life: Lived, record: EmailRecord) -> bool:
    email = read_back(life.content(record.email_id))
    return all((list(one.to), list(one.cc)) == (email.to, email.cc) for one in life.shown[record.email_id])


def _one_message_id(life: Lived, record: EmailRecord) -> bool:
    first = record
    while first.rest_of and (before := life.record(first.rest_of)):
        first = before
    named = {one.message_id for one in (*life.shown[first.email_id], *life.shown[record.email_id])}
    return len(named) <= 1


def _nobody_asked_who_refused_it_because_of_us(life: Lived, record: EmailRecord) -> bool:
    if (
        record.email_id != email_id_of(COMPANY, f"elsewhere:{record.rest_of}")
        or record.email_id in life.resent
    ):
        return True
    refusing = {
        name for name, tried in record.tried.items() if tried.ended == RECIPIENTS and tried.count == 1
    }
    return bool(refusing) and not refusing & {provider for provider, _ in life.asked[record.email_id]}


def _few_receives(life: Lived, record: EmailRecord) -> bool:
    return life.receives[record.email_id] <= 300 or record.email_id in life.resent


RULES: dict[str, Rule] = {
    "it ended": _ended,
    "a second copy is told": _second_copy_is_told,
    "at most two copies by itself": _two_at_most,
    "nobody else is asked after a doubt": _nobody_else_after_a_doubt,
    "rejected only without a copy": _rejected_only_without_a_copy,
    "accepted only with a copy": _accepted_only_with_a_copy,
    "each address once, or it is told": _each_address_once_or_told,
    "nobody sees a blind copy": _nobody_sees_a_blind_copy,
    "one Message-ID for all tries and copies": _one_message_id,
    "who refused it because of us is not asked": _nobody_asked_who_refused_it_because_of_us,
    "waiting is no spinning": _few_receives,
}
