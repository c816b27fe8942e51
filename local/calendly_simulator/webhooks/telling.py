"""Webhook subscriptions, and telling the subscribers: signed, in any order, a few times.

Only addresses on this machine are told. Calendly goes on for 24 hours before it disables a subscription; here
three attempts are all.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from local.calendly_simulator.callers import ApiRefused, bad, missing
from local.calendly_simulator.oauth import organization_uri, user_uri
from local.calendly_simulator.scheduling.records import BASE, FACTS

if TYPE_CHECKING:
    from local.calendly_simulator.grants import User
    from local.calendly_simulator.scheduling.records import Booked

TIMEOUT_SECONDS, ATTEMPTS, WAIT_SECONDS = 5.0, 3, 0.2

JsonDict = dict[str, Any]


@dataclass
class Subscription:
    """Somebody who is told."""

    resource: JsonDict
    signing_key: str
    owner: User

    def wants(self, event: str, booked: Booked) -> bool:
        """Whether it is told of this."""
        whole = self.resource["scope"] == "organization"
        mine = booked.owner.organization == self.owner.organization if whole else booked.owner is self.owner
        return mine and event in self.resource["events"] and self.resource["state"] == "active"


class Webhooks:
    """Every subscription; what leaves can be held back and sent in any order."""

    def __init__(self) -> None:
        self.holding = False
        self.sent: list[JsonDict] = []
        self.held: list[tuple[Subscription, str]] = []
        self.subscriptions: list[Subscription] = []
        self.app_signing_key = secrets.token_urlsafe(32)
        self._stopped = threading.Event()
        self._pool = ThreadPoolExecutor(4)

    def close(self) -> None:
        """Stop telling."""
        self._stopped.set()
        self._pool.shutdown()

    def subscribe(self, user: User, given: JsonDict) -> JsonDict:
        """A new subscription.

        Raises:
            ApiRefused: something is wrong, or it is there already.
        """
        _check(user, given)
        told = {name: given[name] for name in ("url", "scope")}
        same = [
            one for one in self.subscriptions if told.items() <= one.resource.items() and one.owner is user
        ]
        if same:
            raise ApiRefused(HTTPStatus.CONFLICT, "Already Exists", "Hook with this url already exists")
        resource = {
            "uri": f"{BASE}/webhook_subscriptions/{secrets.token_hex(8)}",
            "callback_url": given["url"],
            **told,
            "events": given["events"],
            "state": "active",
            "organization": organization_uri(user),
            "user": user_uri(user) if given["scope"] == "user" else None,
            "creator": user_uri(user),
        }
        key = given.get("signing_key") or self.app_signing_key
        self.subscriptions.append(Subscription(resource, key, user))
        return resource

    def named(self, number: str, user: User) -> Subscription:
        """A user's subscription.

        Raises:
            ApiRefused: there is none.
        """
        for one in self.subscriptions:
            if one.resource["uri"].endswith(f"/{number}") and one.owner is user:
                return one
        raise missing()

    def tell(self, event: str, booked: Booked) -> None:
        """Tell who wants to know, as things stand now."""
        payload = {**booked.invitee, "scheduled_event": booked.event}
        created = booked.invitee["updated_at"]
        for one in self.subscriptions:
            if one.wants(event, booked):
                creator = one.resource["creator"]
                body = {"event": event, "created_at": created, "created_by": creator, "payload": payload}
                self.held.append((one, json.dumps(body)))
        if not self.holding:
            self.release(range(len(self.held)))

    def release(self, order: Any) -> None:  # noqa: ANN401 - any iterable of positions
        """Send what is held, in this order, one after the other."""
        leaving = [self.held[position] for position in order]
        self.held = []
        self._pool.submit(self._send_all, leaving)

    def _send_all(self, leaving: list[tuple[Subscription, str]]) -> None:
        for one in leaving:
            self._send(*one)

    def _send(self, subscription: Subscription, body: str) -> None:
        status = None
        for attempt in range(ATTEMPTS):
            if self._stopped.wait(WAIT_SECONDS * attempt):
                return
            with suppress(requests.RequestException), requests.Session() as session:
                session.trust_env = False  # no proxy of the shell before loopback
                status = session.post(
                    subscription.resource["url"],
                    data=body.encode(),
                    headers={"Content-Type": "application/json", **_signed(subscription.signing_key, body)},
                    timeout=TIMEOUT_SECONDS,
                    allow_redirects=False,
                ).status_code
            self.sent.append(
                {"url": subscription.resource["url"], "body": json.loads(body), "status": status}
            )
            if status is not None and status < HTTPStatus.MULTIPLE_CHOICES:
                return
        subscription.resource["state"] = "disabled"


def _signed(key: str, body: str) -> dict[str, str]:
    now = int(time.time())
    digest = hmac.new(key.encode(), f"{now}.{body}".encode(), hashlib.sha256).hexdigest()
    return {"Calendly-Webhook-Signature": f"t={now},v1={digest}"}


def _check(user: User, given: JsonDict) -> None:
    if given.get("organization") != organization_uri(user):
        raise bad("organization", "is missing or not yours")
    if given.get("scope") not in ("user", "organization"):
        raise bad("scope", "must be user or organization")
    if given["scope"] == "user" and given.get("user") != user_uri(user):
        raise bad("user", "is missing or not yours")
    if not given.get("events") or not set(given["events"]) <= set(FACTS["webhook_events"]):
        raise bad("events", "are missing or unknown")
    with suppress(ValueError):
        if ipaddress.ip_address(urlsplit(given.get("url", "")).hostname or "").is_loopback:
            return
    raise bad("url", "must be a loopback address in this simulator")
