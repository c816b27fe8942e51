"""Google tells of a change at our route; how calendars are stands in the company's health."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.calendars.intervals import Interval
from shared.calendars.sync.cache import Cache, Look
from shared.calendars.sync.channels import channel_key, token_hash
from shared.calendars.sync.errands import SyncErrand
from shared.companies.calendars import CalendarSettings
from shared.credentials.connections import Connections, NewConnection
from shared.platform.secret import Secret
from tests.support.calendar_sync import around

if TYPE_CHECKING:
    from tests.support.api import Api, Told

TOKEN = "ana." + "t" * 43
HEADERS = {
    "X-Goog-Channel-ID": "channel-1",
    "X-Goog-Channel-Token": TOKEN,
    "X-Goog-Resource-ID": "resource-1",
    "X-Goog-Resource-State": "exists",
    "X-Goog-Message-Number": "7",
}
CALENDAR = {"id": "ana", "provider": "google", "calendar": "ana@g"}


def channel(api: Api) -> None:
    """A channel of the company ``sol``."""
    key = channel_key("sol", "ana", "channel-1")
    item = {"token_hash": token_hash(TOKEN), "resource_id": "resource-1", "message_number": 0}
    api.calendars_table.put({**key.as_item(), "v": 1, **item})


def push(api: Api, company_id: str, headers: dict[str, str]) -> Told:
    """One notification."""
    return api(
        "POST",
        f"/api/webhook/google/{company_id}",
        key=None,
        raw=None,
        encoded=False,
        cookies=None,
        **headers,
    )


def test_a_change_asks_for_a_look_once(api: Api) -> None:
    """Without a key of ours: who tells is known by the channel's token; no body either way."""
    channel(api)
    for _ in range(2):
        answer = push(api, "sol", HEADERS)
        assert (answer.status, answer.text) == (204, "")
    assert api.looks.sent == [SyncErrand("sol", "ana")]


def test_who_is_no_channel_of_ours_is_answered_like_an_unknown_company(api: Api) -> None:
    """404 and the same words, with a wrong token, a wrong company and no headers."""
    channel(api)
    told = {
        push(api, company_id, headers).text
        for company_id, headers in [
            ("sol", {**HEADERS, "X-Goog-Channel-Token": "ana.wrong"}),
            ("luna", HEADERS),
            ("sol", {}),
            ("operator", HEADERS),
        ]
    }
    assert len(told) == 1
    assert '"status": 404' in told.pop()
    assert api.looks.sent == []


def test_health_names_each_calendar_and_its_last_look(api: Api) -> None:
    """Well, failing, and long unread."""
    own = api.company("sol", calendars=[CALENDAR])
    cache, now = Cache(api.calendars_table), api.clock.now()
    look = Look("google", "ana@g", "events", around(now, days=30), {}, now, now)

    def told() -> dict[str, str]:
        api.clock.advance(31)
        found: dict[str, str] = api("GET", "/api/integrations/health?company_id=sol", key=own).json[
            "integrations"
        ]["calendar:ana"]
        return found

    nobody = told()
    assert (nobody["status"], nobody["reason"]) == ("broken", "google is not connected")
    assert "integration connect google" in nobody["remedy"]
    token = Secret("planted-token")
    account = NewConnection(
        "oauth",
        "g-1",
        scopes=frozenset(),
        access_token=token,
        refresh_token=token,
        access_lifetime_seconds=90_000,
    )
    Connections(api.credentials_table, api.credentials.vault, api.clock).store("sol", "google", account)
    assert told()["status"] == "ok"
    cache.store("sol", "ana", look, after=None, version=0)
    assert (told()["status"], told()["since"]) == ("ok", now.isoformat())
    cache.failed("sol", "ana", CalendarSettings.model_validate(CALENDAR), "calendar_throttled", now)
    failing = told()
    assert failing["status"] == "degraded"
    assert "calendar_throttled, 1 times" in failing["reason"]
    api.clock.advance(3600)
    assert told()["status"] == "broken"
    fresh = Look("google", "ana@g", "events", Interval(now, now.replace(year=2027)), {}, now, now)
    cache.store("sol", "ana", fresh, after=look, version=1)
    assert (told()["status"], told()["reason"]) == ("degraded", "was not read for an hour")
