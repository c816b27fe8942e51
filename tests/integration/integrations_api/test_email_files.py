"""Large files of e-mails: a place is given out, the file uploaded, and pinned when its e-mail is taken in."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.email.file_intake import UPLOAD_TIME, USABLE
from shared.email.files import S3Files
from shared.email.ledger import EmailLedger
from shared.email.message import NewEmail
from shared.email.outbox import read_back
from tests.integration.integrations_api.test_emails import MAIL, changed, send
from tests.support.buckets import upload

if TYPE_CHECKING:
    from tests.support.api import Api, Told

PDF = b"%PDF-1.7\n" + bytes(200_000)


@pytest.fixture
def luna(api: Api) -> str:
    """A company with two providers of e-mail; its key."""
    return api.company("luna", email=MAIL)


def place(api: Api, key: str, **fields: object) -> Told:
    """Ask for a place."""
    digest = hashlib.sha256(PDF).hexdigest()
    wish = {"content_type": "application/pdf", "size_bytes": len(PDF), "sha256": digest, **fields}
    return api("POST", "/api/emails/files", wish, key=key)


def uploaded(api: Api, key: str, **fields: str) -> dict[str, Any]:
    """A file that lies there; what an attachment says of it."""
    given = place(api, key, **fields).json
    assert upload(given, PDF)
    stored: dict[str, Any] = given["stored"]
    return stored


def with_file(stored: dict[str, Any]) -> dict[str, Any]:
    """A message with a stored file."""
    return changed(attachments=[{"name": "a.pdf", "content_type": "application/pdf", "stored": stored}])


def kept(api: Api, email_id: str) -> NewEmail:
    """The e-mail as it waits to be sent."""
    ledger = EmailLedger(api.emails_table, api.clock)
    record = ledger.read("luna", email_id)
    assert record is not None
    email = read_back(ledger.content(record))
    assert isinstance(email, NewEmail)
    return email


def test_a_file_is_uploaded_named_and_pinned(api: Api, luna: str) -> None:
    """What is read when the e-mail goes out is the version that lay there when it was taken in."""
    stored = uploaded(api, luna)
    answer = send(api, luna, **with_file(stored))
    assert answer.status == 202
    bucket = api.bucket
    bucket.client.put_object(Bucket=bucket.name, Key=stored["key"], Body=b"something else")
    [file] = kept(api, answer.json["email_id"]).attachments
    assert file.stored is not None
    assert file.stored.version_id
    assert S3Files(bucket.client, bucket.name).read("luna", file.stored) == PDF


def test_a_place_takes_one_file_for_a_quarter_of_an_hour(api: Api, luna: str) -> None:
    """The address says so itself, signed: these bytes, so many, of this type, if nothing is there."""
    given = place(api, luna).json
    query = parse_qs(urlsplit(given["upload"]["url"]).query)
    assert query["X-Amz-Expires"] == [str(int(UPLOAD_TIME.total_seconds()))]
    signed = set(query["X-Amz-SignedHeaders"][0].split(";"))
    assert {"content-length", "content-type", "if-none-match", "x-amz-checksum-sha256"} <= signed
    digest = base64.b64encode(hashlib.sha256(PDF).digest()).decode()
    assert given["upload"]["headers"] == {
        "Content-Type": "application/pdf",
        "Content-Length": str(len(PDF)),
        "If-None-Match": "*",
        "x-amz-checksum-sha256": digest,
    }
    assert given["stored"]["key"].startswith("company/luna/file/")
    assert given["stored"] != place(api, luna).json["stored"]


def test_a_repeated_request_is_the_same_e_mail(api: Api, luna: str) -> None:
    """Pinning changes nothing about that."""
    stored = uploaded(api, luna)
    first, second = (send(api, luna, idempotency_key="k", **with_file(stored)) for _ in range(2))
    assert first.json["email_id"] == second.json["email_id"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"key": "company/sol/file/a"}, "message.attachments[0].stored.key"),
        ({"key": "company/luna/file/never"}, "message.attachments[0].stored.key"),
        ({"key": "company/luna-2/file/a"}, "message.attachments[0].stored.key"),
        ({"version_id": "no-such-version"}, "message.attachments[0].stored.key"),
        ({"size_bytes": 3}, "message.attachments[0].stored.size_bytes"),
        ({"sha256": "0" * 64}, "message.attachments[0].stored.sha256"),
        ({"sha256": "0" * 63}, "message.attachments[0].stored.sha256"),
    ],
)
def test_a_file_that_is_not_what_is_said_is_refused_by_name(
    api: Api, luna: str, change: dict[str, Any], field: str
) -> None:
    """Before anything is kept; what another company has is no different from what is not there."""
    api.company("sol", email=MAIL)
    answer = send(api, luna, **with_file(uploaded(api, luna) | change))
    assert (answer.status, answer.fields) == (422, [field])
    assert api.queued == []


def test_a_file_that_will_be_gone_is_refused(api: Api, luna: str) -> None:
    """E-mails may be on their way for a week: what ends sooner must be uploaded again."""
    stored = uploaded(api, luna)
    api.clock.advance(USABLE.total_seconds() + 366 * 86_400)  # moto's files are from the wall clock's today
    answer = send(api, luna, **with_file(stored))
    assert (answer.status, "upload it again" in answer.text) == (422, True)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"size_bytes": 25 * 1024 * 1024 + 1}, "size_bytes"),
        ({"size_bytes": 0}, "size_bytes"),
        ({"sha256": "no hash"}, "sha256"),
        ({"content_type": "multipart/mixed"}, "content_type"),
        ({"content_type": "text/html\r\nX: y"}, "content_type"),
        ({"name": "a.pdf"}, "name"),
    ],
)
def test_a_wrong_wish_gets_no_place(api: Api, luna: str, fields: dict[str, Any], field: str) -> None:
    """In words."""
    answer = place(api, luna, **fields)
    assert (answer.status, answer.fields) == (422, [field])


def test_places_are_for_keys_that_may_act_and_for_their_own_company(api: Api, luna: str) -> None:
    """A reader gets none; another company's name is nobody's."""
    reader = api.key("luna", "read", "read:text")
    api.company("sol")
    assert place(api, reader).status == 403
    assert place(api, luna, company_id="sol").status == 404


def test_more_than_any_provider_carries_is_refused_at_once(api: Api) -> None:
    """By what the company's own providers take: Mailgun's 25 MB are less than 20 MB encoded."""
    provider = {"id": "main", "vendor": "mailgun", "domain": "mg.luna.example"}
    key = api.company("luna", email={**MAIL, "providers": [provider]})
    stored = {"key": "company/luna/file/a", "sha256": "0" * 64, "size_bytes": 20 * 1024 * 1024}
    answer = send(api, key, **with_file(stored))
    assert (answer.status, answer.fields) == (413, ["message.attachments"])


def test_a_customers_files_are_forgotten_with_them(api: Api, luna: str) -> None:
    """In every version; other customers' and the company's stay."""
    stored = uploaded(api, luna, contact="3-91")
    others = [uploaded(api, luna, contact="3-911"), uploaded(api, luna)]
    assert stored["key"].startswith("company/luna/contact/3-91/")
    bucket = api.bucket
    bucket.client.put_object(Bucket=bucket.name, Key=stored["key"], Body=b"second")
    bucket.client.delete_object(Bucket=bucket.name, Key=stored["key"])
    receipt = api("POST", "/api/companies/luna/contacts/3-91/forget", {}, key=luna).json
    counts = {line["what"]: line["count"] for line in receipt["removed"]}
    assert (receipt["complete"], counts["files of e-mails"]) == (True, 3)
    left = bucket.client.list_object_versions(Bucket=bucket.name)
    assert {one["Key"] for one in left["Versions"]} == {other["key"] for other in others}
    assert "DeleteMarkers" not in left
