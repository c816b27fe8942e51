"""Having Calendly tell of bookings (its page "Webhook subscriptions": paid plans only)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.calendars.calendly_webhooks import EVENTS
from shared.calendars.providers.calendly_calls import CalendlyRefused, path_of
from shared.calendars.providers.contract import EventMissing

if TYPE_CHECKING:
    from shared.calendars.providers.calendly_calls import CalendlyCalls
    from shared.platform.clock import Deadline
    from shared.platform.secret import Secret

_EXISTS = 409


def subscribe(calls: CalendlyCalls, url: str, key: Secret, deadline: Deadline) -> None:
    """Subscribe one address, in place of an earlier subscription of it: those cannot be changed.

    Args:
        calls: the company's.
        url: ours.
        key: what Calendly is to sign with; stored already.
        deadline: for everything.

    Raises:
        CalendlyRefused: the plan, or the connection, has no webhooks.
        RetryLater: it did not work now.
    """
    settings = calls.settings()
    whose = {"organization": settings["organization_uri"], "user": settings["user_uri"], "scope": "user"}
    wanted = {**whose, "url": url, "events": list(EVENTS), "signing_key": key.reveal()}
    try:
        calls.write("/webhook_subscriptions", deadline, wanted)
    except CalendlyRefused as refused:
        if refused.status != _EXISTS:
            raise
        _remove(calls, url, whose, deadline)
        calls.write("/webhook_subscriptions", deadline, wanted)


def _remove(calls: CalendlyCalls, url: str, whose: dict[str, str], deadline: Deadline) -> None:
    for one in calls.read("/webhook_subscriptions", deadline, count="100", **whose).get("collection", []):
        if one.get("callback_url") == url:
            try:
                calls.write(path_of(str(one["uri"])), deadline, method="DELETE")
            except EventMissing:
                continue
