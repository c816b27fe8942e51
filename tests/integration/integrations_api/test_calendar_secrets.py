"""The secret that a company shares with the server of its own calendar."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.calendars.calendar_secrets import PROVIDER, secret_field

if TYPE_CHECKING:
    from tests.support.api import Api

URL = "https://agenda.example/frontdesk/ana"
CALENDARS = [
    {"id": "ana", "provider": "generic", "calendar": URL},
    {"id": "google", "provider": "google"},
    {"id": "nameless", "provider": "generic"},
]
PATH = "/api/companies/sol/calendars/{}/secret"


def test_a_secret_is_made_and_shown_once(api: Api) -> None:
    """It stands in the vault under its server; a second one takes its place."""
    key = api.company("sol", calendars=CALENDARS)
    first = api("PUT", PATH.format("ana"), {}, key=key).json["secret"]
    second = api("PUT", PATH.format("ana"), {}, key=key).json["secret"]
    assert len(first) >= 32
    assert first != second
    kept = api.credentials.get("sol", PROVIDER, secret_field(URL))
    assert kept is not None
    assert kept.reveal() == second


def test_a_secret_of_ones_own_is_not_shown(api: Api) -> None:
    """Whoever brings it knows it; the trail does not."""
    key, own = api.company("sol", calendars=CALENDARS), "x" * 32
    assert api("PUT", PATH.format("ana"), {"secret": own}, key=key).json == {"calendar": "ana"}
    kept = api.credentials.get("sol", PROVIDER, secret_field("https://agenda.example:443/other"))
    assert kept is not None
    assert kept.reveal() == own
    trail = api("GET", "/api/companies/sol/audit", key=key).text
    assert "calendar.secret" in trail
    assert own not in trail


@pytest.mark.parametrize(
    ("calendar", "body", "status"),
    [
        ("ana", {"secret": "short"}, 422),
        ("nameless", {}, 422),
        ("google", {}, 404),
        ("nobodys", {}, 404),
    ],
)
def test_what_cannot_be_is_refused(api: Api, calendar: str, body: dict[str, str], status: int) -> None:
    """Nothing is stored."""
    key = api.company("sol", calendars=CALENDARS)
    assert api("PUT", PATH.format(calendar), body, key=key).status == status
    assert api.credentials.names("sol", PROVIDER) == set()


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("https://agenda.example/other", True),
        ("https://AGENDA.example:443", True),
        ("https://agenda.example:8443/frontdesk/ana", False),
        ("http://agenda.example/frontdesk/ana", False),
        ("https://agenda.example.evil.example/frontdesk/ana", False),
    ],
)
def test_a_secret_belongs_to_one_server(url: str, *, same: bool) -> None:
    """Scheme, host and port, whatever the path."""
    assert (secret_field(url) == secret_field(URL)) is same
