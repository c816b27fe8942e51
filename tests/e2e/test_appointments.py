"""An appointment on the deployed stack: asked for in a chat, in the calendar, moved, cancelled."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from tests.e2e.consent import Clinic
from tests.e2e.test_conversations import Company, eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import RunningWorld
    from tests.support.browsing import Person

    Somebody = Callable[[], Person]

pytestmark = pytest.mark.e2e

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
        self._replies = 0

    def says(self, text: str) -> str:
        """The reply."""
        written = self.company.chatwoot.customer_writes(text)
        self._replies += 1
        return self.company.replies(written.conversation_id, self._replies)[-1]

    def events(self) -> list[dict[str, Any]]:
        """What takes place in the calendar."""
        calendars = self.google.simulator("GET", "/simulator/calendars")
        own = next(one for one in calendars if one["id"] == self.google.account)
        return [one for one in own["events"] if one["status"] != "cancelled"]


def clock(event: dict[str, Any]) -> str:
    """When an event begins, on the company's clock."""
    moment = datetime.fromisoformat(event["start"]["dateTime"])
    return f"{moment.astimezone(MADRID):%H:%M}"


def test_a_customer_books_moves_and_cancels_in_a_chat(world: RunningWorld, somebody: Somebody) -> None:
    """Each thing stands in the calendar after its yes, and not before."""
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
    assert "Do you confirm?" in chat.says("Cancel it")
    assert "Cancelled" in chat.says("yes")
    eventually(lambda: chat.events() == [])
    listed = world.api("GET", f"/api/calendar/appointments?company_id={chat.company.id}")["appointments"]
    assert [one["status"] for one in listed] == ["cancelled"]
    chat.company.chatwoot.close()
