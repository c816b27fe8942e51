"""What appointments keep of one customer, handed out or forgotten."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from shared.calendars.appointment_store import FORGOTTEN, from_item, write
from shared.calendars.appointments import UNSETTLED, Customer, Status
from shared.calendars.keys import CONTACT_INDEX, appointment_pk, contact_pk, proposals_key
from shared.companies.receipt import Remains
from shared.platform.tables import ConditionFailed, Key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shared.calendars.appointments import Appointment
    from shared.companies.customers import Customer as Person
    from shared.platform.clock import Deadline
    from shared.platform.tables import Table

NOBODY = Customer(FORGOTTEN)
# Nothing of theirs is left to be done, in no calendar.
_OVER = {Status.CANCELLED, Status.EXPIRED, Status.LOST}


def contact_id_of(person: Person) -> str:
    """How appointments name a contact: as turns do."""
    return f"{person.account_id}:{person.contact_id}"


class AppointmentShelf:
    """See `shared.companies.customers.Shelf`.

    Args:
        table: the calendars table.
    """

    sections = ("appointments",)

    def __init__(self, table: Table) -> None:
        self._table = table

    def entries(self, customer: Person) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every appointment, whatever became of it."""
        for one in self._of(customer):
            yield (
                "appointments",
                {
                    "appointment_id": one.id,
                    "service": one.service_name,
                    "status": str(one.status),
                    "start": one.start.isoformat(),
                    "end": one.place.interval.end.isoformat(),
                    "zone": one.zone,
                    "name": one.customer.name,
                    "email": one.customer.email,
                    "created_at": one.created_at.isoformat(),
                },
            )

    def forget(self, customer: Person, deadline: Deadline, count: Callable[[str], None]) -> bool:
        """Of what takes time the name goes, and its reminders; everything else goes whole."""
        finished = True
        for one in self._of(customer):
            if deadline.remaining_seconds() <= 0:
                return False
            finished = self._forget(one, count) and finished
        key = proposals_key(customer.company_id, contact_id_of(customer))
        if self._table.get(key, consistent=True) is not None:
            self._table.delete(key)
            count("proposals")
        return finished

    def remains(self) -> tuple[Remains, ...]:
        """What is not ours to delete."""
        return (
            Remains(
                "events in the company's own calendars, with the customer's name", "you delete them there"
            ),
            Remains("the times of past appointments, without a name", "400 days after them"),
        )

    def _forget(self, one: Appointment, count: Callable[[str], None]) -> bool:
        if one.status in UNSETTLED:
            return False
        for item in self._table.query(appointment_pk(one.company_id, one.id), prefix="reminder#"):
            self._table.delete(Key(item["pk"], item["sk"]))
            count("reminders")
        try:
            if one.status in _OVER:
                self._table.delete(one.key, "version = :read", {":read": one.version})
            else:
                self._table.transact([write(replace(one, customer=NOBODY, reminders=()))])
        except ConditionFailed:
            return False
        count("appointments")
        return True

    def _of(self, customer: Person) -> list[Appointment]:
        company_id, contact = customer.company_id, contact_id_of(customer)
        found = []
        for row in self._table.query(contact_pk(company_id, contact), index=CONTACT_INDEX):
            item = self._table.get(Key(row["pk"], row["sk"]), consistent=True)
            if item is not None and item["customer"]["contact_id"] == contact:
                found.append(from_item(item))
        return found
