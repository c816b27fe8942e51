"""``frontdesk calendar`` against the API on a real socket."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.cli.test_frontdesk import Desk
from tests.support.api import Api, Told
from tests.support.api_server import ApiServer
from tests.support.bookings import DOCUMENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

TUESDAY = ("--from", "2026-11-24", "--to", "2026-11-25")


class ShortPages(Api):
    """The API, asked for pages of one entry."""

    def __call__(self, method: str, path: str, *given: Any, **more: Any) -> Told:  # noqa: ANN401 - as Api
        """Answer a request."""
        return super().__call__(method, f"{path}&limit=1" if "?" in path else path, *given, **more)


@pytest.fixture
def desk(dynamodb: DynamoDBClient, kms: KMSClient) -> Iterator[Desk]:
    """A terminal, with a company whose people have calendars."""
    api = Api(dynamodb, kms)
    api.company("sol", **DOCUMENT)
    with ApiServer(api) as server:
        yield Desk(api, server.url)


def books(desk: Desk, clock: str) -> str:
    """An appointment's id."""
    wish = {"company_id": "sol", "service": "cut", "start": f"2026-11-24T{clock}:00+01:00"}
    made = desk.api("POST", "/api/calendar/appointments", wish, key=desk.api.operator)
    assert made.status == HTTPStatus.CREATED, made.text
    told: str = made.json["appointment_id"]
    return told


def test_free_times_are_told_on_the_companys_clock(desk: Desk) -> None:
    """With the calendars that are free, and those that cannot be read."""
    books(desk, "10:00")
    desk.api.vendor.unreadable["bea@g"] = "not_found"

    shown = desk.run("calendar", "availability", "sol", "talk", *TUESDAY).stdout.splitlines()

    assert shown[0].split() == ["start", "end", "calendars"]
    assert any(line.startswith("2026-11-24 11:00") and line.endswith("ana") for line in shown)
    assert not any(line.startswith("2026-11-24 10:00") for line in shown)
    assert shown[-1] == "bea cannot be read: not_found"


def test_appointments_are_listed_by_their_start(desk: Desk) -> None:
    """Those of the window only; one customer's where one is named; times on the company's clock."""
    later, sooner = books(desk, "12:00"), books(desk, "10:00")

    shown = desk.run("calendar", "appointments", "sol", *TUESDAY).stdout.splitlines()
    listed = desk.json("calendar", "appointments", "sol", *TUESDAY)["appointments"]

    assert [line[:16] for line in shown[1:]] == ["2026-11-24 10:00", "2026-11-24 12:00"]
    assert [one["appointment_id"] for one in listed] == [sooner, later]
    assert desk.json("calendar", "appointments", "sol", *TUESDAY, "--contact", "3-481")["appointments"] == []
    after = ("--from", "2026-11-25", "--to", "2026-11-26")
    assert desk.json("calendar", "appointments", "sol", *after)["appointments"] == []


def test_a_list_longer_than_a_page_is_read_to_its_end(dynamodb: DynamoDBClient, kms: KMSClient) -> None:
    """Every page once; here each holds one appointment."""
    api = ShortPages(dynamodb, kms)
    api.company("sol", **DOCUMENT)
    with ApiServer(api) as server:
        desk = Desk(api, server.url)
        booked = [books(desk, clock) for clock in ("10:00", "11:00", "12:00")]

        listed = desk.json("calendar", "appointments", "sol", *TUESDAY)["appointments"]

    assert [one["appointment_id"] for one in listed] == booked


def test_a_refusal_is_told(desk: Desk) -> None:
    """A service that there is not."""
    result = desk.run("calendar", "availability", "sol", "massage", *TUESDAY)
    assert (result.exit_code, result.stdout) == (1, "")
