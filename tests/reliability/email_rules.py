"""What must hold at the end of each life of an e-mail, whatever happened in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from shared.email.outbox import read_back
from shared.email.records import State

if TYPE_CHECKING:
    from shared.email.records import EmailRecord
    from shared.email.rendered import Rendered

# Answers of which nobody learns whether the provider took the message.
DOUBTFUL = ("lost", "lost but taken", "broke", "died", "died but taken")


class Lived(Protocol):
    """What is known of a life."""

    asked: dict[str, list[tuple[str, str]]]
    copies: dict[str, list[tuple[str, tuple[str, ...]]]]
    shown: dict[str, list[tuple[str, Rendered]]]
    turned_away: dict[str, set[tuple[str, str]]]
    came_back: Counter[tuple[str, str]]
    receives: Counter[str]
    resent: set[str]

    def record(self, email_id: str) -> EmailRecord | None:
        """An e-mail as it is."""
        ...

    def rests_of(self, email_id: str) -> list[EmailRecord]:
        """The e-mails for those whom a server did not take of another one."""
        ...

    def content(self, email_id: str) -> str:
        """What is to be sent."""
        ...


Rule = Callable[[Lived, "EmailRecord"], bool]


def _ended(life: Lived, record: EmailRecord) -> bool:
    del life
    return record.state in {State.ACCEPTED, State.REJECTED} or (record.state is State.UNKNOWN and record.left)


def _second_copy_is_told(life: Lived, record: EmailRecord) -> bool:
    return _most_copies(life, [record]) < 2 or record.possible_duplicate


def _most_copies(life: Lived, family: Sequence[EmailRecord]) -> int:
    """How many copies of some e-mails an address has that did not come back, as far as anybody knows."""
    copies = Counter(
        address for one in family for _, people in life.copies[one.email_id] for address in people
    )
    for one in family:
        for address in list(copies):
            copies[address] -= life.came_back[one.email_id, address]
    return max(copies.values(), default=0)


def _two_at_most(life: Lived, record: EmailRecord) -> bool:
    return record.email_id in life.resent or len(life.copies[record.email_id]) <= 2


def _nobody_else_after_a_doubt(life: Lived, record: EmailRecord) -> bool:
    if record.email_id in life.resent:
        return True
    asked = life.asked[record.email_id]
    first = next((n for n, one in enumerate(asked) if one[1] in (*DOUBTFUL, "accept", "part")), len(asked))
    return len({provider for provider, _ in asked[first:]}) <= 1


def _rejected_only_without_a_copy(life: Lived, record: EmailRecord) -> bool:
    return record.state is not State.REJECTED or _most_copies(life, [record]) <= 0


def _accepted_only_with_a_copy(life: Lived, record: EmailRecord) -> bool:
    return record.state is not State.ACCEPTED or bool(life.copies[record.email_id])


def _each_address_once_or_told(life: Lived, record: EmailRecord) -> bool:
    family = [record, *life.rests_of(record.email_id)]
    told = any(one.possible_duplicate for one in family)
    return told or _most_copies(life, family) < 2


def _nobody_sees_a_blind_copy(life: Lived, record: EmailRecord) -> bool:
    email = read_back(life.content(record.email_id))
    shown = life.shown[record.email_id]
    return all((list(one.to), list(one.cc)) == (email.to, email.cc) for _, one in shown)


def _ancestors(life: Lived, record: EmailRecord) -> list[EmailRecord]:
    found = [record]
    while found[-1].rest_of and (before := life.record(found[-1].rest_of)):
        found.append(before)
    return found


def _one_message_id(life: Lived, record: EmailRecord) -> bool:
    shown = (one for email in _ancestors(life, record) for _, one in life.shown[email.email_id])
    return len({one.message_id for one in shown}) <= 1


def _nobody_asked_who_turned_them_away(life: Lived, record: EmailRecord) -> bool:
    before = _ancestors(life, record)
    if any(one.email_id in life.resent for one in before):
        return True
    known = {pair for one in before[1:] for pair in life.turned_away[one.email_id]}
    asked = {(name, to.address) for name, one in life.shown[record.email_id] for to in one.recipients}
    return not known & asked


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
    "who turned them away is not asked again": _nobody_asked_who_turned_them_away,
    "waiting is no spinning": _few_receives,
}
