"""What turns are made with: everything from outside, passed in."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from shared.agent.orchestrator import Orchestrator
    from shared.chatwoot.client import ChatwootClient
    from shared.companies.connection import ChatwootConnection
    from shared.companies.model import Company
    from shared.companies.pulse import Pulse
    from shared.conversations.listening import Ears
    from shared.conversations.settings import TurnSettings
    from shared.email.notices import ConversationNotice
    from shared.platform.clock import Clock
    from shared.platform.tables import Table
    from shared.reminders.desk import ReminderDesk

Thing = TypeVar("Thing")


class Companies(Protocol):
    """Finds companies; see `shared.companies.store.CompanyStore`."""

    def get(self, company_id: str) -> Company:
        """The company's document.

        Raises:
            NotFound: there is no such company.
        """
        ...

    def connection(self, company_id: str) -> ChatwootConnection | None:
        """Its connection to Chatwoot, where it has one."""
        ...

    def marker_lost(self, company_id: str) -> None:
        """Note that the company's Chatwoot does not give markers back."""
        ...

    def inboxes_read(self, company_id: str, connection: ChatwootConnection) -> None:
        """Note which inboxes assign conversations by themselves, as just read."""
        ...


class Staff(Protocol):
    """Tells a company's people by e-mail; see `shared.email.notices.StaffNotices`."""

    def left_unanswered(self, company_id: str, notice: ConversationNotice) -> None:
        """A conversation was given up, and Chatwoot could not be told; the same key is told once."""
        ...

    def handed_over(self, company_id: str, notice: ConversationNotice) -> None:
        """A conversation waits for a person; the same key is told once."""
        ...


@dataclass(frozen=True)
class Desk:
    """The tools of a turn.

    Args:
        table: the conversations table.
        companies: finds companies.
        chatwoot: opens a company's account; one client a visit, never shared.
        mind: lends an orchestrator to one thread at a time.
        clock: where time comes from.
        new_id: makes markers that nobody can guess.
        settings: how turns behave.
        ears: hears and looks at what customers send besides words; without them it is only told in words.
        pulse: notes how model and Chatwoot do, for health.
        staff: tells companies' people by e-mail, where they want it or Chatwoot cannot; without it nobody is.
        reminders: looks after reminders of appointments; without it none is sent.
    """

    table: Table
    companies: Companies
    chatwoot: Callable[[str, ChatwootConnection], ChatwootClient]
    mind: Callable[[], AbstractContextManager[Orchestrator]]
    clock: Clock
    new_id: Callable[[], str]
    settings: TurnSettings
    ears: Ears | None = None
    pulse: Pulse | None = None
    staff: Staff | None = None
    reminders: ReminderDesk | None = None


class Lending(Generic[Thing]):
    """Things that are costly to make and must not be used by two threads at once.

    Args:
        make: makes another one when all are lent.
    """

    def __init__(self, make: Callable[[], Thing]) -> None:
        self._make = make
        self._idle: list[Thing] = []
        self._lock = threading.Lock()

    @contextmanager
    def lend(self) -> Iterator[Thing]:
        """One of them, for as long as the block runs."""
        with self._lock:
            thing = self._idle.pop() if self._idle else None
        if thing is None:
            thing = self._make()
        yield thing
        # Not given back after an error: its connections may be in any state.
        with self._lock:
            self._idle.append(thing)
