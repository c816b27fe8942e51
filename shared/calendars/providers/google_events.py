"""Events in the words of the Google Calendar API, both ways (its page "Events")."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from shared.calendars.intervals import Interval
from shared.calendars.providers.contract import Event, video_link

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.calendars.providers.contract import NewEvent

FIELDS = (
    "id,status,etag,summary,updated,start,end,originalStartTime,transparency,eventType,"
    "attendees(self,responseStatus),extendedProperties/private,hangoutLink"
)
_TAKES_NO_TIME = {"workingLocation", "birthday"}


def read_event(item: Mapping[str, Any], zone: str) -> Event:
    """An event as the contract has it.

    Args:
        item: as the API gives it; a cancelled one may hold no more than its id.
        zone: the calendar's own zone, in which all-day events begin and end.
    """
    cancelled = item.get("status") == "cancelled"
    updated = item.get("updated")
    return Event(
        id=str(item["id"]),
        interval=_interval(item, zone),
        cancelled=cancelled,
        busy=not cancelled and _takes_time(item),
        etag=str(item.get("etag", "")),
        title=str(item.get("summary", "")),
        private={str(key): str(value) for key, value in _private(item).items()},
        conference_url=video_link(item.get("hangoutLink")),
        updated_at=datetime.fromisoformat(updated) if updated else None,
    )


def is_all_day(item: Mapping[str, Any]) -> bool:
    """Whether an event has days instead of moments."""
    return "date" in item.get("start", {})


def _private(item: Mapping[str, Any]) -> Mapping[str, Any]:
    found = item.get("extendedProperties", {}).get("private", {})
    return found if isinstance(found, dict) else {}


def _takes_time(item: Mapping[str, Any]) -> bool:
    if item.get("transparency") == "transparent" or item.get("eventType") in _TAKES_NO_TIME:
        return False
    return not any(
        attendee.get("self") and attendee.get("responseStatus") == "declined"
        for attendee in item.get("attendees", [])
    )


def _interval(item: Mapping[str, Any], zone: str) -> Interval | None:
    start, end = _moment(item.get("start"), zone), _moment(item.get("end"), zone)
    # An event without length takes no time: two moments that are the same are no interval.
    return Interval(start, end) if start and end and start < end else None


def _moment(given: Mapping[str, str] | None, zone: str) -> datetime | None:
    if not given:
        return None
    if "date" in given:
        return datetime.combine(date.fromisoformat(given["date"]), time(), ZoneInfo(zone))
    moment = datetime.fromisoformat(given["dateTime"])
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(given.get("timeZone", zone)))


def write_event(event: NewEvent) -> dict[str, Any]:
    """The body that makes an event."""
    body: dict[str, Any] = {
        "id": event.id,
        "summary": event.title,
        "description": event.description,
        **write_times(event.interval, event.zone),
        "extendedProperties": {"private": dict(event.private)},
    }
    invited = list(event.attendees)
    if event.invite_customer and event.customer and event.customer.email:
        invited.append(event.customer)
    if invited:
        body["attendees"] = [{"email": one.email, "displayName": one.name} for one in invited]
    if event.reminders is not None:
        overrides = [{"method": one.method, "minutes": one.minutes} for one in event.reminders]
        body["reminders"] = {"useDefault": False, "overrides": overrides}
    if event.conference:
        # The same requestId is one request, however often it comes.
        wanted = {"requestId": event.id, "conferenceSolutionKey": {"type": "hangoutsMeet"}}
        body["conferenceData"] = {"createRequest": wanted}
    return body


def write_times(interval: Interval, zone: str | None = None) -> dict[str, Any]:
    """Start and end as the API takes them; without a zone the event keeps the one it has."""
    named = {"timeZone": zone} if zone else {}
    return {
        "start": {"dateTime": interval.start.isoformat(), **named},
        "end": {"dateTime": interval.end.isoformat(), **named},
    }
