"""SES in the simulator: who judges is the local AWS behind it, here a stand-in that says what it is told."""

from __future__ import annotations

import base64
import json
import socket
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, Response, request

from local import faults
from local.mail_simulator.app import create_app
from local.mail_simulator.kept import Post
from local.serving import Server
from local.ses_simulator import sending as ses
from shared.email.mime import mime_bytes
from shared.email.providers.contract import Accepted, Ambiguous, NotAccepted, Rejected
from shared.email.providers.ses import Ses, ses_client
from shared.platform.clock import Deadline, SystemClock
from shared.platform.secret import Secret
from tests.support.email import invitation, rendered

if TYPE_CHECKING:
    from collections.abc import Iterator

SHEET = {"name": "citas.csv", "content_type": "text/csv", "content": base64.b64encode(b"a\n.\nb").decode()}
MESSAGE_ID = "0101-1@email.amazonses.com"


@dataclass
class Judge:
    """The local AWS's part: what it says, and what it was asked."""

    status: int = 200
    error: str = ""
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def app(self) -> Flask:
        """It, listening."""
        app = Flask(__name__)

        @app.post("/v2/email/outbound-emails")
        def judge() -> Response:
            self.asked.append((request.full_path, dict(request.headers), request.get_data()))
            headers = {"x-amzn-errortype": self.error} if self.error else {}
            body = {"message": "as it was told"} if self.error else {"MessageId": MESSAGE_ID}
            return Response(json.dumps(body), self.status, headers, mimetype="application/json")

        return app


@dataclass
class Desk:
    """What a test works with."""

    judge: Judge
    post: Post
    provider: Ses
    app: Flask
    host: str

    @property
    def http(self) -> faults.Faults:
        """Calls that came, and faults to come."""
        met: faults.Faults = self.app.extensions[faults.EXTENSION]
        return met


@contextmanager
def running(judge: Judge, aws_url: str = "") -> Iterator[Desk]:
    """A simulator before a judge, and a company's provider that calls it."""
    post = Post()
    with Server(judge.app()) as behind:
        app = create_app(post, aws_url=aws_url or behind.base_url)
        with Server(app) as simulator:
            client = ses_client("eu-west-1", "AKIAIOSFODNN7EXAMPLE", Secret("right"), simulator.base_url)
            host = simulator.base_url.removeprefix("http://")
            yield Desk(judge, post, Ses(client, "events"), app, host)


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A judge that takes everything."""
    with running(Judge()) as one:
        yield one


def soon() -> Deadline:
    """A deadline of the real clock."""
    return Deadline(SystemClock(), 20)


def test_the_call_reaches_the_local_aws_as_it_was_signed(desk: Desk) -> None:
    """The signature covers host, path, date and body: whoever changed one of them would be refused."""
    desk.provider.send(rendered(), soon())
    [(path, headers, body)] = desk.judge.asked
    assert path.rstrip("?") == "/v2/email/outbound-emails"
    assert headers["Host"] == desk.host
    assert headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/")
    assert headers["X-Amz-Date"]
    assert json.loads(body) == desk.http.calls[0]["request"]


def test_what_was_taken_is_kept_as_ses_sends_it_on(desk: Desk) -> None:
    """With an identity and a date of SES's own, and not a byte of the rest changed."""
    message = rendered(attachments=[SHEET], invitation=invitation().model_dump(mode="json"))
    accepted = desk.provider.send(message, soon())
    [mail] = desk.post.all()
    shown, headers = mail.shown(), dict(mail.shown()["headers"])
    assert accepted == Accepted(MESSAGE_ID)
    assert (mail.via, mail.recipients) == ("ses", ["ana@cliente.example"])
    assert headers["Message-ID"] == f"<{MESSAGE_ID}>"
    assert [name for name, _ in shown["headers"]].count("Date") == 1
    assert [file["name"] for file in shown["files"]] == ["citas.csv", "invite.ics"]
    assert shown["invitation"]["method"] == "REQUEST"
    assert mail.extras["tags"]["frontdesk_email_id"] == "em_1"
    assert mail.extras["configuration set"] == "events"


def test_only_identity_and_date_are_replaced() -> None:
    """Folded lines go with their header; what looks like a header in the body stays."""
    body = b"\r\n\r\nDate: no header\r\n\r\nMessage-ID: 1"
    ours = b"From: a@x\r\nmessage-id:\r\n <long@x>\r\nDate: today\r\nX: 1" + body
    own, _, rest = ses.replaced(ours, "theirs@ses").partition(b"From: ")
    assert own.startswith(b"Message-ID: <theirs@ses>\r\nDate: ")
    assert rest == b"a@x\r\nX: 1" + body


def test_a_whole_message_survives_the_replacing() -> None:
    """Its body is the one we wrote."""
    raw = mime_bytes(rendered(attachments=[SHEET], invitation=invitation().model_dump(mode="json")))
    assert ses.replaced(raw, "x@ses").partition(b"\r\n\r\n")[2] == raw.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize(
    ("status", "error", "kind", "about"),
    [
        (403, "AccessDeniedException", Rejected, "account"),
        (403, "InvalidSignatureException", Rejected, "account"),
        (400, "MessageRejected", Rejected, "message"),
        (429, "TooManyRequestsException", NotAccepted, None),
        (500, "InternalFailure", Ambiguous, None),
    ],
)
def test_what_the_local_aws_refuses_is_not_kept(
    status: int, error: str, kind: type[Exception], about: str | None
) -> None:
    """Its words reach the sender as they are."""
    with running(Judge(status, error)) as desk, pytest.raises(kind) as caught:
        desk.provider.send(rendered(), soon())
    assert getattr(caught.value, "about", None) == about
    assert desk.post.all() == []


def test_faults_speak_as_ses_and_ask_nobody(desk: Desk) -> None:
    """A call that a fault answers never reaches the local AWS."""
    desk.http.switched_on = [
        faults.Fault(ses.PATH, status=429, body="TooManyRequestsException"),
        faults.Fault(ses.PATH, status=400),
        faults.Fault(ses.PATH, status=500, body="html"),
    ]
    for kind in (NotAccepted, Rejected, Ambiguous):
        with pytest.raises(kind):
            desk.provider.send(rendered(), soon())
    assert (desk.judge.asked, desk.post.all()) == ([], [])


def test_a_local_aws_that_is_down_is_told_as_such() -> None:
    """Nothing is kept that nobody judged."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with running(Judge(), nowhere) as desk, pytest.raises(Ambiguous):
            desk.provider.send(rendered(), soon())
    assert desk.post.all() == []


def test_other_ways_of_sending_are_not_simulated(desk: Desk) -> None:
    """They say so, and so does SES as a whole without a local AWS."""
    simple: dict[str, Any] = {"Content": {"Simple": {}}}
    assert desk.app.test_client().post(ses.PATH, json=simple).status_code == 501
    assert create_app().test_client().post(ses.PATH, json=simple).status_code == 501
