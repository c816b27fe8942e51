"""Free times and appointments, for a company's own programs and people."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime, Field

from functions.integrations_api.routing import Answer, Route, require_company_id
from shared.calendars.appointments import Customer
from shared.calendars.customer_shelf import contact_id_of
from shared.calendars.intervals import Interval
from shared.calendars.requests import CalendarsUnreadable, Request
from shared.calendars.terms import terms_of
from shared.companies.base import EmailAddress, Part, Slug
from shared.companies.customers import Customer as Person
from shared.platform.clock import Deadline, SystemClock
from shared.platform.errors import FieldError, InvalidInput
from shared.platform.problems import CONTENT_TYPE, TYPE_PREFIX

if TYPE_CHECKING:
    from functions.integrations_api.routing import Call
    from shared.calendars.appointments import Appointment
    from shared.calendars.requests import Outcome
    from shared.companies.model import Company

LONGEST_LOOK = timedelta(days=31)
LONGEST_LIST = timedelta(days=92)
# Below the 29 seconds of the function.
SECONDS = 24.0
WALK_IN = "walk-in"
# Sums and zones far from today leave what a date can be (the years 1 to 9999).
_FIRST_YEAR, _LAST_YEAR = 1970, 2999
_CONTACT = re.compile(r"(\d{1,18}):(\d{1,18})")
_CURSOR = re.compile(r"\d{1,9}")


def _near(moment: datetime) -> datetime:
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise ValueError(f"must be in the years {_FIRST_YEAR} to {_LAST_YEAR}")
    return moment


Start = Annotated[AwareDatetime, AfterValidator(_near)]


class AppointmentRequest(Part):
    """What ``POST /api/calendar/appointments`` takes."""

    company_id: str | None = None
    service: Slug
    start: Start
    contact: Annotated[str, Field(pattern=r"^\d{1,18}-\d{1,18}$")] | None = None
    name: Annotated[str, Field(max_length=200)] = ""
    email: EmailAddress | None = None
    calendars: Annotated[list[Slug], Field(max_length=20)] = Field(default_factory=list)


class MoveRequest(Part):
    """What ``PATCH /api/calendar/appointments/{id}`` takes."""

    company_id: str | None = None
    start: Start
    calendars: Annotated[list[Slug], Field(max_length=20)] = Field(default_factory=list)


def get_availability(call: Call) -> Answer:
    """Every possible start in a window, and how fresh that is."""
    company_id, company = _company(call)
    zone = _zone(call, company)
    start, end = _window(call, zone, LONGEST_LOOK)
    terms = terms_of(company, call.request.query.get("service", ""))
    found = call.services.booking().looking.free(company_id, company, terms, Interval(start, end))
    if found.unreadable and not found.slots:
        raise CalendarsUnreadable(tuple(sorted(found.unreadable)))
    return Answer(
        {
            "service": terms.service.id,
            "zone": zone.key,
            "slots": [
                {
                    "start": slot.start.astimezone(zone).isoformat(),
                    "end": slot.interval.end.astimezone(zone).isoformat(),
                    "calendars": [list(one) for one in slot.choices],
                }
                for slot in found.slots
            ],
            "as_of": found.as_of.isoformat() if found.as_of else None,
            "unreadable": dict(found.unreadable),
        }
    )


def book_appointment(call: Call) -> Answer:
    """Book; 409 with other times where it is taken."""
    company_id, company = _company(call)
    wish: AppointmentRequest = call.given
    key = _key(call)
    request = Request(wish.service, wish.start, _customer(company_id, wish, key), tuple(wish.calendars))
    outcome = call.services.booking().booking.book(
        company_id, company, request, key=key, deadline=_deadline()
    )
    made = outcome.appointment
    call.audit("appointment.book", appointment=made.id if made else None, outcome=outcome.kind)
    return _answer(call, outcome, company, HTTPStatus.CREATED)


def list_appointments(call: Call) -> Answer:
    """By their start; of one contact, where the query names one."""
    company_id, company = _company(call)
    start, end = _window(call, ZoneInfo(company.zone), LONGEST_LIST)
    appointments = call.services.booking().appointments
    contact = call.request.query.get("contact")
    if contact is None:
        found = appointments.between(company_id, start, end)
    else:
        person = contact_id_of(Person.named(company_id, contact))
        found = [one for one in appointments.of_contact(company_id, person, start) if one.start < end]
    limit, cursor = call.page()
    skip = _skip(cursor)
    following = str(skip + limit) if len(found) > skip + limit else None
    page = [_view(call, one) for one in found[skip : skip + limit]]
    return Answer({"appointments": page, "next_cursor": following})


def get_appointment(call: Call) -> Answer:
    """The customer's name and address only for keys that may read texts."""
    found = _found(call)
    return Answer(_view(call, found), headers=_tag(found))


def move_appointment(call: Call) -> Answer:
    """Move; ``If-Match`` moves only what was read."""
    company_id, company = _company(call)
    wish: MoveRequest = call.given
    found = _as_read(call)
    outcome = call.services.booking().booking.move(
        company_id,
        company,
        found.id,
        wish.start,
        contact_id=None,
        key=_key(call),
        deadline=_deadline(),
        calendars=tuple(wish.calendars),
    )
    call.audit("appointment.move", appointment=found.id, outcome=outcome.kind)
    return _answer(call, outcome, company, HTTPStatus.OK)


def cancel_appointment(call: Call) -> Answer:
    """Cancel; ``If-Match`` cancels only what was read."""
    company_id, company = _company(call)
    found = _as_read(call)
    outcome = call.services.booking().booking.cancel(
        company_id, company, found.id, contact_id=None, key=_key(call), deadline=_deadline()
    )
    call.audit("appointment.cancel", appointment=found.id, outcome=outcome.kind)
    return _answer(call, outcome, company, HTTPStatus.OK)


def _company(call: Call) -> tuple[str, Company]:
    company_id = require_company_id(call.owner)
    return company_id, call.services.companies.get(company_id)


def _deadline() -> Deadline:
    return Deadline(SystemClock(), SECONDS)


def _key(call: Call) -> str:
    """The request's identity for the booking: the same ``Idempotency-Key`` of a caller, the same request."""
    given = call.request.headers.get("idempotency-key") or uuid.uuid4().hex
    return f"api:{call.caller.owner}:{call.request.method}:{given}"


def _customer(company_id: str, wish: AppointmentRequest, key: str) -> Customer:
    # Somebody who stands at the desk is nobody's contact; no two of them are the same.
    person = contact_id_of(Person.named(company_id, wish.contact)) if wish.contact else f"{WALK_IN}:{key}"
    return Customer(person, wish.name.strip(), wish.email or "")


def _found(call: Call) -> Appointment:
    company_id, _ = _company(call)
    name = call.request.path["appointment_id"]
    return call.services.booking().appointments.get(company_id, name, None)


def _as_read(call: Call) -> Appointment:
    found = _found(call)
    tag = call.request.headers.get("if-match", "").strip()
    if tag not in {"", "*", _tag(found)["ETag"]}:
        raise InvalidInput("the appointment was changed since", reason="version_changed", status=412)
    return found


def _tag(one: Appointment) -> dict[str, str]:
    return {"ETag": f'"{one.version}"'}


def _answer(call: Call, outcome: Outcome, company: Company, status: int) -> Answer:
    if outcome.kind in {"taken", "refused", "expired"}:
        return _conflict(outcome, company)
    if outcome.kind == "by_link":
        return Answer({"status": "by_link", "link": outcome.link})
    view: dict[str, Any] = {"outcome": outcome.kind}
    if outcome.appointment is None:
        return Answer(view, status)
    return Answer(
        _view(call, outcome.appointment) | {"outcome": outcome.kind}, status, _tag(outcome.appointment)
    )


def _conflict(outcome: Outcome, company: Company) -> Answer:
    zone = ZoneInfo(company.zone)
    problem = {
        "type": f"{TYPE_PREFIX}{outcome.kind}",
        "title": HTTPStatus.CONFLICT.phrase,
        "status": int(HTTPStatus.CONFLICT),
        "detail": "the time cannot be had" if outcome.kind == "taken" else "the calendar did not take it",
        "alternatives": [slot.start.astimezone(zone).isoformat() for slot in outcome.alternatives],
    }
    return Answer(problem, HTTPStatus.CONFLICT, content_type=CONTENT_TYPE)


def _view(call: Call, one: Appointment) -> dict[str, Any]:
    zone = ZoneInfo(one.zone)
    contact = _CONTACT.fullmatch(one.customer.contact_id)
    view: dict[str, Any] = {
        "appointment_id": one.id,
        "status": str(one.status),
        "service": one.service_id,
        "service_name": one.service_name,
        "start": one.start.astimezone(zone).isoformat(),
        "end": one.place.interval.end.astimezone(zone).isoformat(),
        "zone": one.zone,
        "calendars": list(one.place.calendars),
        "contact": f"{contact[1]}-{contact[2]}" if contact else None,
        "created_at": one.created_at.isoformat(),
        "conference_url": one.conference_url or None,
        "changed_by": one.ended_by or None,
        "assured_at": one.assured_at.isoformat() if one.assured_at else None,
        "version": one.version,
    }
    if call.caller.may("read:text"):
        view |= {"name": one.customer.name, "email": one.customer.email or None}
    return view


def _zone(call: Call, company: Company) -> ZoneInfo:
    name = call.request.query.get("zone") or company.zone
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise _wrong("zone", "must be an IANA zone such as Europe/Madrid") from None


def _window(call: Call, zone: ZoneInfo, longest: timedelta) -> tuple[datetime, datetime]:
    """``from`` (now) to ``to`` (as far as may be)."""
    start = _moment(call, "from", zone) or datetime.now(UTC)
    end = _moment(call, "to", zone) or start + longest
    if not start < end <= start + longest:
        raise _wrong("to", f"must be after from, by at most {longest.days} days")
    return start, end


def _moment(call: Call, name: str, zone: ZoneInfo) -> datetime | None:
    # A plus that nobody encoded arrives as a space.
    text = call.request.query.get(name, "").replace(" ", "+")
    if not text:
        return None
    try:
        moment = _near(datetime.fromisoformat(text))
    except ValueError:
        raise _wrong(name, "must be a time such as 2030-01-08T10:00:00+01:00, or a day") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def _skip(cursor: str | None) -> int:
    if cursor is not None and not _CURSOR.fullmatch(cursor):
        raise InvalidInput("the cursor is not one that this list gave out", reason="bad_cursor")
    return int(cursor or 0)


def _wrong(name: str, problem: str) -> InvalidInput:
    return InvalidInput(f"{name} {problem}", fields=(FieldError(name, problem),))


_ONE = "/api/calendar/appointments/{appointment_id}"

ROUTES = (
    Route(
        "GET", "/api/calendar/availability", get_availability, "Find free times", owner="query",
        answers=(200, "slots, how fresh they are, and calendars that cannot be read"),
    ),
    Route(
        "POST", "/api/calendar/appointments", book_appointment, "Book an appointment", owner="body",
        scope="act", body=AppointmentRequest, repeatable=True, answers=(201, "the appointment"),
    ),
    Route(
        "GET", "/api/calendar/appointments", list_appointments, "List appointments", owner="query",
        answers=(200, "a page of appointments and next_cursor"),
    ),
    Route(
        "GET", _ONE, get_appointment, "Show an appointment", owner="query",
        answers=(200, "the appointment; its version in ETag"),
    ),
    Route(
        "PATCH", _ONE, move_appointment, "Move an appointment", owner="body", scope="act",
        body=MoveRequest, repeatable=True, answers=(200, "the appointment"),
    ),
    Route(
        "DELETE", _ONE, cancel_appointment, "Cancel an appointment", owner="query", scope="act",
        repeatable=True, answers=(200, "the appointment"),
    ),
)  # fmt: skip
