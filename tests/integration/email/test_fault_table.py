"""A vendor and what it says: what the ledger says then, and how many mails arrived.

The second provider is another vendor, and everything between is real: the company's document, the vault,
templates, the providers' own protocols over sockets. Only table, queue and clock are in memory.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shared.companies.model import Company
from shared.companies.store import CompanyStore
from shared.credentials.store import Credentials
from shared.credentials.vault import Vault
from shared.email.aftermath import Aftermath
from shared.email.breakers import Breakers
from shared.email.delivery import Delivery
from shared.email.ledger import EmailLedger
from shared.email.message import NewEmail, Templated
from shared.email.outbox import Outbox
from shared.email.outside import CompanyOutside
from shared.email.suppression import Suppressions
from shared.platform.clock import Deadline
from shared.platform.secret import Secret
from tests.fakes.clock import FakeClock
from tests.fakes.kms import MemoryKms
from tests.fakes.table import MemoryTable
from tests.support.mail import VENDORS, Bench, Benches

ROOT = Path(__file__).resolve().parents[3]
COMPANY = "clinica-sol"
SETTINGS: dict[str, dict[str, Any]] = {
    "smtp": {"vendor": "smtp", "host": "localhost", "username": "hola@clinica-sol.example"},
    "sendgrid": {"vendor": "sendgrid"},
    "mailgun": {"vendor": "mailgun", "domain": "mg.clinica-sol.example"},
    "ses": {"vendor": "ses", "region": "eu-west-1", "access_key_id": "AKIAIOSFODNN7EXAMPLE"},
}
SECRETS = {"sendgrid": "SG.right", "mailgun": "key-right", "smtp": "right", "ses": "right"}


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Args:
        says: what the first provider says, see `tests.support.mail`.
        state: what the ledger says when nothing more will happen.
        provider: who has it then.
        mails: how many arrived in all.
        possible_duplicate: whether the ledger admits that there may be two.
    """

    says: str
    state: str
    provider: str
    mails: int
    possible_duplicate: bool = False


ROWS = (
    Row("nothing", "ACCEPTED", "first", 1),
    Row("busy", "ACCEPTED", "first", 1),
    Row("denied", "ACCEPTED", "second", 1),
    Row("unwanted", "ACCEPTED", "second", 1),
    Row("lost", "ACCEPTED", "first", 2, possible_duplicate=True),
)


class Office:
    """A company with two providers on the simulators.

    Args:
        bench: the first one's simulator.
        second: the other's vendor.
        rules: of the company.
    """

    def __init__(self, bench: Bench, second: str, rules: dict[str, Any] | None = None) -> None:
        self.clock = FakeClock()
        self.table = MemoryTable()
        companies = CompanyStore(MemoryTable(), self.clock)
        sealed = MemoryTable()
        credentials = Credentials(Vault(MemoryKms(), sealed, "arn:key", self.clock), sealed)  # type: ignore[arg-type]
        document = {
            "name": "Clínica Sol",
            "zone": "Europe/Madrid",
            "language": "es",
            "email": {
                "from_address": "hola@clinica-sol.example",
                "providers": [
                    self._settings("first", bench.vendor, bench),
                    self._settings("second", second, bench),
                ],
                "rules": rules or {},
            },
        }
        companies.put(COMPANY, Company.parse(document))
        for provider, vendor in (("first", bench.vendor), ("second", second)):
            credentials.put(COMPANY, "email", provider, Secret(SECRETS[vendor]))
        outside = CompanyOutside(companies, credentials, _NoTokens(), bench.surroundings, _NoFiles())  # type: ignore[arg-type]
        self.ledger = EmailLedger(self.table, self.clock)
        suppressions = Suppressions(self.table)
        self.aftermath = Aftermath(self.table, suppressions, self.clock)
        breakers = Breakers(self.table, self.clock)
        self.delivery = Delivery(self.ledger, outside, breakers, suppressions, self.clock)
        self.outbox = Outbox(self.table, _NoQueue(), self.clock)

    @staticmethod
    def _settings(provider_id: str, vendor: str, bench: Bench) -> dict[str, Any]:
        port = {"port": bench.port} if vendor == "smtp" else {}
        return {"id": provider_id, **SETTINGS[vendor], **port}

    def delivered(self, email: NewEmail | Templated, kind: Any = "transactional") -> Any:  # noqa: ANN401 - a record
        """Send it until nothing more happens; what the ledger says."""
        email_id = self.outbox.enqueue(COMPANY, email, key="k", kind=kind)
        for _ in range(20):
            outcome = self.delivery.deliver(COMPANY, email_id, Deadline(self.clock, 100))
            if outcome.again_after is None:
                return self.ledger.read(COMPANY, email_id)
            self.clock.advance(outcome.again_after.total_seconds())
        raise AssertionError("the e-mail never came to an end")


class _NoQueue:
    def send(self, company_id: str, email_id: str, *, delay_seconds: int = 0) -> None:
        """Nobody listens: the test delivers itself."""


class _NoFiles:
    """Nothing is stored."""


class _NoTokens:
    """No account is connected."""


def other(vendor: str) -> str:
    """A second vendor that is not the first."""
    return "mailgun" if vendor != "mailgun" else "sendgrid"


def message() -> NewEmail:
    """Any."""
    return NewEmail.parse({"to": ["ana@cliente.example"], "subject": "Tu cita", "text": "Hola, Ana"})


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.says)
@pytest.mark.parametrize("vendor", VENDORS)
def test_what_becomes_of_an_e_mail(benches: Benches, vendor: str, row: Row) -> None:
    """Certain failures never make a second copy; a lost answer makes at most one, and the ledger says so."""
    bench = benches.bench(vendor)
    office = Office(bench, other(vendor))
    if row.says != "nothing":
        bench.say(row.says)
    record = office.delivered(message())
    mails = bench.mails()
    assert (record.state, record.provider, record.sent_again) == (
        row.state,
        row.provider,
        row.possible_duplicate,
    )
    assert len(mails) == row.mails
    ids = Counter(dict(mail["headers"])["Message-ID"] for mail in mails)
    assert len(ids) == 1  # mail programs show copies once


def test_the_documented_table_is_this_one() -> None:
    """Row by row, in words and in the order of the page."""
    page = (ROOT / "docs/reference/email.md").read_text(encoding="utf-8")
    table = page.partition("## What failures come to")[2].partition("\n## ")[0]
    found = [line.split("|")[2:] for line in table.splitlines() if line.startswith("| ")][1:]
    told = [tuple(cell.strip(" `") for cell in cells[:4]) for cells in found]
    assert told == [
        (row.state, row.provider, str(row.mails), "yes" if row.possible_duplicate else "no") for row in ROWS
    ]


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_reminder_whose_answer_was_lost_is_not_sent_twice(benches: Benches, vendor: str) -> None:
    """It stays unknown, unless the provider reports."""
    bench = benches.bench(vendor)
    office = Office(bench, other(vendor))
    bench.say("lost")
    record = office.delivered(message(), kind="reminder")
    assert (record.state, len(bench.mails())) == ("UNKNOWN", 1)


def test_a_template_is_filled_once_with_whatever_a_customer_is_called(benches: Benches) -> None:
    """Braces in a value stay braces; the sender is the company."""
    bench = benches.bench("sendgrid")
    office = Office(
        bench, "mailgun", rules={"transactional": {"from_name": "Recepción", "reply_to": "citas@sol.example"}}
    )
    values = {
        "company": {"name": "Clínica Sol"},
        "customer": {"name": "{{ company.name }}"},
        "appointment": {"service": "Botox", "date": "martes", "time": "10:00", "zone": "Madrid"},
    }
    record = office.delivered(
        Templated.parse(
            {
                "to": ["ana@cliente.example"],
                "template": "appointment_confirmed",
                "language": "es",
                "values": values,
            }
        )
    )
    [mail] = bench.mails()
    headers = dict(mail["headers"])
    assert record.state == "ACCEPTED"
    assert "{{ company.name }}" in mail["text"]
    assert "Recepción" in headers["From"]
    assert headers["Reply-To"] == "citas@sol.example"
