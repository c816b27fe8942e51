"""Random lives of e-mails: providers that answer anything, workers that die anywhere, reports at any time.

Everything between queue and provider is real; table, queue and clock are in memory. A life is made by its
seed alone, so that one that goes wrong can be lived again: ``python -m tests.reliability.email_lives 0 500``.
"""

from __future__ import annotations

import heapq
import io
import json
import logging
import random
import sys
from collections import Counter, defaultdict
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from botocore.exceptions import ClientError

from shared.email.callbacks.reports import Fate, Report
from shared.email.desk import EmailDesk
from shared.email.message import NewEmail
from shared.email.post_office import PostOffice
from shared.email.providers.contract import (
    Accepted,
    Ambiguous,
    Capabilities,
    NotAccepted,
    Provider,
    Refusal,
    Rejected,
    Unsupported,
)
from shared.email.records import State, as_record, content_key, email_key
from shared.platform.errors import FrontdeskError, RetryLater
from shared.platform.observability import log
from shared.platform.queue_records import QueueRecord
from tests.fakes.mail import COMPANY, MailWorld
from tests.fakes.table import MemoryTable
from tests.reliability.email_rules import DOUBTFUL, RULES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from shared.companies.email import EmailProvider
    from shared.companies.model import Company
    from shared.email.records import EmailRecord
    from shared.email.rendered import Rendered
    from shared.platform.clock import Deadline
    from shared.platform.tables import Item, Key, TransactionPart

ADDRESSES = ("a@x.example", "b@x.example", "c@x.example")
MOST_STEPS = 6_000
# Of an answer of which we learn, whether the provider took the message.
SURE = ("accept", "part", "passing", "account", "message", "recipients", "unsupported")


class Died(BaseException):
    """The process ends here."""


@dataclass
class Odds:
    """How likely things are to go wrong, drawn for each life."""

    write_fails: float
    read_fails: float
    dies: float
    overtaken: float
    answers: dict[str, int] = field(default_factory=dict)

    @classmethod
    def drawn(cls, dice: random.Random) -> Odds:
        """Some lives are calm, so that not everything is always at once."""
        answers = {name: dice.choice([0, 1, 3]) for name in (*SURE, *DOUBTFUL)}
        answers["accept"] = max(1, answers["accept"])
        return cls(
            dice.choice([0, 0, 0.01, 0.05]),
            dice.choice([0, 0, 0.02]),
            dice.choice([0, 0.01, 0.05]),
            dice.choice([0, 0.02, 0.1]),
            answers,
        )


class FaultyTable(MemoryTable):
    """A table that fails, or whose caller dies, before or after a write."""

    life: Life | None = None

    def transact(self, parts: Sequence[TransactionPart]) -> None:
        """Every write of a memory table comes through here."""
        fault = self.life.fault_of_a_write() if self.life else None
        if fault and fault.before:
            raise fault.error
        super().transact(parts)
        if fault:
            raise fault.error

    def get(self, key: Key, *, consistent: bool = False) -> Item | None:
        """See `shared.platform.tables.Table`."""
        if self.life and self.life.read_fails():
            raise _error()
        return super().get(key, consistent=consistent)


@dataclass(frozen=True)
class Fault:
    """What happens at a write."""

    error: BaseException
    before: bool


def _error() -> ClientError:
    return ClientError({"Error": {"Code": "InternalServerError"}}, "UpdateItem")


class AnyProvider(Provider):
    """Answers by the dice, and remembers who got what."""

    capabilities: ClassVar[Capabilities] = Capabilities(max_bytes=10_000, max_recipients=100, smtputf8=True)

    def __init__(self, life: Life, name: str) -> None:
        self._life = life
        self._name = name

    def _written(self, rendered: Rendered) -> bytes:
        return rendered.text.encode()

    def _hand_over(self, rendered: Rendered, content: bytes, deadline: Deadline) -> Accepted:
        del content, deadline
        life = self._life
        life.clock.advance(life.dice.choice([0, 0, 1, 5, 20, 95]))
        life.meanwhile()
        names = list(life.odds.answers)
        answer = "accept" if life.calm else life.dice.choices(names, list(life.odds.answers.values()))[0]
        life.asked[rendered.email_id].append((self._name, answer))
        people = [one.address for one in rendered.recipients]
        life.shown[rendered.email_id].append((self._name, rendered))
        refused = self._refused(people) if answer == "part" else ()
        life.turned_away[rendered.email_id] |= {(self._name, one.address) for one in refused if one.ours}
        if answer in {"accept", "part", "lost but taken", "died but taken"}:
            gone = {one.address for one in refused}
            life.took(rendered.email_id, self._name, [one for one in people if one not in gone])
        if answer in {"accept", "part"}:
            return Accepted(f"p-{life.next_number()}", refused)
        raise self._error_of(answer)

    def _refused(self, people: list[str]) -> tuple[Refusal, ...]:
        dice = self._life.dice
        return tuple(
            Refusal(one, permanent=permanent, code="450", ours=permanent and dice.random() < 0.5)
            for one in people[1:]
            if dice.random() < 0.5
            for permanent in (dice.random() < 0.4,)
        )

    def _error_of(self, answer: str) -> BaseException:
        wait = self._life.dice.choice([None, 0.0, 30.0, 600.0, 3600.0])
        return {
            "passing": NotAccepted("421", reason="smtp_421", after_seconds=wait),
            "account": Rejected("no", about="account", reason="denied"),
            "message": Rejected("no", about="message", reason="spam"),
            "recipients": Rejected("no", about="recipients", reason="recipients"),
            "unsupported": Unsupported("no"),
            "lost": Ambiguous("lost", reason="timeout"),
            "lost but taken": Ambiguous("lost", reason="timeout"),
            "broke": ValueError("nobody foresaw this"),
            "died": Died(),
            "died but taken": Died(),
        }[answer]


class Life(MailWorld):
    """Some e-mails from their writing to their end.

    Args:
        seed: makes the life what it is.
    """

    def __init__(self, seed: int) -> None:
        table = FaultyTable()
        super().__init__(table=table)
        self.dice = random.Random(seed)  # noqa: S311 - a game
        self.odds = Odds.drawn(self.dice)
        self.asked: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self.copies: dict[str, list[tuple[str, tuple[str, ...]]]] = defaultdict(list)
        self.shown: dict[str, list[tuple[str, Rendered]]] = defaultdict(list)
        self.turned_away: dict[str, set[tuple[str, str]]] = defaultdict(set)
        self.came_back: Counter[tuple[str, str]] = Counter()
        self.receives: Counter[str] = Counter()
        self.resent: set[str] = set()
        self.calm = False
        self._ids: list[str] = []
        self._queue: list[tuple[datetime, int, str]] = []
        self._reports: list[tuple[datetime, str, Report]] = []
        self._depth, self._number, self._hidden = 0, 0, 0.0
        self._company = super().company(COMPANY)
        self.desk = EmailDesk(self.table, self.ledger, self.aftermath, self.suppressions, self, self.clock)
        self.office = PostOffice(self.delivery, self, self.table, self.ledger, self.clock)
        table.life = self

    # What the code under test asks for

    def company(self, company_id: str) -> Company | None:
        """See `shared.email.delivery.Outside`."""
        return self._company if company_id == COMPANY else None

    def provider(self, company_id: str, settings: EmailProvider) -> Provider:
        """See `shared.email.asking.Opener`."""
        del company_id
        luck = self.dice.random()
        if not self.calm and luck < 0.02:
            raise RetryLater("the vault is away", reason="vault_unavailable")
        if not self.calm and luck < 0.03:
            raise _error()
        return AnyProvider(self, settings.id)

    def send(self, company_id: str, email_id: str, *, delay_seconds: int = 0) -> None:
        """The queue: a message may be lost, or come twice."""
        del company_id, delay_seconds
        times = self.dice.choices([0, 1, 2], [3, 92, 5])[0] if not self.calm else 1
        for _ in range(times):
            self._call_again(email_id, 0.0)

    def hide(self, receipt_handle: str, seconds: float) -> None:
        """See `shared.email.post_office.WorkQueue`."""
        del receipt_handle
        assert seconds >= 0
        self._hidden = seconds

    # What goes wrong

    def fault_of_a_write(self) -> Fault | None:
        """What happens at this write, drawn by the dice; others may be at work before it."""
        if self.calm:
            return None
        self.meanwhile()
        before, luck = self.dice.random() < 0.5, self.dice.random()
        if luck < self.odds.write_fails:
            return Fault(_error(), before)
        return (
            Fault(Died(), before) if self._depth and luck < self.odds.write_fails + self.odds.dies else None
        )

    def read_fails(self) -> bool:
        """Whether the table does not answer."""
        return not self.calm and self.dice.random() < self.odds.read_fails

    def meanwhile(self) -> None:
        """Another worker, a report or a person, while this one is at it."""
        if self.calm or not 0 < self._depth < 3 or self.dice.random() >= self.odds.overtaken:
            return
        hidden = self._hidden
        self.dice.choice([self._receive_any, self._receive_any, self._report, self._resend])()
        self._hidden = hidden

    def took(self, email_id: str, provider: str, people: list[str]) -> None:
        """A provider has it, and may say so later."""
        self.copies[email_id].append((provider, tuple(people)))
        for address in people:
            if self.dice.random() < 0.4:
                now, wait = self.clock.now(), timedelta(seconds=self.dice.choice([0, 5, 300, 900, 5000]))
                fate = self.dice.choice([Fate.ACCEPTED, Fate.DELIVERED, Fate.BOUNCED])
                event = f"e-{self.next_number()}"
                told = Report(event, fate, address, now, email_id, "p")
                self._reports.append((now + wait, provider, told))

    def next_number(self) -> int:
        """Another one."""
        self._number += 1
        return self._number

    # The life

    def live(self) -> None:
        """From the first e-mail to the last state."""
        self._write_some()
        ends_at = self.clock.now() + timedelta(hours=self.dice.choice([1, 6, 30]))
        for _ in range(MOST_STEPS):
            self.calm = self.calm or self.clock.now() > ends_at
            self._sweep()
            self.dice.choice([self._report, self._resend, *[_nothing] * 20])()
            if self._queue and self._queue[0][0] <= self.clock.now():
                self._receive(heapq.heappop(self._queue)[2])
            elif self.calm and not self._queue and not self._something_waits():
                return
            else:
                self.clock.advance(self._until_next())
        raise AssertionError("the e-mails never came to an end")

    def _write_some(self) -> None:
        for number in range(self.dice.choice([1, 2, 4])):
            people = self.dice.sample(ADDRESSES, self.dice.choice([1, 1, 2, 3]))
            # The first is written to; the others openly, as a copy, or blindly.
            kinds = [(self.dice.choice(["to", "cc", "bcc"]), one) for one in people[1:]]
            named = {kind: [one for its, one in kinds if its == kind] for kind in ("to", "cc", "bcc")}
            email = NewEmail.parse({**named, "to": [people[0], *named["to"]], "subject": "S", "text": "T"})
            kind = self.dice.choice(["transactional", "reminder", "staff"])
            for _ in range(6):
                try:
                    self._ids.append(self.outbox.enqueue(COMPANY, email, key=f"k{number}", kind=kind))  # type: ignore[arg-type]
                    break
                except (ClientError, RetryLater, Died):
                    continue  # whoever wants it sent asks again

    def _receive_any(self) -> None:
        if self._ids:
            self._receive(self.dice.choice(self._ids), returns=False)

    def _receive(self, email_id: str, *, returns: bool = True) -> None:
        self.receives[email_id] += 1
        body = json.dumps({"company_id": COMPANY, "email_id": email_id})
        self._hidden, self._depth = 720.0, self._depth + 1
        try:
            left = self.office.take_all([QueueRecord("s", "h", body, self.receives[email_id])], 115)
        except Died:
            left = ["s"]
        finally:
            self._depth -= 1
        if left and returns:
            self._call_again(email_id, self._hidden)

    def _call_again(self, email_id: str, seconds: float) -> None:
        when = self.clock.now() + timedelta(seconds=seconds)
        heapq.heappush(self._queue, (when, self.next_number(), email_id))

    def _report(self) -> None:
        due = [one for one in self._reports if one[0] <= self.clock.now()]
        if not due:
            return
        chosen = self.dice.choice(due)
        self._depth += 1
        try:
            self.aftermath.take(COMPANY, chosen[1], [chosen[2]])
            self._reports.remove(chosen)  # else the provider tells it again
            if chosen[2].fate is Fate.BOUNCED:
                self.came_back[chosen[2].email_id, chosen[2].address] += 1
        except (ClientError, FrontdeskError, Died, ValueError):
            return
        finally:
            self._depth -= 1

    def _resend(self) -> None:
        record = self.record(self.dice.choice(self._ids)) if self._ids else None
        ended = {State.REJECTED, State.UNKNOWN, State.ACCEPTED}
        if record is None or record.state not in ended or self.dice.random() < 0.9:
            return
        assert self._company is not None
        before = record.fence
        with suppress(ClientError, FrontdeskError, Died):
            self.desk.resend(COMPANY, self._company, record.email_id)
        now = self.record(record.email_id)
        if now is not None and now.fence > before:
            self.resent.add(record.email_id)

    def _sweep(self) -> None:
        try:
            self.office.sweep()
        except (ClientError, RetryLater, Died):
            return
        finally:
            self._ids = [key.removeprefix("email#") for key in self._own_items()]

    def _own_items(self) -> Iterator[str]:
        return (item["sk"] for item in self.table.scan() if "state" in item)

    def _something_waits(self) -> bool:
        return any("waiting_pk" in item for item in self.table.scan())

    def _until_next(self) -> float:
        soonest = self._queue[0][0] if self._queue else self.clock.now() + timedelta(minutes=5)
        return min(max((soonest - self.clock.now()).total_seconds(), 1.0), 300.0)

    # What must hold at its end

    def record(self, email_id: str) -> EmailRecord | None:
        """An e-mail as it is, without the table's whims."""
        key = email_key(COMPANY, email_id)
        item = MemoryTable.get(self.table, key)
        return as_record(item) if item else None

    def rests_of(self, email_id: str) -> list[EmailRecord]:
        """The e-mails for those whom a server did not take of another one."""
        found = [self.record(key.removeprefix("email#")) for key in self._own_items()]
        return [one for one in found if one is not None and one.rest_of == email_id]

    def content(self, email_id: str) -> str:
        """What is to be sent, without the table's whims."""
        item = MemoryTable.get(self.table, content_key(COMPANY, email_id))
        assert item is not None
        return str(item["content"])

    def problems(self) -> Iterator[str]:
        """What should never be, in words."""
        for email_id in self._ids:
            record = self.record(email_id)
            assert record is not None
            for name, rule in RULES.items():
                if not rule(self, record):
                    yield f"{name}: {record.state} {self.asked[email_id]} {self.copies[email_id]}"


def _nothing() -> None:
    """Most of the time nothing happens."""


def lived(seed: int) -> list[str]:
    """What went wrong in a life; nothing should."""
    life = Life(seed)
    with redirect_stdout(io.StringIO()):  # metrics are printed
        life.live()
    return list(life.problems())


def main() -> int:
    """Live many lives, and show those that went wrong."""
    log.setLevel(logging.CRITICAL)
    first, last = int(sys.argv[1]), int(sys.argv[2])
    wrong = {seed: found for seed in range(first, last) if (found := lived(seed))}
    for seed, found in wrong.items():
        print(f"seed {seed}:", *found, sep="\n  ")  # noqa: T201 - a command that prints
    print(f"{last - first} lives, {len(wrong)} went wrong")  # noqa: T201 - the same
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
