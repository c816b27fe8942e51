"""Appointments at rest: their records, and where the indexes find them."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from shared.calendars.appointments import (
    LISTED,
    STANDING,
    Appointment,
    Customer,
    EventRef,
    News,
    Place,
    Status,
)
from shared.calendars.intervals import Interval
from shared.calendars.keys import (
    CONTACT_INDEX,
    DUE_INDEX,
    MONTH_INDEX,
    appointment_key,
    contact_pk,
    month_pk,
    time_sk,
    unsettled_pk,
)
from shared.companies.names import SCHEMA_VERSION
from shared.platform.clock import epoch_milliseconds, from_epoch_milliseconds
from shared.platform.errors import NotFound
from shared.platform.tables import Put

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.platform.tables import Item, Table

# When an appointment that is over, or came to nothing, is forgotten.
KEPT_AFTER = timedelta(days=400)
UNWANTED_KEPT_AFTER = timedelta(days=2)
# In place of a contact who is forgotten.
FORGOTTEN = "forgotten"


class Appointments:
    """Reads appointments.

    Args:
        table: the calendars table.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, company_id: str, appointment: str) -> Appointment | None:
        """One appointment, as it is now."""
        item = self._table.get(appointment_key(company_id, appointment), consistent=True)
        return from_item(item) if item else None

    def get(self, company_id: str, appointment: str, contact_id: str | None) -> Appointment:
        """One appointment of a contact, or of anybody for the company itself (``None``).

        Raises:
            NotFound: there is none, or it is somebody else's: nobody learns which.
        """
        found = self.find(company_id, appointment)
        if found is None or contact_id not in {None, found.customer.contact_id}:
            raise NotFound("there is no such appointment", reason="no_such_appointment")
        return found

    def of_contact(self, company_id: str, contact_id: str, since: datetime) -> list[Appointment]:
        """A contact's appointments that stand and begin at or after a moment, in order.

        The index is a moment behind; each appointment is read itself.
        """
        low, high = time_sk(since), "~"
        rows = self._table.query(contact_pk(company_id, contact_id), between=(low, high), index=CONTACT_INDEX)
        return self._read(company_id, rows, lambda one: one.status in STANDING and one.start >= since)

    def between(self, company_id: str, start: datetime, end: datetime) -> list[Appointment]:
        """A company's appointments that begin in a window, in any state but holds, in order."""
        rows: list[Item] = []
        # From the month's first moment: a later hour would step over the last days' successor.
        month = start.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        while month < end:
            rows += self._table.query(
                month_pk(company_id, month), between=(time_sk(start), time_sk(end)), index=MONTH_INDEX
            )
            month = (month + timedelta(days=32)).replace(day=1)
        return self._read(company_id, rows, lambda one: start <= one.start < end)

    def unsettled(self, company_id: str, now: datetime) -> list[Appointment]:
        """Those that want attention by now: half done, or holds that ended."""
        rows = self._table.query(unsettled_pk(company_id), between=("0", time_sk(now, "~")), index=DUE_INDEX)
        return self._read(company_id, rows, lambda one: one.due_at is not None and one.due_at <= now)

    def _read(
        self, company_id: str, rows: Sequence[Item], wanted: Callable[[Appointment], bool]
    ) -> list[Appointment]:
        ids = dict.fromkeys(row["pk"].rpartition("#")[2] for row in rows)
        found = [self.find(company_id, one) for one in ids]
        return sorted((one for one in found if one and wanted(one)), key=lambda one: (one.start, one.id))


def write(appointment: Appointment) -> Put:
    """Write an appointment's next version; fails where another was written since it was read."""
    item = as_item(replace(appointment, version=appointment.version + 1))
    if appointment.version == 0:
        return Put(item, "attribute_not_exists(pk)")
    return Put(item, "version = :read", {":read": appointment.version})


def as_item(one: Appointment) -> Item:
    """The record."""
    item: Item = {
        **one.key.as_item(),
        "v": SCHEMA_VERSION,
        "version": one.version,
        "id": one.id,
        "company_id": one.company_id,
        "customer": asdict(one.customer),
        "service_id": one.service_id,
        "service_name": one.service_name,
        "status": str(one.status),
        "place": _place_item(one.place),
        "target": _place_item(one.target) if one.target else None,
        "forced": one.forced,
        "left_at": [_pair(interval) for interval in one.left_at],
        "zone": one.zone,
        "events": [_event_item(event) for event in one.events],
        "strays": [_event_item(event) for event in one.strays],
        "reminders": list(one.reminders),
        "number": one.number,
        "sequence": one.sequence,
        "keys": [list(pair) for pair in one.keys],
        "created_at": epoch_milliseconds(one.created_at),
        "conference_url": one.conference_url,
        "ended_by": one.ended_by,
        "reason": one.reason,
        "link": one.link,
        "asked": one.asked,
        "fingerprint": one.fingerprint,
        "held_until": _milliseconds(one.held_until),
        "working_until": _milliseconds(one.working_until),
        "due_at": _milliseconds(one.due_at),
        "begun_at": _milliseconds(one.begun_at),
        "wanted_at": _milliseconds(one.wanted_at),
        "assured_at": _milliseconds(one.assured_at),
        "news": _news_item(one.news) if one.news else None,
        "organizer": one.organizer,
        "expires_at": int(_forgotten_at(one).timestamp()),
    }
    return item | _indexes(one)


def from_item(item: Item) -> Appointment:
    """What `as_item` wrote."""
    return Appointment(
        id=item["id"],
        company_id=item["company_id"],
        customer=Customer(**item["customer"]),
        service_id=item["service_id"],
        service_name=item["service_name"],
        status=Status(item["status"]),
        place=_place(item["place"]),
        target=_place(item["target"]) if item["target"] else None,
        forced=item["forced"],
        left_at=tuple(_interval(pair) for pair in item["left_at"]),
        zone=item["zone"],
        events=tuple(_event(event) for event in item["events"]),
        strays=tuple(_event(event) for event in item["strays"]),
        reminders=tuple(item["reminders"]),
        number=item["number"],
        sequence=item["sequence"],
        keys=tuple((key, outcome) for key, outcome in item["keys"]),
        created_at=from_epoch_milliseconds(item["created_at"]),
        version=item["version"],
        conference_url=item["conference_url"],
        ended_by=item["ended_by"],
        reason=item["reason"],
        link=item["link"],
        asked=item["asked"],
        fingerprint=item["fingerprint"],
        held_until=_moment(item["held_until"]),
        working_until=_moment(item["working_until"]),
        due_at=_moment(item["due_at"]),
        begun_at=_moment(item["begun_at"]),
        wanted_at=_moment(item["wanted_at"]),
        assured_at=_moment(item.get("assured_at")),
        news=_news(item["news"]) if item.get("news") else None,
        organizer=item.get("organizer", ""),
    )


def _indexes(one: Appointment) -> dict[str, str]:
    keys: dict[str, str] = {}
    if one.due_at is not None:
        keys |= _index(DUE_INDEX, unsettled_pk(one.company_id), time_sk(one.due_at, one.id))
    # Of whatever status: all that is kept of a contact must be found when they want to know or be forgotten.
    if one.customer.contact_id != FORGOTTEN:
        contact = contact_pk(one.company_id, one.customer.contact_id)
        keys |= _index(CONTACT_INDEX, contact, time_sk(one.start, one.id))
    if one.status in LISTED:
        keys |= _index(MONTH_INDEX, month_pk(one.company_id, one.start), time_sk(one.start, one.id))
    return keys


def _index(name: str, pk: str, sk: str) -> dict[str, str]:
    return {f"{name}_pk": pk, f"{name}_sk": sk}


def _forgotten_at(one: Appointment) -> datetime:
    if one.status in LISTED:
        return one.place.interval.end + KEPT_AFTER
    return max(one.created_at, one.due_at or one.created_at) + UNWANTED_KEPT_AFTER


def _place_item(place: Place) -> Item:
    return {
        "start": epoch_milliseconds(place.interval.start),
        "end": epoch_milliseconds(place.interval.end),
        "before_seconds": int(place.before.total_seconds()),
        "after_seconds": int(place.after.total_seconds()),
        "calendars": list(place.calendars),
        "number": place.number,
    }


def _place(item: Item) -> Place:
    return Place(
        Interval(from_epoch_milliseconds(item["start"]), from_epoch_milliseconds(item["end"])),
        timedelta(seconds=item["before_seconds"]),
        timedelta(seconds=item["after_seconds"]),
        tuple(item["calendars"]),
        item["number"],
    )


def _news_item(news: News) -> Item:
    was = _pair(news.was) if news.was else None
    return {"kind": news.kind, "at": epoch_milliseconds(news.at), "was": was}


def _news(item: Item) -> News:
    was = _interval(item["was"]) if item["was"] else None
    return News(item["kind"], from_epoch_milliseconds(item["at"]), was)


def _event_item(event: EventRef) -> Item:
    return {**asdict(event), "interval": _pair(event.interval)}


def _event(item: Item) -> EventRef:
    return EventRef(**{**item, "interval": _interval(item["interval"])})


def _pair(interval: Interval) -> list[int]:
    return [epoch_milliseconds(interval.start), epoch_milliseconds(interval.end)]


def _interval(pair: Sequence[int]) -> Interval:
    return Interval(from_epoch_milliseconds(pair[0]), from_epoch_milliseconds(pair[1]))


def _milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else epoch_milliseconds(moment)


def _moment(value: int | None) -> datetime | None:
    return None if value is None else from_epoch_milliseconds(value)
