"""What a service needs, and the how-to's pieces as one document."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from shared.calendars.providers.contract import EventReminder
from shared.calendars.terms import is_bookable, terms_of
from shared.companies.model import Company
from tests.support.bookings import DOCUMENT

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "take-bookings.md"


def company(service: dict[str, Any], **changes: Any) -> Company:  # noqa: ANN401 - fields of the document
    """A company with one service."""
    one = {"id": "a", "name": "A", "duration_minutes": 30, **service}
    return Company.parse({**DOCUMENT, "services": [one], **changes})


def needs(service: dict[str, Any]) -> list[list[str]]:
    """The calendars of each need."""
    return [[one.id for one in need] for need in terms_of(company(service), "a").needs]


def test_the_how_tos_pieces_make_a_document() -> None:
    """People copy them."""
    pieces = re.findall(r"```json\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    document: dict[str, Any] = {"name": "Clínica Sol", "language": "es"}
    for piece in pieces:
        document |= json.loads(f"{{{piece}}}")
    told = Company.parse(document)
    assert [is_bookable(told, service) for service in told.services] == [True] * 3


def test_a_service_that_names_no_calendar_takes_any_of_the_staff() -> None:
    """Else every one of its calendars, one of its people, one of its rooms."""
    assert needs({}) == [["ana", "bea"]]
    assert needs({"rooms": ["hall", "cabin"]}) == [["hall", "cabin"]]
    assert needs({"calendars": ["cabin", "bea"], "staff": ["ana"]}) == [["cabin"], ["bea"], ["ana"]]


def test_what_a_service_does_not_say_is_as_the_company_says() -> None:
    """Zero and false are something that it says."""
    rules = {"notice_minutes": 60, "conference": True, "event_reminders": [{"minutes": 5}]}
    common = terms_of(company({}, booking=rules), "a")
    assert common.rules.notice == timedelta(hours=1)
    assert common.conference
    assert common.event_reminders == (EventReminder(5),)
    own = {"notice_minutes": 0, "conference": False, "event_reminders": []}
    terms = terms_of(company(own, booking=rules), "a")
    assert (terms.rules.notice, terms.conference, terms.event_reminders) == (timedelta(0), False, ())


def test_without_opening_hours_only_offered_starts_are_possible() -> None:
    """Three in the morning is free in most calendars."""
    assert terms_of(company({}, opening_hours=None), "a").rules.grid is None
