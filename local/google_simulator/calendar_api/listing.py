"""Lists of events: pages, windows, and sync tokens that bring what changed since."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from local.google_simulator.calendar import times
from local.google_simulator.calendar.records import FACTS, Calendar
from local.google_simulator.calendar.refusals import ApiRefused, bad

if TYPE_CHECKING:
    from local.google_simulator.calendar.records import Calendars

USUAL_RESULTS, MOST_RESULTS = 250, 2500

JsonDict = dict[str, Any]


def listed(calendars: Calendars, calendar: Calendar, given: dict[str, str]) -> JsonDict:
    """One page of events; the last one carries a sync token unless they are ordered.

    Raises:
        ApiRefused: parameters that do not go together, or a sync token that is too old.
    """
    unknown = sorted(given.keys() - {*FACTS["list_parameters"], *FACTS["not_with_sync_token"]})
    asked = {name: value for name, value in given.items() if name not in FACTS["page_parameters"]}
    since, query = _since(calendar, given, asked) if "syncToken" in given else (None, asked)
    if unknown or {"q", "iCalUID", "updatedMin", "sharedExtendedProperty"} & given.keys():
        raise ApiRefused(times.NOT_SIMULATED, "notSimulated", f"Parameters are not simulated: {unknown}")
    found = _matching(calendar, query, since)
    offset, number = _read(given["pageToken"]) if "pageToken" in given else (0, calendars.number())
    size = min(
        int(given.get("maxResults", USUAL_RESULTS)), MOST_RESULTS, calendars.page_limit or MOST_RESULTS
    )
    page: JsonDict = {
        "kind": "calendar#events",
        "summary": calendar.summary,
        "timeZone": given.get("timeZone", calendar.zone),
        "updated": times.written(calendars.now()),
        "items": found[offset : offset + size],
    }
    if offset + size < len(found):
        return page | {"nextPageToken": _text(offset + size, number)}
    return page if "orderBy" in query else page | {"nextSyncToken": _text(number, calendar.generation, query)}


def _since(calendar: Calendar, given: dict[str, str], asked: dict[str, str]) -> tuple[int, dict[str, str]]:
    """After which change, and with which parameters of the first time."""
    wrong = [name for name in FACTS["not_with_sync_token"] if name in given]
    if wrong:
        sentence = f"Sync token cannot be used with {wrong[0]}."
        raise bad("badRequest", sentence, wrong[0])
    if given.get("showDeleted") == "false":
        raise bad("badRequest", "Sync token cannot be used with showDeleted=false.", "showDeleted")
    try:
        number, generation, first = _read(given["syncToken"])
    except ValueError as error:
        raise bad("invalid", "Invalid sync token value.", "syncToken") from error
    if generation != calendar.generation:
        sentence = "Sync token is no longer valid, a full sync is required."
        raise ApiRefused(
            HTTPStatus.GONE, "fullSyncRequired", sentence, domain="calendar", location="syncToken"
        )
    lasting = {name: value for name, value in first.items() if name not in FACTS["not_with_sync_token"]}
    if lasting != asked:
        raise bad("badRequest", "The parameters differ from those of the first sync.", "syncToken")
    return number, first


def _matching(calendar: Calendar, query: dict[str, str], since: int | None) -> list[JsonDict]:
    start = times.moment(query["timeMin"], "timeMin") if "timeMin" in query else None
    end = times.moment(query["timeMax"], "timeMax") if "timeMax" in query else None
    if start and end and start >= end:
        raise bad("timeRangeEmpty", "The specified time range is empty.", "timeMax", domain="calendar")
    single = query.get("singleEvents") == "true"
    if query.get("orderBy") == "startTime" and not single:
        raise bad(
            "badRequest", "The requested ordering is not available for the particular query.", "orderBy"
        )
    found: list[JsonDict] = []
    for event in calendar.events.values():
        if since is not None and calendar.changes[event["id"]] <= since:
            continue
        bounds = (start, end) if since is None or event.get("recurrence") else (None, None)
        if "recurringEventId" in event and single and since is None:
            continue  # its series brings it
        found += calendar.expanded(event, *bounds) if single else _whole(calendar, event, *bounds)
    with_cancelled = since is not None or query.get("showDeleted") == "true"
    kept = [one for one in found if _shown(one, with_cancelled=with_cancelled, single=single)]
    kept = [one for one in kept if _has(one, query.get("privateExtendedProperty", ""))]
    if query.get("orderBy") == "startTime":
        kept.sort(key=lambda one: times.span(one, calendar.zone).start)
    return [_bare(one) if one["status"] == "cancelled" else one for one in kept]


def _whole(
    calendar: Calendar, event: JsonDict, start: datetime | None, end: datetime | None
) -> list[JsonDict]:
    """A series counts as one event, if any of its occurrences is in the window."""
    return [event] if any(True for _ in calendar.expanded(event, start, end)) else []


def _shown(event: JsonDict, *, with_cancelled: bool, single: bool) -> bool:
    """Cancelled occurrences of a series are told wherever the series itself is."""
    exception = "recurringEventId" in event and not single
    return event["status"] != "cancelled" or with_cancelled or exception


def _has(event: JsonDict, wanted: str) -> bool:
    name, _, value = wanted.partition("=")
    return not wanted or event.get("extendedProperties", {}).get("private", {}).get(name) == value


def _bare(event: JsonDict) -> JsonDict:
    """Of what is cancelled only the id is certain; occurrences also tell which one they were."""
    names = ("kind", "etag", "id", "status", "recurringEventId", "originalStartTime")
    return {name: event[name] for name in names if name in event}


def free_busy(calendar: Calendar, start: datetime, end: datetime) -> list[JsonDict]:
    """When a calendar is taken in a window, cut to it, in order and without overlaps."""
    taken: list[list[datetime]] = []
    for event in calendar.events.values():
        if "recurringEventId" in event:
            continue  # its series brings it
        for one in calendar.expanded(event, start, end):
            if _takes_time(one):
                when = times.span(one, calendar.zone)
                taken.append([max(when.start, start), min(when.end, end)])
    merged: list[list[datetime]] = []
    for one_start, one_end in sorted(taken):
        if merged and one_start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], one_end)
        else:
            merged.append([one_start, one_end])
    return [{"start": _seconds(one[0]), "end": _seconds(one[1])} for one in merged]


def _takes_time(event: JsonDict) -> bool:
    declined = any(
        one.get("self") and one.get("responseStatus") == "declined" for one in event.get("attendees", [])
    )
    free = event.get("transparency") == "transparent" or event.get("eventType") in FACTS["free_event_types"]
    return event["status"] != "cancelled" and not declined and not free


def _seconds(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(*values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode()


def _read(text: str) -> Any:  # noqa: ANN401 - what `_text` was given
    return json.loads(base64.urlsafe_b64decode(text))
