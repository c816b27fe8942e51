"""What Calendly tells about bookings: signed, repeated, in any order.

Sources: Calendly's pages "Webhook signatures" (three minutes of tolerance, the raw body counts) and "Webhook
errors" (after 24 hours of failures a subscription is disabled and must be made again). A booking that the
customer moves comes as ``invitee.canceled`` with ``rescheduled`` and as ``invitee.created``, in either order.

A scheduled event's id is never used again and nothing follows its cancellation, so what is kept of each event
does not depend on the order in which it is told.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from shared.calendars.intervals import Interval
from shared.calendars.keys import calendly_changes_pk
from shared.companies.names import SCHEMA_VERSION
from shared.platform.errors import InvalidInput, Untrusted
from shared.platform.secret import Secret
from shared.platform.tables import ConditionFailed, Key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.credentials.store import Credentials
    from shared.platform.clock import Clock
    from shared.platform.tables import Item, Table

SIGNATURE_HEADER = "calendly-webhook-signature"
TOLERANCE_SECONDS = 180
EVENTS = ("invitee.created", "invitee.canceled")
_PROVIDER, _KEY_FIELD, _LAST_KEY_FIELD = "calendly", "webhook_key", "last_webhook_key"
_KEPT = timedelta(days=30)
_MARK_SOURCE = "frontdesk"


@dataclass(frozen=True)
class BookingChange:
    """What became of one scheduled event.

    Args:
        event_id: Calendly's id of it.
        event_type: the URI of its event type, which is the calendar.
        state: whether it takes place.
        interval: when.
        appointment: our appointment, where the booking carries our mark; else empty. Anybody can write such
            a mark into a booking: it is a hint where to look, and proves nothing.
        replaced_by: the event that took its place, where the customer moved it.
    """

    event_id: str
    event_type: str
    state: Literal["active", "cancelled"]
    interval: Interval
    appointment: str = ""
    replaced_by: str = ""


def verify(header: str, body: bytes, keys: Sequence[Secret], *, now_seconds: float) -> None:
    """Check a delivery before anything in it is read.

    Args:
        header: ``Calendly-Webhook-Signature``.
        body: exactly as it came.
        keys: signing keys that are valid now.
        now_seconds: Unix time.

    Raises:
        Untrusted: ``reason`` is ``signature_malformed``, ``timestamp_off``, ``no_secret`` or
            ``signature_wrong``.
    """
    parts = dict(part.strip().partition("=")[::2] for part in header.split(","))
    moment, given = parts.get("t", ""), parts.get("v1", "")
    if not (moment.isascii() and moment.isdigit() and len(moment) <= len("9999999999") and given):
        raise Untrusted("the signature's header is not of the known form", reason="signature_malformed")
    if abs(now_seconds - int(moment)) > TOLERANCE_SECONDS:
        raise Untrusted("the delivery is too old", reason="timestamp_off")
    if not keys:
        raise Untrusted("no signing key is stored", reason="no_secret")
    signed = f"{moment}.".encode() + body
    digests = [hmac.new(key.reveal().encode(), signed, hashlib.sha256).hexdigest() for key in keys]
    if not any(hmac.compare_digest(digest.encode(), given.encode()) for digest in digests):
        raise Untrusted("the signature is wrong", reason="signature_wrong")


def read(body: bytes) -> BookingChange | None:
    """What a verified delivery tells; ``None`` for events that concern no booking.

    Raises:
        InvalidInput: it is not of the known form.
    """
    try:
        told = json.loads(body)
        if told["event"] not in EVENTS:
            return None
        payload, event = told["payload"], told["payload"]["scheduled_event"]
        moments = [datetime.fromisoformat(event[name]) for name in ("start_time", "end_time")]
        cancelled = told["event"] == "invitee.canceled" or event.get("status") == "canceled"
        return BookingChange(
            event_id=_last_part(event["uri"]),
            event_type=str(event["event_type"]),
            state="cancelled" if cancelled else "active",
            interval=Interval(*moments),
            appointment=_appointment(payload.get("tracking")),
            replaced_by=_event_of(payload.get("new_invitee")),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InvalidInput("the delivery is not of the known form", reason="delivery_odd") from None


def _appointment(tracking: Any) -> str:  # noqa: ANN401 - JSON
    ours = isinstance(tracking, dict) and tracking.get("utm_source") == _MARK_SOURCE
    return str(tracking.get("utm_campaign") or "")[:200] if ours else ""


def _event_of(invitee: object) -> str:
    """The event that an invitee's URI (``…/scheduled_events/<id>/invitees/<id>``) belongs to."""
    return _last_part(str(invitee).rpartition("/invitees/")[0]) if invitee else ""


def _last_part(uri: str) -> str:
    name = uri.rpartition("/")[2]
    if not 0 < len(name) <= 80:  # noqa: PLR2004 - far above Calendly's 36
        raise ValueError("no id")
    return name


class CalendlyWebhooks:
    """Receives deliveries, and remembers what they told until somebody has looked.

    Args:
        credentials: hold each company's signing key.
        table: the calendars table.
        clock: for tolerance, and for how long things are kept.
    """

    def __init__(self, credentials: Credentials, table: Table, clock: Clock) -> None:
        self._credentials = credentials
        self._table = table
        self._clock = clock

    def new_key(self, company_id: str) -> Secret:
        """A new signing key, sealed before any subscription can sign with it; the last one stays good."""
        last = self._credentials.get(company_id, _PROVIDER, _KEY_FIELD)
        if last is not None:
            self._credentials.put(company_id, _PROVIDER, _LAST_KEY_FIELD, last)
        key = Secret(secrets.token_urlsafe(32))
        self._credentials.put(company_id, _PROVIDER, _KEY_FIELD, key)
        return key

    def receive(self, company_id: str, header: str, body: bytes) -> BookingChange | None:
        """Verify and keep one delivery; a repetition changes nothing.

        Raises:
            Untrusted: it does not prove to come from Calendly; an unknown company looks the same.
            InvalidInput: it is not of the known form.
        """
        stored = self._credentials.fields(company_id, _PROVIDER)
        keys = [stored[name] for name in (_KEY_FIELD, _LAST_KEY_FIELD) if name in stored]
        verify(header, body, keys, now_seconds=self._clock.now().timestamp())
        change = read(body)
        if change is not None:
            self._keep(company_id, change)
        return change

    def changed(self, company_id: str) -> list[BookingChange]:
        """What was told and not yet looked at, in no order."""
        found = self._table.query(calendly_changes_pk(company_id), consistent=True)
        return [_change(item) for item in found]

    def looked_at(self, company_id: str, change: BookingChange) -> None:
        """Forget a change, unless more was told meanwhile."""
        key = Key(calendly_changes_pk(company_id), f"event#{change.event_id}")
        try:
            self._table.delete(key, "told_state = :state", {":state": change.state})
        except ConditionFailed:
            return

    def _keep(self, company_id: str, change: BookingChange) -> None:
        expires_at = int((self._clock.now() + _KEPT).timestamp())
        item = _item(company_id, change) | {"expires_at": expires_at, "v": SCHEMA_VERSION}
        try:
            # A cancellation is the last word on an event; word of its making may come after it.
            condition = "" if change.state == "cancelled" else "attribute_not_exists(pk)"
            self._table.put(item, condition)
        except ConditionFailed:
            return


def _item(company_id: str, change: BookingChange) -> Item:
    return {
        "pk": calendly_changes_pk(company_id),
        "sk": f"event#{change.event_id}",
        "event_type": change.event_type,
        "told_state": change.state,
        "start": change.interval.start.isoformat(),
        "end": change.interval.end.isoformat(),
        "appointment": change.appointment,
        "replaced_by": change.replaced_by,
    }


def _change(item: Item) -> BookingChange:
    return BookingChange(
        event_id=item["sk"].removeprefix("event#"),
        event_type=item["event_type"],
        state=item["told_state"],
        interval=Interval(datetime.fromisoformat(item["start"]), datetime.fromisoformat(item["end"])),
        appointment=item["appointment"],
        replaced_by=item["replaced_by"],
    )
