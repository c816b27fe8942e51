"""A page for people: one week of every calendar. It reads everything again every five seconds."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, request

from local.google_simulator.calendar import times
from local.google_simulator.oauth import google

if TYPE_CHECKING:
    from local.google_simulator.calendar.records import Calendar

WEEK = timedelta(days=7)
COLOURS = 6
routes = Blueprint(
    "google_calendar_page", __name__, template_folder="week", static_folder="week",
    static_url_path="/simulator/week",
)  # fmt: skip

JsonDict = dict[str, Any]


@routes.get("/calendar")
def week() -> str:
    """``week`` is any day of it; without it: this one. ``zone`` is the first calendar's unless given."""
    calendars = google().calendars.every()
    zone = ZoneInfo(request.args.get("zone") or calendars[0].zone)
    today = google().calendars.now().astimezone(zone).date()
    day = date.fromisoformat(request.args.get("week") or today.isoformat())
    monday = day - timedelta(days=day.weekday())
    days = [monday + timedelta(days=number) for number in range(7)]
    colours = {one.id: number % COLOURS for number, one in enumerate(calendars)}
    rows = [row for one in calendars for row in _rows(one, monday, zone, colours[one.id])]
    rows.sort(key=lambda row: (row["from"], row["title"]))
    return render_template(
        "week.html",
        days=[(one, [row for row in rows if row["day"] == one]) for one in days],
        calendars=[(one, colours[one.id]) for one in calendars],
        today=today,
        zone=zone.key,
        before=monday - WEEK,
        after=monday + WEEK,
    )


def _rows(calendar: Calendar, monday: date, zone: ZoneInfo, colour: int) -> list[JsonDict]:
    """A row for each event and each of its days."""
    start = datetime.combine(monday, time(), zone).astimezone(UTC)
    rows = []
    for event in list(calendar.events.values()):
        if "recurringEventId" in event:
            continue  # its series brings it
        for one in calendar.expanded(event, start, start + WEEK):
            if one["status"] != "cancelled":
                rows += _days_of(one, calendar, zone, colour)
    return rows


def _days_of(event: JsonDict, calendar: Calendar, zone: ZoneInfo, colour: int) -> list[JsonDict]:
    when = times.span(event, calendar.zone)
    whole = "date" in event["start"]
    shown_in = ZoneInfo(calendar.zone) if whole else zone
    begins, ends = when.start.astimezone(shown_in), when.end.astimezone(shown_in)
    last = max(begins.date(), (ends - timedelta(microseconds=1)).date())
    row = {"title": event.get("summary", "(no title)"), "calendar": calendar.summary, "colour": colour}
    row |= {"from": "" if whole else f"{begins:%H:%M}", "to": "" if whole else f"{ends:%H:%M}"}
    row |= {"free": event.get("transparency") == "transparent", "link": event.get("hangoutLink", "")}
    return [row | {"day": begins.date() + timedelta(days=n)} for n in range((last - begins.date()).days + 1)]
