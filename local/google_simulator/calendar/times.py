"""When events take place: moments and days in their zones, and what a recurrence rule makes of them.

Rules (RFC 5545 section 3.3.10) may be daily or weekly, with ``INTERVAL``, ``COUNT``, ``UNTIL`` and ``BYDAY``;
``EXDATE`` is not understood, single instances are cancelled instead.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from local.google_simulator.calendar.refusals import ApiRefused, bad

if TYPE_CHECKING:
    from collections.abc import Iterator

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
MOST_OCCURRENCES = 2000
RULE_PARTS = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "WKST"}
NOT_SIMULATED = 501

JsonDict = dict[str, Any]


@dataclass(frozen=True)
class Span:
    """From a moment to another, in UTC."""

    start: datetime
    end: datetime


def moment(text: str, location: str) -> datetime:
    """A parameter's moment; its offset is mandatory.

    Raises:
        ApiRefused: it is none.
    """
    with suppress(ValueError):
        found = datetime.fromisoformat(text.replace(" ", "+"))
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    raise bad("badRequest", "Bad Request: a time needs its offset.", location)


def written(when: datetime) -> str:
    """A moment as the API writes it: UTC, milliseconds."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def edge(given: JsonDict, zone: str) -> datetime:
    """The beginning or end of an event, in UTC; days begin at midnight in the calendar's zone.

    Raises:
        ValueError: what is given is no time.
        KeyError: the zone is none, or nothing is given.
    """
    if given.get("date"):
        return datetime.combine(date.fromisoformat(given["date"]), time(), ZoneInfo(zone)).astimezone(UTC)
    found = datetime.fromisoformat(given["dateTime"])
    if found.tzinfo is None:
        found = found.replace(tzinfo=ZoneInfo(given["timeZone"]))
    return found.astimezone(UTC)


def span(event: JsonDict, zone: str) -> Span:
    """When an event takes place."""
    return Span(edge(event["start"], zone), edge(event["end"], zone))


def rule_of(event: JsonDict) -> dict[str, str]:
    """The parts of an event's rule.

    Raises:
        ApiRefused: it is more than this simulator understands.
    """
    lines = event.get("recurrence") or []
    parts = dict(part.split("=", 1) for part in lines[0].removeprefix("RRULE:").split(";")) if lines else {}
    understood = parts.keys() <= RULE_PARTS and parts.get("FREQ") in ("DAILY", "WEEKLY") and len(lines) == 1
    if lines and not understood:
        raise ApiRefused(NOT_SIMULATED, "notSimulated", f"The simulator does not understand {lines}.")
    return parts


def occurrences(event: JsonDict, zone: str, before: datetime) -> Iterator[JsonDict]:
    """The ``start`` and ``end`` of every occurrence that begins before a moment, in wall-clock time."""
    rule, whole_days = rule_of(event), "date" in event["start"]
    own_zone = ZoneInfo(zone if whole_days else event["start"]["timeZone"])
    first = span(event, zone)
    lasts, wall = first.end - first.start, first.start.astimezone(own_zone)
    days = (date.fromisoformat(event["end"]["date"]) - wall.date()).days if whole_days else 0
    for number, day in enumerate(_days(rule, wall.date())):
        start = datetime.combine(day, wall.time(), own_zone)
        if start >= before or _over(rule, number, start, own_zone):
            return
        if whole_days:
            ends = (day + timedelta(days=days)).isoformat()
            yield {"start": {"date": day.isoformat()}, "end": {"date": ends}}
        else:
            end = (start.astimezone(UTC) + lasts).astimezone(own_zone)
            yield {
                name: {"dateTime": one.isoformat(), "timeZone": own_zone.key}
                for name, one in (("start", start), ("end", end))
            }


def _days(rule: dict[str, str], first: date) -> Iterator[date]:
    wanted = {WEEKDAYS.index(one[-2:]) for one in rule.get("BYDAY", "").split(",") if one}
    weekly, interval = rule["FREQ"] == "WEEKLY", int(rule.get("INTERVAL", 1))
    monday = first - timedelta(days=first.weekday())
    for passed in count():
        day = first + timedelta(days=passed)
        step = (day - monday).days // 7 if weekly else passed
        fits = (
            day.weekday() in (wanted or {first.weekday()})
            if weekly
            else not wanted or day.weekday() in wanted
        )
        if step % interval == 0 and fits:
            yield day


def _over(rule: dict[str, str], number: int, start: datetime, zone: ZoneInfo) -> bool:
    if number >= min(int(rule.get("COUNT", MOST_OCCURRENCES)), MOST_OCCURRENCES):
        return True
    until = rule.get("UNTIL", "")
    if not until:
        return False
    if "T" not in until:
        return start.date() > datetime.strptime(until, "%Y%m%d").replace(tzinfo=zone).date()
    return start > datetime.strptime(until, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def instance_id(series_id: str, start: JsonDict) -> str:
    """The id of one occurrence: the series' own and when it would have begun."""
    if "date" in start:
        return f"{series_id}_{start['date'].replace('-', '')}"
    return f"{series_id}_{edge(start, 'UTC'):%Y%m%dT%H%M%SZ}"
