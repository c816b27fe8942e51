"""Push notifications: who wants to be told of a calendar's changes, and telling them.

Only addresses on this machine are told. Google asks for HTTPS; here loopback addresses may do without.
"""

from __future__ import annotations

import ipaddress
import re
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from local.google_simulator.calendar.refusals import ApiRefused, bad

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.google_simulator.calendar.records import Calendar
    from local.movable_clock import MovableClock

CHANNEL_ID = re.compile(r"[A-Za-z0-9\-_+/=]{1,64}")
LONGEST_TOKEN, LONGEST_SECONDS = 256, 604_800
TIMEOUT_SECONDS, ATTEMPTS, WAIT_SECONDS = 5.0, 3, 0.2
RETRIED = (500, 502, 503, 504)

JsonDict = dict[str, Any]


@dataclass(frozen=True)
class Channel:
    """A standing wish to be told."""

    id: str
    calendar_id: str
    resource_id: str
    resource_uri: str
    address: str
    token: str
    account: str
    expires_at: float
    numbers: Iterator[int] = field(default_factory=lambda: count(1))


class Channels:
    """Every channel that has not ended.

    Args:
        clock: by which they end.
    """

    def __init__(self, clock: MovableClock) -> None:
        self.silent = False
        self.sent: list[JsonDict] = []
        self._clock = clock
        self._open: dict[str, Channel] = {}
        self._stopped = threading.Event()
        self._pool = ThreadPoolExecutor(4)

    def close(self) -> None:
        """Stop telling."""
        self._stopped.set()
        self._pool.shutdown()

    def watch(self, calendar: Calendar, account: str, uri: str, given: JsonDict) -> JsonDict:
        """Open a channel; it begins with a notification of its own (``sync``).

        Raises:
            ApiRefused: something is wrong, or the id was used before.
        """
        _check(given)
        if given["id"] in self._open:
            raise bad("channelIdNotUnique", "Channel id not unique", "id")
        asked = int(given.get("params", {}).get("ttl", LONGEST_SECONDS))
        channel = Channel(
            given["id"], calendar.id, secrets.token_urlsafe(18), uri, given["address"],
            given.get("token", ""), account, self._clock.now() + min(asked, LONGEST_SECONDS),
        )  # fmt: skip
        self._open[channel.id] = channel
        self._tell(channel, "sync")
        told = {"kind": "api#channel", "id": channel.id, "resourceId": channel.resource_id}
        told |= {"resourceUri": uri, "expiration": str(int(channel.expires_at * 1000))}
        return told | ({"token": channel.token} if channel.token else {})

    def stop(self, channel_id: str, resource_id: str) -> None:
        """End a channel.

        Raises:
            ApiRefused: there is none with both ids.
        """
        channel = self._open.get(channel_id)
        if channel is None or channel.resource_id != resource_id:
            raise ApiRefused(404, "notFound", f"Channel '{channel_id}' not found for project")
        del self._open[channel_id]

    def changed(self, calendar: Calendar) -> None:
        """Tell everybody who watches a calendar."""
        for channel in list(self._open.values()):
            if channel.expires_at <= self._clock.now():
                del self._open[channel.id]
            elif channel.calendar_id == calendar.id and not self.silent:
                self._tell(channel, "exists")

    def shown(self) -> list[JsonDict]:
        """The open channels, for tests."""
        return [
            {"id": one.id, "calendar_id": one.calendar_id, "address": one.address, "token": one.token}
            for one in self._open.values()
        ]

    def _tell(self, channel: Channel, state: str) -> None:
        headers = {
            "X-Goog-Channel-ID": channel.id,
            "X-Goog-Channel-Token": channel.token,
            "X-Goog-Resource-ID": channel.resource_id,
            "X-Goog-Resource-URI": channel.resource_uri,
            "X-Goog-Resource-State": state,
            "X-Goog-Message-Number": str(next(channel.numbers)),
        }
        self._pool.submit(self._send, channel, headers)

    def _send(self, channel: Channel, headers: dict[str, str]) -> None:
        status = None
        for attempt in range(ATTEMPTS):
            if self._stopped.wait(WAIT_SECONDS * attempt):
                return
            with suppress(requests.RequestException), requests.Session() as session:
                session.trust_env = False  # no proxy of the shell before loopback
                status = session.post(channel.address, headers=headers, timeout=TIMEOUT_SECONDS).status_code
            if status not in (None, *RETRIED):
                break
        self.sent.append({"address": channel.address, "headers": headers, "status": status})


def _check(given: JsonDict) -> None:
    parts = urlsplit(given.get("address", ""))
    if not CHANNEL_ID.fullmatch(given.get("id", "")):
        raise bad("invalid", "Invalid channel id", "id")
    if given.get("type") != "web_hook":
        raise bad("invalid", "Unknown channel type", "type")
    if len(given.get("token", "")) > LONGEST_TOKEN:
        raise bad("invalid", "Channel token is too long", "token")
    with suppress(ValueError):
        if ipaddress.ip_address(parts.hostname or "").is_loopback:
            return
    raise bad("webhookUrlNotHttps", "WebHook callback must be HTTPS (here: a loopback address)", "address")
