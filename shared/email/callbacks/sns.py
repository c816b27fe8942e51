"""Messages of Amazon SNS over HTTPS: whether they really come from SNS.

The rules are those of "Verifying the signatures of Amazon SNS messages" in SNS's developer guide: a fixed
list of fields, signed with RSA; the certificate's address is only followed to a host of SNS itself.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from shared.email.callbacks.reports import at_text
from shared.platform.errors import RetryLater, Untrusted

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.platform.http import HttpClient

# SNS tries for up to an hour by default, and up to a day where a topic says so.
TOLERANCE_SECONDS = 25 * 3600
CERTIFICATE_BYTES = 64 * 1024
CERTIFICATE_SECONDS = 3.0
_MAX_CERTIFICATES = 16
_ADDRESS = re.compile(r"https://sns\.[a-z]{2}(-[a-z]+)+-\d\.amazonaws\.com(\.cn)?/")
_CERTIFICATE = re.compile(r"/[^?#]*\.pem\Z")
_KINDS = ("Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation")
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message",
        "MessageId",
        "SubscribeURL",
        "Timestamp",
        "Token",
        "TopicArn",
        "Type",
    ),
}
_SIGNED["UnsubscribeConfirmation"] = _SIGNED["SubscriptionConfirmation"]
_HASHES = {"1": SHA1, "2": SHA256}
_OK = 200


@dataclass(frozen=True)
class SnsMessage:
    """A message that SNS signed.

    Args:
        kind: what SNS calls its type.
        message_id: SNS's id; the same one again is the same message.
        topic_arn: the topic it comes from.
        message: what was published, or SNS's words.
        subscribe_url: where a subscription is confirmed; an address of SNS, empty in a notification.
    """

    kind: Literal["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"]
    message_id: str
    topic_arn: str
    message: str = field(repr=False)
    subscribe_url: str = field(default="", repr=False)


class Certificates:
    """SNS's signing certificates, each fetched once; a bounded number is kept.

    Args:
        http: makes the client that fetches one.
        address_allowed: whether an address is one of SNS's; tests on loopback pass their own.
    """

    def __init__(self, http: Callable[[], HttpClient], address_allowed: Callable[[str], bool]) -> None:
        self._http = http
        self.address_allowed = address_allowed
        self._lock = threading.Lock()
        self._kept: dict[str, rsa.RSAPublicKey] = {}

    def key(self, url: str) -> rsa.RSAPublicKey:
        """The public key of the certificate at an address.

        Raises:
            Untrusted: the address is none of SNS's, or holds no certificate with an RSA key.
            RetryLater: it does not answer now.
        """
        with self._lock:
            found = self._kept.get(url)
        if found is None:
            self._check(url)
            found = self._fetch(url)
            with self._lock:
                while len(self._kept) >= _MAX_CERTIFICATES:
                    del self._kept[next(iter(self._kept))]
                self._kept[url] = found
        return found

    def _check(self, url: str) -> None:
        if not self.address_allowed(url) or not _CERTIFICATE.search(url):
            raise Untrusted("the certificate's address is none of SNS's", reason="certificate_address")

    def _fetch(self, url: str) -> rsa.RSAPublicKey:
        answer = self._http().send(
            "GET", url, timeout_seconds=CERTIFICATE_SECONDS, max_bytes=CERTIFICATE_BYTES
        )
        if answer.status != _OK:
            raise RetryLater(f"SNS's certificate answered {answer.status}", reason="certificate_unavailable")
        try:
            key = x509.load_pem_x509_certificate(answer.body).public_key()
        except ValueError:
            raise Untrusted("there is no certificate at SNS's address", reason="certificate_odd") from None
        if not isinstance(key, rsa.RSAPublicKey):
            raise Untrusted("the certificate holds no RSA key", reason="certificate_odd")
        return key


def is_sns_address(url: str) -> bool:
    """Whether an address is one of SNS's own: encrypted, at the usual port, with nothing beside the host."""
    return _ADDRESS.match(url) is not None


def read(body: bytes, topic_arn: str, certificates: Certificates, *, now_seconds: float) -> SnsMessage:
    """Check that a message comes from SNS and from a topic of ours, and open its envelope.

    Args:
        body: the raw body.
        topic_arn: the topic that may speak here. Anybody may own a topic, so SNS's signature alone says
            nothing; and it is compared first, so that strangers cannot make us fetch certificates.
        certificates: where signing certificates come from.
        now_seconds: the current Unix time.

    Raises:
        InvalidInput: it is signed, and carries no time.
        Untrusted: no message of SNS, another topic, a wrong signature, a message too old, or a certificate
            that is not SNS's.
        RetryLater: the certificate cannot be fetched now.
    """
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        given = {}
    texts = given if isinstance(given, dict) else {}
    fields = {name: value for name, value in texts.items() if isinstance(value, str)}
    if fields.get("Type") not in _KINDS or "Timestamp" not in fields:
        raise Untrusted("the body is no message of SNS", reason="malformed_event")
    if not topic_arn or fields.get("TopicArn") != topic_arn:
        raise Untrusted("the message comes from another topic", reason="topic_unknown")
    _verify(fields, certificates)
    if abs(now_seconds - at_text(fields["Timestamp"]).timestamp()) > TOLERANCE_SECONDS:
        raise Untrusted("the message is too old", reason="timestamp_off")
    return _opened(fields, certificates)


def _verify(fields: dict[str, str], certificates: Certificates) -> None:
    hashing = _HASHES.get(fields.get("SignatureVersion", ""))
    try:
        signature = base64.b64decode(fields.get("Signature", ""), validate=True)
    except (binascii.Error, ValueError):
        signature = b""
    if hashing is None or not signature:
        raise Untrusted("the message carries no signature", reason="signature_missing")
    key = certificates.key(fields.get("SigningCertURL", ""))
    try:
        key.verify(signature, signed_text(fields), padding.PKCS1v15(), hashing())
    except InvalidSignature:
        raise Untrusted("the signature is wrong", reason="signature_wrong") from None


def signed_text(fields: dict[str, Any]) -> bytes:
    """What SNS signs: a message's fixed fields, each its name and its value, in the order of the names."""
    named = _SIGNED[fields["Type"]]
    lines = "".join(f"{name}\n{fields[name]}\n" for name in named if name in fields)
    return lines.encode(errors="surrogatepass")  # JSON can hold half a pair; no signature of SNS's covers one


def _opened(fields: dict[str, str], certificates: Certificates) -> SnsMessage:
    kind: Any = fields["Type"]
    url = fields.get("SubscribeURL", "") if kind == "SubscriptionConfirmation" else ""
    if url and not certificates.address_allowed(url):
        raise Untrusted("the subscription's address is none of SNS's", reason="subscribe_address")
    return SnsMessage(
        kind, fields.get("MessageId", ""), fields.get("TopicArn", ""), fields.get("Message", ""), url
    )
