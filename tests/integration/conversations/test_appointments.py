"""A customer makes, moves and cancels an appointment in a chat: real turns, tools and a model that thinks."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from shared.agent.appointments.desk import make_appointment_desk
from shared.agent.orchestrator import Orchestrator
from shared.agent.tools.registry import default_registry
from shared.calendars.making import make_calendars
from tests.fakes.calendar import FakeCalendars
from tests.fakes.table import MemoryTable
from tests.support.bookings import DOCUMENT
from tests.support.desk import World
from tests.support.model import RunningModel, model

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["model"]


class Chat:
    """A customer's chat with a company whose calendars stand in memory.

    Args:
        model: the model simulator.
        changes: to the company's document.
    """

    def __init__(self, model: RunningModel, **changes: Any) -> None:  # noqa: ANN401 - any JSON
        self.world = World(MemoryTable(), {**DOCUMENT, **changes})
        self.vendor, self.table, clock = FakeCalendars(), MemoryTable(), self.world.clock
        desk = make_appointment_desk(make_calendars(self.table, self.vendor, clock), self.table, clock)
        mind = Orchestrator(model.client("responses"), default_registry(desk), clock)

        @contextmanager
        def lend() -> Iterator[Orchestrator]:
            yield mind

        self.world.desk = replace(self.world.desk, mind=lend)
        self.world.worker = self.world.new_worker()
        self._messages = 70010

    def says(self, text: str) -> str:
        """The reply to a message."""
        self._messages += 1
        self.world.clock.advance(20)
        self.world.customer_writes(text, self._messages)
        before = len(self.world.said())
        self.world.work_until_done()
        return "\n".join(self.world.said()[before:])

    @property
    def standing(self) -> list[str]:
        """When the customer stands in Ana's calendar, UTC."""
        events = self.vendor.standing("ana@g")
        return [f"{one.interval.start:%d %H:%M}" for one in events if one.interval and one.private]


@pytest.fixture
def chat(model: RunningModel) -> Chat:
    """A chat."""
    return Chat(model)


def test_a_customer_asks_books_moves_and_cancels(chat: Chat) -> None:
    """Each thing is done at its yes, and not before."""
    offered = chat.says("Hola, ¿tenéis hora para un corte mañana?")
    assert "martes 24 de noviembre de 2026: 09:00" in offered
    asked = chat.says("a las 12:30 me va bien")
    assert "Corte: martes 24 de noviembre de 2026 a las 12:30" in asked
    assert chat.standing == []
    assert "Reservado" in chat.says("sí, perfecto")
    assert chat.standing == ["24 11:30"]
    assert "martes 24 de noviembre de 2026 a las 12:30" in chat.says("¿cuáles son mis citas?")
    assert "jueves 26 de noviembre de 2026 a las 17:00" in chat.says(
        "Cambia mi cita al jueves a las 5 de la tarde"
    )
    assert chat.standing == ["24 11:30"]
    assert "Cambiado" in chat.says("vale")
    assert chat.standing == ["26 16:00"]
    assert "¿Confirmas?" in chat.says("Cancela mi cita")
    assert "Cancelado" in chat.says("sí")
    assert chat.standing == []


def test_another_language_and_another_mind(model: RunningModel) -> None:
    """In English; a no leaves everything as it is."""
    chat = Chat(model, language="en")
    assert "Tuesday 24 November 2026" in chat.says("Is there an appointment for a corte tomorrow morning?")
    assert "Do you confirm?" in chat.says("at 10:30 please")
    assert "I leave it" in chat.says("no, thanks")
    assert chat.standing == []
    assert "11:00" in chat.says("at 11:00 on Tuesday then")
    assert "Do you confirm?" in chat.says("11:00 please")
    assert "Booked" in chat.says("yes")
    assert chat.standing == ["24 10:00"]


def test_a_customer_who_goes_on_writing_has_agreed_to_nothing(chat: Chat) -> None:
    """A yes in the very burst that names the time is no answer to a question."""
    chat.says("¿Tenéis hora para un corte mañana?")
    chat.world.customer_writes("a las 12:30", 70500)
    chat.world.clock.advance(1)
    chat.world.customer_writes("sí", 70501)
    chat.world.work_until_done()
    assert chat.standing == []


def test_a_person_in_charge_hears_the_yes_instead(chat: Chat) -> None:
    """Nothing is booked where the desk is silent."""
    chat.says("¿Tenéis hora para un corte mañana?")
    chat.says("a las 12:30 me va bien")
    chat.world.person_writes("Ya me ocupo yo", 70600)
    assert chat.says("sí") == ""
    assert chat.standing == []
