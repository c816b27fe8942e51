"""E-mails to a company's own people."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.companies.customers import Customer
from shared.companies.model import Company
from shared.companies.store import CompanyStore
from shared.email.composing import filled
from shared.email.customer_shelf import EmailShelf
from shared.email.message import Templated
from shared.email.notices import ConversationNotice, StaffNotices
from shared.email.outbox import read_back
from shared.email.records import Contact
from shared.platform.clock import Deadline
from tests.fakes.mail import COMPANY, MailWorld, NoFiles
from tests.fakes.table import MemoryTable

ENDED = datetime(2026, 6, 15, 7, 30, tzinfo=UTC)


class Staff:
    """Notices of a company, and what was written."""

    def __init__(self, **fields: object) -> None:
        self.world = MailWorld()
        companies = CompanyStore(MemoryTable(), self.world.clock)
        document: dict[str, Any] = {**self.world.document, "staff_email": "jefa@clinicasol.example", **fields}
        self.company = Company.parse(document)
        companies.put(COMPANY, self.company)
        self.notices = StaffNotices(companies, self.world.outbox, self.world.clock)

    def written(self) -> list[Templated]:
        """The e-mails in the outbox, each once."""
        records = [self.world.ledger.read(COMPANY, one) for one in dict.fromkeys(self.world.queued)]
        found = [read_back(self.world.ledger.content(record)) for record in records if record]
        assert all(isinstance(one, Templated) for one in found)
        return found  # type: ignore[return-value]

    def left(
        self,
        company_id: str = COMPANY,
        key: str = "dead-letter:1",
        url: str = "https://chat.example.com/app/accounts/1/conversations/7",
    ) -> None:
        """A conversation was left."""
        notice = ConversationNotice(
            contact="Ana\r\nBcc: x@evil.example",
            channel="Channel::Whatsapp",
            reason="chatwoot_denied",
            url=url,
            key=key,
        )
        self.notices.left_unanswered(company_id, notice)

    def handed(self, company_id: str = COMPANY, key: str = "hand-over:1", **changes: Any) -> None:  # noqa: ANN401 - arguments
        """A conversation was handed over."""
        what: dict[str, Any] = {
            "contact": "Ana <b>López</b>",
            "channel": "Channel::Whatsapp",
            "reason": "el cliente lo pidió",
            "url": "https://chat.example.com/app/accounts/1/conversations/7",
            "customer": Contact(1, 481),
        }
        self.notices.handed_over(company_id, ConversationNotice(key=key, **(what | changes)))


@pytest.mark.parametrize("language", ["es", "en", "pt-BR", "fr"])
def test_staff_reads_who_must_be_answered_and_where(language: str) -> None:
    """In the company's language; what the customer is called begins no header."""
    staff = Staff(language=language)
    staff.left()
    [email] = staff.written()
    told = filled(email, staff.company)
    assert [one.address for one in email.to] == ["jefa@clinicasol.example"]
    assert "conversations/7" in (told.text or "") + (told.html or "")
    assert "chatwoot_denied" in (told.text or "")
    assert "\n" not in told.subject


def test_a_chatwoot_without_tls_costs_the_link_and_not_the_notice() -> None:
    """On one's own machine."""
    staff = Staff()
    staff.left(url="http://127.0.0.1:3000/app/accounts/1/conversations/7")
    [email] = staff.written()
    told = filled(email, staff.company)
    assert "chatwoot_denied" in (told.text or "")
    assert "127.0.0.1" not in (told.html or "")


def test_the_same_notice_is_given_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Also when the clock has gone on, so that its words would be others; that is no failure."""
    staff = Staff()
    for _ in range(3):
        staff.left()
        staff.notices.reconnect(
            COMPANY, "google", reason="invalid_grant", since=ENDED, key="reconnect#google#1"
        )
        staff.world.clock.advance(3_600)
    assert len(staff.written()) == 2
    assert "NoticesUnwritten" not in capsys.readouterr().out


def test_a_reconnect_notice_names_what_is_out_of_reach() -> None:
    """As people call it."""
    staff = Staff()
    staff.notices.reconnect(COMPANY, "google", reason="invalid_grant", since=ENDED, key="k")
    [email] = staff.written()
    told = filled(email, staff.company)
    assert "Google Calendar" in told.subject
    assert "invalid_grant" in (told.text or "")


def test_a_reconnect_notice_that_is_given_again_later_is_the_same_e_mail() -> None:
    """It says when the permission was found to have ended, and not when it was written."""
    written = []
    for minutes in (0, 70):
        staff = Staff()
        staff.world.clock.advance(minutes * 60)
        staff.notices.reconnect(COMPANY, "google", reason="invalid_grant", since=ENDED, key="k")
        written += staff.written()
    assert written[0] == written[1]
    told = filled(written[0], staff.company)
    assert "9:30" in (told.text or "")


@pytest.mark.parametrize("language", ["es", "en", "pt-BR", "fr"])
def test_staff_reads_that_a_conversation_waits_and_why(language: str) -> None:
    """One line each for who, where and why, and the way to it."""
    staff = Staff(language=language)
    staff.handed()
    [email] = staff.written()
    told = filled(email, staff.company)
    assert [one.address for one in email.to] == ["jefa@clinicasol.example"]
    assert "https://chat.example.com/app/accounts/1/conversations/7" in (told.text or "")
    assert "El cliente lo pidió." in (told.text or "")
    assert "WhatsApp" in (told.text or "")
    assert "<b>López</b>" not in (told.html or "")


def test_a_conversation_without_name_and_address_is_told_all_the_same() -> None:
    """Web chat asks nobody's name, and a Chatwoot without TLS has no address that we write."""
    staff = Staff()
    staff.handed(contact="", url="", channel="", customer=None)
    [email] = staff.written()
    assert "El cliente lo pidió." in (filled(email, staff.company).text or "")


def test_a_hand_over_is_told_once_however_its_words_have_changed() -> None:
    """The customer may have got a name meanwhile; also where Chatwoot could not be told a moment before."""
    staff = Staff()
    staff.handed()
    staff.handed(contact="Ana")
    staff.left(key="hand-over:1")
    staff.handed(key="hand-over:2")
    assert len(staff.written()) == 2


def test_a_notice_about_a_customer_goes_when_they_are_forgotten() -> None:
    """It holds their name."""
    staff = Staff()
    staff.handed()
    shelf = EmailShelf(staff.world.table, staff.world.aftermath, NoFiles())  # type: ignore[arg-type]
    assert shelf.forget(Customer(COMPANY, 1, 481), Deadline(staff.world.clock, 10), lambda _what: None)
    assert list(staff.world.table.scan()) == []


@pytest.mark.parametrize("fields", [{"staff_email": None}, {"email": {}}])
def test_a_company_that_cannot_be_told_stops_nothing(fields: dict[str, object]) -> None:
    """No address, no provider, or no company at all."""
    staff = Staff(**fields)
    staff.left()
    staff.handed()
    staff.notices.reconnect(COMPANY, "google", reason="x", since=ENDED, key="k")
    staff.left("nobody")
    staff.handed("nobody")
    assert staff.world.queued == []
