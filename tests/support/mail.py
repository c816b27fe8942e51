"""Mail providers of every vendor, open on their simulators, all with one handle."""

from __future__ import annotations

import base64
import json
import socket
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Flask, Response, jsonify, request

from local import faults
from local.mail_simulator.app import create_app
from local.mail_simulator.kept import Post
from local.serving import Server
from local.smtp_simulator.server import SmtpFault, SmtpServer, Switches
from shared.companies.email import EmailSettings
from shared.email.providers.registry import Surroundings, open_provider
from shared.platform.addresses import AddressGuard
from shared.platform.clock import SystemClock
from shared.platform.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from shared.email.providers.contract import Provider

LOOPBACK = AddressGuard(loopback_allowed=True)
VENDORS = ("smtp", "sendgrid", "mailgun", "ses")
_Json = dict[str, Any]
_DOCUMENTS: dict[str, _Json] = {
    "smtp": {"vendor": "smtp", "host": "localhost", "username": "hola@clinica-sol.example"},
    "sendgrid": {"vendor": "sendgrid"},
    "mailgun": {"vendor": "mailgun", "domain": "mg.clinica-sol.example"},
    "ses": {"vendor": "ses", "region": "eu-west-1", "access_key_id": "AKIAIOSFODNN7EXAMPLE"},
}
_PATHS = {"sendgrid": "/v3/mail/send", "mailgun": "/v3/*/messages.mime", "ses": "/v2/email/outbound-emails"}
_KEYS = {"sendgrid": "SG.right", "mailgun": "key-right"}
# What each vendor says for the same thing: an HTTP fault, or one of SMTP.
_SAYS: dict[str, dict[str, _Json]] = {
    "busy": {
        "smtp": {"stage": "mail", "reply": "451 4.7.1 Please try again later"},
        "sendgrid": {"status": 429, "retry_after_seconds": 30},
        "mailgun": {"status": 429, "retry_after_seconds": 30},
        "ses": {"status": 429, "body": "TooManyRequestsException"},
    },
    "denied": {
        "smtp": {"stage": "auth", "reply": "535 5.7.8 Authentication failed"},
        "sendgrid": {"status": 403, "body": "The from address does not match a verified Sender Identity."},
        "mailgun": {"status": 401, "body": "Forbidden"},
        "ses": {"status": 400, "body": "AccountSuspendedException"},
    },
    "unwanted": {
        "smtp": {"stage": "answer", "reply": "554 5.7.1 Message rejected"},
        "sendgrid": {"status": 400, "body": "The message is wrong."},
        "mailgun": {"status": 400, "body": "The message is wrong."},
        "ses": {"status": 400, "body": "MessageRejected"},
    },
    "lost": {
        "smtp": {"stage": "answer", "drop": True},
        "sendgrid": {"drop_after": True},
        "mailgun": {"drop_after": True},
        "ses": {"drop_after": True},
    },
    "odd": {
        "smtp": {"stage": "answer", "reply": "354 go ahead"},
        "sendgrid": {"status": 502, "body": "html"},
        "mailgun": {"status": 502, "body": "html"},
        "ses": {"status": 500, "body": "html"},
    },
}


@dataclass
class Bench:
    """A vendor, its simulator, and what arrived there.

    Args:
        untrusted_port: speaks TLS with a certificate that nobody vouches for.
        mute_port: hangs up on everybody.
    """

    vendor: str
    port: int
    post: Post
    switches: Switches
    http: faults.Faults
    surroundings: Surroundings
    smtp: SmtpServer
    untrusted_port: int
    mute_port: int
    _kept: dict[str, Provider] = field(default_factory=dict)

    def provider(self, **settings: object) -> Provider:
        """The vendor as a company's document opens it."""
        document: _Json = {"id": "main", **_DOCUMENTS[self.vendor], **settings}
        if self.vendor == "smtp":
            document.setdefault("port", self.port)
        email = EmailSettings.parse({"from_address": "hola@clinica-sol.example", "providers": [document]})
        secret = Secret(_KEYS.get(self.vendor, "right"))
        return open_provider(email.providers[0], self.surroundings, secret=secret)

    def kept(self, make: Callable[[], Provider]) -> Provider:
        """A provider that is made once for all benches of its vendor."""
        if self.vendor not in self._kept:
            self._kept[self.vendor] = make()
        return self._kept[self.vendor]

    def say(self, what: str) -> None:
        """Have the vendor say this to the next message."""
        self.fail(**_SAYS[what][self.vendor])

    def fail(self, **fault: Any) -> None:  # noqa: ANN401 - fields of a fault
        """Switch one fault on."""
        if self.vendor == "smtp":
            self.switches.faults = [SmtpFault(**fault)]
        else:
            self.http.switched_on = [faults.Fault(path=_PATHS[self.vendor], **fault)]

    def mails(self) -> list[_Json]:
        """What arrived."""
        return [mail.shown() for mail in self.post.all()]


class Benches:
    """The simulators of all vendors, running; a context manager."""

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        self.post, self.switches = Post(), Switches()
        self._kept: dict[str, Provider] = {}
        web, ses = create_app(self.post, self.switches), ses_app(self.post)
        self._apps = {"sendgrid": web, "mailgun": web, "ses": ses}
        base_url = self._stack.enter_context(Server(web)).base_url
        ses_url = self._stack.enter_context(Server(ses)).base_url
        self.smtp_port = free_port()
        self.smtp = self._stack.enter_context(SmtpServer(self.post, self.smtp_port, self.switches))
        self.untrusted_port, self.mute_port = free_port(), free_port()
        hang_up = Switches()
        hang_up.faults = [SmtpFault("connect", None, drop=True)]
        self._stack.enter_context(SmtpServer(Post(), self.untrusted_port, Switches(), implicit_tls=True))
        self._stack.enter_context(SmtpServer(Post(), self.mute_port, hang_up))
        self._around = Surroundings(LOOPBACK, SystemClock(), base_url, base_url, ses_url)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def bench(self, vendor: str) -> Bench:
        """One vendor, with an empty inbox and nothing switched on."""
        self.post.clear()
        self.switches.faults = []
        http: faults.Faults = self._apps.get(vendor, self._apps["ses"]).extensions[faults.EXTENSION]
        http.switched_on = []
        return Bench(
            vendor,
            self.smtp_port,
            self.post,
            self.switches,
            http,
            self._around,
            self.smtp,
            self.untrusted_port,
            self.mute_port,
            self._kept,
        )


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def ses_app(post: Post) -> Flask:
    """The one call of SES that we make."""
    app = Flask(__name__)
    part = Blueprint("ses", __name__)

    @part.post("/v2/email/outbound-emails")
    def send() -> Response:
        wish = request.get_json()
        people = [one for kind in wish["Destination"].values() for one in kind]
        tags = {tag["Name"]: tag["Value"] for tag in wish["EmailTags"]}
        raw = base64.b64decode(wish["Content"]["Raw"]["Data"])
        kept = post.keep("ses", wish["FromEmailAddress"], people, raw, {"tags": tags})
        return jsonify({"MessageId": f"ses-{kept.number}"})

    app.register_blueprint(part)
    refusal: Callable[[faults.Fault], Response | None] = _ses_refusal
    faults.install(app, refusal)
    return app


def _ses_refusal(fault: faults.Fault) -> Response | None:
    wait = {"Retry-After": str(fault.retry_after_seconds)} if fault.retry_after_seconds else {}
    if fault.status is None or fault.body == "html":
        page = faults.html_page(fault)
        if page is not None:
            page.headers.extend(wait)
        return page
    words = json.dumps({"message": "as it was switched on"})
    headers = {"x-amzn-ErrorType": fault.body, **wait}
    return Response(words, fault.status, headers, mimetype="application/json")
