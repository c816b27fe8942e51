"""Tells customers what became of their appointments; whoever puts things together says who tells, and how.

What is to be told is written in the same transaction as what happened, and taken out once it was told. A
worker that dies in between leaves it to the sweeper, so telling must be harmless when repeated.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from shared.calendars.appointments import Appointment, News, Status
from shared.calendars.writing import SWEPT_AFTER
from shared.platform.errors import RetryLater
from shared.platform.observability import log

if TYPE_CHECKING:
    from shared.calendars.intervals import Interval
    from shared.calendars.writing import Writing
    from shared.companies.model import Company
    from shared.platform.clock import Clock


class Teller(Protocol):
    """Tells a customer."""

    def wants(self, company: Company, appointment: Appointment) -> bool:
        """Whether there is anybody to be told of this appointment, and any way to."""
        ...

    def invites_as(self, company: Company, appointment: Appointment) -> str:
        """The address that an invitation to it would come from now; empty: there would be none."""
        ...

    def tell(self, company: Company, appointment: Appointment, news: News) -> None:
        """Tell; being called again with the same news changes nothing.

        Raises:
            RetryLater: not now.
        """
        ...


@dataclass(frozen=True)
class Telling:
    """See the module.

    Args:
        teller: tells; ``None``: nobody is told anything.
        writing: writes appointments.
        clock: time.
    """

    teller: Teller | None
    writing: Writing
    clock: Clock

    def noted(self, appointment: Appointment, company: Company, was: Interval | None = None) -> Appointment:
        """An appointment that is about to be written at rest, with what its customer is to be told.

        Args:
            appointment: confirmed or cancelled; of what has begun nobody is told.
            company: its document.
            was: where it stood before it moved; ``None``: it did not move.
        """
        now = self.clock.now()
        if self.teller is None or appointment.start <= now or not self.teller.wants(company, appointment):
            return replace(appointment, news=None)
        if appointment.status == Status.CANCELLED:
            news = News("cancelled", now)
        else:
            news = News("moved", now, was) if was else News("confirmed", now)
        # Calendars take a change from whoever invited first and from nobody else (RFC 5546 section 3.2.5), so
        # that address is kept, whatever the company's document says later.
        organizer = appointment.organizer or self.teller.invites_as(company, appointment)
        return replace(appointment, news=news, organizer=organizer, due_at=now + SWEPT_AFTER)

    def tell(self, appointment: Appointment, company: Company) -> Appointment:
        """Tell what is to be told of an appointment at rest; where that fails the sweeper tries again."""
        if appointment.news is None:
            return appointment
        if self.teller is not None:
            try:
                self.teller.tell(company, appointment, appointment.news)
            except RetryLater as problem:
                log.warning("a customer is told later", news=appointment.news.kind, reason=problem.reason)
                return appointment
        told = replace(appointment, news=None, due_at=appointment.due_at if appointment.strays else None)
        with suppress(RetryLater):  # somebody changes it meanwhile: the sweeper finds the news, or newer ones
            return self.writing.save(told)
        return appointment
