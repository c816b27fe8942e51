"""A company with two providers on the simulators: all that sends is real, only time and storage are not."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar

from shared.companies.model import Company
from shared.companies.store import CompanyStore
from shared.credentials.store import Credentials
from shared.credentials.vault import Vault
from shared.email.aftermath import Aftermath
from shared.email.breakers import Breakers
from shared.email.callbacks.reports import Fate, Report
from shared.email.delivery import Delivery
from shared.email.ledger import EmailLedger
from shared.email.outbox import Outbox
from shared.email.outside import CompanyOutside
from shared.email.providers.contract import Accepted, Capabilities, Provider, Rejected
from shared.email.records import State
from shared.email.suppression import Suppressions
from shared.platform.clock import Deadline
from shared.platform.errors import FrontdeskError
from shared.platform.secret import Secret
from tests.fakes.clock import FakeClock
from tests.fakes.kms import MemoryKms
from tests.fakes.table import MemoryTable

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.companies.email import EmailProvider, Kind
    from shared.email.message import NewEmail, StoredFile, Templated
    from shared.email.records import EmailRecord
    from shared.email.rendered import Rendered
    from tests.support.mail import Bench

COMPANY = "clinica-sol"
LARGE_BYTES = 3 * 1024 * 1024
_SETTINGS: dict[str, dict[str, Any]] = {
    "smtp": {"vendor": "smtp", "host": "localhost", "username": "hola@clinica-sol.example"},
    "sendgrid": {"vendor": "sendgrid"},
    "mailgun": {"vendor": "mailgun", "domain": "mg.clinica-sol.example"},
    "ses": {"vendor": "ses", "region": "eu-west-1", "access_key_id": "AKIAIOSFODNN7EXAMPLE"},
}
_SECRETS = {"sendgrid": "SG.right", "mailgun": "key-right", "smtp": "right", "ses": "right"}
_MOST_RECEIVES = 20


class WorkerDied(BaseException):
    """The process ends here."""


class Office:
    """A company with two providers of different vendors.

    Args:
        bench: the first one's simulator.
        rules: of the company.
        bend: opens the first provider in place of the real way.
        bends: how often; ``None``: always.
    """

    def __init__(
        self,
        bench: Bench,
        *,
        rules: dict[str, Any] | None = None,
        bend: Callable[[Bench], Provider] | None = None,
        bends: int | None = None,
    ) -> None:
        self.clock, self.table = FakeClock(), MemoryTable()
        self.waits: list[float] = []
        second = "mailgun" if bench.vendor != "mailgun" else "sendgrid"
        companies, credentials = CompanyStore(MemoryTable(), self.clock), _credentials(self.clock)
        companies.put(COMPANY, Company.parse(_document(bench, second, rules or {})))
        for provider, vendor in (("first", bench.vendor), ("second", second)):
            credentials.put(COMPANY, "email", provider, Secret(_SECRETS[vendor]))
        real = CompanyOutside(
            companies,
            credentials,
            _NoTokens(),  # type: ignore[arg-type]
            bench.surroundings,
            _LargeFiles(),
        )
        self.outside = _Outside(real, bench, bend, bends)
        self.ledger = EmailLedger(self.table, self.clock)
        suppressions = Suppressions(self.table)
        self._aftermath = Aftermath(self.table, suppressions, self.clock)
        breakers = Breakers(self.table, self.clock)
        self._delivery = Delivery(self.ledger, self.outside, breakers, suppressions, self.clock)
        self._outbox = Outbox(self.table, _NoQueue(), self.clock)

    def delivered(
        self, email: NewEmail | Templated, kind: Kind = "transactional", *, reported: bool = False
    ) -> EmailRecord:
        """Send it until nothing more happens; what the ledger says.

        Args:
            email: what to send.
            kind: what for.
            reported: whether the provider reports on it as soon as nobody knows.
        """
        email_id = self._outbox.enqueue(COMPANY, email, key="k", kind=kind)
        for _ in range(_MOST_RECEIVES):
            again_after = self._received(email_id)
            if again_after is None:
                return self._record(email_id)
            if reported and self._record(email_id).state is State.UNKNOWN:
                self._aftermath.take(COMPANY, "first", [self._report(email_id)])
            self.waits.append(again_after)
            self.clock.advance(again_after)
        raise AssertionError("the e-mail never came to an end")

    def _received(self, email_id: str) -> float | None:
        try:
            outcome = self._delivery.deliver(COMPANY, email_id, Deadline(self.clock, 100))
        except WorkerDied:
            return 0.0  # the queue gives its message to another one
        return outcome.again_after.total_seconds() if outcome.again_after else None

    def _record(self, email_id: str) -> EmailRecord:
        record = self.ledger.read(COMPANY, email_id)
        assert record is not None
        return record

    def _report(self, email_id: str) -> Report:
        return Report(
            fate=Fate.DELIVERED,
            at=self.clock.now(),
            email_id=email_id,
            event_id="event-1",
            address="ana@cliente.example",
            provider_id="p-1",
        )


class _Outside:
    """The real one, which notes who is asked and what they say, and whose first provider may be another."""

    def __init__(
        self,
        real: CompanyOutside,
        bench: Bench,
        bend: Callable[[Bench], Provider] | None,
        bends: int | None,
    ) -> None:
        self.asked: Counter[str] = Counter()
        self.outcomes: list[str] = []
        self.company, self.rendered = real.company, real.rendered
        self._open = real.provider
        self._bench = bench
        self._bend = bend
        self._bends = bends

    def provider(self, company_id: str, settings: EmailProvider) -> Provider:
        """See `shared.email.delivery.Outside`."""
        self.asked[settings.id] += 1
        opened = self._opened(company_id, settings)
        return _Watched(opened, self.outcomes)

    def _opened(self, company_id: str, settings: EmailProvider) -> Provider:
        again = self._bends is None or self.asked["first"] <= self._bends
        if settings.id == "first" and self._bend and again:
            return self._bend(self._bench)
        if (
            settings.vendor == "ses"
        ):  # its client takes a tenth of a second to make, and holds nothing of a mail
            return self._bench.kept(lambda: self._open(company_id, settings))
        return self._open(company_id, settings)


class _Watched(Provider):
    """A provider whose answers are noted."""

    capabilities: ClassVar[Capabilities] = Capabilities(1_000_000_000, 1_000, 10, smtputf8=True)

    def __init__(self, real: Provider, outcomes: list[str]) -> None:
        self._real = real
        self._outcomes = outcomes

    def _written(self, rendered: Rendered) -> bytes:
        del rendered  # the real one writes it
        return b""

    def _hand_over(self, rendered: Rendered, content: bytes, deadline: Deadline) -> Accepted:
        del content
        try:
            accepted = self._real.send(rendered, deadline)
        except FrontdeskError as error:
            about = f" ({error.about})" if isinstance(error, Rejected) else ""
            self._outcomes.append(type(error).__name__ + about)
            raise
        except WorkerDied:
            self._outcomes.append("none")
            raise
        self._outcomes.append(type(accepted).__name__)
        return accepted


def _credentials(clock: FakeClock) -> Credentials:
    sealed = MemoryTable()
    return Credentials(Vault(MemoryKms(), sealed, "arn:key", clock), sealed)  # type: ignore[arg-type]


def _document(bench: Bench, second: str, rules: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": "Clínica Sol",
        "zone": "Europe/Madrid",
        "language": "es",
        "email": {
            "from_address": "hola@clinica-sol.example",
            "providers": [
                _settings("first", bench.vendor, bench.port),
                _settings("second", second, bench.port),
            ],
            "rules": rules,
        },
    }


def _settings(provider_id: str, vendor: str, port: int) -> dict[str, Any]:
    where = {"port": port} if vendor == "smtp" else {}
    return {"id": provider_id, **_SETTINGS[vendor], **where}


class _NoQueue:
    def send(self, company_id: str, email_id: str, *, delay_seconds: int = 0) -> None:
        """Nobody listens: the test delivers itself."""


class _NoTokens:
    """No account is connected."""


class _LargeFiles:
    def read(self, company_id: str, file: StoredFile) -> bytes:
        """More than sockets hold on the way."""
        del company_id, file
        return bytes(LARGE_BYTES)
