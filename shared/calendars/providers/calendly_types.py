"""Calendly's event types, events and invitees, in our words and back (its API reference)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from shared.calendars.intervals import Interval
from shared.calendars.providers.contract import (
    PRIVATE_APPOINTMENT,
    PRIVATE_COMPANY,
    PRIVATE_SERVICE,
    Event,
    video_link,
)
from shared.platform.errors import AnswerLost

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.calendars.providers.contract import Attendee, NewEvent

# All six must be there where one is (Scheduling API); we need five.
_TRACKING = ("utm_campaign", "utm_source", "utm_medium", "utm_content", "utm_term", "salesforce_uuid")
_SOURCE = "frontdesk"
_PRIVATE_EVENT = "frontdesk_event"
_MARKS = {
    "utm_medium": PRIVATE_COMPANY,
    "utm_campaign": PRIVATE_APPOINTMENT,
    "utm_term": PRIVATE_SERVICE,
    "utm_content": _PRIVATE_EVENT,
}
# Where the customer would have to be asked, or must say a text, only the page can book.
_ASKED_OF_CUSTOMERS = {"ask_invitee", "outbound_call"}


@dataclass(frozen=True)
class EventType:
    """What can be booked.

    Args:
        uri: Calendly's name of it.
        owner_uri: the user who keeps it; empty for a team's.
        lasts: how long its events last.
        page: where anybody can book it.
        location: what a booking says about the place; ``None``: nothing.
        page_only: why it can be booked on the page alone; empty where it cannot.
    """

    uri: str
    owner_uri: str
    lasts: timedelta
    page: str
    location: Mapping[str, str] | None
    page_only: str


def read_event_type(given: Mapping[str, Any]) -> EventType:
    """An event type as the API gives it."""
    location, page_only = _location(given)
    if any(one.get("required") and one.get("enabled", True) for one in given.get("custom_questions") or []):
        page_only = "it asks questions that must be answered"
    return EventType(
        uri=str(given["uri"]),
        owner_uri=str((given.get("profile") or {}).get("owner", "")),
        lasts=timedelta(minutes=int(given["duration"])),
        page=str(given.get("scheduling_url", "")),
        location=location,
        page_only=page_only,
    )


def _location(given: Mapping[str, Any]) -> tuple[Mapping[str, str] | None, str]:
    places = given.get("locations") or []
    if not places or given.get("pooling_type") == "round_robin":
        return None, ""
    kind = str(places[0].get("kind", ""))
    if kind in _ASKED_OF_CUSTOMERS:
        return None, "its place is the customer's to choose"
    text = places[0].get("location")
    return {"kind": kind, **({"location": str(text)} if text else {})}, ""


def write_invitee(event: NewEvent, customer: Attendee, kind: EventType) -> dict[str, Any]:
    """The body that books a time for somebody."""
    body: dict[str, Any] = {
        "event_type": kind.uri,
        "start_time": written(event.interval.start),
        "invitee": {
            "email": customer.email,
            "name": customer.name or customer.email.partition("@")[0],
            "timezone": event.zone,
        },
        "tracking": {
            **dict.fromkeys(_TRACKING),
            "utm_source": _SOURCE,
            **{mark: event.private.get(name) for mark, name in _MARKS.items()},
            "utm_content": event.id,
        },
    }
    if kind.location is not None:
        body["location"] = dict(kind.location)
    if event.attendees:
        body["event_guests"] = [one.email for one in event.attendees][:10]
    return body


def marks(invitee: Mapping[str, Any]) -> dict[str, str]:
    """What a booking of ours carries for programs; empty for others'."""
    tracking = invitee.get("tracking") or {}
    if tracking.get("utm_source") != _SOURCE:
        return {}
    return {name: str(tracking[mark]) for mark, name in _MARKS.items() if tracking.get(mark)}


def mark_of(invitee: Mapping[str, Any]) -> str:
    """The id that we gave a booking; empty for others'."""
    return marks(invitee).get(_PRIVATE_EVENT, "")


def read_event(given: Mapping[str, Any], invitee: Mapping[str, Any]) -> Event:
    """A scheduled event with its invitee.

    Raises:
        AnswerLost: it is not one.
    """
    try:
        interval = Interval(moment(given["start_time"]), moment(given["end_time"]))
        updated = given.get("updated_at")
        return Event(
            id=last_part(str(given["uri"])),
            interval=interval,
            cancelled=given.get("status") == "canceled",
            busy=given.get("status") != "canceled",
            title=str(given.get("name") or ""),
            private=marks(invitee),
            conference_url=video_link((given.get("location") or {}).get("join_url")),
            updated_at=moment(updated) if updated else None,
            reschedule_url=str(invitee.get("reschedule_url") or ""),
        )
    except (KeyError, ValueError, TypeError, AttributeError):
        raise AnswerLost("Calendly answered with no event", reason="calendar_answer_odd") from None


def moment(text: str) -> datetime:
    """A moment as the API writes it."""
    return datetime.fromisoformat(text)


def written(when: datetime) -> str:
    """A moment as the API takes it; ``when`` is in UTC."""
    return when.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def last_part(uri: str) -> str:
    """The end of a resource's name, which is its id."""
    return uri.rstrip("/").rpartition("/")[2]
