"""The bucket of e-mails' files on moto, made like the stack makes it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import boto3
from botocore.config import Config

from functions.integrations_api.email_services import Bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

REGION: Literal["eu-west-1"] = "eu-west-1"
NAME = "frontdesk-files"


@cache
def s3() -> S3Client:
    """A client of whatever account moto has at the moment."""
    client: S3Client = boto3.client(
        "s3",
        region_name=REGION,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(signature_version="s3v4"),
    )
    return client


def make_bucket() -> Bucket:
    """An empty bucket with versions."""
    s3().create_bucket(Bucket=NAME, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3().put_bucket_versioning(Bucket=NAME, VersioningConfiguration={"Status": "Enabled"})
    return Bucket(s3(), NAME)


def upload(place: dict[str, Any], content: bytes) -> str:
    """Put a file where the API said; its version.

    By the SDK, because moto keeps no checksum of what comes by a signed address. Over such an address it is
    done on the deployed stack (tests/e2e/test_emails.py).
    """
    headers = place["upload"]["headers"]
    answer = s3().put_object(
        Bucket=NAME,
        Key=place["stored"]["key"],
        Body=content,
        ContentType=headers["Content-Type"],
        ChecksumAlgorithm="SHA256",
        ChecksumSHA256=headers["x-amz-checksum-sha256"],
        IfNoneMatch=headers["If-None-Match"],
    )
    return answer["VersionId"]
