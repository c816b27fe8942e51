"""The inbox page, and the vendors' rules that senders run into."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from local.mail_simulator.app import create_app
from local.mail_simulator.kept import Post
from shared.email.mime import mime_bytes
from tests.support.email import invitation, rendered

if TYPE_CHECKING:
    from flask.testing import FlaskClient

KEY = {"Authorization": "Bearer SG.right"}
RIGHT: dict[str, Any] = {
    "personalizations": [{"to": [{"email": "ana@cliente.example"}]}],
    "from": {"email": "hola@clinica-sol.example"},
    "subject": "Hola",
    "content": [{"type": "text/plain", "value": "Hola"}],
}
IMAGE = {"name": "logo.png", "content_type": "image/png", "content": "aG9sYQ==", "content_id": "logo"}


@pytest.fixture
def post() -> Post:
    """An empty inbox."""
    return Post()


@pytest.fixture
def client(post: Post) -> FlaskClient:
    """A browser, or a sender."""
    return create_app(post).test_client()


def keep(post: Post, **fields: Any) -> None:  # noqa: ANN401 - fields of the message
    """One mail arrives."""
    message = rendered(**fields)
    post.keep("smtp", "hola", [one.address for one in message.recipients], mime_bytes(message), {})


def test_the_page_tells_an_invitation_in_words(post: Post, client: FlaskClient) -> None:
    """Also a cancelled one."""
    cancelled = invitation().cancelled(invitation().changed_at)
    keep(post, invitation=invitation().model_dump(mode="json"))
    keep(post, invitation=cancelled.model_dump(mode="json"))
    first, second = client.get("/inbox/1").text, client.get("/inbox/2").text
    assert 'Invitation: <span class="what">Bótox, 30 min; Clínica Sol' in first
    assert "Tue 24 Nov 2026, 12:00 UTC to 12:30" in first
    assert 'Cancelled: <span class="what">Bótox, 30 min; Clínica Sol' in second
    assert (first.count(">invitation<"), first.count(">cancellation<")) == (1, 1)


def test_hostile_mails_run_nothing_in_the_page(post: Post, client: FlaskClient) -> None:
    """Subjects are escaped; the HTML stands in a frame that runs nothing and calls nobody."""
    keep(post, subject="<script>alert(1)</script>", html="<script>alert(1)</script><p>Hola</p>")
    assert "<script>" not in client.get("/inbox").text + client.get("/inbox/1").text
    policy = client.get("/inbox/1/html").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy


def test_images_of_the_mail_are_shown_and_files_are_downloaded(post: Post, client: FlaskClient) -> None:
    """Never in place: a mail's file is somebody else's."""
    keep(post, html="<img src='cid:logo'>", attachments=[IMAGE])
    assert "data:image/png;base64,aG9sYQ==" in client.get("/inbox/1/html").text
    file = client.get("/inbox/1/files/0")
    assert (file.data, file.headers["Content-Disposition"]) == (b"hola", 'attachment; filename="file-0"')


def test_one_images_name_may_begin_anothers(post: Post, client: FlaskClient) -> None:
    """Each is shown where it belongs."""
    other = {**IMAGE, "name": "2.png", "content": "YWRpb3M=", "content_id": "logo2"}
    keep(post, html="<img src='cid:logo'><img src='cid:logo2'>", attachments=[IMAGE, other])
    shown = client.get("/inbox/1/html").text
    assert ("base64,aG9sYQ==" in shown, "base64,YWRpb3M=" in shown, "==2" in shown) == (True, True, False)


def test_an_invitation_that_nobody_can_read_is_told_and_hides_no_other_mail(
    post: Post, client: FlaskClient
) -> None:
    """Whoever wrote it wants to see that."""
    odd = {"name": "x.ics", "content_type": "text/calendar", "content": base64.b64encode(b"hello").decode()}
    keep(post, attachments=[odd])
    keep(post, subject="The next one")
    assert "The invitation cannot be read" in client.get("/inbox/1").text
    assert "The next one" in client.get("/inbox").text
    assert len(client.get("/simulator/mails").json or []) == 2


def test_an_empty_inbox_says_so(client: FlaskClient) -> None:
    """And a mail that is not there is not made up."""
    assert "No mail has arrived yet." in client.get("/inbox").text
    assert client.get("/inbox/7/html").status_code == 501


@pytest.mark.parametrize(
    ("change", "headers", "status", "words"),
    [
        ({}, {}, 401, "authorization grant is invalid"),
        ({}, {"Authorization": "Bearer SG.unpaid"}, 401, "Maximum credits exceeded"),
        ({"from": {"email": "a@unverified.example"}}, KEY, 403, "verified Sender Identity"),
        ({"subject": ""}, KEY, 400, "required"),
        ({"content": [*RIGHT["content"], *RIGHT["content"]]}, KEY, 400, "only be provided once"),
        ({"categories": ["a"] * 11}, KEY, 400, "more than 10 categories"),
        ({"categories": ["a", "a"]}, KEY, 400, "unique list"),
        ({"personalizations": [{"cc": [{"email": "a@x.com"}]}]}, KEY, 400, "at least one email"),
        ({"personalizations": [{"to": [{"email": "a@x.com"}]}] * 2}, KEY, 400, "unique"),
        ({"attachments": [{"content": "", "filename": "a"}]}, KEY, 400, "one character"),
        ({"attachments": [{"content": "YQ==", "filename": "a, b.txt"}]}, KEY, 400, "filename"),
        ({"headers": {"Subject": "x"}}, KEY, 400, "reserved"),
        (
            {"personalizations": [{"to": [{"email": "a@x.com"}], "cc": [{"email": "A@x.com"}]}]},
            KEY,
            400,
            "unique",
        ),
        ({"personalizations": [{"to": [{"email": "josé@x.com"}]}]}, KEY, 400, "valid address"),
        ({"attachments": [{"content": "%", "filename": "a"}]}, KEY, 400, "base64"),
        ({"attachments": [{"content": "", "filename": "a", "type": "text/a; b=c"}]}, KEY, 400, "CRLF"),
        ({}, KEY, 202, ""),
    ],
)
def test_sendgrids_rules(
    client: FlaskClient, change: dict[str, Any], headers: dict[str, str], status: int, words: str
) -> None:
    """In its own words."""
    answer = client.post("/v3/mail/send", json={**RIGHT, **change}, headers=headers)
    assert answer.status_code == status
    assert words in answer.text


def test_mailguns_rules(client: FlaskClient) -> None:
    """The key, the domain, the recipient."""
    basic = {"Authorization": "Basic " + base64.b64encode(b"api:key-1").decode()}
    assert client.post("/v3/x.example/messages.mime").status_code == 401
    assert client.post("/v3/elsewhere.example/messages.mime", headers=basic).status_code == 404
    assert client.post("/v3/x.example/messages.mime", headers=basic).status_code == 400


def test_other_calls_are_not_simulated(client: FlaskClient) -> None:
    """They say so."""
    assert client.get("/v3/suppression/bounces").status_code == 501
    assert client.put("/simulator/smtp-faults", json=[{"stage": "lunch"}]).status_code == 400
