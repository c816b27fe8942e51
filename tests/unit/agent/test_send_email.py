"""The model sends e-mails to the customer's own address, and few of them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from shared.agent.tools.registry import default_registry
from shared.agent.tools.tool import ToolContext
from shared.agent.values import ContactCard
from shared.companies.model import Company
from shared.email.message import NewEmail
from shared.email.outbox import read_back
from shared.email.records import Contact
from shared.platform.clock import Deadline
from tests.fakes.mail import COMPANY, MailWorld
from tests.support.processor import processor_seconds

FILED = "marta@example.org"


class Turn:
    """A customer's turn whose model may call the tool."""

    def __init__(
        self,
        *said: str,
        told: tuple[str, ...] = (),
        filed: str = FILED,
        limits: dict[str, int] | None = None,
        **changes: Any,  # noqa: ANN401 - fields of the context
    ) -> None:
        self.world = MailWorld()
        agent = {"name": "recepcion", "tools": ["send_email"]}
        document = {**self.world.document, "agents": [agent], "limits": limits or {}}
        self.company = Company.parse(document)
        clock = self.world.clock
        context = ToolContext(
            COMPANY, self.company, "3:55", "c", clock, Deadline(clock, 60), call_key="t:answer-0:0"
        )
        card = ContactCard("Marta", filed, "")
        self.context = replace(context, contact=card, customer_words=said, desk_words=told, **changes)
        self.registry = default_registry(None, self.world.outbox)

    def call(self, number: int) -> None:
        """The next call is this one."""
        self.context = replace(self.context, call_key=f"t:answer-{number}:0")

    def sends(self, to: str | None, **arguments: str) -> dict[str, Any]:
        """One call."""
        wish = {"to": to, "subject": "Precios", "text": "Hola, Marta", **arguments}
        offered = self.registry.offered(self.company, self.company.agents[0])
        return self.registry.run("send_email", json.dumps(wish), self.context, offered).content

    def written(self) -> list[NewEmail]:
        """What is in the outbox."""
        records = [self.world.ledger.read(COMPANY, one) for one in dict.fromkeys(self.world.queued)]
        found = [read_back(self.world.ledger.content(record)) for record in records if record]
        assert all(isinstance(one, NewEmail) for one in found)
        return found  # type: ignore[return-value]


def test_an_address_that_the_customer_wrote_gets_the_e_mail() -> None:
    """As they wrote it, whatever stands around it; the e-mail is the customer's."""
    turn = Turn("Mándamelo", "a Ana.Lopez@example.com, por favor.")
    answer = turn.sends("ana.lopez@example.com")
    assert (answer["status"], answer["to"]) == ("on_its_way", "Ana.Lopez@example.com")
    [email] = turn.written()
    assert [one.address for one in email.to] == ["Ana.Lopez@example.com"]
    record = turn.world.ledger.read(COMPANY, turn.world.queued[0])
    assert record is not None
    assert record.contact == Contact(3, 55)


@pytest.mark.parametrize("to", ["jefe@banco.example", "marta@example.org.evil.example", "arta@example.org"])
def test_nobody_else_can_be_written_to(to: str) -> None:
    """Also not where the address looks like the customer's."""
    turn = Turn("soy xmarta@example.org", told=(f"¿A {FILED}?",))
    assert turn.sends(to)["status"] == "not_the_customers"
    assert turn.written() == []


@pytest.mark.parametrize("to", [None, FILED, FILED.upper()])
def test_the_address_on_file_is_named_before_it_is_used(to: str | None) -> None:
    """By a reply that was sent; this very turn's answer does not count."""
    turn = Turn("Mándamelo por correo")
    assert turn.sends(to)["status"] == "ask_first"
    assert turn.written() == []
    asked = Turn("Mándamelo por correo", "sí", told=(f"¿Lo envío a {FILED}?",))
    assert asked.sends(to)["status"] == "on_its_way"
    assert [one.to[0].address for one in asked.written()] == [FILED]


def test_without_any_address_the_customer_is_asked() -> None:
    """Nothing is made up."""
    assert Turn("Mándamelo", filed="").sends(None)["status"] == "which_address"


def test_the_same_call_again_sends_once() -> None:
    """A turn that is run again after a crash."""
    turn = Turn("a ana@example.com")
    for _ in range(2):
        turn.sends("ana@example.com")
    assert len(turn.written()) == 1


def test_strangers_are_not_written_to_without_end(capsys: pytest.CaptureFixture[str]) -> None:
    """Fifty addresses in one message are two e-mails; the model is told what to say."""
    victims = [f"victim{number}@elsewhere.example" for number in range(50)]
    turn = Turn(" ".join(victims))
    told = []
    for number, victim in enumerate(victims):
        turn.call(number)
        told.append(turn.sends(victim))
    assert [one["status"] for one in told] == ["on_its_way"] * 2 + ["too_many"] * 48
    assert "kindly" in told[2]["next"]
    assert "another address" in told[2]["next"]
    assert [[to.address for to in one.to] for one in turn.written()] == [[victims[0]], [victims[1]]]
    said = capsys.readouterr()
    assert said.out.count('"EmailsOverAllowance":[') == 48
    assert "victim" not in said.out + said.err


def test_a_customer_has_five_e_mails_in_any_24_hours() -> None:
    """Then again, as soon as the first is a day old."""
    turn = Turn("a ana@example.com")
    statuses = []
    for number in range(7):
        turn.call(number)
        statuses.append(turn.sends("ana@example.com")["status"])
        turn.world.clock.advance(3_600)
    assert statuses == ["on_its_way"] * 5 + ["too_many"] * 2
    turn.world.clock.advance(17 * 3_600 + 1)
    turn.call(8)
    assert turn.sends("ana@example.com")["status"] == "on_its_way"
    turn.call(9)
    assert turn.sends("ana@example.com")["status"] == "too_many"


def test_the_company_says_how_many() -> None:
    """In its document."""
    turn = Turn("a ana@example.com", limits={"emails_per_contact_day": 1})
    assert turn.sends("ana@example.com")["status"] == "on_its_way"
    turn.call(1)
    assert turn.sends("ana@example.com")["status"] == "too_many"


def test_all_contacts_of_a_company_together_have_so_many(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever comes as somebody else each time gets no further; the operator hears of it."""
    turn = Turn("a ana@example.com", limits={"emails_of_contacts_day": 2})
    for number, status in enumerate(["on_its_way", "on_its_way", "too_many"]):
        turn.call(number)
        turn.context = replace(turn.context, user_id=f"3:{number}")
        assert turn.sends("ana@example.com")["status"] == status
    assert len(turn.written()) == 2
    assert '"EmailsOverCompanyAllowance"' in capsys.readouterr().out


def test_a_call_that_is_run_again_does_not_count_again() -> None:
    """Nor is it refused, when others came after it."""
    turn = Turn("a ana@example.com", limits={"emails_per_contact_day": 2})
    for number in (0, 0, 1, 0, 1):
        turn.call(number)
        assert turn.sends("ana@example.com")["status"] == "on_its_way"
    assert len(turn.written()) == 2


def test_one_e_mail_goes_to_one_address() -> None:
    """Several at once are none that the customer wrote."""
    turn = Turn("a ana@example.com, bea@example.com")
    assert turn.sends("ana@example.com, bea@example.com")["status"] == "not_the_customers"
    assert turn.sends("ana@example.com bea@example.com")["status"] == "not_the_customers"
    assert turn.written() == []


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("¿a ana@example.com?", True),
        ("es «ana@example.com»...", True),
        ("'ana@example.com'", True),
        ("d'ana@example.com", False),
        ("<mailto:ana@example.com>", True),
        ("Ana <ana@example.com>; gracias", True),
        ("_ana@example.com_", True),
        ("_ana@example.com", False),
        ("ana@example.com—gracias", True),
        ("\u200bana@example.com\u200b", True),
        ("https://example.com/ana@example.com/", True),
        ("ana@example.com@example.com", False),
        ("@ana@example.com", False),
        (f"{'x' * 300}ana@example.com", False),
    ],
)
def test_an_address_is_found_among_other_words(said: str, *, found: bool) -> None:
    """With what people put around it, and not inside something else."""
    assert (Turn(said).sends("ana@example.com")["status"] == "on_its_way") == found


def test_an_apostrophe_is_part_of_an_address() -> None:
    """What stands behind it would be somebody else's."""
    filed = "o'neill@example.org"
    turn = Turn("a d'ana@example.com", "sí", told=(f"¿Lo envío a {filed}?",), filed=filed)
    assert turn.sends("d'ana@example.com")["status"] == "on_its_way"
    turn.call(1)
    assert turn.sends(None)["to"] == filed


@pytest.mark.parametrize(
    "text", ["a" * 300_000, "@" * 300_000, "a@" * 150_000, "¿" * 300_000, "a.b!" * 75_000]
)
def test_a_long_message_is_looked_through_at_once(text: str) -> None:
    """Whatever it is made of: work grows with its length and no faster."""
    assert processor_seconds(lambda: Turn(text).sends("ana@example.com")) < 1
    assert Turn(text).sends("ana@example.com")["status"] == "not_the_customers"


def test_in_a_rehearsal_nothing_is_queued() -> None:
    """The answer is the same."""
    turn = Turn("a ana@example.com", rehearsal=True)
    assert turn.sends("ana@example.com")["status"] == "on_its_way"
    assert turn.world.queued == []


def test_what_the_model_writes_begins_no_header() -> None:
    """It is told what is wrong."""
    turn = Turn("a ana@example.com")
    assert "error" in turn.sends("ana@example.com", subject="Hola\r\nBcc: x@evil.example")
    assert turn.written() == []


def test_it_is_offered_where_the_agents_list_names_it_and_the_company_has_providers() -> None:
    """To no other."""
    turn = Turn()
    named = turn.company.agents[0]
    unnamed = named.model_copy(update={"tools": []})
    without = Company.parse({"name": "x", "zone": "Europe/Madrid", "language": "es"})
    offered = [
        [spec.name for spec in turn.registry.offered(company, agent)]
        for company, agent in ((turn.company, named), (turn.company, unnamed), (without, named))
    ]
    assert ["send_email" in names for names in offered] == [True, False, False]
