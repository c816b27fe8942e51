"""Stored files: read in their pinned version, removed in all; a store that does not answer is asked again."""

from __future__ import annotations

import hashlib
import socket
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws

from shared.email.file_intake import FileIntake
from shared.email.file_removal import FileRemoval
from shared.email.files import S3Files
from shared.email.message import NewEmail, StoredFile
from shared.platform.clock import Deadline
from shared.platform.errors import GiveUp, RetryLater
from tests.fakes.clock import FakeClock
from tests.support.buckets import make_bucket
from tests.support.email import PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

    from functions.integrations_api.email_services import Bucket


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    """An empty bucket."""
    with mock_aws():
        yield make_bucket()


@pytest.fixture
def file(bucket: Bucket) -> StoredFile:
    """A file of a company, in its first version; a second one has replaced it."""
    key = "company/sol/a.pdf"
    first = bucket.client.put_object(Bucket=bucket.name, Key=key, Body=b"one")
    bucket.client.put_object(Bucket=bucket.name, Key=key, Body=b"two")
    digest = hashlib.sha256(b"one").hexdigest()
    return StoredFile(key=key, version_id=first["VersionId"], sha256=digest, size_bytes=3)


def test_the_pinned_version_is_read(bucket: Bucket, file: StoredFile) -> None:
    """Whatever was written later."""
    assert S3Files(bucket.client, bucket.name).read("sol", file) == b"one"


@pytest.mark.parametrize(
    ("company", "change", "reason"),
    [
        ("other", {}, "attachment_foreign"),
        ("so", {}, "attachment_foreign"),
        ("sol", {"sha256": "0" * 64}, "attachment_changed"),
        ("sol", {"size_bytes": 4}, "attachment_changed"),
        ("sol", {"key": "company/sol/b.pdf"}, "attachment_missing"),
        ("sol", {"version_id": None}, "attachment_unpinned"),
    ],
)
def test_what_is_not_the_companys_or_not_the_same_is_refused(
    bucket: Bucket, file: StoredFile, company: str, change: dict[str, object], reason: str
) -> None:
    """For good."""
    files = S3Files(bucket.client, bucket.name)
    with pytest.raises(GiveUp) as caught:
        files.read(company, file.model_copy(update=change))
    assert caught.value.reason == reason


def test_a_removal_stops_in_time_and_goes_on(bucket: Bucket) -> None:
    """Pages of a hundred versions; another prefix that begins alike is left alone."""
    for number in range(150):
        bucket.client.put_object(Bucket=bucket.name, Key=f"company/sol/file/{number:03}", Body=b"x")
    bucket.client.put_object(Bucket=bucket.name, Key="company/sol-2/file/a", Body=b"x")
    removal, clock, gone = FileRemoval(bucket.client, bucket.name), FakeClock(), list[int]()

    def count(number: int) -> None:
        gone.append(number)
        clock.advance(15)

    assert not removal.remove("company/sol/", count, Deadline(clock, 10))
    assert removal.remove("company/sol/", count, Deadline(clock, 30))
    assert (gone, sum(gone)) == ([100, 50], 150)
    left = bucket.client.list_object_versions(Bucket=bucket.name)["Versions"]
    assert [one["Key"] for one in left] == ["company/sol-2/file/a"]


@pytest.fixture
def silent() -> Iterator[S3Client]:
    """A store at which nobody listens."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        yield boto3.client(
            "s3",
            region_name="eu-west-1",
            endpoint_url=f"http://127.0.0.1:{closed.getsockname()[1]}",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            config=Config(connect_timeout=1, retries={"mode": "standard", "total_max_attempts": 1}),
        )


def test_a_store_that_does_not_answer_is_asked_again(silent: S3Client) -> None:
    """By whoever reads, pins or removes: nothing is taken for gone."""
    stored = StoredFile(key="company/sol/a.pdf", version_id="1", sha256="0" * 64, size_bytes=3)
    attachment = {"name": "a.pdf", "content_type": "application/pdf", "stored": stored.model_dump()}
    email = NewEmail.parse({**PLAIN, "attachments": [attachment]})
    intake = FileIntake(silent, "files", FakeClock(), new_name=lambda: "name")
    with pytest.raises(RetryLater):
        intake.pinned("sol", email)
    with pytest.raises(RetryLater):
        S3Files(silent, "files").read("sol", stored)
    with pytest.raises(RetryLater):
        FileRemoval(silent, "files").remove("company/sol/", lambda _: None)
