"""SES reports through SNS: the topic's subscription confirms itself, then its reports become the story.

SNS is a server on the loopback address that signs as SNS does; only its host's name is not Amazon's.
"""

from __future__ import annotations

import base64
import json
import threading
from datetime import UTC, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from shared.email.callbacks import sns
from shared.email.rendered import EMAIL_ID

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.api import Api, Told

TOPIC = "arn:aws:sns:eu-west-1:123456789012:mail-events"
KEY = rsa.generate_private_key(65537, 2048)
MAIL: dict[str, Any] = {
    "from_address": "hola@luna.example",
    "providers": [
        {"id": "aws", "vendor": "ses", "region": "eu-west-1", "access_key_id": "AKIAIOSFODNN7EXAMPLE"}
    ],
}


class Topic:
    """A topic, and the server that its messages lead to.

    Args:
        api: where it reports.
    """

    def __init__(self, api: Api) -> None:
        self.api = api
        self.visited: list[str] = []
        self.says = 200
        topic = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                """The certificate, or the address that confirms."""
                topic.visited.append(self.path)
                body = topic.certificate() if self.path.endswith(".pem") else b"<Confirmed/>"
                self.send_response(200 if self.path.endswith(".pem") else topic.says)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def certificate(self) -> bytes:
        """Its certificate."""
        now = self.api.clock.now()
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(KEY.public_key())
        built = built.serial_number(1).not_valid_before(now - timedelta(days=1))
        return built.not_valid_after(now + timedelta(days=1)).sign(KEY, SHA256()).public_bytes(Encoding.PEM)

    def posts(self, kind: str, **fields: str) -> Told:
        """A signed message to the company's route."""
        message = {
            "Type": kind,
            "MessageId": "m-1",
            "TopicArn": TOPIC,
            "Timestamp": self.api.clock.now().astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "SignatureVersion": "2",
            "SigningCertURL": f"{self.url}/sns.pem",
            **fields,
        }
        signature = KEY.sign(sns.signed_text(message), padding.PKCS1v15(), SHA256())
        body = json.dumps({**message, "Signature": base64.b64encode(signature).decode()})
        return self.api("POST", "/api/webhook/ses/luna/aws", raw=body)

    def confirms(self, **fields: str) -> Told:
        """What SNS sends to whoever is subscribed."""
        more = {"Message": "m", "Token": "t", "SubscribeURL": f"{self.url}/confirm?Token=t", **fields}
        return self.posts("SubscriptionConfirmation", **more)


@pytest.fixture
def topic(api: Api) -> Iterator[Topic]:
    """A topic that the company luna knows."""
    key = api.company("luna", email=MAIL)
    stored = api(
        "PUT", "/api/companies/luna/email/secrets/aws", {"secret": "s3cr3t", "webhook_key": TOPIC}, key=key
    )
    assert stored.status == 200, stored.text
    found = Topic(api)
    yield found
    found.server.shutdown()
    found.server.server_close()


def test_a_subscription_confirms_itself(topic: Topic) -> None:
    """The signed address is visited, once for each message."""
    assert topic.confirms().status == 200
    assert topic.visited == ["/sns.pem", "/confirm?Token=t"]


def test_a_confirmation_that_fails_is_asked_for_again(topic: Topic) -> None:
    """SNS repeats what it gets no 2xx for."""
    topic.says = 500
    assert topic.confirms().status == 503


def test_a_stranger_cannot_send_us_anywhere(topic: Topic) -> None:
    """Another topic: nothing is fetched. Our topic, another host: not visited."""
    assert topic.confirms(TopicArn="arn:aws:sns:eu-west-1:999999999999:theirs").status == 401
    assert topic.visited == []
    assert topic.confirms(SubscribeURL="http://localhost:1/confirm").status == 401
    assert topic.visited == ["/sns.pem"]


def test_a_bounce_becomes_part_of_the_story(topic: Topic) -> None:
    """Once, however often SNS delivers it; the address is not written to again."""
    api = topic.api
    wish = {"company_id": "luna", "message": {"to": ["ana@cliente.example"], "subject": "s", "text": "t"}}
    email_id = api("POST", "/api/emails", wish, key=api.operator).json["email_id"]
    now = api.clock.now().isoformat()
    event = {
        "eventType": "Bounce",
        "mail": {"messageId": "ses-1", "timestamp": now, "destination": [], "tags": {EMAIL_ID: [email_id]}},
        "bounce": {
            "bounceType": "Permanent",
            "feedbackId": "f1",
            "timestamp": now,
            "bouncedRecipients": [{"emailAddress": "ana@cliente.example", "diagnosticCode": "550 unknown"}],
        },
    }
    told = [topic.posts("Notification", Message=json.dumps(event)) for _ in range(2)]
    assert [(one.status, one.json["reports"]) for one in told] == [(200, 1), (200, 0)]
    story = api("GET", f"/api/emails/{email_id}?company_id=luna", key=api.operator).json
    assert story["fates"] == {"ana@cliente.example": "bounced"}
    listed = api("GET", "/api/companies/luna/email/suppressions", key=api.operator).json["suppressions"]
    assert [one["email_id"] for one in listed] == [email_id]
