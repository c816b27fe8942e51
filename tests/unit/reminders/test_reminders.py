"""Reminders from the row to the conversation: once, still right when they are sent, or told to somebody."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.agent.values import AgentResponse
from shared.calendars.appointment_store import write
from shared.calendars.appointments import Status
from shared.reminders.errands import ReminderErrand
from shared.reminders.rows import CLAIMED_FOR, RowName
from tests.support import webhooks
from tests.support.reminders import CUSTOMER, ReminderWorld, before

# The clock stands on Monday the 23rd of November 2026, 10:00 in Madrid.
WEDNESDAY = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
DAY, HOURS = 24 * 60, 2 * 60
TEXT = "Te recordamos tu cita de Corte en Clínica Sol: miércoles, 25 de noviembre de 2026 a las 10:00."
TEMPLATE = {"name": "cita", "language": "es", "text": "{company}: {service} el {day} a las {time}"}


@pytest.fixture
def world() -> ReminderWorld:
    """A customer who has written, and an appointment on Wednesday at ten."""
    world = ReminderWorld()
    world.customer_is_known()
    world.id = world.book(WEDNESDAY)  # type: ignore[attr-defined]
    return world


def the(world: ReminderWorld) -> str:
    """The appointment's id."""
    return str(world.id)  # type: ignore[attr-defined]


def test_a_reminder_is_said_in_the_conversation_a_day_and_two_hours_before(world: ReminderWorld) -> None:
    """And at no other minute; each once."""
    world.until(before(WEDNESDAY, DAY + 2))
    world.minute()
    assert world.reminded_of() == []
    world.minute()
    assert len(world.reminded_of()) == 1
    assert world.reminded_of()[0].startswith(TEXT)
    assert world.states(the(world)) == {"01440#chat": "sent", "00120#chat": "due"}
    for _ in range(5):
        world.minute()
    world.until(before(WEDNESDAY, HOURS + 1))
    world.minute()
    assert len(world.reminded_of()) == 2
    world.minute()
    assert len(world.reminded_of()) == 2
    assert world.states(the(world)) == {"01440#chat": "sent", "00120#chat": "sent"}


def test_two_rounds_and_two_workers_claim_a_reminder_once(world: ReminderWorld) -> None:
    """Both find it due, one has it."""
    world.until(before(WEDNESDAY, DAY))
    assert world.rounds().send_out() == world.rounds().send_out() == 1
    name = RowName("sol", the(world), "reminder#01440#chat")
    assert world.rows.claim(name) is not None
    assert world.rows.claim(name) is None
    world.run_errands()
    assert len(world.queue) == 0
    world.clock.advance(CLAIMED_FOR.total_seconds() + 1)
    world.round()
    world.work_until_done()
    assert len(world.reminded_of()) == 1


def test_a_worker_that_was_thought_dead_finishes_nothing(world: ReminderWorld) -> None:
    """Its claim ended, and another's holds."""
    world.until(before(WEDNESDAY, DAY))
    name = RowName("sol", the(world), "reminder#01440#chat")
    slow = world.rows.claim(name)
    world.clock.advance(CLAIMED_FOR.total_seconds() + 1)
    quick = world.rows.claim(name)
    assert slow is not None
    assert quick is not None
    world.rows.finish(slow, "skipped", "wrong")
    assert world.row(name)["status"] == "claimed"
    world.rows.finish(quick, "handed")
    assert world.row(name)["status"] == "handed"
    assert world.rows.due() == []


def test_copies_of_a_reminder_are_one_however_late_they_come(world: ReminderWorld) -> None:
    """The queue forgets identities after five minutes; the ledger does not."""
    world.until(before(WEDNESDAY, DAY))
    world.round()
    body = world.queue.bodies()[0]
    world.work_until_done()
    for minutes in (1, 10, 60):
        world.clock.advance(minutes * 60)
        world.queue.put(body, world.key().group_id, f"copy-{minutes}")
        world.work_until_done()
    assert len(world.reminded_of()) == 1


def test_a_move_arms_reminders_anew(world: ReminderWorld) -> None:
    """The new time is reminded of, the old one never."""
    world.until(before(WEDNESDAY, DAY + 60))
    world.move(the(world), WEDNESDAY + timedelta(days=1))
    world.until(before(WEDNESDAY, DAY))
    assert world.round() == 0
    world.until(before(WEDNESDAY, 0))
    assert world.round() == 1
    world.work_until_done()
    (said,) = world.reminded_of()
    assert "jueves, 26 de noviembre de 2026 a las 10:00" in said


def test_a_reminder_that_was_sent_comes_again_after_a_move(world: ReminderWorld) -> None:
    """It is another appointment for the customer."""
    world.until(before(WEDNESDAY, DAY))
    world.round()
    world.work_until_done()
    world.move(the(world), WEDNESDAY + timedelta(days=2))
    world.until(before(WEDNESDAY + timedelta(days=2), DAY))
    world.round()
    world.work_until_done()
    assert len(world.reminded_of()) == 2


def test_a_move_between_the_claim_and_the_turn_stops_the_reminder(world: ReminderWorld) -> None:
    """Looked at again in the conversation, and the new row is untouched."""
    world.until(before(WEDNESDAY, DAY))
    world.round()
    world.move(the(world), WEDNESDAY + timedelta(days=1))
    world.work_until_done()
    assert world.reminded_of() == []
    assert world.states(the(world))["01440#chat"] == "due"


def test_a_cancelled_appointment_is_not_reminded_of(world: ReminderWorld) -> None:
    """Its rows are gone; one that is under way already is stopped in the conversation."""
    world.until(before(WEDNESDAY, DAY))
    world.round()
    world.cancel(the(world))
    world.work_until_done()
    assert world.reminded_of() == []
    assert world.round() == 0


@pytest.mark.parametrize(("late_minutes", "said"), [(30, 1), (119, 1), (121, 0), (20 * 60, 0)], ids=str)
def test_a_late_reminder_is_said_within_two_hours(world: ReminderWorld, late_minutes: int, said: int) -> None:
    """The function was down; afterwards a reminder would come at a time that nobody chose."""
    world.until(before(WEDNESDAY, DAY - late_minutes))
    world.round()
    world.work_until_done()
    assert len(world.reminded_of()) == said
    if not said:
        assert world.states(the(world))["01440#chat"] == "skipped too_late"


def test_a_reminder_of_two_hours_may_be_an_hour_late_and_never_after_the_start(world: ReminderWorld) -> None:
    """Half of the time that it leaves."""
    world.until(before(WEDNESDAY, 59))
    world.round()
    world.work_until_done()
    assert world.states(the(world)) == {
        "01440#chat": "skipped too_late",
        "00120#chat": "skipped too_late",
    }
    second = world.book(WEDNESDAY + timedelta(days=1), key="k2")
    world.until(WEDNESDAY + timedelta(days=1))
    world.round()
    world.work_until_done()
    assert world.reminded_of() == []
    assert set(world.states(second).values()) == {"skipped started"}


def test_a_person_in_charge_is_told_and_the_customer_is_not(world: ReminderWorld) -> None:
    """The person decides what the customer reads in their conversation."""
    world.until(before(WEDNESDAY, DAY + 30))
    world.person_writes("Le atiende Rosa", 95_000)
    world.until(before(WEDNESDAY, DAY))
    world.round()
    world.work_until_done()
    assert world.reminded_of() == []
    (note,) = world.chatwoot.notes(webhooks.CONVERSATION)
    assert "Corte on miércoles, 25 de noviembre de 2026, 10:00: a person has this conversation" in note
    assert world.states(the(world))["01440#chat"] == "not_sent person_in_charge"
    assert world.chatwoot.statuses == {}


def test_a_conversation_that_was_resolved_takes_a_reminder(world: ReminderWorld) -> None:
    """It is nobody's."""
    world.clock.advance(60)
    world.state_changes("resolved")
    world.until(before(WEDNESDAY, DAY))
    world.round()
    world.work_until_done()
    assert len(world.reminded_of()) == 1


def test_a_conversation_that_waits_for_a_person_takes_none(world: ReminderWorld) -> None:
    """Handed over and not yet taken up."""
    world.clock.advance(60)
    world.state_changes("pending")
    world.until(before(WEDNESDAY, DAY))
    world.round()
    world.work_until_done()
    assert world.reminded_of() == []
    assert len(world.chatwoot.notes(webhooks.CONVERSATION)) == 1


def test_the_newest_conversation_of_the_customer_takes_it(world: ReminderWorld) -> None:
    """WhatsApp opens a new one after each resolve."""
    world.customer_is_known(conversation_id=301, message_id=80_000)
    world.until(before(WEDNESDAY, DAY))
    world.round()
    world.work_until_done()
    assert [one.conversation_id for one in world.chatwoot.posted] == [301]


def test_customers_come_first(world: ReminderWorld) -> None:
    """Who writes in the same minute is answered before, and a cancellation in it is respected."""
    world.until(before(WEDNESDAY, DAY))

    def answer(question: str) -> AgentResponse:
        world.cancel(the(world))
        return AgentResponse(f"Cancelada: {question}", "frontdesk", ())

    world.mind.answer = answer
    world.customer_writes("Quiero cancelar", 95_500)
    world.round()
    world.work_until_done()
    assert world.reminded_of() == ["Cancelada: Quiero cancelar"]


def test_a_reminder_waits_for_an_appointment_that_is_just_being_changed(world: ReminderWorld) -> None:
    """Neither the old nor the new time is certain."""
    world.until(before(WEDNESDAY, DAY))
    world.round()
    here = world.appointment(the(world))
    world.calendars_table.transact([write(replace(here, status=Status.MOVING, target=here.place))])
    assert world.work_once()
    assert world.reminded_of() == []
    now = world.appointment(the(world))
    world.calendars_table.transact([write(replace(now, status=Status.CONFIRMED, target=None))])
    world.work_until_done()
    assert len(world.reminded_of()) == 1


def test_outside_the_window_the_companys_template_is_sent(world: ReminderWorld) -> None:
    """With the values of its placeholders as the channel's parameters, in order."""
    world.change_company(booking={"reminder_template": TEMPLATE})
    _closed(world)
    (posted,) = world.chatwoot.posted
    assert posted.text == "Clínica Sol: Corte el miércoles, 25 de noviembre de 2026 a las 10:00"
    assert posted.template == {
        "name": "cita",
        "language": "es",
        "category": "UTILITY",
        "processed_params": {
            "body": {
                "1": "Clínica Sol",
                "2": "Corte",
                "3": "miércoles, 25 de noviembre de 2026",
                "4": "10:00",
            }
        },
    }


def test_without_a_template_an_email_goes_out_instead(world: ReminderWorld) -> None:
    """Once, found by the next round."""
    _closed(world)
    assert world.chatwoot.posted == []
    assert world.states(the(world))["01440#chat"] == "not_sent window_closed_email"
    world.minute()
    world.minute()
    (sent,) = world.emails.sent.values()
    assert sent["kind"] == "reminder"
    assert sent["email"].values["appointment"]["time"] == "10:00"
    assert sent["ends_at"] < WEDNESDAY
    assert world.states(the(world))["01440#email"] == "handed"


def test_without_either_a_person_is_told(world: ReminderWorld) -> None:
    """Nobody else would remind the customer."""
    world.change_company(email={})
    _closed(world)
    assert world.reminded_of() == []
    assert "takes no message" in world.chatwoot.notes(webhooks.CONVERSATION)[0]


def test_a_reminder_by_email_goes_to_the_outbox_once() -> None:
    """As the company's rule says."""
    world = ReminderWorld({"booking": {"reminders": [{"minutes_before": DAY, "by": "email"}]}})
    world.customer_is_known()
    appointment = world.book(WEDNESDAY)
    world.until(before(WEDNESDAY, DAY))
    world.round()
    world.work_until_done()
    assert list(world.emails.sent) == [f"reminder#{appointment}#reminder#01440#email#0"]
    assert world.reminded_of() == []
    assert world.states(appointment) == {"01440#email": "handed"}


@pytest.mark.parametrize(
    ("email", "changes", "reason"),
    [
        ("", {}, "no_address"),
        ("no address", {}, "bad_address"),
        ("maria@clinic.example", {"email": {}}, "no_email_provider"),
        ("maria@clinic.example", {"mode": "shadow"}, "shadow"),
        ("maria@clinic.example", {"mode": "off"}, "company_off"),
    ],
)
def test_an_email_that_cannot_be_sent_says_why(email: str, changes: dict[str, str], reason: str) -> None:
    """On its row."""
    rules = {"reminders": [{"minutes_before": DAY, "by": "email"}]}
    world = ReminderWorld({"booking": rules})
    appointment = world.book(WEDNESDAY, customer=replace(CUSTOMER, email=email))
    world.change_company(booking=rules, **changes)
    world.until(before(WEDNESDAY, DAY))
    world.round()
    assert world.emails.sent == {}
    assert world.states(appointment)["01440#email"].endswith(reason)


def test_a_customer_without_a_conversation_gets_an_email() -> None:
    """Booked by the company itself, or the conversation was forgotten."""
    world = ReminderWorld()
    appointment = world.book(WEDNESDAY, customer=replace(CUSTOMER, conversation=""))
    world.until(before(WEDNESDAY, DAY))
    world.round()
    world.minute()
    assert len(world.emails.sent) == 1
    assert world.states(appointment)["01440#chat"] == "not_sent no_conversation"


def test_a_rule_that_the_company_took_away_reminds_nobody(world: ReminderWorld) -> None:
    """Also of appointments that were made before."""
    world.change_company(booking={"reminders": []})
    world.until(before(WEDNESDAY, DAY))
    world.round()
    assert world.states(the(world))["01440#chat"] == "skipped rule_gone"


def test_in_shadow_mode_nothing_is_said(world: ReminderWorld) -> None:
    """The plan stands in the ledger."""
    world.change_company(mode="shadow")
    world.until(before(WEDNESDAY, DAY))
    world.round()
    world.work_until_done()
    assert world.chatwoot.posted == []
    assert world.head()["last_outcome"] == "shadow"


def test_a_reminder_whose_answer_was_lost_is_looked_for_and_not_repeated(world: ReminderWorld) -> None:
    """As every part of a reply."""
    world.until(before(WEDNESDAY, DAY))
    world.chatwoot.post_faults.append("lost_after")
    world.round()
    world.work_until_done()
    assert len(world.reminded_of()) == 1
    assert world.states(the(world))["01440#chat"] == "sent"


def test_a_reminder_that_chatwoot_refuses_is_emailed_and_no_dead_letter_is_left(world: ReminderWorld) -> None:
    """Nobody waits for an answer."""
    world.until(before(WEDNESDAY, DAY))
    world.chatwoot.post_faults.append("refused")
    world.round()
    world.work_until_done()
    assert world.head()["turn"] == 0
    assert not world.dead_letters
    assert world.states(the(world))["01440#chat"].startswith("not_sent")
    world.minute()
    assert len(world.emails.sent) == 1


def test_a_reminder_that_is_perhaps_said_is_not_emailed_as_well(world: ReminderWorld) -> None:
    """Nothing can tell: rather none than two."""
    world.chatwoot.can_list = False
    world.until(before(WEDNESDAY, DAY))
    world.chatwoot.post_faults.append("lost_after")
    world.round()
    world.work_until_done()
    assert world.states(the(world))["01440#chat"] == "not_sent cannot_tell"
    world.minute()
    assert world.emails.sent == {}


def test_a_company_that_left_chatwoot_loses_no_turn_over_a_reminder(world: ReminderWorld) -> None:
    """It is dropped, and e-mailed."""
    world.until(before(WEDNESDAY, DAY))
    world.round()
    connection = world.companies.connections.pop("sol")
    world.work_until_done()
    world.companies.connections["sol"] = connection
    assert world.head()["reminders"] == []
    assert world.states(the(world))["01440#chat"] == "not_sent not_connected"


def test_a_clock_change_moves_no_reminder_on_the_wall() -> None:
    """Madrid leaves summer time on the 25th of October 2026 and enters it on the 28th of March 2027."""
    hours = {"sunday": [{"from": "09:00", "to": "18:00"}]}
    rules = {"reminders": [{"minutes_before": DAY}]}
    for start, apart in (
        (datetime(2026, 10, 25, 9, 0, tzinfo=UTC), 25),
        (datetime(2027, 3, 28, 8, 0, tzinfo=UTC), 23),
    ):
        world = ReminderWorld({"booking": rules, "opening_hours": hours})
        world.clock.set(start - timedelta(days=3))
        world.customer_is_known()
        appointment = world.book(start)
        due = datetime.fromtimestamp(
            world.row(RowName("sol", appointment, "reminder#01440#chat"))["due_at"] / 1000, UTC
        )
        assert start - due == timedelta(hours=apart)  # ten o'clock on both days
        world.until(due - timedelta(minutes=1))
        assert world.round() == 0
        world.until(due)
        world.round()
        world.work_until_done()
        assert len(world.reminded_of()) == 1


def test_one_reminder_that_breaks_harms_no_other(world: ReminderWorld) -> None:
    """The row that cannot be read stays as it is."""
    second = world.book(WEDNESDAY + timedelta(hours=1), key="k2")
    world.until(before(WEDNESDAY, DAY - 60))
    broken = RowName("sol", the(world), "reminder#01440#chat")
    item = world.row(broken)
    world.calendars_table.put({name: value for name, value in item.items() if name != "minutes_before"})
    world.round()
    world.work_until_done()
    assert world.states(second)["01440#chat"] == "sent"


def test_an_errand_is_read_as_it_was_written() -> None:
    """And nothing else is taken for one."""
    errand = ReminderErrand("sol", (RowName("sol", "a1", "reminder#01440#chat"),))
    assert ReminderErrand.from_json(errand.to_json()) == errand
    for text in ("{}", "[]", '{"kind": "token_refresh"}', "no"):
        with pytest.raises(ValueError, match=r"errand|Expecting"):
            ReminderErrand.from_json(text)


def test_five_hundred_reminders_of_nine_o_clock_are_fifty_errands() -> None:
    """Fair by company: the one reminder of another company comes with them, not after them."""
    world = ReminderWorld({"booking": {"reminders": [{"minutes_before": DAY}]}})
    template = world.row(RowName("sol", world.book(WEDNESDAY), "reminder#01440#chat"))
    for number in range(500):
        company = "sol" if number else "luna"
        name = RowName(company, f"{number:032x}", "reminder#01440#chat")
        place = {"pk": name.key.pk, "sk": name.row, "due_pk": f"reminders#{number % 8}"}
        world.calendars_table.put({**template, **place})
    world.until(before(WEDNESDAY, DAY))
    assert world.rounds().send_out() == 501
    assert len(world.errands.sent) == 51
    assert {errand.company_id for errand in world.errands.sent} == {"sol", "luna"}
    assert sum(len(errand.rows) for errand in world.errands.sent) == 501


def _closed(world: ReminderWorld) -> None:
    """The reminder is due when the channel's window is closed, as Chatwoot tells."""
    connection = world.companies.connections["sol"]
    assert connection is not None
    world.companies.connections["sol"] = replace(connection, capabilities={"read_conversation": True})
    world.chatwoot.can_reply = False
    world.until(before(WEDNESDAY, DAY))
    world.round()
    world.work_until_done()
