"""An appointment on the deployed stack: asked for, in the calendar, moved, reminded of, cancelled."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from infra import names
from shared.calendars.keys import DUE_INDEX, reminder_key, time_sk
from shared.platform.clock import epoch_milliseconds
from shared.platform.tables import Table
from tests.e2e.consent import Clinic
from tests.e2e.test_conversations import Company, eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import RunningWorld
    from tests.support.browsing import Person

    Somebody = Callable[[], Person]

pytestmark = pytest.mark.e2e

REMINDERS = names.function("local", names.APPOINTMENT_REMINDERS)
A_DAY = 24 * 60  # minutes before, as companies have it by default
MADRID = ZoneInfo("Europe/Madrid")
WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CALENDAR: dict[str, Any] = {
    "opening_hours": {day: [{"from": "09:00", "to": "20:00"}] for day in WEEK},
    "calendars": [{"id": "workshop", "provider": "google"}],
}


class Chat:
    """A customer's chat with a company that is connected with a Google calendar of its own.

    Args:
        world: the local world.
        person: who consents.
    """

    def __init__(self, world: RunningWorld, person: Person) -> None:
        self.company = Company(world, **CALENDAR)
        number = self.company.id.removeprefix("company-")
        self.google = Clinic(
            world, self.company.id, "google", "A Company", f"owner-{number}@workshop.example"
        )
        self.google.new_account(self.google.account)
        person.opens(self.google.link())
        person.presses("Continue to Google Calendar")
        person.consents(self.google.account)
        self._conversation = 0
        self._replies = 0

    def says(self, text: str) -> str:
        """The reply."""
        self._conversation = self.company.chatwoot.customer_writes(text).conversation_id
        return self.hears()

    def hears(self) -> str:
        """What the customer reads next."""
        self._replies += 1
        return self.company.replies(self._conversation, self._replies)[-1]

    def has_read_all(self) -> bool:
        """Whether the customer was told no more than `says` and `hears` returned."""
        return len(self.company.chatwoot.customer_sees(self._conversation)) == self._replies

    def appointments(self) -> list[dict[str, Any]]:
        """The company's, as our API shows them."""
        path = f"/api/calendar/appointments?company_id={self.company.id}"
        listed: list[dict[str, Any]] = self.company.world.api("GET", path)["appointments"]
        return listed

    def events(self) -> list[dict[str, Any]]:
        """What takes place in the calendar."""
        calendars = self.google.simulator("GET", "/simulator/calendars")
        own = next(one for one in calendars if one["id"] == self.google.account)
        return [one for one in own["events"] if one["status"] != "cancelled"]


class DayReminder:
    """The reminder by chat a day before an appointment, in the calendars table.

    Args:
        chat: whose.
        appointment_id: of which appointment.
    """

    def __init__(self, chat: Chat, appointment_id: str) -> None:
        self._world = chat.company.world
        self._names = (chat.company.id, appointment_id)
        self._table = Table(self._world.aws("dynamodb"), names.table("local", names.CALENDARS))
        self._key = reminder_key(*self._names, A_DAY, "chat")

    def falls_due(self) -> None:
        """Time flies: as if the appointment, which stays where it is, were a day away."""
        now = datetime.now(UTC)
        values = {":due": epoch_milliseconds(now), ":place": time_sk(now, *self._names, self._key.sk)}
        changes = f"SET due_at = :due, {DUE_INDEX}_sk = :place"
        self._table.update(self._key, changes, "attribute_exists(pk)", values=values)

    def round(self) -> int:
        """Let the clock call, ahead of its minute; how many reminders are due."""
        answer = self._world.aws("lambda").invoke(FunctionName=REMINDERS, Payload=b"{}")
        due: int = json.loads(answer["Payload"].read())["reminders"]
        return due

    def status(self) -> str:
        """What became of it."""
        row = self._table.get(self._key, consistent=True)
        return str(row and row["status"])


def clock(event: dict[str, Any]) -> str:
    """When an event begins, on the company's clock."""
    moment = datetime.fromisoformat(event["start"]["dateTime"])
    return f"{moment.astimezone(MADRID):%H:%M}"


def test_a_customer_books_moves_is_reminded_and_cancels_in_a_chat(
    world: RunningWorld, somebody: Somebody
) -> None:
    """Each thing stands in the calendar after its yes, and not before; the reminder is said once."""
    chat = Chat(world, somebody())
    # Not "tomorrow": shortly after midnight that is two days, and the desk asks which.
    day = (datetime.now(MADRID) + timedelta(days=2)).strftime("%A %d %B %Y")
    assert "09:00" in chat.says(f"Is there an appointment for a bicycle check-up on {day}?")
    assert "Do you confirm?" in chat.says("at 10:30 please")
    assert chat.events() == []
    assert "Booked" in chat.says("yes")
    (booked,) = chat.events()
    assert clock(booked) == "10:30"
    assert "Do you confirm?" in chat.says(f"Please move it to {day} at 16:00")
    assert "Moved" in chat.says("yes")
    (moved,) = chat.events()
    assert (moved["id"], clock(moved)) == (booked["id"], "16:00")
    assert "16:00" in chat.says("What are my appointments?")
    assured_at = _is_reminded_and_will_come(chat)
    assert "Do you confirm?" in chat.says("Cancel it")
    assert "Cancelled" in chat.says("yes")
    eventually(lambda: chat.events() == [])
    (listed,) = chat.appointments()
    assert (listed["status"], listed["assured_at"]) == ("cancelled", assured_at)
    assert chat.has_read_all()
    chat.company.chatwoot.close()


def _is_reminded_and_will_come(chat: Chat) -> str:
    """When the customer said so."""
    world = chat.company.world
    schedule = world.aws("scheduler").get_schedule(Name=names.schedule("local", names.APPOINTMENT_REMINDERS))
    assert (schedule["State"], schedule["ScheduleExpression"]) == ("ENABLED", "rate(1 minute)")
    (appointment,) = chat.appointments()
    assert appointment["assured_at"] is None
    reminder = DayReminder(chat, appointment["appointment_id"])
    assert reminder.status() == "due"
    reminder.falls_due()
    reminder.round()
    said = chat.hears()
    assert "Will you come?" in said
    assert "16:00" in said
    eventually(lambda: reminder.status() == "sent")
    assert reminder.round() == 0
    assert "Thank you for confirming!" in chat.says("sí")
    (appointment,) = chat.appointments()
    assert appointment["status"] == "confirmed"
    assured_at = datetime.fromisoformat(appointment["assured_at"])
    assert abs(datetime.now(UTC) - assured_at) < timedelta(minutes=1)
    assert chat.has_read_all()
    return str(appointment["assured_at"])
