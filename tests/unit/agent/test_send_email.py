"""The model sends e-mails to the customer, and to nobody else."""

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

FILED = "marta@example.org"


class Turn:
    """A customer's turn whose model may call the tool."""

    def __init__(self, *said: str, told: tuple[str, ...] = (), filed: str = FILED, **changes: Any) -> None:  # noqa: ANN401 - fields of the context
        self.world = MailWorld()
        agent = {"name": "recepcion", "tools": ["send_email"]}
        self.company = Company.parse({**self.world.document, "agents": [agent]})
        clock = self.world.clock
        context = ToolContext(
            COMPANY, self.company, "3:55", "c", clock, Deadline(clock, 60), call_key="t:answer-0:0"
        )
        card = ContactCard("Marta", filed, "")
        self.context = replace(context, contact=card, customer_words=said, desk_words=told, **changes)
        self.registry = default_registry(None, self.world.outbox)

    def sends(self, to: str | None, **arguments: str) -> dict[str, Any]:
        """One call."""
        wish = {"to": to, "subject": "Precios", "text": "Hola, Marta", **arguments}
        offered = self.registry.offered(self.company, self.company.agents[0])
        return self.registry.run("send_email", json.dumps(wish), self.context, offered).content

    def written(self) -> list[NewEmail]:
        """What is in the outbox."""
        records = [self.world.ledger.read(COMPANY, one) for one in dict.fromkeys(self.world.queued)]
        found = [read_back(record.content) for record in records if record]
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
