"""Ends holds: the time is free for others at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.calendars.appointments import Status

if TYPE_CHECKING:
    from shared.calendars.appointment_store import Appointments
    from shared.calendars.writing import Writing


class Holds:
    """Ends them.

    Args:
        appointments: reads them.
        writing: writes them.
    """

    def __init__(self, appointments: Appointments, writing: Writing) -> None:
        self._appointments = appointments
        self._writing = writing

    def give_up(self, company_id: str, hold: str, contact_id: str) -> None:
        """End a hold of a contact. What has become an appointment meanwhile stays, unlike with `cancel`.

        Raises:
            RetryLater: somebody is making an appointment of it in this moment.
        """
        found = self._appointments.find(company_id, hold)
        if found is None or found.customer.contact_id != contact_id:
            return
        if found.status == Status.HOLD:
            self._writing.expire(found)
