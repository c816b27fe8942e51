"""SendGrid's Event Webhook.

Signed with ECDSA (P-256, SHA-256) over the timestamp header and the raw body; the public key stands in
SendGrid's settings, one for each webhook (Twilio's page "Getting Started with the Event Webhook Security
Features"). Events come in batches, out of order and sometimes twice; `sg_event_id` is unique to each.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from shared.email.callbacks.reports import Fate, Report, at_seconds, email_id, mapping, text
from shared.email.rendered import EMAIL_ID
from shared.platform.errors import InvalidInput, Untrusted

if TYPE_CHECKING:
    from collections.abc import Mapping

SIGNATURE_HEADER = "x-twilio-email-event-webhook-signature"
TIMESTAMP_HEADER = "x-twilio-email-event-webhook-timestamp"
# SendGrid tries a delivery again for a day; an event that comes twice changes nothing the second time.
TOLERANCE_SECONDS = 25 * 3600
_MAX_TIMESTAMP_DIGITS = 12

_FATES = {
    "processed": Fate.ACCEPTED,
    "deferred": Fate.DELAYED,
    "delivered": Fate.DELIVERED,
    "bounce": Fate.BOUNCED,
    "dropped": Fate.DROPPED,
    "spamreport": Fate.COMPLAINED,
    "unsubscribe": Fate.UNSUBSCRIBED,
    "group_unsubscribe": Fate.UNSUBSCRIBED,
}
# A bounce of type "blocked" says something of the moment or of the sender, and one of type "expired" that
# SendGrid gave up after days of trying; neither says anything of the address.
_PASSING_BOUNCES = {"blocked", "expired"}
# The whole reasons of drops that are about the address. All others are about the message or the account,
# such as "Invalid SMTPAPI header", "Spam Content (if Spam Checker app enabled)" and "Recipient List over
# Package Quota" (SendGrid's pages "Event Webhook Reference", section "Dropped", and "Drops").
_LASTING_DROPS = {"bounced address", "spam reporting address", "unsubscribed address", "invalid"}


def public_key(text_of_key: str) -> ec.EllipticCurvePublicKey:
    """The verification key, as SendGrid's settings show it: DER in base64.

    Raises:
        InvalidInput: it is no key on the curve P-256.
    """
    try:
        key = load_der_public_key(base64.b64decode(text_of_key, validate=True))
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        raise InvalidInput("the verification key is not a public key in base64") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise InvalidInput("the verification key is not one of SendGrid's (ECDSA on P-256)")
    return key


def verify(headers: Mapping[str, str], body: bytes, key_text: str, *, now_seconds: float) -> None:
    """Check that a batch comes from SendGrid.

    Args:
        headers: the request's headers, names in lower case.
        body: the raw body.
        key_text: the verification key, see `public_key`.
        now_seconds: the current Unix time.

    Raises:
        Untrusted: header missing or odd, too old, or a wrong signature.
    """
    stamp = headers.get(TIMESTAMP_HEADER, "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= _MAX_TIMESTAMP_DIGITS):
        raise Untrusted("the delivery carries no timestamp", reason="timestamp_malformed")
    if abs(now_seconds - int(stamp)) > TOLERANCE_SECONDS:
        raise Untrusted("the delivery is too old", reason="timestamp_off")
    try:
        signature = base64.b64decode(headers.get(SIGNATURE_HEADER, ""), validate=True)
    except (binascii.Error, ValueError):
        raise Untrusted("the signature is not base64", reason="signature_malformed") from None
    try:
        public_key(key_text).verify(signature, stamp.encode() + body, ec.ECDSA(SHA256()))
    except InvalidSignature:
        raise Untrusted("the signature is wrong", reason="signature_wrong") from None


def reports(body: bytes) -> list[Report]:
    """What a batch says; events that change nothing (opened, clicked) are left out.

    Raises:
        InvalidInput: it is no list of events.
    """
    try:
        events = json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidInput("the body is not JSON", reason="not_json") from None
    if not isinstance(events, list):
        raise InvalidInput("the body is not a list of events", reason="malformed_event")
    return [_report(event) for event in map(mapping, events) if text(event.get("event")) in _FATES]


def _report(event: dict[str, Any]) -> Report:
    fate = _FATES[text(event["event"])]
    return Report(
        event_id=text(event.get("sg_event_id")),
        fate=fate,
        address=text(event.get("email"), 320),
        at=at_seconds(event.get("timestamp")),
        # custom_args stand beside the event's own fields.
        email_id=email_id(event.get(EMAIL_ID)),
        # "<X-Message-Id>.<where it was handled>"
        provider_id=text(event.get("sg_message_id")).partition(".")[0],
        permanent=_lasting(fate, event),
        words=text(event.get("reason")) or text(event.get("response")),
    )


def _lasting(fate: Fate, event: dict[str, Any]) -> bool:
    if fate is Fate.BOUNCED:
        return text(event.get("type")) not in _PASSING_BOUNCES
    if fate is Fate.DROPPED:
        return text(event.get("reason")).lower() in _LASTING_DROPS
    return fate in {Fate.COMPLAINED, Fate.UNSUBSCRIBED}
