"""Free times and appointments of a company."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import click

from cli.client import path_of
from cli.context import Options, options_of, table


@click.group()
def calendar() -> None:
    """Look at a company's free times and appointments.

    Days and times without an offset are the company's: 2030-01-08, 2030-01-08T10:00.
    """


@calendar.command(name="availability")
@click.argument("company_id")
@click.argument("service")
@click.option("--from", "start", help="The first moment; without it: now.")
@click.option("--to", "end", help="The end, at most 31 days later.")
@options_of
def availability(options: Options, company_id: str, service: str, start: str | None, end: str | None) -> None:
    """List every time at which SERVICE of COMPANY_ID can be booked, and calendars that cannot be read.

    Example: frontdesk calendar availability clinica-sol checkup --to 2030-01-09
    """
    asked = {"company_id": company_id, "service": service, "from": start, "to": end}
    answer = options.client().call("GET", _path("availability", asked))
    rows = [
        {"start": _clock(one["start"]), "end": _clock(one["end"]), "calendars": _calendars(one["calendars"])}
        for one in answer["slots"]
    ]
    unreadable = [f"{name} cannot be read: {reason}" for name, reason in answer["unreadable"].items()]
    options.show(answer, [*table(rows, "start", "end", "calendars"), *unreadable])


@calendar.command(name="appointments")
@click.argument("company_id")
@click.option("--from", "start", help="The first moment; without it: now.")
@click.option("--to", "end", help="The end, at most 92 days later.")
@click.option("--contact", help="Only this customer's, such as 3-481.")
@options_of
def appointments(
    options: Options, company_id: str, start: str | None, end: str | None, contact: str | None
) -> None:
    """List the appointments of COMPANY_ID by their start, on the company's clock.

    Example: frontdesk calendar appointments clinica-sol --from 2030-01-08
    """
    asked = {"company_id": company_id, "from": start, "to": end, "contact": contact}
    client, found, cursor = options.client(), [], None
    while True:
        answer = client.call("GET", _path("appointments", asked | {"cursor": cursor}))
        found += answer["appointments"]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    rows = [one | {"start": _clock(one["start"], one["zone"])} for one in found]
    columns = ("start", "service", "status", "contact", "appointment_id")
    options.show({"appointments": found}, table(rows, *columns))


def _path(what: str, query: dict[str, Any]) -> str:
    given = {name: value for name, value in query.items() if value is not None}
    return f"{path_of('calendar', what)}?{urlencode(given)}"


def _clock(moment: str, zone: str | None = None) -> str:
    """A moment as people read it; in another zone where one is named."""
    read = datetime.fromisoformat(moment)
    return f"{read.astimezone(ZoneInfo(zone)) if zone else read:%Y-%m-%d %H:%M}"


def _calendars(choices: list[list[str]]) -> str:
    """Of each of the service's needs the calendars that are free."""
    return " + ".join("/".join(one) for one in choices)
