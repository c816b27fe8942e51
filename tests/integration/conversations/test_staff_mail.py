"""A company's people hear of hand-overs by e-mail: where they want it, once, never in a hand-over's way."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from shared.agent.values import AgentResponse, HandOver
from shared.companies.customers import Customer, Customers
from shared.conversations.customer_shelf import CustomerShelf
from shared.conversations.dead_letters import DeadLetterOffice
from shared.conversations.plan import Plan
from shared.conversations.sandbox import Sandbox
from shared.conversations.storms import STORM_ABOVE, Notice, Storms
from shared.email.records import Contact
from shared.platform.errors import GiveUp, RetryLater
from tests.fakes.staff import FakeStaff
from tests.fakes.table import MemoryTable
from tests.support import webhooks
from tests.support.desk import CONNECTION, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.platform.tables import Item, Key, Table

C = 214
A_PERSON = "quiero hablar con una persona"
TOLD: dict[str, Any] = {
    "staff_email": "equipo@clinica-sol.example",
    "email": {
        "from_address": "hola@clinica-sol.example",
        "providers": [{"id": "grid", "vendor": "sendgrid"}],
    },
    "hand_over": {"notify_by_email": "always"},
}
MINUTE = 60


class MailingWorld(World):
    """A desk whose staff can be told.

    Args:
        table: the conversations table.
        document: changes to the company's document, which has its people told of every hand-over.
    """

    def __init__(self, table: Table, document: dict[str, Any] | None = None) -> None:
        super().__init__(table, {**TOLD, **(document or {})})
        self.staff = FakeStaff()
        self.desk = replace(self.desk, staff=self.staff)
        self.worker = self.new_worker()
        self.office = DeadLetterOffice(self.desk, self.dead_letters)  # type: ignore[arg-type]

    def reasons(self) -> list[str]:
        """Why conversations were handed over, as staff was told."""
        return [told["reason"] for told in self.staff.told.values()]

    def office_once(self) -> None:
        """One invocation of the office."""
        batch = self.dead_letters.receive()
        self.dead_letters.finish(batch, self.office.take_all(batch, lambda: 110.0))

    def give_up(self, message_id: int = 70_011, conversation_id: int = C) -> None:
        """A turn fails for good, and a person is told."""

        def refuse(_question: str) -> AgentResponse:
            raise GiveUp("no", reason="model_denied")

        self.mind.answer = refuse
        self.customer_writes("hola", message_id, conversation_id)
        self.work_until_done()
        self.office_until_done()


@pytest.fixture
def mailing(table: Table) -> MailingWorld:
    """Every hand-over is told."""
    return MailingWorld(table)


def test_a_hand_over_is_told_once_with_who_where_and_why(mailing: MailingWorld) -> None:
    """In the company's language, with the way into Chatwoot, and with nothing that the customer wrote."""
    mailing.customer_writes(f"{A_PERSON}: me duele la muela", 70_011)
    mailing.work_until_done()
    [(key, told)] = mailing.staff.told.items()
    assert key == f"hand-over:sol:{webhooks.ACCOUNT}:{C}#1"
    assert told == {
        "kind": "handed_over",
        "company_id": "sol",
        "contact": mailing.message("", 1).contact_name,
        "channel": mailing.message("", 1).channel,
        "reason": "el cliente lo pidió",
        "url": f"https://a.example/app/accounts/{webhooks.ACCOUNT}/conversations/{C}",
        "customer": Contact(webhooks.ACCOUNT, webhooks.CONTACT),
    }
    assert (mailing.head()["owed"], mailing.staff.calls) == ("", 1)
    assert mailing.chatwoot.statuses == {C: "pending"}


def test_what_the_agent_says_of_the_customer_stays_in_the_note(mailing: MailingWorld) -> None:
    """Its reason may repeat the customer's words."""
    response = AgentResponse("Le paso.", "frontdesk", (HandOver("her tooth hurts"),))
    mailing.mind.answer = lambda _question: response
    mailing.customer_writes("hola", 70_011)
    mailing.work_until_done()
    assert "her tooth hurts" in mailing.chatwoot.notes(C)[0]
    assert mailing.reasons() == [
        "el asistente ve que hace falta una persona; la nota de la conversación dice por qué"
    ]


HOURS = {"monday": [{"from": "12:00", "to": "20:00"}]}  # the clock stands at ten in Madrid


@pytest.mark.parametrize(
    ("document", "hours_later", "mails"),
    [
        ({"hand_over": {}}, 0, 0),
        ({"hand_over": {"notify_by_email": "never"}}, 0, 0),
        ({"hand_over": {"notify_by_email": "outside_hours"}, "opening_hours": HOURS}, 0, 1),
        ({"hand_over": {"notify_by_email": "outside_hours"}, "opening_hours": HOURS}, 3, 0),
        ({"mode": "shadow"}, 0, 0),
        ({"mode": "off"}, 0, 0),
    ],
)
def test_nobody_is_told_who_does_not_want_it(
    table: Table, document: dict[str, Any], hours_later: int, mails: int
) -> None:
    """By default nobody; outside hours while somebody is there; in shadow mode nothing was handed over."""
    world = MailingWorld(table, document)
    world.clock.advance(hours_later * 60 * MINUTE)
    world.customer_writes(A_PERSON, 70_011)
    world.work_until_done()
    assert len(world.staff.told) == mails


def test_a_try_in_the_sandbox_tells_nobody(mailing: MailingWorld) -> None:
    """Nothing happens outside of it."""
    tried = Sandbox(mailing.desk).try_out("sol", A_PERSON, "Ana", "Channel::WebWidget")
    assert tried["outcome"] == "handed_over"
    assert mailing.staff.calls == 0


def test_a_person_who_took_over_meanwhile_is_not_told(mailing: MailingWorld) -> None:
    """Nothing was handed over."""
    mailing.mind.while_thinking = lambda: mailing.person_writes("Le atiende Rosa", 95_000)
    mailing.mind.answer = lambda _question: AgentResponse("Le paso.", "frontdesk", (HandOver("why"),))
    mailing.customer_writes("hola", 70_011)
    mailing.work_until_done()
    assert mailing.said() == []
    assert mailing.staff.calls == 0


# -- when it cannot be queued -----------------------------------------------------------------------------


def test_an_e_mail_that_cannot_be_queued_stops_no_hand_over_and_is_tried_again(mailing: MailingWorld) -> None:
    """Status, note and reply are there at once; the turn is closed; the e-mail follows."""
    mailing.staff.faults.extend(OSError("no table") for _ in range(30))
    mailing.customer_writes(A_PERSON, 70_011)
    mailing.clock.advance(5)
    mailing.work_once()
    assert len(mailing.said()) == len(mailing.chatwoot.notes(C)) == 1
    assert mailing.chatwoot.statuses == {C: "pending"}
    assert (mailing.head()["turn"], mailing.staff.told) == (0, {})
    mailing.work_until_done()
    assert mailing.reasons() == ["el cliente lo pidió"]
    assert mailing.staff.calls == 31
    assert len(mailing.said()) == len(mailing.chatwoot.notes(C)) == 1
    assert mailing.queue.most_receives < 20
    assert max(mailing.queue.hides[-20:]) <= 45
    assert mailing.dead_letter_items() == []


def test_a_customer_who_writes_meanwhile_is_not_kept_waiting(mailing: MailingWorld) -> None:
    """A conversation that was given back is answered, although an e-mail about it is still owed."""
    mailing.staff.faults.extend(OSError("no table") for _ in range(9))
    mailing.customer_writes(A_PERSON, 70_011)
    mailing.clock.advance(5)
    mailing.work_once()
    mailing.state_changes("open")
    mailing.chatwoot.statuses.clear()
    mailing.clock.advance(1)
    mailing.customer_writes("ya está, gracias", 95_000)
    mailing.work_until_done()
    assert mailing.said()[-1] == "Re: ya está, gracias"
    assert mailing.reasons() == ["el cliente lo pidió"]


def test_an_e_mail_that_is_too_late_is_counted_as_lost(
    mailing: MailingWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    """Six hours later somebody has looked into Chatwoot; it ends, and it is not silent about it."""
    mailing.staff.faults.extend(OSError("no table") for _ in range(5_000))
    mailing.customer_writes(A_PERSON, 70_011)
    mailing.work_until_done(5_000)
    printed = capsys.readouterr().out
    assert (mailing.staff.told, mailing.head()["owed"]) == ({}, "")
    assert printed.count('"StaffMailsLost":[1') == 1
    assert '"StaffMailsLate":[1' in printed
    assert mailing.dead_letter_items() == []


def test_a_failed_part_is_told_also_when_its_record_has_waited_often(
    mailing: MailingWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    """SQS would take it for something that crashed; and the inbox would seem to fail again and again."""
    mailing.customer_writes("hola", 70_011)
    mailing.work_until_done()
    mailing.staff.faults.extend(OSError("no table") for _ in range(30))
    mailing.part_fails(mailing.chatwoot.posted[0], "131047")
    mailing.work_until_done()
    assert mailing.reasons() == ["un mensaje del asistente no llegó al cliente"]
    assert capsys.readouterr().out.count('"PartsFailedAtChannel":[1') == 1
    assert mailing.queue.most_receives < 20
    assert len(mailing.chatwoot.notes(C)) == 1


def _owes_in_other_words(mailing: MailingWorld, change: Callable[[dict[str, Any]], object]) -> None:
    """What an unpaid hand-over's e-mail looks like to code that did not write it."""
    mailing.staff.faults.append(OSError("no table"))
    mailing.customer_writes(A_PERSON, 70_011)
    mailing.clock.advance(5)
    mailing.work_once()
    [item] = [item for item in mailing.table.scan() if item.get("owed")]
    mailing.table.put(item | {"owed": json.dumps(change(json.loads(item["owed"])))})


def test_an_e_mail_that_newer_code_owes_is_paid(mailing: MailingWorld) -> None:
    """It was taken back meanwhile: what it knew besides is left out, and no visit breaks."""
    _owes_in_other_words(mailing, lambda owed: owed | {"later": {"x": 1}})
    mailing.work_until_done()
    assert (mailing.reasons(), mailing.head()["owed"]) == (["el cliente lo pidió"], "")


@pytest.mark.parametrize(
    "change",
    [
        lambda owed: [owed],
        lambda owed: {"key": owed["key"]},
        lambda owed: owed | {"at_ms": "today"},
        lambda owed: owed | {"at_ms": True},
        lambda owed: owed | {"at_ms": -(10**300)},
        lambda owed: owed | {"reason": None},
    ],
)
def test_an_e_mail_that_nobody_can_read_is_counted_as_lost(
    mailing: MailingWorld, capsys: pytest.CaptureFixture[str], change: Callable[[dict[str, Any]], object]
) -> None:
    """It would be as unreadable for ever; the customer who writes next is answered."""
    _owes_in_other_words(mailing, change)
    mailing.work_until_done()
    assert (mailing.staff.told, mailing.head()["owed"]) == ({}, "")
    assert capsys.readouterr().out.count('"StaffMailsLost":[1') == 1
    mailing.state_changes("open")
    mailing.chatwoot.statuses.clear()
    mailing.clock.advance(1)
    mailing.customer_writes("hola", 95_000)
    mailing.work_until_done()
    assert mailing.said()[-1] == "Re: hola"


def test_a_letter_whose_e_mail_nobody_can_read_is_done_with(mailing: MailingWorld) -> None:
    """The office must not go on with it for ever either."""
    mailing.staff.faults.append(OSError("no table"))
    fail_and_leave_unpaid(mailing)
    [item] = [item for item in mailing.table.scan() if item.get("owed")]
    mailing.table.put(item | {"owed": "{"})
    mailing.office_until_done()
    assert (mailing.staff.told, mailing.head()["owed"]) == ({}, "")
    assert mailing.dead_letter_items()[0]["state"] == "handed_over"


def test_the_ledger_writes_what_dynamodb_understands(moto_table: Table) -> None:
    """On moto: owed, tried in vain, paid; and paid when it is paid already."""
    world = MailingWorld(moto_table)
    world.staff.faults.append(OSError("no table"))
    world.customer_writes(A_PERSON, 70_011)
    world.work_until_done()
    assert world.reasons() == ["el cliente lo pidió"]
    assert world.head()["owed"] == ""


# -- one e-mail and not many ------------------------------------------------------------------------------


def test_a_conversation_that_goes_to_and_fro_within_minutes_is_one_e_mail(mailing: MailingWorld) -> None:
    """After ten minutes it is another one."""
    for number, minutes in enumerate((0, 4, 4, 4)):
        mailing.clock.advance(minutes * MINUTE)
        mailing.state_changes("open")
        mailing.chatwoot.statuses.clear()
        mailing.clock.advance(1)
        mailing.customer_writes(A_PERSON, 95_000 + number)
        mailing.work_until_done()
    assert len(mailing.chatwoot.notes(C)) == 4
    assert len(mailing.staff.told) == 2


def test_customers_who_ask_for_a_person_are_one_e_mail_each(mailing: MailingWorld) -> None:
    """However many they are: each waits for somebody."""
    for number in range(STORM_ABOVE + 3):
        mailing.customer_writes(A_PERSON, 70_000 + number, 300 + number)
    mailing.work_until_done(500)
    assert len(mailing.staff.told) == STORM_ABOVE + 3


def test_many_hand_overs_for_one_fault_are_grouped(mailing: MailingWorld) -> None:
    """The one that speaks for all says so; every conversation has its note."""
    mailing.mind.answer = lambda _question: AgentResponse("", "frontdesk", ())
    for number in range(STORM_ABOVE + 5):
        mailing.customer_writes("hola", 70_000 + number, 300 + number)
        mailing.work_until_done()
    reasons = mailing.reasons()
    assert len(reasons) == STORM_ABOVE + 1
    assert reasons[-1].startswith("el modelo no tuvo respuesta. Ahora pasa en muchas conversaciones")
    assert reasons[0] == "el modelo no tuvo respuesta"
    assert [len(mailing.chatwoot.notes(300 + n)) for n in range(STORM_ABOVE + 5)] == [1] * (STORM_ABOVE + 5)


def test_the_turn_that_speaks_for_a_storm_does_so_again_after_a_crash(mailing: MailingWorld) -> None:
    """It died between the count and its plan; the others stay grouped."""
    storms = Storms(mailing.table, mailing.clock)
    told = [storms.handed_over("sol", "no_answer", f"turn-{number}") for number in range(STORM_ABOVE + 2)]
    assert told[-2:] == [Notice.STORM, Notice.GROUPED]
    assert storms.handed_over("sol", "no_answer", f"turn-{STORM_ABOVE}") is Notice.STORM
    assert storms.handed_over("sol", "no_answer", "another") is Notice.GROUPED


def test_a_turn_that_is_decided_anew_is_counted_once(mailing: MailingWorld) -> None:
    """Its attempts would make a storm of one conversation."""
    storms = Storms(mailing.table, mailing.clock)
    for _ in range(STORM_ABOVE + 2):
        assert storms.handed_over("sol", "no_answer", "the-same") is Notice.OWN
        mailing.clock.advance(1)
    others = [storms.handed_over("sol", "no_answer", f"turn-{number}") for number in range(STORM_ABOVE + 1)]
    assert others == [*[Notice.OWN] * (STORM_ABOVE - 1), Notice.STORM, Notice.GROUPED]
    assert storms.handed_over("sol", "no_answer", f"turn-{STORM_ABOVE}") is Notice.GROUPED


def test_turns_are_counted_with_what_dynamodb_understands(moto_table: Table, mailing: MailingWorld) -> None:
    """On moto: the same turn twice, then another."""
    storms = Storms(moto_table, mailing.clock)
    for turn in ("one", "one", "two"):
        storms.handed_over("sol", "no_answer", turn)
    [item] = moto_table.scan()
    assert (len(item["times_ms"]), list(item["turns"])) == (2, ["one", "two"])


class NoCauses(MemoryTable):
    """A table that is away for whoever counts causes."""

    def get(self, key: Key, *, consistent: bool = False) -> Item | None:
        """See `Table.get`."""
        if key.pk.endswith("causes"):
            raise RetryLater("the table keeps reads waiting", reason="table_busy")
        return super().get(key, consistent=consistent)


def test_a_hand_over_that_cannot_be_counted_costs_its_turn_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is told by itself, in the first attempt."""
    world = MailingWorld(NoCauses("conversations"))
    world.mind.answer = lambda _question: AgentResponse("", "frontdesk", ())
    world.customer_writes("hola", 70_011)
    world.work_until_done()
    assert world.reasons() == ["el modelo no tuvo respuesta"]
    assert "AttemptsFailed" not in capsys.readouterr().out


# -- after giving up --------------------------------------------------------------------------------------


def test_a_conversation_that_was_given_up_is_told_once_it_is_handed_over(mailing: MailingWorld) -> None:
    """Under the letter's own key."""
    mailing.give_up()
    [(key, told)] = mailing.staff.told.items()
    assert key.startswith("dead-letter:")
    assert (told["kind"], told["reason"]) == ("handed_over", "el asistente no pudo responder")
    assert mailing.dead_letter_items()[0]["state"] == "handed_over"


def test_a_letter_of_which_staff_heard_that_chatwoot_is_away_is_not_told_again(mailing: MailingWorld) -> None:
    """Two e-mails about one customer help nobody."""
    mailing.chatwoot.post_faults.extend(["not_stored"] * 2)
    mailing.give_up()
    assert len(mailing.chatwoot.notes(C)) == 1
    assert [told["kind"] for told in mailing.staff.told.values()] == ["left_unanswered"]
    assert mailing.head()["owed"] == ""


def test_a_letter_waits_for_its_e_mail_and_not_the_other_way_round(mailing: MailingWorld) -> None:
    """The note stands there; the letter is done with when the e-mail is queued."""
    mailing.staff.faults.extend(OSError("no table") for _ in range(3))
    mailing.give_up()
    assert (len(mailing.said()), len(mailing.chatwoot.notes(C))) == (1, 1)
    assert mailing.reasons() == ["el asistente no pudo responder"]
    assert mailing.dead_letter_items()[0]["state"] == "handed_over"


def fail_and_leave_unpaid(mailing: MailingWorld) -> None:
    """A turn was given up and handed over; the e-mail about it could not be queued yet."""

    def refuse(_question: str) -> AgentResponse:
        raise GiveUp("no", reason="model_denied")

    mailing.mind.answer = refuse
    mailing.customer_writes("hola", 70_011)
    mailing.work_until_done()
    mailing.office_once()
    assert len(mailing.chatwoot.notes(C)) == 1
    assert mailing.head()["owed"]


def test_a_letter_that_was_handed_over_stays_so_when_the_company_is_disconnected(
    mailing: MailingWorld,
) -> None:
    """Its note stands in Chatwoot: an e-mail that nobody could be told would be untrue."""
    mailing.staff.faults.append(OSError("no table"))
    fail_and_leave_unpaid(mailing)
    mailing.companies.connections.pop("sol")
    mailing.office_until_done()
    assert [told["kind"] for told in mailing.staff.told.values()] == ["handed_over"]
    assert mailing.dead_letter_items()[0]["state"] == "handed_over"


def test_a_letter_that_nobody_could_be_told_of_is_not_taken_for_handed_over(mailing: MailingWorld) -> None:
    """Its turn was given up, and whoever did that died before it could say so."""
    mailing.chatwoot.post_faults.extend(["refused"] * 9)
    mailing.staff.faults.append(OSError("no table"))
    mailing.dead_letters.send(mailing.message("hola", 70_011))
    mailing.office_until_done()
    assert [told["kind"] for told in mailing.staff.told.values()] == ["left_unanswered"]
    assert mailing.dead_letter_items()[0]["state"] == "untold"


def test_a_person_who_has_the_conversation_already_is_not_told(mailing: MailingWorld) -> None:
    """They read the note."""

    def takes_over(_question: str) -> AgentResponse:
        mailing.person_writes("Le atiende Rosa", 95_000)
        raise GiveUp("no", reason="model_denied")

    mailing.mind.answer = takes_over
    mailing.customer_writes("hola", 70_011)
    mailing.work_until_done()
    mailing.office_until_done()
    assert len(mailing.chatwoot.notes(C)) == 1
    assert mailing.staff.calls == 0


def test_an_outage_of_the_model_is_grouped_as_the_letters_are(mailing: MailingWorld) -> None:
    """The same count as for the alarm."""
    for number in range(STORM_ABOVE + 3):
        mailing.give_up(70_000 + number, 300 + number)
    reasons = mailing.reasons()
    assert len(reasons) == STORM_ABOVE + 1
    assert "muchas conversaciones" in reasons[-1]
    assert [item["notice"] for item in mailing.dead_letter_items()].count("grouped") == 2


# -- around it --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("connection", [None, replace(CONNECTION, base_url="http://127.0.0.1:3000")])
def test_only_an_encrypted_way_into_chatwoot_is_written_down(mailing: MailingWorld, connection: Any) -> None:  # noqa: ANN401 - one or none
    """Without one the e-mail says the rest."""
    mailing.staff.faults.append(OSError("no table"))
    mailing.customer_writes(A_PERSON, 70_011)
    mailing.clock.advance(5)
    mailing.work_once()
    mailing.companies.connections["sol"] = connection
    mailing.work_until_done()
    [told] = mailing.staff.told.values()
    assert told["url"] == ""


def test_a_customer_who_is_forgotten_is_not_written_about_any_more(mailing: MailingWorld) -> None:
    """What was still owed goes with the rest."""
    mailing.staff.faults.append(OSError("no table"))
    mailing.customer_writes(A_PERSON, 70_011)
    mailing.clock.advance(5)
    mailing.work_once()
    shelf = CustomerShelf(mailing.table, lambda _company_id: 1, mailing.clock)
    Customers((shelf,), mailing.clock).forget(Customer("sol", webhooks.ACCOUNT, webhooks.CONTACT))
    mailing.work_until_done()
    assert (mailing.staff.told, mailing.head()["owed"]) == ({}, "")


def test_a_plan_of_an_older_version_owes_nothing() -> None:
    """A turn that was decided before the deployment and is carried out after it."""
    plan = Plan.from_plain({"outcome": "handed_over", "parts": [], "status": "pending"})
    assert (plan.cause, plan.notice) == ("", None)


def test_a_company_that_wants_no_e_mail_has_nothing_counted_and_owes_nothing(table: Table) -> None:
    """It costs no write."""
    world = MailingWorld(table, {"hand_over": {}})
    world.mind.answer = lambda _question: AgentResponse("", "frontdesk", ())
    world.customer_writes("hola", 70_011)
    world.work_until_done()
    assert [item["pk"] for item in world.table.scan() if "causes" in item["pk"]] == []
    assert "owed" not in world.head()
