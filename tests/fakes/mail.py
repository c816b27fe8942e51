"""Providers of e-mail that do what a test writes down, and everything a delivery needs around them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from shared.companies.model import Company
from shared.email.addresses import Mailbox
from shared.email.aftermath import Aftermath
from shared.email.breakers import Breakers
from shared.email.delivery import Delivery
from shared.email.ledger import EmailLedger
from shared.email.message import NewEmail
from shared.email.outbox import Outbox, read_back
from shared.email.providers.contract import Accepted, Capabilities, Provider
from shared.email.rendered import Sender, render
from shared.email.suppression import Suppressions
from shared.platform.clock import Deadline
from shared.platform.errors import GiveUp
from tests.fakes.clock import FakeClock
from tests.fakes.table import MemoryTable

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.companies.email import EmailProvider
    from shared.email.asking import Outcome
    from shared.email.message import StoredFile
    from shared.email.records import EmailRecord
    from shared.email.rendered import Rendered

COMPANY = "clinica-sol"
Step = Accepted | BaseException


class ScriptedProvider(Provider):
    """Answers in the order that a test wrote down, and keeps what it was given; after that it accepts."""

    capabilities: ClassVar[Capabilities] = Capabilities(
        max_bytes=10_000_000, max_recipients=100, smtputf8=True
    )

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.given: list[Rendered] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def _written(self, rendered: Rendered) -> bytes:
        return rendered.text.encode()

    def _hand_over(self, rendered: Rendered, content: bytes, deadline: Deadline) -> Accepted:
        del content, deadline
        self.given.append(rendered)
        self.meanwhile()
        step = self.steps.pop(0) if self.steps else Accepted(f"p-{len(self.given)}")
        if isinstance(step, BaseException):
            raise step
        return step


class MailWorld:
    """A company with two providers, a table, a clock and a queue that only counts.

    Args:
        first: the provider that is asked first.
        second: the one after it.
        rules: the company's rules for kinds of e-mail.
        table: where e-mails stand.
    """

    def __init__(
        self,
        first: ScriptedProvider | None = None,
        second: ScriptedProvider | None = None,
        rules: dict[str, object] | None = None,
        table: MemoryTable | None = None,
    ) -> None:
        self.first = first or ScriptedProvider()
        self.second = second or ScriptedProvider()
        self.clock = FakeClock()
        self.table = table or MemoryTable()
        self.queued: list[str] = []
        self.unready: Exception | None = None
        self.document: dict[str, object] = {
            "name": "Clínica Sol",
            "zone": "Europe/Madrid",
            "language": "es",
            "email": {
                "from_address": "hola@clinicasol.example",
                "providers": [
                    {"id": "first", "vendor": "sendgrid"},
                    {"id": "second", "vendor": "mailgun", "domain": "mg.clinicasol.example"},
                ],
                "rules": rules or {},
            },
        }
        self.suppressions = Suppressions(self.table)
        self.outbox = Outbox(self.table, self, self.clock)
        self.ledger = EmailLedger(self.table, self.clock)
        self.breakers = Breakers(self.table, self.clock)
        self.aftermath = Aftermath(self.table, self.suppressions, self.clock)
        self.delivery = Delivery(self.ledger, self, self.breakers, self.suppressions, self.clock)

    def send(self, company_id: str, email_id: str, *, delay_seconds: int = 0) -> None:
        """The queue: see `EmailQueue`."""
        del company_id, delay_seconds
        self.queued.append(email_id)

    def company(self, company_id: str) -> Company | None:
        """See `Outside`."""
        return Company.parse(self.document) if company_id == COMPANY else None

    def rendered(self, record: EmailRecord, content: str, company: Company) -> Rendered:
        """See `Outside`."""
        if self.unready:
            raise self.unready
        email = read_back(content)
        assert isinstance(email, NewEmail)
        sender = Sender(Mailbox(address=str(company.email.from_address)))
        return render(
            record.email_id,
            record.company_id,
            email,
            sender=sender,
            created_at=record.created_at,
            files=None,
            first_message_id=record.message_id,
        )

    def provider(self, company_id: str, settings: EmailProvider) -> Provider:
        """See `Outside`."""
        assert company_id == COMPANY
        return {"first": self.first, "second": self.second}[settings.id]

    def write(self, key: str = "k", to: str = "marta@example.org", **options: object) -> str:
        """Enqueue an e-mail."""
        email = NewEmail.parse({"to": [{"address": to}], "subject": "Hola", "text": "Hola, Marta"})
        return self.outbox.enqueue(COMPANY, email, key=key, **options)  # type: ignore[arg-type]

    def deliver(self, email_id: str, seconds: float = 100) -> Outcome:
        """One receive of the queue's message."""
        return self.delivery.deliver(COMPANY, email_id, Deadline(self.clock, seconds))

    def settle(self, email_id: str, receives: int = 50) -> int:
        """Receive until the queue's message is done with, waiting as told; returns how often."""
        for number in range(1, receives + 1):
            outcome = self.deliver(email_id)
            if outcome.again_after is None:
                return number
            self.clock.advance(outcome.again_after.total_seconds())
        raise AssertionError("the e-mail never came to an end")

    def state(self, email_id: str) -> str:
        """The e-mail's state."""
        record = self.ledger.read(COMPANY, email_id)
        assert record is not None
        return record.state.value

    def arrived(self) -> int:
        """How many copies providers were given and did not certainly refuse."""
        return len(self.first.given) + len(self.second.given)


class NoFiles:
    """A store in which nothing lies: see `shared.email.rendered.Files` and `shared.email.file_removal`."""

    def read(self, company_id: str, file: StoredFile) -> bytes:
        """Nothing is there."""
        raise GiveUp(f"{company_id} has no {file.key}", reason="attachment_missing")

    def remove(self, prefix: str, count: Callable[[int], None], deadline: Deadline | None = None) -> bool:
        """Nothing is left."""
        del prefix, count, deadline
        return True
