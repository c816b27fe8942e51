"""What Calendly tells about bookings: signatures, any order, repetitions."""

from __future__ import annotations

import hashlib
import hmac
import json
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from shared.calendars.calendly_webhooks import CalendlyWebhooks, read, verify
from shared.credentials.store import Credentials
from shared.credentials.vault import Vault
from shared.platform.errors import InvalidInput, Untrusted
from shared.platform.secret import Secret
from tests.fakes.clock import FakeClock
from tests.support.aws import make_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

KEY = Secret("planted-signing-key")
NOW = 1_900_000_000
BASE = "https://api.calendly.com/scheduled_events"


def signed(body: bytes, key: Secret = KEY, at: int = NOW) -> str:
    """The header that Calendly sends."""
    digest = hmac.new(key.reveal().encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def told(event: str, number: str, *, replaced_by: str = "", **payload: Any) -> bytes:  # noqa: ANN401 - JSON
    """A delivery."""
    scheduled = {
        "uri": f"{BASE}/{number}",
        "event_type": "https://api.calendly.com/event_types/T",
        "start_time": "2030-01-08T09:00:00.000000Z",
        "end_time": "2030-01-08T09:30:00.000000Z",
    }
    new = f"{BASE}/{replaced_by}/invitees/I" if replaced_by else None
    marks = {"utm_source": "frontdesk", "utm_campaign": "a1"}
    whole = {"scheduled_event": scheduled, "tracking": marks, "new_invitee": new, **payload}
    return json.dumps({"event": event, "payload": whole}).encode()


# Signatures


def test_a_signed_delivery_is_taken_within_three_minutes() -> None:
    """Under any of the keys that are valid now."""
    for now in (NOW - 180, NOW + 180):
        verify(signed(b"{}"), b"{}", [Secret("another"), KEY], now_seconds=now)


@pytest.mark.parametrize(
    ("header", "body", "keys", "now", "reason"),
    [
        (signed(b"{}"), b"{ }", [KEY], NOW, "signature_wrong"),
        (signed(b"{}", Secret("other")), b"{}", [KEY], NOW, "signature_wrong"),
        (signed(b"{}").replace(f"t={NOW}", f"t={NOW + 1}"), b"{}", [KEY], NOW, "signature_wrong"),
        (signed(b"{}"), b"{}", [KEY], NOW + 181, "timestamp_off"),
        (signed(b"{}"), b"{}", [KEY], NOW - 181, "timestamp_off"),
        (signed(b"{}"), b"{}", [], NOW, "no_secret"),
        ("", b"{}", [KEY], NOW, "signature_malformed"),
        (f"t={NOW}", b"{}", [KEY], NOW, "signature_malformed"),
        ("t=\u0661,v1=x", b"{}", [KEY], NOW, "signature_malformed"),
        (f"t={NOW},v1=\u00e9", b"{}", [KEY], NOW, "signature_wrong"),
    ],
)
def test_what_proves_nothing_is_not_read(
    header: str, body: bytes, keys: list[Secret], now: int, reason: str
) -> None:
    """The raw body counts."""
    with pytest.raises(Untrusted) as caught:
        verify(header, body, keys, now_seconds=now)
    assert caught.value.reason == reason


# Reading


def test_a_moved_booking_names_the_one_in_its_place() -> None:
    """And its appointment, where it carries our mark."""
    found = read(told("invitee.canceled", "OLD", replaced_by="NEW", rescheduled=True))
    assert found is not None
    assert (found.event_id, found.state, found.replaced_by) == ("OLD", "cancelled", "NEW")
    assert found.appointment == "a1"
    others = read(told("invitee.created", "NEW", tracking={"utm_source": "ad", "utm_campaign": "spring"}))
    assert others is not None
    assert (others.state, others.appointment, others.replaced_by) == ("active", "", "")


def test_what_concerns_no_booking_is_nothing() -> None:
    """Event types change as well."""
    assert read(b'{"event": "event_type.updated", "payload": {}}') is None


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"event": "invitee.created"}', told("invitee.created", "x" * 81)]
)
def test_what_is_not_of_the_known_form_is_refused(body: bytes) -> None:
    """Never a crash."""
    with pytest.raises(InvalidInput):
        read(body)


# Keeping


class Desk:
    """A receiver on moto."""

    def __init__(self, dynamodb: DynamoDBClient, kms: KMSClient) -> None:
        self.clock = FakeClock()
        credentials = make_table(dynamodb, "credentials")
        vault = Vault(kms, credentials, kms.create_key()["KeyMetadata"]["Arn"], self.clock)
        calendars = make_table(dynamodb, "calendars")
        self.webhooks = CalendlyWebhooks(Credentials(vault, credentials), calendars, self.clock)

    def receives(self, company_id: str, key: Secret, body: bytes) -> None:
        """A delivery that Calendly signs now."""
        header = signed(body, key, int(self.clock.now().timestamp()))
        self.webhooks.receive(company_id, header, body)

    def known(self, company_id: str) -> dict[str, str]:
        """What is kept, by event."""
        return {one.event_id: one.state for one in self.webhooks.changed(company_id)}


@pytest.fixture
def desk(dynamodb: DynamoDBClient, kms: KMSClient) -> Desk:
    """A receiver."""
    return Desk(dynamodb, kms)


def test_every_order_tells_the_same(desk: Desk) -> None:
    """A booking that was moved once and then cancelled, each delivery perhaps twice."""
    deliveries = [
        told("invitee.created", "OLD"),
        told("invitee.canceled", "OLD", replaced_by="NEW", rescheduled=True),
        told("invitee.created", "NEW"),
        told("invitee.canceled", "NEW"),
    ]
    for number, order in enumerate(permutations(deliveries)):
        company_id = f"c{number}"
        key = desk.webhooks.new_key(company_id)
        for body in (*order, order[0]):
            desk.receives(company_id, key, body)
        assert desk.known(company_id) == {"OLD": "cancelled", "NEW": "cancelled"}


def test_a_change_is_forgotten_once_looked_at_unless_more_was_told(desk: Desk) -> None:
    """Nothing that comes while somebody looks is lost."""
    key = desk.webhooks.new_key("sol")
    desk.receives("sol", key, told("invitee.created", "E"))
    (seen,) = desk.webhooks.changed("sol")
    desk.receives("sol", key, told("invitee.canceled", "E"))
    desk.webhooks.looked_at("sol", seen)
    assert desk.known("sol") == {"E": "cancelled"}
    (seen,) = desk.webhooks.changed("sol")
    desk.webhooks.looked_at("sol", seen)
    assert desk.known("sol") == {}


def test_a_company_without_a_key_and_one_with_another_are_refused(desk: Desk) -> None:
    """One company's key opens no other's door; nothing is kept."""
    key = desk.webhooks.new_key("sol")
    desk.webhooks.new_key("luna")
    for company_id in ("luna", "nobody"):
        with pytest.raises(Untrusted):
            desk.receives(company_id, key, told("invitee.created", "E"))
        assert desk.known(company_id) == {}


def test_the_last_key_stays_good_while_a_new_subscription_is_made(desk: Desk) -> None:
    """If it fails, the old one goes on; the one before that ends."""
    keys = [desk.webhooks.new_key("sol") for _ in range(3)]
    desk.receives("sol", keys[1], told("invitee.created", "A"))
    desk.receives("sol", keys[2], told("invitee.created", "B"))
    with pytest.raises(Untrusted):
        desk.receives("sol", keys[0], told("invitee.created", "C"))
    assert set(desk.known("sol")) == {"A", "B"}
