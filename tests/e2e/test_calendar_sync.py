"""Calendars on the deployed stack: read by the clock's round, and at once when Google tells of a change."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from infra import names
from shared.calendars.sync.cache import Cache
from shared.calendars.sync.rounds import delay_of
from shared.platform.tables import Table
from tests.e2e.consent import Clinic
from tests.e2e.test_conversations import eventually

if TYPE_CHECKING:
    from tests.e2e.conftest import RunningWorld

pytestmark = pytest.mark.e2e

FUNCTION = names.function("local", names.CALENDAR_SYNC)
# A round spreads its companies over minutes; the test's company is among the first.
SOON_SECONDS = 3
SCOPES = [f"https://www.googleapis.com/auth/{one}" for one in ("calendar.freebusy", "calendar.events")]
DOCUMENT = {
    "name": "Sol",
    "zone": "Europe/Madrid",
    "language": "en",
    "calendars": [{"id": "ana", "provider": "google"}],
}


@pytest.fixture
def clinic(world: RunningWorld) -> Clinic:
    """A company that is connected through a service account, which needs nobody's consent."""
    tries = (f"clinic-{uuid.uuid4().hex[:10]}" for _ in count())
    company_id = next(one for one in tries if delay_of(one) < SOON_SECONDS)
    clinic = Clinic(world, company_id, "google", "Sol", f"{company_id}@clinic.example")
    world.api("PUT", f"/api/companies/{company_id}", DOCUMENT)
    clinic.new_account(clinic.account)
    given = {"name": company_id, "delegated": SCOPES}
    key = clinic.simulator("POST", "/simulator/service-accounts", given)
    connect = {"company_id": company_id, "service_account": key, "subject": clinic.account}
    world.api("POST", "/api/integrations/google/connect", connect)
    return clinic


def test_what_is_written_into_a_calendar_by_hand_is_known_within_seconds(
    clinic: Clinic, world: RunningWorld
) -> None:
    """The round reads the calendar and opens a channel; Google's word of a change does the rest."""
    cache = Cache(Table(world.aws("dynamodb"), names.table("local", names.CALENDARS)))
    schedule = world.aws("scheduler").get_schedule(Name=names.schedule("local", names.CALENDAR_SYNC))
    assert (schedule["State"], schedule["ScheduleExpression"]) == ("ENABLED", "rate(15 minutes)")

    answer = world.aws("lambda").invoke(FunctionName=FUNCTION, Payload=b"{}")
    assert json.loads(answer["Payload"].read())["companies"] >= 1
    eventually(lambda: clinic.id in channels(clinic), 60)
    assert taken(cache, clinic) == set()

    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    by_hand = {"start": moment(start), "end": moment(start + timedelta(hours=1))}
    clinic.simulator("POST", f"/simulator/calendars/{clinic.account}/events", by_hand)
    span = (int(start.timestamp()), int(start.timestamp()) + 3600)
    eventually(lambda: taken(cache, clinic) == {span}, 20)


def channels(clinic: Clinic) -> set[str]:
    """The companies that Google tells of changes."""
    told = clinic.simulator("GET", "/simulator/channels")["channels"]
    return {one["address"].rpartition("/")[2] for one in told}


def taken(cache: Cache, clinic: Clinic) -> set[tuple[int, int]] | None:
    """When the calendar is known to be taken."""
    look = cache.read(clinic.id, "ana")
    return set(look.taken.values()) if look else None


def moment(when: datetime) -> dict[str, Any]:
    """A moment as Google writes it."""
    return {"dateTime": when.isoformat(), "timeZone": "UTC"}
