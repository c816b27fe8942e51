"""What an event must be like to be written, and what becomes of it."""

from __future__ import annotations

import copy
import re
import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from local.google_simulator.calendar import times
from local.google_simulator.calendar.records import FACTS
from local.google_simulator.calendar.refusals import ApiRefused, bad

if TYPE_CHECKING:
    from local.google_simulator.calendar.records import Calendar, Calendars
    from local.google_simulator.grants import Account

EVENT_ID = re.compile(r"[a-v0-9]{5,1024}")
MOST_REMINDERS, LONGEST_REMINDER_MINUTES = 5, 40_320

JsonDict = dict[str, Any]


def insert(calendars: Calendars, calendar: Calendar, account: Account, given: JsonDict) -> JsonDict:
    """A new event; an id of the caller's is good once, also after the event was deleted.

    Raises:
        ApiRefused: the id is taken, or something is wrong.
    """
    event_id = given.get("id") or secrets.token_hex(13)
    if not EVENT_ID.fullmatch(event_id):
        raise bad("invalid", "Invalid resource id value.", "resource.id")
    if event_id in calendar.events:
        sentence = "The requested identifier already exists."
        raise ApiRefused(HTTPStatus.CONFLICT, "duplicate", sentence)
    by = {"email": account.email, "self": account.email == calendar.id}
    event = {
        "kind": "calendar#event",
        "id": event_id,
        "status": "confirmed",
        "htmlLink": f"https://www.google.com/calendar/event?eid={event_id}",
        "created": times.written(calendars.now()),
        "iCalUID": f"{event_id}@google.com",
        "creator": by,
        "organizer": {"email": calendar.id, "displayName": calendar.summary, "self": True},
        "sequence": 0,
        "reminders": {"useDefault": True},
        "eventType": "default",
    }
    return calendars.write(calendar, _changed(calendars, calendar, event, given))


def change(
    calendars: Calendars, calendar: Calendar, event: JsonDict, given: JsonDict, *, whole: bool
) -> JsonDict:
    """Change an event: the fields that are given, or (``whole``) all that can be written.

    Raises:
        ApiRefused: something is wrong.
    """
    before = copy.deepcopy(event)
    kept = {name: value for name, value in before.items() if not (whole and name in FACTS["writable"])}
    kept["status"] = given.get("status", before["status"])
    changed = _changed(calendars, calendar, kept, given)
    if any(changed.get(name) != event.get(name) for name in ("start", "end", "recurrence")):
        changed["sequence"] += 1
    return calendars.write(calendar, changed)


def cancel(calendars: Calendars, calendar: Calendar, event: JsonDict) -> None:
    """Delete an event; its id stays taken.

    Raises:
        ApiRefused: it was deleted before.
    """
    if event["status"] == "cancelled":
        raise ApiRefused(HTTPStatus.GONE, "deleted", "Resource has been deleted")
    calendars.write(calendar, {**copy.deepcopy(event), "status": "cancelled"})


def _changed(calendars: Calendars, calendar: Calendar, event: JsonDict, given: JsonDict) -> JsonDict:
    """The event with what is given, checked."""
    wanted = {name: value for name, value in given.items() if name in FACTS["writable"]}
    conference = wanted.pop("conferenceData", None)
    merged = _merged(event, wanted)
    _check_times(calendar, merged)
    _check_reminders(merged.get("reminders", {}))
    if conference and "createRequest" in conference:
        _confer(calendars, merged, conference["createRequest"])
    return merged


def _merged(event: JsonDict, given: JsonDict) -> JsonDict:
    """Patch semantics: objects are merged, lists replaced, null deletes. A time is one value."""
    merged = dict(event)
    for name, value in given.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict) and name not in ("start", "end"):
            merged[name] = _merged(merged.get(name, {}), value)
        else:
            merged[name] = value
    return merged


def _check_times(calendar: Calendar, event: JsonDict) -> None:
    for name in ("start", "end"):
        if not event.get(name):
            raise bad("required", f"Missing {name} time.")
    try:
        when = times.span(event, calendar.zone)
    except KeyError as error:
        raise bad("required", "Missing time zone definition.") from error
    except ValueError as error:
        raise bad("invalid", "Invalid value for a time.") from error
    if when.end < when.start or ("date" in event["start"]) != ("date" in event["end"]):
        raise bad("timeRangeEmpty", "The specified time range is empty.", domain="calendar")
    times.rule_of(event)
    if event.get("recurrence") and "date" not in event["start"] and "timeZone" not in event["start"]:
        raise bad("required", "Missing time zone definition for start time.")


def _check_reminders(reminders: JsonDict) -> None:
    overrides = reminders.get("overrides", [])
    if reminders.get("useDefault") and overrides:
        sentence = "Cannot specify both default reminders and overrides at the same time."
        raise bad("cannotUseDefaultRemindersAndSpecifyOverride", sentence, domain="calendar")
    for one in overrides:
        if one.get("method") not in ("email", "popup") or not 0 <= one["minutes"] <= LONGEST_REMINDER_MINUTES:
            raise bad("invalid", "Invalid reminder.")
    if len(overrides) > MOST_REMINDERS:
        raise bad("invalid", "Too many override reminders.")


def _confer(calendars: Calendars, event: JsonDict, asked: JsonDict) -> None:
    """A video call for an event, made once for each request's id."""
    made = event.get("conferenceData", {})
    if made.get("createRequest", {}).get("requestId") == asked["requestId"]:
        return
    request = {"requestId": asked["requestId"], "conferenceSolutionKey": {"type": "hangoutsMeet"}}
    event["conferenceData"] = {"createRequest": {**request, "status": {"statusCode": calendars.conference}}}
    if calendars.conference == "success":
        complete(event)


def complete(event: JsonDict) -> None:
    """The video call is there."""
    number = secrets.token_hex(5)
    link = f"https://meet.google.com/{number[:3]}-{number[3:7]}-{number[7:]}"
    event["conferenceData"]["createRequest"]["status"] = {"statusCode": "success"}
    event["conferenceData"]["entryPoints"] = [{"entryPointType": "video", "uri": link}]
    event["hangoutLink"] = link
