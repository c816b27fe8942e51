"""What customers answer to reminders reaches the right appointment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.conversations.answers import is_yes
from shared.conversations.asked import Asked, answered_one
from shared.conversations.history import Entry
from shared.conversations.keys import ContactKey
from tests.support import webhooks
from tests.support.reminders import ReminderWorld, before

WEDNESDAY = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
DAY = 24 * 60
THANKS = "¡Gracias por confirmar! Te esperamos el miércoles, 25 de noviembre de 2026 a las 10:00."


def reminded(*starts: datetime) -> tuple[ReminderWorld, list[str]]:
    """A customer who was just reminded of appointments, and their ids."""
    world = ReminderWorld({"booking": {"reminders": [{"minutes_before": DAY}]}})
    world.customer_is_known()
    ids = [world.book(start, key=f"k{number}") for number, start in enumerate(starts)]
    world.until(before(max(starts), DAY))
    world.round()
    world.work_until_done()
    assert len(world.reminded_of()) == len(starts)
    world.chatwoot.posted.clear()
    world.mind.asked.clear()
    return world, ids


@pytest.mark.parametrize(
    "text",
    [
        "sí",
        "Si.",
        "SÍ!!",
        "vale, gracias",
        "Claro",
        "ok 👍",
        "👍",
        "yes",
        "Yes, I will be there",
        "sim, obrigado",
    ],
)
def test_a_bare_yes(text: str) -> None:
    """In three languages."""
    assert is_yes(text)


@pytest.mark.parametrize(
    "text",
    [
        "no",
        "claro que no",
        "sí, pero a las once",
        "sí?",
        "gracias",
        "ok no",
        "",
        "😊",
        "¿a qué hora?",
        "sí " * 50,
    ],
)
def test_not_a_bare_yes(text: str) -> None:
    """Whatever else stands in the message is for the model."""
    assert not is_yes(text)


def test_a_yes_is_noted_once_and_answered_without_the_model() -> None:
    """A second yes is talk like any other."""
    world, (appointment,) = reminded(WEDNESDAY)
    world.clock.advance(60)
    world.customer_writes("Sí, gracias", 95_001)
    world.work_until_done()
    assert world.said() == [THANKS]
    assured_at = world.appointment(appointment).assured_at
    assert assured_at is not None
    assert world.mind.asked == []
    world.customer_writes("sí", 95_010)
    world.work_until_done()
    assert len(world.mind.asked) == 1
    assert world.appointment(appointment).assured_at == assured_at


def test_a_no_reaches_the_model_with_what_was_asked() -> None:
    """Nothing is cancelled by it."""
    world, (appointment,) = reminded(WEDNESDAY)
    world.customer_writes("no", 95_001)
    world.work_until_done()
    (asked,) = world.mind.asked
    (note,) = asked.context.notes
    assert "an appointment at 2026-11-25 10:00" in note
    assert "offer to move the appointment or to cancel it" in note
    assert world.appointment(appointment).status == "confirmed"
    assert world.appointment(appointment).assured_at is None


def test_a_yes_after_two_reminders_is_for_the_model() -> None:
    """It knows of both."""
    world, ids = reminded(WEDNESDAY, WEDNESDAY + timedelta(hours=1))
    world.customer_writes("sí", 95_001)
    world.work_until_done()
    (asked,) = world.mind.asked
    assert len(asked.context.notes) == 2
    assert [world.appointment(one).assured_at for one in ids] == [None, None]


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_two_open_reminders_leave_it_open_in_whatever_order_they_were_said(order: tuple[int, int]) -> None:
    """The newest is not the one that is meant just because it begins first."""
    asked = [
        Asked(f"a{hour}", 0, WEDNESDAY + timedelta(hours=hour), number, WEDNESDAY, "")
        for hour, number in enumerate(order)
    ]
    contact = ContactKey("sol", 3, 12, 481)
    past = [Entry(contact, number, "desk", "", WEDNESDAY, 214) for number in (1, 2)]
    assert answered_one(asked, past, None) is None
    assert answered_one(asked[:1], past[: order[0]], None) == asked[0]


def test_a_yes_that_quotes_a_reminder_is_for_that_appointment() -> None:
    """Also after two."""
    world, ids = reminded(WEDNESDAY, WEDNESDAY + timedelta(hours=1))
    asked = world.table.query(world.message("", 1).contact.pk, prefix="asked#")
    quoted = next(one["message_id"] for one in asked if one["appointment_id"] == ids[0])
    message = world.message("sí", 95_001)
    world.queue.send(type(message)(**{**vars(message), "in_reply_to": quoted}))
    world.work_until_done()
    assert [world.appointment(one).assured_at is not None for one in ids] == [True, False]
    assert world.said() == [THANKS]


def test_a_yes_to_something_said_since_is_for_the_model() -> None:
    """It answers the last question, and that was another one."""
    world, (appointment,) = reminded(WEDNESDAY)
    world.customer_writes("¿Puedo ir con mi hija?", 95_001)
    world.work_until_done()
    world.customer_writes("sí", 95_010)
    world.work_until_done()
    assert world.appointment(appointment).assured_at is None
    assert len(world.mind.asked) == 2


def test_a_yes_to_an_appointment_that_has_moved_since_is_for_the_model() -> None:
    """What was agreed to does not take place; a move forgets an earlier yes as well."""
    world, (appointment,) = reminded(WEDNESDAY)
    world.move(appointment, WEDNESDAY + timedelta(days=1))
    world.customer_writes("sí", 95_001)
    world.work_until_done()
    assert world.appointment(appointment).assured_at is None
    assert len(world.mind.asked) == 1


def test_a_move_forgets_that_the_customer_said_yes() -> None:
    """They said it of another time."""
    world, (appointment,) = reminded(WEDNESDAY)
    world.customer_writes("sí", 95_001)
    world.work_until_done()
    world.move(appointment, WEDNESDAY + timedelta(days=1))
    assert world.appointment(appointment).assured_at is None


def test_a_yes_in_a_new_conversation_reaches_the_appointment() -> None:
    """WhatsApp opens one after a resolve."""
    world, (appointment,) = reminded(WEDNESDAY)
    world.customer_writes("sí", 95_001, 999)
    world.work_until_done()
    assert world.appointment(appointment).assured_at is not None
    assert world.said(999) == [THANKS]


def test_a_yes_in_shadow_mode_notes_nothing() -> None:
    """The company only watches."""
    world, (appointment,) = reminded(WEDNESDAY)
    world.change_company(mode="shadow", booking={"reminders": [{"minutes_before": DAY}]})
    world.customer_writes("sí", 95_001, webhooks.CONVERSATION)
    world.work_until_done()
    assert world.appointment(appointment).assured_at is None
