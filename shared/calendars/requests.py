"""What is asked of the booking, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC
from typing import TYPE_CHECKING, Literal

from shared.calendars.appointments import Appointment, Place, Status, appointment_id, hashed
from shared.calendars.intervals import Interval
from shared.platform.errors import FrontdeskError, InvalidInput, RetryLater

if TYPE_CHECKING:
    from datetime import datetime

    from shared.calendars.appointments import Customer
    from shared.calendars.availability import Slot
    from shared.calendars.terms import Terms
    from shared.companies.model import Company

Kind = Literal[
    "held", "confirmed", "moved", "cancelled", "taken", "changed_by_staff", "by_link", "refused", "expired"
]


class NoPlace(FrontdeskError):
    """Somebody else has the time: the day sheets say so."""

    default_reason = "no_place"

    def __init__(self) -> None:
        super().__init__("the time is taken")


class CalendarsUnreadable(RetryLater):
    """No time can be promised, because calendars cannot be read.

    Args:
        calendars: our ids of them.
    """

    default_reason = "calendars_unreadable"

    def __init__(self, calendars: tuple[str, ...]) -> None:
        super().__init__(f"calendars cannot be read: {', '.join(calendars)}")
        self.calendars = calendars


@dataclass(frozen=True)
class Request:
    """An appointment that somebody wants.

    Args:
        service_id: what for.
        start: when, aware.
        customer: for whom.
        calendars: only these of the service's staff and rooms will do; empty: any.
    """

    service_id: str
    start: datetime
    customer: Customer
    calendars: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What came of a request.

    Args:
        kind: ``held``, ``confirmed``, ``moved``, ``cancelled``: as asked. ``taken``: somebody else has the
            time; a move leaves the appointment where it was. ``changed_by_staff``: staff moved it meanwhile,
            and it is where they put it. ``by_link``: only the customer can book, on the page ``link``.
            ``refused``: the calendar did not let us, see the appointment's ``reason``. ``expired``: the hold
            was given up.
        appointment: as it is now; ``None`` where none was made.
        alternatives: other times, with ``taken``.
        link: with ``by_link``.
    """

    kind: Kind
    appointment: Appointment | None
    alternatives: tuple[Slot, ...] = ()
    link: str = ""


def only(terms: Terms, *wishes: tuple[str, ...]) -> Terms:
    """The terms with fewer calendars: of each need those of the first wish that names any of it.

    Raises:
        InvalidInput: the first wish names a calendar that the service does not take.
    """
    for name in wishes[0]:
        if name not in terms.calendars:
            raise InvalidInput(
                "the service does not take this calendar", reason="no_such_calendar", status=422
            )
    needs = []
    for need in terms.needs:
        named = [tuple(one for one in need if one.id in wish) for wish in wishes]
        needs.append(next((some for some in named if some), need))
    return replace(terms, needs=tuple(needs))


def fingerprint_of(request: Request) -> str:
    """What makes this request this request: the same key must come with the same one."""
    words = (request.service_id, request.customer.contact_id, request.start.astimezone(UTC).isoformat())
    return hashed("\n".join((*words, *request.calendars)))


def wanted_by(
    request: Request, company_id: str, company: Company, terms: Terms, key: str, now: datetime
) -> Appointment:
    """The appointment that a request asks for, before it has calendars."""
    rules = terms.rules
    return Appointment(
        id=appointment_id(company_id, key),
        company_id=company_id,
        customer=request.customer,
        service_id=terms.service.id,
        service_name=terms.service.name,
        status=Status.BOOKING,
        place=Place(Interval(request.start, request.start + rules.duration), rules.before, rules.after, ()),
        zone=company.zone,
        created_at=now,
        fingerprint=fingerprint_of(request),
        wanted_at=request.start,
        asked=hashed(key),
        begun_at=now,
    )


def held(wanted: Appointment, terms: Terms) -> Appointment:
    """The same as a hold: it ends by itself, and nobody works on it."""
    end = wanted.created_at + terms.hold
    return replace(wanted, status=Status.HOLD, held_until=end, due_at=end, asked="", begun_at=None)
